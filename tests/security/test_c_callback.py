"""The callback: forged, repeated, polluted and oversized returns; what must not happen is counted at a provider that we play (C1 to C14)."""

from __future__ import annotations

import itertools
import threading
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from application import Application, visit
from attack import Attack, refused, returned
from parallel import at_once
from replicas import Replicas
from server import Server
from upstream import Upstream
from vendor import Vendor


def test_c1_forged_callbacks_call_nobody(attack: Attack) -> None:
    code, state = attack.code(), attack.state()
    forged: list[list[tuple[str, str]]] = [
        [], [("code", code)], [("code", code), ("state", "")], [("code", code), ("state", "x" * 43)],
        [("code", code), ("state", state[:-1])], [("code", code), ("state", state.swapcase())],
        [("code", code), ("state", state + "A")], [("code", code), ("state", "{{ state }}")],
        [("code", code), ("state", state), ("state", state)], [("code", code), ("state", state), ("state", "")],
        [("error", "access_denied")], [("error", "access_denied"), ("state", "x" * 43)],
    ]
    for pairs in forged:
        refused(attack.callback(*pairs))
    assert attack.token_requests == 0
    refused(visit(attack.app.callback))
    assert attack.app.connectors("u1") == []


def test_c2_a_used_state_is_dead(attack: Attack) -> None:
    pairs = (("code", attack.code()), ("state", attack.state()))
    assert "secret_id" in returned(attack.callback(*pairs))
    refused(attack.callback(*pairs))
    assert attack.token_requests == 1


def test_c2_twenty_parallel_callbacks_make_one_token_request(attack: Attack) -> None:
    url = attack.app.callback + "?" + urllib.parse.urlencode({"code": attack.code(), "state": attack.state()})
    pages = at_once(20, lambda: visit(url))
    assert sorted(page.status for page in pages) == [303] + [400] * 19
    assert attack.token_requests == 1


@pytest.mark.postgres_only
def test_c3_replicas_consume_a_state_once(tmp_path: Path, definitions: Path, database: str, vendor: Vendor, app_page: Upstream) -> None:
    replicas = Replicas(tmp_path, definitions, count=2)
    try:
        replicas.start()
        attack = Attack(Application(replicas.servers[0], replicas.default, app_page.url, None, "vendor-demo"), vendor)
        for times in range(1, 4):
            query = urllib.parse.urlencode({"code": attack.code(), "state": attack.state()})
            # An iterator's `next` is one step under the interpreter's lock.
            urls = itertools.cycle([f"{server.url}/oauth/callback/vendor-demo?{query}" for server in replicas.servers])
            pages = at_once(20, lambda urls=urls: visit(next(urls)))
            assert sorted(page.status for page in pages) == [303] + [400] * 19
            assert attack.token_requests == times
    finally:
        replicas.close()


def test_c4_polluted_callbacks_exchange_nothing(attack: Attack) -> None:
    for extra in ([("code", "again")], [("iss", "a"), ("iss", "b")], [("error", "access_denied")]):
        page = attack.callback(("code", attack.code()), ("state", attack.state()), *extra)
        assert page.status in (303, 400)
        if page.status == 303:
            assert "secret_id" not in returned(page) and returned(page)["error"]
    assert attack.token_requests == 0


@pytest.mark.sqlite_only
def test_c6_the_providers_text_is_not_handed_on(attack: Attack) -> None:
    for description in ("<script>alert(1)</script>", "a\r\nSet-Cookie: x=y", "x" * 3000):
        for error, shown in (("access_denied", "access_denied"), ("<b>odd</b>", "provider_error"), ("server_error", "server_error")):
            page = attack.callback(("error", error), ("error_description", description), ("state", attack.state()))
            back = returned(page)
            assert back["error"] == shown
            assert description[:20] not in back["error_description"] and len(back["error_description"]) < 1000
            assert page.headers["set-cookie"] is None and "<script" not in page.body
    assert attack.token_requests == 0


def test_c7_c8_the_way_back_leaks_nothing(attack: Attack) -> None:
    page = attack.callback(("code", attack.code()), ("state", attack.state()))
    assert "secret_id" in returned(page)  # and 303, no other
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert page.body == "" and page.headers["set-cookie"] is None
    assert "default-src 'none'" in page.headers["content-security-policy"]
    target = urllib.parse.urlsplit(page.hops[-1][2])
    assert (target.scheme, target.netloc, target.path) == urllib.parse.urlsplit(attack.app.page)[:3]


@pytest.mark.sqlite_only
def test_c9_huge_queries_are_refused(attack: Attack) -> None:
    state = attack.state()
    for query in ("code=" + "x" * 100_000 + "&state=" + state, "&".join(f"p{n}=1" for n in range(3000)) + "&state=" + state):
        answer = attack.app.server.api.below("").get(f"/oauth/callback/vendor-demo?{query}")
        assert answer.status in (400, 414, 431), answer.status
    assert attack.token_requests == 0


@pytest.mark.sqlite_only
def test_c10_only_get_consumes_a_state(attack: Attack) -> None:
    target = "/oauth/callback/vendor-demo?" + urllib.parse.urlencode({"code": attack.code(), "state": attack.state()})
    plain = attack.app.server.api.below("")
    for method in ("HEAD", "OPTIONS", "POST", "PUT", "DELETE"):
        assert plain.call(method, target).status < 500
    assert attack.token_requests == 0
    assert plain.get(target).status == 303
    assert attack.token_requests == 1


@pytest.mark.sqlite_only
def test_c12_undeclared_callback_values_steer_nothing(attack: Attack, trap: Upstream) -> None:
    steering = [(name, trap.url) for name in ("accounts-server", "instance_url", "location", "token_url", "api_domain", "realmId")]
    page = attack.callback(("code", attack.code()), ("state", attack.state()), *steering)
    assert page.status in (303, 400)
    assert trap.requests == []


def test_c14_an_expired_session_says_so(start_server: Callable[..., Server], vendor: Vendor, app_page: Upstream) -> None:
    server = start_server(OAUTH_SESSION_TTL="1s")
    attack = Attack(Application(server, server.default, app_page.url, None, "vendor-demo"), vendor)
    code, state = attack.code(), attack.state()
    threading.Event().wait(1.2)
    assert returned(attack.callback(("code", code), ("state", state)))["error"] == "session_expired"
    assert attack.token_requests == 0
