"""The token endpoint: how we sign in there, and answers good, odd and hostile (F1 to F10)."""

from __future__ import annotations

import base64
import secrets
import threading
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from application import Application
from attack import Attack, returned
from overlay import Overlay
from peers import OidcProvider
from process import until
from server import Server
from tls import Tls
from upstream import Reply, Upstream
from vendor import Vendor


# What form encoding and Basic would each mangle, and what OpenID providers allow in a secret (RFC 6749, VSCHAR).
AWKWARD = "a:b%c+d e&f=g/h?i%20j\"k"


def test_f1_an_awkward_secret_arrives_at_a_real_provider(application: Callable[..., Application], peer: OidcProvider) -> None:
    """RFC 6749 section 2.3.1: form-encoded, then Basic. Exchange, refresh and revocation sign in with it."""
    app = application()
    app.client = peer.register(app.callback, secret=AWKWARD)
    app.api.put("/oauth/credentials", {"connector_type": "oidc-demo", "configuration": app.client.configuration}).ok()
    connector = app.connect("u1")
    peer.kill(peer.stats(app.client)["access_tokens"][-1])
    app.whoami(connector).ok()
    stats = peer.stats(app.client)
    assert stats["code_exchanges"] == 1 and stats["refreshes"] == 1 and stats["refused"] == []
    app.api.delete(f"/integrations/connectors/{connector}").ok(202)
    until("the provider has killed the token", lambda: not peer.alive(app.client, stats["refresh_tokens"][-1]))


@pytest.mark.sqlite_only
def test_f1_a_secret_of_any_script_arrives(attack: Attack) -> None:
    client_id, secret = "client:é %+" + secrets.token_hex(4), "a:b%c+d é☃"
    attack.app.api.put("/oauth/credentials", {
        "connector_type": "vendor-demo", "configuration": {"client_id": client_id, "client_secret": secret}}).ok()
    assert "secret_id" in returned(attack.callback(("code", attack.code()), ("state", attack.state())))
    sent = attack.vendor.seen("/token")[-1].headers["authorization"].removeprefix("Basic ")
    assert [urllib.parse.unquote_plus(part) for part in base64.b64decode(sent).decode().split(":")] == [client_id, secret]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("reply", [
    Reply.of({"error": "invalid_grant"}, 400), Reply.of({"error": "bad_verification_code", "error_description": "secret-text"}),
    Reply.of({"token_type": "Bearer"}), Reply.of({"access_token": None}), Reply.of({"access_token": ""}), Reply.of({"access_token": 7}),
    Reply.of([1]), Reply(200, b"<html>not json"), Reply(200, b"{" * 5000), Reply.of({"access_token": "x"}, 500), Reply(204),
    Reply.of({"access_token": "x" * 400_000}), Reply.of({"access_token": "a\r\nb"}),
], ids=lambda reply: f"{reply.status}-{reply.body[:24]!r}")
def test_f3_unusable_token_answers_fail_the_flow(attack: Attack, reply: Reply) -> None:
    code = "bad-" + secrets.token_hex(8)
    attack.vendor.tokens[code] = reply
    back = returned(attack.callback(("code", code), ("state", attack.state())))
    assert back["error"] == "token_exchange_failed" and "secret_id" not in back
    assert "secret-text" not in str(back)
    assert attack.app.connectors("u1") == []


@pytest.mark.sqlite_only
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f2_the_token_request_follows_no_redirect(attack: Attack, trap: Upstream, status: int) -> None:
    code = "away-" + secrets.token_hex(8)
    attack.vendor.tokens[code] = Reply(status, headers={"location": trap.url + "/token"})
    back = returned(attack.callback(("code", code), ("state", attack.state())))
    assert back["error"] == "token_exchange_failed"
    assert trap.requests == []


@pytest.mark.sqlite_only
@pytest.mark.parametrize("answer", [
    {}, {"expires_in": "3600"}, {"expires_in": 3600.0}, {"expires_in": None}, {"token_type": "bearer"}, {"token_type": None},
    {"scope": "api:read"}, {"scope": None}, {"refresh_token": None}, {"expires_in": 10**12},
    {"expires_in": -5}, {"expires_in": "-5"}, {"expires_in": 0}, {"expires_in": "soon"}, {"expires_in": 10**400}, {"token_type": "BEARER"},
    {"extra": {"nested": [1]}},
], ids=str)
def test_f4_odd_but_usable_token_answers_work(attack: Attack, answer: dict[str, Any]) -> None:
    code = "odd-" + secrets.token_hex(8)
    attack.vendor.grant(code, **answer)
    secret_id = returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]
    connector = attack.app.create("u1", secret_id).ok()["id"]
    assert attack.app.whoami(connector).ok()["result"]["sub"] == "alice"


@pytest.mark.sqlite_only
def test_f5_a_refresh_token_that_is_not_returned_is_kept(
    start_server: Callable[..., Server], vendor: Vendor, app_page: Upstream
) -> None:
    server = start_server(REFRESH_AHEAD="off")
    attack = Attack(Application(server, server.default, app_page.url, None, "vendor-demo"), vendor)
    code, keep = "keep-" + secrets.token_hex(8), "rt-" + secrets.token_hex(8)
    vendor.grant(code, refresh_token=keep, expires_in=1)
    connector = attack.app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()["id"]
    for number in range(2):
        vendor.tokens[keep] = {"access_token": f"at-{keep}-{number}", "token_type": "bearer", "expires_in": 1}
        vendor.accounts[f"at-{keep}-{number}"] = "alice"
        threading.Event().wait(1.1)
        attack.app.whoami(connector).ok()
    sent = [form["refresh_token"] for form in vendor.token_requests(attack.app.client.id) if form["grant_type"] == "refresh_token"]
    assert len(sent) >= 2 and set(sent) == {keep}


def test_f4_an_unknown_lifetime_is_renewed_on_a_401_only(attack: Attack) -> None:
    code = "unknown-" + secrets.token_hex(8)
    attack.vendor.grant(code, refresh_token=f"rt-{code}")
    connector = attack.app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()["id"]
    for _ in range(3):
        attack.app.whoami(connector).ok()
    assert attack.token_requests == 1, "only the exchange"
    attack.vendor.accounts.pop(f"at-{code}")
    attack.vendor.grant(f"rt-{code}")
    attack.app.whoami(connector).ok()
    assert attack.token_requests == 2


@pytest.mark.sqlite_only
def test_f6_narrowed_scopes_are_shown(attack: Attack) -> None:
    for answer, shown in (({"scope": "api:read"}, {"api:read"}), ({}, {"openid", "offline_access", "api:read", "api:write"})):
        code = "narrow-" + secrets.token_hex(8)
        attack.vendor.grant(code, **answer)
        made = attack.app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()
        assert set(made["granted_scopes"]) == shown


@pytest.mark.sqlite_only
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "text/html; charset=utf-8", ""])
def test_f7_answers_of_another_content_type_are_read(attack: Attack, content_type: str) -> None:
    code = "typed-" + secrets.token_hex(8)
    attack.vendor.grant(code)
    form = urllib.parse.urlencode({"access_token": f"at-{code}", "token_type": "bearer", "expires_in": "3600"}).encode()
    body = form if "form" in content_type else b'{"access_token": "at-%s", "token_type": "bearer"}' % code.encode()
    attack.vendor.tokens[code] = Reply(200, body, {"content-type": content_type} if content_type else {})
    connector = attack.app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()["id"]
    attack.app.whoami(connector).ok()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("token_type", ["DPoP", "mac"])
def test_f9_a_token_of_another_type_is_not_used_as_a_bearer_token(attack: Attack, token_type: str) -> None:
    code = "odd-" + secrets.token_hex(8)
    attack.vendor.grant(code, token_type=token_type)
    back = returned(attack.callback(("code", code), ("state", attack.state())))
    assert back.get("error") == "token_exchange_failed", back


@pytest.mark.sqlite_only
def test_f10_an_unknown_certificate_is_not_trusted(
    start_server: Callable[..., Server], vendor: Vendor, app_page: Upstream, tmp_path: Path
) -> None:
    """A token endpoint on an allowed address with a certificate of its own making."""
    tls = Tls(tmp_path)
    overlay = Overlay(tmp_path / "connectors")
    overlay.oidc_provider(vendor.url, "vendor-demo", 3, plain=True)
    text = (overlay.folder / "vendor-demo" / "connector.yaml").read_text()
    overlay.add("vendor-demo", text.replace(f"{vendor.url}/token", f"{tls.url}/token"))
    try:
        server = start_server(connectors=overlay.folder)
        attack = Attack(Application(server, server.default, app_page.url, None, "vendor-demo"), vendor)
        assert returned(attack.callback(("code", attack.code()), ("state", attack.state())))["error"] == "token_exchange_failed"
        assert tls.handshakes_begun >= 1, "it was not even tried"
        assert tls.received == b""
    finally:
        tls.close()
