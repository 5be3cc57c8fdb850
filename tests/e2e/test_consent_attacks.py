"""Attacks on consent: initiate, callback, secret_id, mix-up. What must not happen is counted at a provider that we play.

The numbers in the names (B3, C1, …) are those of the project's threat list.
"""

from __future__ import annotations

import secrets
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from application import Application, visit
from attack import Attack, refused, returned
from parallel import at_once
from peers import OidcProvider
from server import Server
from upstream import Upstream
from vendor import Vendor

Make = Callable[..., Application]


# --- A: OAuth apps and connector types -------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "redirect_uri", "response_type", "client_id", "client_secret", "state", "scope", "code_challenge",
    "code_challenge_method", "request_uri", "request", "nonce", "response_mode", "code", "grant_type", "undeclared", "", "a\x00b",
])
def test_a8_reserved_and_undeclared_inputs_are_refused(attack: Attack, name: str) -> None:
    answer = attack.app.api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": attack.app.page,
        "oauth_input_configuration": {name: "https://evil.example/"},
    })
    body = answer.error(422)
    assert any("oauth_input_configuration" in one["field"] for one in body["errors"])


def test_a8_core_parameters_stand_in_the_url_once(attack: Attack) -> None:
    pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(attack.app.initiate("u1")).query, strict_parsing=True)
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names)
    assert {"response_type", "client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method"} <= set(names)


@pytest.mark.parametrize("spelling", ["oidc-demo", "OIDC-DEMO", "oidc_demo", "OIDC Demo", "oIdC dEmO"])
def test_a9_spellings_of_one_connector_type(application: Make, spelling: str) -> None:
    app = application(peer=None)
    assert app.api.get("/oauth/credentials/spec", {"connector_type": spelling}).ok()["connector_type"] == "oidc-demo"


@pytest.mark.parametrize("spelling", [
    "oidc-demo\x00", "oidc\u00addemo", "\uff4fidc-demo", "oidc-demo ", " oidc-demo", "oidc-demo.", "../oidc-demo", "oıdc-demo",
    "oidc--demo", "OİDC-DEMO", "oidc-demo\n", "{{ 'oidc-demo' }}", "x" * 5000,
])
def test_a9_look_alikes_are_unknown(application: Make, spelling: str) -> None:
    app = application(peer=None)
    app.api.get("/oauth/credentials/spec", {"connector_type": spelling}).error((404, 422))
    app.api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u1", "connector_type": spelling, "redirect_url": app.page,
    }).error((404, 422))
    app.api.put("/oauth/credentials", {
        "connector_type": spelling, "configuration": app.client.configuration,
    }).error((404, 422))


def test_a2_another_organization_sees_nothing(attack: Attack, server: Server) -> None:
    connector = attack.app.create("u1", attack.secret_id()).ok()["id"]
    stranger = server.api.login(server.organization())
    nobody = "5f0c7b7e-0000-4000-8000-000000000000"
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/integrations/connectors/{}", None),
        ("PUT", "/integrations/connectors/{}", {"name": "mine now"}),
        ("DELETE", "/integrations/connectors/{}", None),
        ("POST", "/integrations/connectors/{}/check", {}),
        ("GET", "/integrations/connectors/{}/inspect", None),
        ("GET", "/integrations/connectors/{}/entities", None),
        ("POST", "/integrations/connectors/{}/execute", {"entity": "whoami", "action": "get"}),
        ("POST", "/connectors/sources/{}/execute", {"entity": "whoami", "action": "get"}),
    ]
    before = len(attack.vendor.requests)
    for method, path, body in calls:
        given = {} if body is None else {"body": body}
        foreign = stranger.call(method, path.format(connector), **given).error(404)
        unknown = stranger.call(method, path.format(nobody), **given).error(404)
        foreign["request_id"] = unknown["request_id"] = ""
        assert str(foreign).replace(connector, "ID") == str(unknown).replace(nobody, "ID"), path
    assert len(attack.vendor.requests) == before
    assert stranger.get("/integrations/connectors").ok()["data"] == []
    assert stranger.get("/integrations/connectors", {"workspace_name": "u1"}).ok()["data"] == []
    attack.app.whoami(connector).ok()


# --- B: initiate -----------------------------------------------------------------------------------------


def test_b1_states_do_not_repeat(attack: Attack) -> None:
    # Several users: consents under way are capped for each.
    states = [attack.state(f"u{number % 4}") for number in range(100)]
    assert len(set(states)) == 100
    for state in states:
        assert len(state) >= 43 and all(c.isalnum() or c in "-_" for c in state)


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


@pytest.mark.parametrize("url", HOSTILE_REDIRECTS)
def test_b3_hostile_redirect_urls(attack: Attack, url: str) -> None:
    body = attack.app.api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": url,
    }).error(422)
    assert any(one["field"].endswith("redirect_url") for one in body["errors"])


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


def test_b7_nothing_about_the_user_is_in_the_consent_url(attack: Attack) -> None:
    user = "person@example.test"
    url = attack.app.initiate(user, name="A private name")
    for private in (user, urllib.parse.quote(user), "private", attack.app.organization.id or "", attack.app.client.secret):
        assert private not in url


# --- C: callback -----------------------------------------------------------------------------------------


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


def test_c2_twenty_identical_callbacks_exchange_once(attack: Attack) -> None:
    url = attack.app.callback + "?" + urllib.parse.urlencode({"code": attack.code(), "state": attack.state()})
    pages = at_once(20, lambda: visit(url))
    assert sorted(page.status for page in pages) == [303] + [400] * 19
    assert attack.token_requests == 1


def test_c4_polluted_callbacks_exchange_nothing(attack: Attack) -> None:
    for extra in ([("code", "again")], [("iss", "a"), ("iss", "b")], [("error", "access_denied")]):
        page = attack.callback(("code", attack.code()), ("state", attack.state()), *extra)
        assert page.status in (303, 400)
        if page.status == 303:
            assert "secret_id" not in returned(page) and returned(page)["error"]
    assert attack.token_requests == 0


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
    assert "http" not in page.body
    assert page.headers["set-cookie"] is None


def test_c9_huge_queries_are_refused(attack: Attack) -> None:
    state = attack.state()
    for query in ("code=" + "x" * 100_000 + "&state=" + state, "&".join(f"p{n}=1" for n in range(3000)) + "&state=" + state):
        answer = attack.app.server.api.below("").get(f"/oauth/callback/vendor-demo?{query}")
        assert answer.status in (400, 414, 431), answer.status
    assert attack.token_requests == 0


def test_c10_only_get_consumes_a_state(attack: Attack) -> None:
    target = "/oauth/callback/vendor-demo?" + urllib.parse.urlencode({"code": attack.code(), "state": attack.state()})
    plain = attack.app.server.api.below("")
    for method in ("HEAD", "OPTIONS", "POST", "PUT", "DELETE"):
        assert plain.call(method, target).status < 500
    assert attack.token_requests == 0
    assert plain.get(target).status == 303
    assert attack.token_requests == 1


def test_c12_undeclared_callback_values_steer_nothing(attack: Attack) -> None:
    trap = Upstream()
    try:
        steering = [(name, trap.url) for name in ("accounts-server", "instance_url", "location", "token_url", "api_domain", "realmId")]
        page = attack.callback(("code", attack.code()), ("state", attack.state()), *steering)
        assert page.status in (303, 400)
        assert trap.requests == []
    finally:
        trap.close()


def test_c14_an_expired_session_says_so(start_server: Callable[..., Server], vendor: Vendor, app_page: Upstream) -> None:
    server = start_server(OAUTH_SESSION_TTL="1s")
    attack = Attack(Application(server, server.default, app_page.url, None, "vendor-demo"), vendor)
    code, state = attack.code(), attack.state()
    threading.Event().wait(1.2)
    assert returned(attack.callback(("code", code), ("state", state)))["error"] == "session_expired"
    assert attack.token_requests == 0


# --- D: secret_id ----------------------------------------------------------------------------------------


def test_d1_d4_d5_wrong_redemptions_look_alike_and_consume_nothing(attack: Attack, application: Make, server: Server) -> None:
    secret_id = attack.secret_id("u1")
    foreign = application(peer=None, connector_type="vendor-demo", organization=server.organization())
    other_type = application(peer=None)
    for _ in range(3):
        answers = [
            foreign.create("u1", secret_id),
            attack.app.create("u1", secret_id, connector_type="oidc-demo"),
            other_type.create("u1", secret_id),
            attack.app.create("u1", "unknown-" + secrets.token_hex(16)),
            attack.app.create("u1", secret_id + "x"),
            attack.app.create("u1", secret_id.swapcase()),
        ]
        bodies = [answer.error(400) for answer in answers]
        for body in bodies:
            body["request_id"] = ""
        assert all(body == bodies[0] for body in bodies) and bodies[0]["message"] == "Invalid secret_id"
        wrong_user = attack.app.create("u2", secret_id).error(404)
        assert wrong_user["message"] == "Workspace not found"
    assert attack.app.connectors("u1") == [] and attack.app.connectors("u2") == []
    made = attack.app.create("u1", secret_id).ok()
    attack.app.whoami(made["id"]).ok()


def test_d2_a_secret_id_works_once(attack: Attack) -> None:
    secret_id = attack.secret_id()
    answers = at_once(20, lambda: attack.app.create("u1", secret_id))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19, [answer.text[:200] for answer in answers]
    assert len(attack.app.connectors("u1")) == 1
    assert attack.app.create("u1", secret_id).error(400)["message"] == "Invalid secret_id"


def test_d3_a_secret_id_expires(start_server: Callable[..., Server], vendor: Vendor, app_page: Upstream) -> None:
    server = start_server(SECRET_TTL="1s")
    attack = Attack(Application(server, server.default, app_page.url, None, "vendor-demo"), vendor)
    secret_id = attack.secret_id()
    threading.Event().wait(1.2)
    assert attack.app.create("u1", secret_id).error(400)["message"] == "Invalid secret_id"
    assert attack.app.connectors("u1") == []


@pytest.mark.parametrize(("query", "kept"), [
    ("?secret_id=evil&x=1", {"x": "1"}), ("?a=%26", {"a": "&"}), ("?", {}), ("?x=%23y", {"x": "#y"}),
    ("?x=1&secret_id=a&secret_id=b", {"x": "1"}), ("?error=old", {"error": "old"}), ("?q=a+b%20c", {"q": "a b c"}),
])
def test_d7_the_applications_own_query_survives(attack: Attack, app_page: Upstream, query: str, kept: dict[str, str]) -> None:
    page = attack.callback(("code", attack.code()), ("state", attack.state(redirect_url=f"{app_page.url}/back{query}")))
    back = returned(page)
    secret_id = back.pop("secret_id")
    assert secret_id not in ("evil", "a", "b") and back == kept
    attack.app.create("u1", secret_id).ok()


def test_d8_a_bad_create_does_not_use_the_secret_up(attack: Attack) -> None:
    secret_id = attack.secret_id()
    for wrong in ({"name": "x" * 5000}, {"name": 7}, {"environment": []}, {"replication_config": "x"}, {"name": ""}):
        attack.app.create("u1", secret_id, **wrong).error(422)
    assert attack.app.connectors("u1") == []
    assert attack.app.create("u1", secret_id, name="fine").ok()["name"] == "fine"


# --- E: mix-up -------------------------------------------------------------------------------------------


def test_e1_e4_a_state_belongs_to_its_connectors_path(application: Make, peer: OidcProvider) -> None:
    app, twin = application(), application(connector_type="oidc-twin")
    ours, theirs = app.provider_answer(app.initiate("u1")), twin.provider_answer(twin.initiate("u1"))
    assert app.callback != twin.callback
    for url, path in ((ours, twin.callback), (theirs, app.callback)):
        refused(visit(path + "?" + urllib.parse.urlsplit(url).query))
    for path in ("/oauth/callback/no-such-type", "/oauth/callback/"):
        assert visit(app.server.url + path + "?" + urllib.parse.urlsplit(ours).query).status in (400, 404)
    assert peer.stats(app.client)["token_requests"] == 0 and peer.stats(twin.client)["token_requests"] == 0


@pytest.mark.parametrize("change", ["missing", "other", "slash", "case", "empty", "on-error"])
def test_e2_the_issuer_must_be_the_promised_one(application: Make, peer: OidcProvider, change: str) -> None:
    app = application()
    url = app.provider_answer(app.initiate("u1"), deny=change == "on-error")
    pairs = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    assert pairs.pop("iss") == peer.url
    spelled = {"other": "https://evil.example", "slash": peer.url + "/", "case": peer.url.upper(), "empty": ""}.get(change)
    if spelled is not None:
        pairs["iss"] = spelled
    page = visit(app.callback + "?" + urllib.parse.urlencode(pairs))
    assert returned(page)["error"] == "invalid_state"
    assert peer.stats(app.client)["token_requests"] == 0


def test_e10_users_are_told_apart_byte_for_byte(application: Make) -> None:
    app = application(peer=None, connector_type="vendor-demo")
    names = ["User1", "user1", "user1 ", "\u00e9", "e\u0301", "x" * 250, "\u5b57" * 250, "ﬁ", "fi", "a/b", "a%2Fb", "..", "'; --"]
    ids = []
    for name in names:
        info = app.api.scoped(name).get("/account/applications/scoped-token/info").ok()
        assert info["workspace_name"] == name
        ids.append(info["workspace_id"])
    assert len(set(ids)) == len(names)
