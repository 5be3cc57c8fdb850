"""Initiate: state, redirect URLs, whose user, and what stands in the consent URL (B1 to B8)."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable

import pytest

from api import Answer
from application import Application, visit
from attack import Attack, returned
from parallel import at_once
from process import until
from server import Server


@pytest.mark.sqlite_only
def test_b1_a_thousand_states_do_not_repeat(attack: Attack) -> None:
    states = [state for some in at_once(8, lambda: [attack.state(f"u{n}") for n in range(125)]) for state in some]
    assert len(set(states)) == 1000
    for state in states:
        assert len(state) == 43 and all(c.isascii() and (c.isalnum() or c in "-_") for c in state)
    # 256 random bits: no bit of them is constant. A fair one is, over 1,000 states, with a chance of 2^-999.
    place = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index
    numbers = [[place(c) for c in state] for state in states]
    for position in range(42):
        for bit in range(6):
            assert 0 < sum(number[position] >> bit & 1 for number in numbers) < 1000, f"bit {bit} of character {position}"


def test_b2_the_verifier_is_told_to_the_token_endpoint_only(attack: Attack, server: Server) -> None:
    answer = attack.app.api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": attack.app.page})
    url = answer.ok()["consent_url"]
    page = attack.callback(("code", attack.code()), ("state", attack.app.state(url)))
    made = attack.app.create("u1", returned(page)["secret_id"])
    verifier = attack.vendor.token_requests(attack.app.client.id)[-1]["code_verifier"]
    assert 43 <= len(verifier) <= 128
    heads = json.dumps([list(one.items()) for one in (answer.headers, page.headers, made.headers)])  # type: ignore[attr-defined]
    for text in (url, answer.text, str(page.hops), page.body, made.text, heads):
        assert verifier not in text
    assert verifier.encode() not in server.at_rest()


HOSTILE_REDIRECTS = [
    "", " ", "https://", "https:///cb", "//app.example/cb", "/cb", "cb", "app.example/cb",
    "https://app.example@evil.example/cb", "https://user:pw@app.example/cb", "https://@app.example/cb",
    "https://app.example/cb#fragment", "https://app.example/cb#", "https:/\\evil.example", "https:\\\\evil.example\\cb",
    "https://app.example\\@evil.example/cb", "https://app.example/c\\b", "https://app.example/cb\r\nX: y",
    "https://app.example/cb\n", "https://app.example/\x00cb", "https://app.example/\tcb", "\x01https://app.example/cb",
    "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://app.example/cb", "blob:https://app.example/x",
    "http://app.example/cb", "http://10.0.0.1/cb", "http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/cb",
    "http://localhost@evil.example/cb", "https://app.example:99999/cb", "https://[::1/cb", "HTTP://evil.example/",
    "https://app.example/" + "a" * 10000,
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("url", HOSTILE_REDIRECTS)
def test_b3_hostile_redirect_urls(attack: Attack, url: str) -> None:
    body = attack.app.api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": url,
    }).error(422)
    assert any(one["field"].endswith("redirect_url") for one in body["errors"])


@pytest.mark.sqlite_only
@pytest.mark.parametrize("url", [
    "https://app.example/cb", "https://app.example:8443/cb?x=1", "http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]:3000/cb",
])
def test_b3_ordinary_redirect_urls(attack: Attack, url: str) -> None:
    attack.app.initiate("u1", redirect_url=url)


def test_b3_the_allow_list_is_exact(attack: Attack) -> None:
    api = attack.app.api
    listed = "https://app.example:8443/connected"
    assert api.put("/organizations/redirect-urls", {"data": [listed]}).ok()["data"] == [listed]
    assert api.get("/organizations/redirect-urls").ok()["data"] == [listed]
    attack.app.initiate("u1", redirect_url=listed)
    attack.app.initiate("u1", redirect_url=listed + "?any=query")
    for other in (
        "https://app.example/connected", "https://app.example:8443/connected/", "https://app.example:8443/Connected",
        "https://app.example:8443/connected/../x", "https://app.example:8443/connected%2f", "http://app.example:8443/connected",
        "https://app.example.evil.example:8443/connected", "https://evil.example/?https://app.example:8443/connected",
        "http://localhost:8443/connected",
    ):
        api.post("/integrations/connectors/oauth/initiate", {
            "external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": other,
        }).error(422)
    for wrong in ([1], ["not a url"], ["https://x@y/"], "https://app.example", None, ["http://app.example/"]):
        api.put("/organizations/redirect-urls", {"data": wrong}).error(422)
    assert api.get("/organizations/redirect-urls").ok()["data"] == [listed]


def test_b4_a_scoped_token_initiates_for_its_own_user_only(attack: Attack) -> None:
    theirs = attack.app.api.scoped("w1")
    body = {"connector_type": "vendor-demo", "redirect_url": attack.app.page}
    theirs.post("/integrations/connectors/oauth/initiate", {**body, "external_user_id": "w2"}).error(403)
    theirs.post("/integrations/connectors/oauth/initiate", {**body, "external_user_id": "w1"}).ok()
    secret_id = attack.secret_id("w2")
    theirs.post("/integrations/connectors", {
        "external_user_id": "w2", "connector_type": "vendor-demo", "server_side_oauth_secret_id": secret_id,
    }).error(403)
    attack.app.create("w2", secret_id).ok()


@pytest.mark.sqlite_only
def test_b6_consents_under_way_are_capped(start_server: Callable[..., Server]) -> None:
    server = start_server(MAX_PENDING_CONSENTS="30", MAX_PENDING_CONSENTS_PER_WORKSPACE="10", OAUTH_SESSION_TTL="3s")
    app = Application(server, server.default, "https://app.example/cb", None, "vendor-demo")
    body = {"connector_type": "vendor-demo", "redirect_url": app.page}

    def initiate(user: str) -> Answer:
        return app.api.post("/integrations/connectors/oauth/initiate", {**body, "external_user_id": user})

    # Counted without a lock: as many as run at once may pass the limit.
    answers = at_once(8, lambda: [initiate("u1") for _ in range(5)])
    statuses = [answer.status for some in answers for answer in some]
    assert set(statuses) == {200, 429} and 10 <= statuses.count(200) <= 18
    initiate("u1").error(429, "too_many_consents")
    # One user's flood does not stop another one's consent; all together have a limit, too.
    assert initiate("u2").status == 200
    for number in range(40):
        last = initiate(f"u{number}")
    refused = last.error(429, "too_many_consents")
    assert refused["errors"][0]["details"]["retryable"] is True
    until("the old ones have ended", lambda: initiate("u1").status == 200, 10)


def test_b7_nothing_about_the_user_is_in_the_consent_url(attack: Attack) -> None:
    user = "person@example.test"
    url = attack.app.initiate(user, name="A private name")
    for private in (user, urllib.parse.quote(user), "private", attack.app.organization.id or "", attack.app.client.secret):
        assert private not in url


@pytest.mark.sqlite_only
def test_b8_answers_with_secrets_are_not_cached(attack: Attack) -> None:
    api = attack.app.api
    organization = attack.app.organization
    url = attack.app.initiate("u1")
    answers = {
        "initiate": api.post("/integrations/connectors/oauth/initiate", {
            "external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": attack.app.page}).headers,
        "application token": api.post("/account/applications/token", {
            "client_id": organization.client_id, "client_secret": organization.client_secret}).headers,
        "scoped token": api.post("/account/applications/scoped-token", {"workspace_name": "u1"}).headers,
        "callback": attack.callback(("code", attack.code()), ("state", attack.app.state(url))).headers,
        "refused callback": visit(attack.app.callback).headers,
    }
    for name, headers in answers.items():
        assert headers["cache-control"] == "no-store", name
