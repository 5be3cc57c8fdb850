"""What lies in the database, on disk and in the log, and with which key it opens (L1 to L8)."""

from __future__ import annotations

import base64
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import postgres
from application import Application, visit
from peers import OidcProvider
from server import Server
from upstream import Upstream
from vendor import Vendor

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


def _change(server: Server, *statements: str) -> None:
    """Runs statements on the database of a server that is not running."""
    if server.postgres_url is not None:
        for statement in statements:
            postgres.run(statement, server.postgres_url)
        return
    with sqlite3.connect(server.data / "keybearer.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def _swap(server: Server, table: str) -> None:
    """Gives each of the two rows of `table` the sealed bytes of the other one."""
    _change(
        server, f"CREATE TABLE copies AS SELECT id, sealed FROM {table}",
        f"UPDATE {table} SET sealed = (SELECT copies.sealed FROM copies WHERE copies.id <> {table}.id)", "DROP TABLE copies",
    )


@pytest.mark.parametrize("kind", ["grants of two users", "apps of two organizations", "an older version of its own"])
def test_l2_sealed_bytes_that_were_moved_do_not_open(start_server: Start, vendor: Vendor, app_page: Upstream, kind: str) -> None:
    server = start_server()
    apps = [Application(server, of, app_page.url, None, "vendor-demo") for of in (server.default, server.organization())]
    connectors, tokens = [], []
    for number, user in enumerate(["a", "b"]):
        tokens.append(f"CNRY-{user}-" + secrets.token_hex(8))
        vendor.accounts[tokens[-1]] = user
        connectors.append(apps[0].api.post("/integrations/connectors", {
            "external_user_id": user, "connector_type": "vendor-demo", "credentials": {"access_token": tokens[-1]}}).ok()["id"])
        assert apps[0].whoami(connectors[number]).ok()["result"]["sub"] == user
    pending = [app.state(app.initiate("u")) for app in apps]
    server.stop()
    if kind == "apps of two organizations":
        _swap(server, "oauth_apps")
    elif kind == "grants of two users":
        _swap(server, "grants")
    else:
        _change(server, "UPDATE grants SET version = version + 1")
    server.start()
    before = len(vendor.requests)
    if kind == "apps of two organizations":
        for app, state in zip(apps, pending, strict=True):
            code = "code-" + secrets.token_hex(8)
            vendor.grant(code)
            page = visit(app.callback + f"?code={code}&state={state}")
            assert page.status != 303 or "error=" in page.hops[-1][2]
            assert vendor.token_requests(app.client.id) == []
    else:
        for connector in connectors:
            answer = apps[0].whoami(connector)
            assert answer.status >= 500 or answer.status == 409, answer.text
            answer.error(answer.status)
            assert not any(token in answer.text for token in tokens)
    assert len(vendor.requests) == before, "something was sent with a secret that does not belong there"


@pytest.mark.sqlite_only
def test_l8_a_restored_copy_with_a_rotated_token_asks_for_a_reconnect_once(
    start_server: Start, peer: OidcProvider, app_page: Upstream, tmp_path: Path
) -> None:
    """The copy's refresh token was replaced after it was made: one refusal, told as such, and no loop."""
    server = start_server(REFRESH_AHEAD="off")
    app = Application(server, server.default, app_page.url, peer)
    connector = app.connect("u1")
    server.cli("backup", str(tmp_path / "copy"))
    peer.kill(peer.stats(app.client)["access_tokens"][-1])
    app.whoami(connector).ok()
    assert peer.stats(app.client)["refreshes"] == 1
    server.stop()
    for file in server.data.glob("keybearer.db*"):
        file.unlink()
    shutil.copy(tmp_path / "copy" / "keybearer.db", server.data / "keybearer.db")
    server.start()
    app.api = server.api.login(server.default)
    for _ in range(4):
        app.whoami(connector).error(409, "reauthorization_required")
    shown = app.api.get(f"/integrations/connectors/{connector}").ok()
    assert shown["status"] == "reauthorization_required"
    stats = peer.stats(app.client)
    assert len(stats["refused"]) == 1, "presented once"
    assert app.connect("u1", connector_id=connector) == connector
    app.whoami(connector).ok()
