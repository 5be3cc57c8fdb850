"""What lies in the database, on disk and in the log, and with which key it opens (L1 to L6)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from application import Application, visit
from peers import OidcProvider
from server import Server
from upstream import Upstream

Start = Callable[..., Server]


def test_l4_a_wrong_master_key_refuses_to_start(start_server: Start) -> None:
    server = start_server()
    Application(server, server.default, "https://app.example/", None, "vendor-demo")
    server.stop()
    other = base64.b64encode(secrets.token_bytes(32)).decode()
    said = server.refuses_to_start(MASTER_KEY=other)
    assert "key" in said.lower() and other not in said
    for bad in ("short", "!" * 44, base64.b64encode(b"x" * 31).decode(), base64.b64encode(b"x" * 33).decode()):
        said = server.refuses_to_start(MASTER_KEY=bad)
        assert "MASTER_KEY" in said and "32" in said
        assert bad == "short" or bad not in said, "the key was echoed"
    if server.database == "postgres":
        del server.settings["MASTER_KEY"]
        assert "MASTER_KEY" in server.refuses_to_start()
        server.settings["MASTER_KEY"] = server.master_key
    else:
        # SQLite may leave an empty file beside the database.
        key = next(file for file in server.data.rglob("*") if file.is_file() and 0 < file.stat().st_size < 200)
        kept = key.read_bytes()
        key.unlink()
        said = server.refuses_to_start()
        assert "key" in said.lower()
        assert not key.exists(), "a new key was made beside an existing database"
        key.write_bytes(kept)
        key.chmod(0o600)
    server.start()
    server.api.login(server.default)


def test_l1_l5_l6_no_secret_on_disk_or_in_the_log(start_server: Start, peer: OidcProvider, app_page: Upstream) -> None:
    """Everything secret that a whole life of a grant sees, searched for in database, data folder and trace log."""
    server = start_server(LOG="trace", REFRESH_AHEAD="off")
    app = Application(server, server.default, app_page.url, peer)
    consent_url = app.initiate("u1")
    callback = app.provider_answer(consent_url)
    page = visit(callback)
    secret_id = parse_qs(urlsplit(page.hops[-1][2]).query)["secret_id"][0]
    code = parse_qs(urlsplit(callback).query)["code"][0]
    connector = app.create("u1", secret_id).ok()["id"]
    app.whoami(connector).ok()
    peer.kill(peer.stats(app.client)["access_tokens"][-1])
    app.whoami(connector).ok()  # a refresh
    app.create("u1", secret_id).error(400)
    peer.break_tokens(app.client, 500, 1, {"error": "server_error", "error_description": "echo " + app.client.secret})
    peer.kill(peer.stats(app.client)["access_tokens"][-1])
    app.whoami(connector)
    app.server.api.post("/account/applications/token", {"client_id": server.default.client_id, "client_secret": "wrong-canary-1"}).error(401)
    imported = "imported-canary-" + secrets.token_hex(12)
    app.api.post("/integrations/connectors", {
        "external_user_id": "u2", "connector_type": "vendor-demo", "credentials": {"access_token": imported}}).ok()
    scoped = app.api.scoped("u1").token or ""
    stats = peer.stats(app.client)
    secret = {
        "client secret of the application": server.default.client_secret, "client secret at the provider": app.client.secret,
        "code": code, "state": app.state(consent_url), "secret_id": secret_id, "imported token": imported,
        "wrong secret": "wrong-canary-1", "application token": app.api.token or "", "scoped token": scoped,
        "master key": server.master_key if server.database == "postgres" else "",
        **{f"access token {n}": token for n, token in enumerate(stats["access_tokens"])},
        **{f"refresh token {n}": token for n, token in enumerate(stats["refresh_tokens"])},
    }
    assert len(stats["access_tokens"]) >= 2 and len(stats["refresh_tokens"]) >= 2
    running = server.at_rest()
    server.stop()
    stopped = server.at_rest()
    assert b"DEBUG" in running or b"TRACE" in running, "the log is not at trace level"
    for name, value in secret.items():
        if value:
            assert value.encode() not in running and value.encode() not in stopped, f"{name} lies on disk or in the log"
