"""Refresh and rotation at a provider that kills a grant whose refresh token comes twice (G1 to G9)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from application import Application
from attack import Attack, returned
from losing import Losing
from overlay import Overlay
from parallel import at_once
from peers import OidcProvider
from process import until
from server import Server
from upstream import Reply, Upstream
from vendor import Vendor

Make = Callable[..., Application]
Start = Callable[..., Server]


def test_g1_parallel_calls_at_expiry_refresh_once(start_server: Start, peer: OidcProvider, app_page: Upstream) -> None:
    """The peer kills the grant when a refresh token comes twice, so success is the proof; the count is shown too."""
    server = start_server(REFRESH_AHEAD="off")
    app = Application(server, server.default, app_page.url + "/back", peer, access_ttl=5)
    connector = app.connect("u1")
    time.sleep(5.2)
    answers = at_once(100, lambda: app.whoami(connector))
    assert [answer.status for answer in answers] == [200] * 100, [answer.text[:300] for answer in answers]
    stats = peer.stats(app.client)
    assert stats["refreshes"] == 1 and stats["refused"] == [] and stats["grants_revoked"] == 0


def test_g8_a_401_brings_one_refresh_and_one_repeat(application: Make, peer: OidcProvider) -> None:
    app = application()
    connector = app.connect("u1", login="writer-" + secrets.token_hex(4))
    peer.kill(peer.stats(app.client)["access_tokens"][-1])
    note = app.api.execute(connector, "notes", "create", {"text": "after a 401"}).ok()["result"]
    assert note["id"] == "n26"
    assert peer.stats(app.client)["refreshes"] == 1
    assert app.api.get(f"/integrations/connectors/{connector}").ok()["status"] == "active"


@pytest.mark.sqlite_only
def test_g6_a_token_endpoint_in_trouble_costs_no_grant(
    start_server: Start, peer: OidcProvider, app_page: Upstream
) -> None:
    server = start_server(REFRESH_AHEAD="off")
    app = Application(server, server.default, app_page.url, peer, access_ttl=1)
    connector = app.connect("u")
    time.sleep(1.2)
    peer.break_tokens(app.client, 503, 50)
    app.whoami(connector).error((502, 503, 504))
    assert app.api.get(f"/integrations/connectors/{connector}").ok()["status"] == "active"
    peer.break_tokens(app.client, 503, 0)
    until("the grant works again", lambda: app.whoami(connector).status == 200)


def test_g3_waiting_calls_see_no_dead_grant(start_server: Start, peer: OidcProvider, app_page: Upstream) -> None:
    """A slow refresh with callers that come meanwhile: all get the new token, and the status never leaves `active`."""
    server = start_server(REFRESH_AHEAD="off")
    app = Application(server, server.default, app_page.url, peer, access_ttl=2)
    connector = app.connect("u1")
    peer.slow(app.client, token_ms=700)
    time.sleep(2.2)
    statuses: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            statuses.append(app.api.get(f"/integrations/connectors/{connector}").ok()["status"])

    watching = threading.Thread(target=watch)
    watching.start()
    answers: list[int] = []

    def call(after: float) -> None:
        time.sleep(after)
        answers.append(app.whoami(connector).status)

    callers = [threading.Thread(target=call, args=(n * 0.05,)) for n in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    over.set()
    watching.join()
    stats = peer.stats(app.client)
    assert answers == [200] * 20 and set(statuses) == {"active"}
    assert stats["refreshes"] == 1 and stats["refused"] == [] and stats["grants_revoked"] == 0


class Lost:
    """An application whose provider's token endpoint stands behind a proxy that loses answers."""

    def __init__(self, start_server: Start, folder: Path, origin: str, name: str, **overlay: Any) -> None:
        self.proxy = Losing(origin)
        definitions = Overlay(folder / "connectors")
        definitions.oidc_provider(origin, name, **overlay)
        text = (definitions.folder / name / "connector.yaml").read_text()
        for key in ("tokenUrl", "refreshUrl"):
            text = text.replace(f"{key}: {origin}/token", f"{key}: {self.proxy.url}/token")
        definitions.add(name, text)
        self.server = start_server(connectors=definitions.folder, REFRESH_AHEAD="off")


class Waiting:
    """A connector at a provider whose token endpoint loses answers; its access token has ended."""

    def __init__(self, lost: Lost, vendor: Vendor, page: str) -> None:
        self.lost, self.vendor = lost, vendor
        attack = Attack(Application(lost.server, lost.server.default, page, None, "vendor-demo"), vendor)
        self.app, code = attack.app, attack.code()
        self.refresh_token = f"rt-{code}"
        vendor.grant(code, refresh_token=self.refresh_token, expires_in=1)
        self.connector = self.app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()["id"]
        vendor.grant(self.refresh_token, refresh_token=f"rt2-{code}", expires_in=3600)
        time.sleep(1.2)

    def sent(self) -> list[str]:
        """The refresh tokens that the provider got."""
        return [form["refresh_token"] for form in self.vendor.token_requests(self.app.client.id) if "refresh_token" in form]

    def refused(self) -> dict[str, Any]:
        """Details of a call that finds no token to use."""
        body = self.app.whoami(self.connector).error(502, "token_endpoint_error")
        details: dict[str, Any] = body["errors"][0]["details"]
        return details


def test_g5_a_lost_answer_is_asked_for_once_more_and_the_truth_is_told(
    start_server: Start, tmp_path: Path, peer: OidcProvider, app_page: Upstream
) -> None:
    """The provider rotated and takes the second use for theft: the grant is gone, and that is said, without a loop."""
    lost = Lost(start_server, tmp_path, peer.url, "oidc-demo")
    try:
        app = Application(lost.server, lost.server.default, app_page.url, peer, access_ttl=1)
        connector = app.connect("u1")
        time.sleep(1.2)
        lost.proxy.lose = 1
        answers = [app.whoami(connector) for _ in range(5)]
        assert lost.proxy.lost == 1
        answers[-1].error(409, "reauthorization_required")
        shown = app.api.get(f"/integrations/connectors/{connector}").ok()
        assert shown["status"] == "reauthorization_required" and shown["status_reason"]
        stats = peer.stats(app.client)
        assert stats["refreshes"] == 1 and len(stats["refused"]) == 1 and stats["grants_revoked"] == 1
        assert stats["token_requests"] == 3, "the exchange, the lost refresh, and once more"
    finally:
        lost.proxy.close()


@pytest.mark.sqlite_only
def test_g5_a_provider_that_tolerates_a_repeat_keeps_its_grant(
    start_server: Start, tmp_path: Path, vendor: Vendor, app_page: Upstream
) -> None:
    lost = Lost(start_server, tmp_path, vendor.url, "vendor-demo", number=3, plain=True)
    try:
        waiting = Waiting(lost, vendor, app_page.url)
        lost.proxy.lose = 1
        until("a call comes through", lambda: waiting.app.whoami(waiting.connector).status == 200, 5)
        assert lost.proxy.lost == 1
        assert waiting.sent() == [waiting.refresh_token] * 2
    finally:
        lost.proxy.close()


def test_g5_a_third_send_never_comes(start_server: Start, tmp_path: Path, vendor: Vendor, app_page: Upstream) -> None:
    """Two outcomes that nobody knows: nothing is sent any more, and nobody says that the grant is dead."""
    lost = Lost(start_server, tmp_path, vendor.url, "vendor-demo", number=3, plain=True)
    try:
        waiting = Waiting(lost, vendor, app_page.url)
        lost.proxy.lose = 100
        assert [waiting.refused()["retryable"] for _ in range(2)] == [True, True]
        for _ in range(5):
            details = waiting.refused()
            assert details["retryable"] is False and details["reconnect"]["body"]["connector_id"] == waiting.connector
        assert len(waiting.sent()) == 2 and lost.proxy.lost == 2
        shown = waiting.app.api.get(f"/integrations/connectors/{waiting.connector}").ok()
        assert shown["status"] == "active" and "unanswered" in shown["status_reason"]
    finally:
        lost.proxy.close()


@pytest.mark.sqlite_only
def test_g5_the_retry_waits_until_the_endpoint_answers(
    start_server: Start, tmp_path: Path, vendor: Vendor, app_page: Upstream
) -> None:
    lost = Lost(start_server, tmp_path, vendor.url, "vendor-demo", number=3, plain=True)
    try:
        waiting = Waiting(lost, vendor, app_page.url)
        lost.proxy.silent = True
        for _ in range(5):
            assert waiting.refused()["retryable"] is True
        assert len(waiting.sent()) == 1, "asked without the token"
        lost.proxy.silent = False
        until("the retry comes through", lambda: waiting.app.whoami(waiting.connector).status == 200, 20)
        assert len(waiting.sent()) == 2
    finally:
        lost.proxy.close()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("trouble", [
    Reply.of({"error": "server_error"}, 500), Reply.of({"error": "slow_down"}, 429, retry_after="1"), Reply(503, b"<html>busy</html>"),
    Reply.of({"error": "temporarily_unavailable"}, 400), Reply(200, b"not json"), Reply(401), Reply(404),
], ids=lambda reply: f"{reply.status}-{reply.body[:12]!r}")
def test_g6_trouble_is_not_taken_for_a_refusal(attack: Attack, trouble: Reply) -> None:
    """Only `invalid_grant` ends a grant, whatever else a token endpoint says."""
    code = attack.code()
    connector = attack.app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()["id"]
    attack.vendor.accounts.pop(f"at-{code}")
    attack.vendor.tokens[f"rt-{code}"] = trouble
    for _ in range(3):
        attack.app.whoami(connector).error((409, 502, 503, 504))
        assert attack.app.api.get(f"/integrations/connectors/{connector}").ok()["status"] == "active"
    attack.vendor.grant(f"rt-{code}", expires_in=3600)
    until("the grant works again", lambda: attack.app.whoami(connector).status == 200, 40)


@pytest.mark.parametrize("action", ["read", "write"])
def test_g8_an_api_that_always_says_401_is_called_twice(attack: Attack, action: str) -> None:
    code = attack.code()
    connector = attack.app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()["id"]
    attack.vendor.accounts.pop(f"at-{code}")
    attack.vendor.grant(f"rt-{code}", refresh_token=f"rt2-{code}", expires_in=3600)
    attack.vendor.accounts.pop(f"at-rt-{code}")
    before = len(attack.vendor.requests)
    call = {"read": ("whoami", "get", {}), "write": ("notes", "create", {"text": "x"})}[action]
    attack.app.api.execute(connector, *call).error(409, "reauthorization_required")
    paths = [one.path for one in attack.vendor.requests[before:]]
    operation = "/api/whoami" if action == "read" else "/api/notes"
    assert paths == [operation, "/token", operation]
    assert attack.app.api.get(f"/integrations/connectors/{connector}").ok()["status"] == "active"


def test_g9_a_late_refresh_does_not_bring_a_deleted_connector_back(
    start_server: Start, tmp_path: Path, peer: OidcProvider, app_page: Upstream
) -> None:
    """The provider has rotated; its answer comes when the connector is gone."""
    lost = Lost(start_server, tmp_path, peer.url, "oidc-demo")
    try:
        app = Application(lost.server, lost.server.default, app_page.url, peer)
        connector = app.connect("u1")
        peer.kill(peer.stats(app.client)["access_tokens"][-1])
        lost.proxy.gate.clear()
        calling = threading.Thread(target=lambda: app.whoami(connector))
        calling.start()
        until("the provider has rotated", lambda: peer.stats(app.client)["refreshes"] == 1)
        app.api.delete(f"/integrations/connectors/{connector}").ok(202)
        lost.proxy.gate.set()
        calling.join()
        app.whoami(connector).error(404)
        assert app.connectors("u1") == []
        stats = peer.stats(app.client)
        tokens = [*stats["access_tokens"], *stats["refresh_tokens"]]
        assert len(tokens) == 4
        until("what the late refresh brought is dead, too", lambda: not any(peer.alive(app.client, token) for token in tokens))
    finally:
        lost.proxy.gate.set()
        lost.proxy.close()
