"""What token endpoints answer, good, odd and hostile (F2 to F5), by a provider that the suite scripts."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any

import pytest

from application import Application
from attack import Attack, returned
from server import Server
from upstream import Reply, Upstream
from vendor import Vendor


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


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f2_the_token_request_follows_no_redirect(attack: Attack, status: int) -> None:
    trap = Upstream()
    try:
        code = "away-" + secrets.token_hex(8)
        attack.vendor.tokens[code] = Reply(status, headers={"location": trap.url + "/token"})
        back = returned(attack.callback(("code", code), ("state", attack.state())))
        assert back["error"] == "token_exchange_failed"
        assert trap.requests == []
    finally:
        trap.close()


@pytest.mark.parametrize("answer", [
    {}, {"expires_in": "3600"}, {"expires_in": 3600.0}, {"expires_in": None}, {"token_type": "bearer"}, {"token_type": None},
    {"scope": "api:read"}, {"scope": None}, {"refresh_token": None}, {"expires_in": 10**12}, {"extra": {"nested": [1]}},
], ids=str)
def test_f4_odd_but_usable_token_answers_work(attack: Attack, answer: dict[str, Any]) -> None:
    code = "odd-" + secrets.token_hex(8)
    attack.vendor.grant(code, **answer)
    secret_id = returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]
    connector = attack.app.create("u1", secret_id).ok()["id"]
    assert attack.app.whoami(connector).ok()["result"]["sub"] == "alice"


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
