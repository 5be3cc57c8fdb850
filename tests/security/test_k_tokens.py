"""Our own bearer tokens: who may call what, forgery, guessing, and requests that a browser was tricked into (K1 to K13)."""

from __future__ import annotations

import base64
import http.client
import json
import re
import secrets
import urllib.parse
from collections.abc import Callable

import pytest

from api import Answer, Api, Organization
from application import Application
from process import until
from routes import NOBODY, OPEN, ROUTES
from server import Server
from upstream import Upstream

Make = Callable[..., Application]


def _call(api: Api, method: str, path: str, body: dict[str, str] | None = None) -> Answer:
    return api.call(method, path, body or {}) if method in ("POST", "PUT") else api.call(method, path)


def test_k1_every_route_knows_its_tokens(application: Make) -> None:
    app = application(peer=None)
    scoped = app.api.scoped("w1")
    wrong: list[str] = []
    for method, path, with_application, with_scoped in ROUTES:
        named = f"{method} {path}"
        _call(app.server.api, method, path).error(401)
        for api, allowed, kind in ((app.api, with_application, "application"), (scoped, with_scoped, "scoped")):
            answer = _call(api, method, path)
            if allowed and answer.status in (401, 403, 405, 501) or not allowed and answer.status != 403:
                wrong.append(f"{named} with {kind} token: {answer.status} {answer.text[:160]}")
            if answer.status >= 400:
                answer.error(answer.status)
    assert not wrong, "\n".join(wrong)


@pytest.mark.sqlite_only
def test_k1_the_table_has_every_route(server: Server) -> None:
    """A route that is added is added to the table, with who may call it."""
    document = server.api.below("").get("/openapi.json").ok()
    known = [(method, re.sub("[0-9a-f]{8}-[0-9a-f-]{27}", "{}", path.split("?")[0]).replace("/oidc-demo", "/{}")) for method, path, _, _ in ROUTES]
    unknown = []
    for path, item in document["paths"].items():
        short = re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api/v1"))
        for method in item:
            if (method.upper(), path.removeprefix("/api/v1")) not in OPEN and (method.upper(), short) not in known:
                unknown.append(f"{method.upper()} {path}")
    assert unknown == []


def test_k1_real_ids_are_of_no_use_to_others(application: Make, server: Server) -> None:
    """Each route that takes an id, with an id that exists, and with every token that must not reach it."""
    app = application(peer=None, connector_type="vendor-demo")
    made = app.api.post("/integrations/connectors", {
        "external_user_id": "w1", "connector_type": "vendor-demo", "credentials": {"access_token": "x"}}).ok()
    doomed = app.api.post("/integrations/connectors", {
        "external_user_id": "w1", "connector_type": "vendor-demo", "credentials": {"access_token": "x"}}).ok()["id"]
    job = app.api.delete(f"/integrations/connectors/{doomed}").ok(202)["job_id"]
    ids = {"/integrations/connectors/": made["id"], "/connectors/": made["id"], "/workspaces/": made["workspace_id"], "/jobs/": job}
    stranger = server.api.login(server.organization())
    strangers = {"another organization": stranger, "its scoped token": stranger.scoped("w1"), "another workspace": app.api.scoped("w2")}
    gone = app.api.scoped("gone")
    gone_id = gone.get("/account/applications/scoped-token/info").ok()["workspace_id"]
    app.api.delete(f"/workspaces/{gone_id}")
    until("the token of a deleted workspace has ended", lambda: gone.get("/integrations/connectors").status == 401, 5)
    counted = 0
    for method, path, _, _ in ROUTES:
        own = next((value for start, value in ids.items() if path.startswith(start) and NOBODY in path), None)
        if own is None:
            continue
        counted += 1
        body = {"entity": "whoami", "action": "get"} if path.endswith("/execute") else {"name": "mine"} if method == "PUT" else {}
        for kind, api in strangers.items():
            foreign, unknown = _call(api, method, path.replace(NOBODY, own), body), _call(api, method, path, body)
            assert foreign.status in (403, 404), f"{kind}: {method} {path}: {foreign.status}"
            assert _comparable(foreign).replace(own, NOBODY) == _comparable(unknown), f"{kind}: {method} {path}"
        _call(gone, method, path.replace(NOBODY, own)).error(401)
    assert counted >= 12
    app.api.get(f"/integrations/connectors/{made['id']}").ok()


def _comparable(answer: Answer) -> str:
    return json.dumps({**answer.error(answer.status), "request_id": ""})


@pytest.mark.sqlite_only
def test_k4_a_call_that_is_not_allowed_says_so_by_rfc_6750(application: Make) -> None:
    scoped = application(peer=None).api.scoped("w1")
    answer = scoped.get("/workspaces")
    answer.error(403)
    missing = scoped.bearing(None).get("/workspaces")
    missing.error(401)
    assert "error=" not in missing.headers["www-authenticate"], "no error code where no token was shown"
    wrong = scoped.bearing("wrong").get("/workspaces")
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]


def test_k7_a_removed_credential_ends_its_tokens(start_server: Callable[..., Server]) -> None:
    server = start_server()
    made = server.organization()
    added = json.loads(server.cli("org", "credentials", "add", made.id or "").stdout)
    kept = server.api.login(made)
    ended = server.api.login(Organization(added["client_id"], added["client_secret"], made.id))
    scoped = ended.scoped("w1")
    for api in (kept, ended):
        api.get("/workspaces").ok()
    server.cli("org", "credentials", "remove", made.id or "", added["client_id"])
    until("its tokens have ended", lambda: ended.get("/workspaces").status == 401, 5)
    scoped.get("/integrations/connectors").error(401)
    server.api.post("/account/applications/token", {
        "client_id": added["client_id"], "client_secret": added["client_secret"]}).error(401)
    kept.get("/workspaces").ok()


def test_k9_absent_and_wrong_sign_ins_look_alike(server: Server) -> None:
    made = server.organization()
    bodies = [server.api.post("/account/applications/token", {"client_id": client_id, "client_secret": "wrong-secret-0123456789"})
              for client_id in (made.client_id, "nobody-" + secrets.token_hex(8))]
    assert _comparable(bodies[0]) == _comparable(bodies[1]) and bodies[0].status == 401


def test_k1_a_workspace_named_in_body_or_query_must_be_the_tokens(application: Make) -> None:
    app = application(peer=None)
    app.api.scoped("w2")
    theirs = app.api.scoped("w1")
    for alias in ("workspace_name", "external_user_id", "customer_name"):
        theirs.get("/integrations/connectors", {alias: "w2"}).error(403)
        theirs.get("/integrations/connectors", {alias: "w1"}).ok()
        theirs.get("/connectors/connectors_for_user", {alias: "w2"}).error(403)
        theirs.post("/integrations/connectors", {
            alias: "w2", "connector_type": "oidc-demo", "credentials": {"refresh_token": "x"},
        }).error(403)
    assert app.connectors("w2") == []


def test_k1_another_organizations_header_is_refused_with_one_body(application: Make, server: Server) -> None:
    app = application(peer=None)
    other = server.organization()
    bodies = []
    for value in (other.id or "", NOBODY, "not-a-uuid", "", "x" * 3000):
        body = app.api.get("/workspaces", headers={"X-Organization-Id": value}).error(403)
        body["request_id"] = ""
        bodies.append(body)
    assert all(body == bodies[0] for body in bodies)
    app.api.get("/workspaces", headers={"X-Organization-Id": app.organization.id or ""}).ok()
    app.api.scoped("w").get("/integrations/connectors", headers={"X-Organization-Id": other.id or ""}).error(403)


@pytest.mark.sqlite_only
def test_k2_k3_a_token_travels_in_the_header_only(application: Make) -> None:
    app = application(peer=None)
    nobody, token = app.server.api, app.api.token or ""
    for name in ("access_token", "token", "authorization"):
        nobody.get("/workspaces", {name: token}).error((400, 401))
        nobody.get("/workspaces", headers={"Cookie": f"{name}={token}"}).error(401)
    nobody.call(
        "GET", "/workspaces", raw=urllib.parse.urlencode({"access_token": token}).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ).error((400, 401))
    app.api.get("/workspaces", {"access_token": token}).error(400)


@pytest.mark.sqlite_only
def test_k3_two_authorization_headers_are_refused(application: Make) -> None:
    app = application(peer=None)
    address = urllib.parse.urlsplit(app.server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    connection.putrequest("GET", "/api/v1/workspaces")
    connection.putheader("Authorization", f"Bearer {app.api.token}")
    connection.putheader("Authorization", "Bearer other")
    connection.endheaders()
    assert connection.getresponse().status in (400, 401)
    connection.close()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("header", [
    "", "Bearer", "Bearer ", "bearer", "Basic dTpw", "Token x", "Bearer x", "Bearer a.b.c", "Bearer {token}x", "Bearer  {token} y",
    "Bearer {token},Bearer {token}", "Digest {token}", "{token}", "Bearer " + "x" * 5000, "Bearer \u00e9",
])
def test_k4_bad_credentials_are_401(application: Make, header: str) -> None:
    app = application(peer=None)
    value = header.replace("{token}", app.api.token or "")
    app.server.api.get("/workspaces", headers={"Authorization": value.encode("utf-8").decode("latin-1")}).error(401)


def _segment(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.sqlite_only
def test_k5_forged_tokens(application: Make, start_server: Callable[..., Server]) -> None:
    app = application(peer=None)
    token = app.api.token or ""
    head, claims, signature = token.split(".")
    payload = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    later = _segment({**payload, "exp": 4_000_000_000})
    elsewhere = start_server()
    forged = {
        "alg none": f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        "alg None": f"{_segment({'alg': 'None'})}.{claims}.{signature}",
        "no signature": f"{head}.{claims}.",
        "two parts": f"{head}.{claims}",
        "altered claims": f"{head}.{later}.{signature}",
        "altered signature": f"{head}.{claims}.{signature[::-1]}",
        "HS512": f"{_segment({'alg': 'HS512', 'typ': 'JWT'})}.{claims}.{signature}",
        "RS256": f"{_segment({'alg': 'RS256', 'typ': 'JWT'})}.{claims}.{signature}",
        "kid": f"{_segment({'alg': 'HS256', 'kid': '../../../../dev/null'})}.{claims}.{signature}",
        "jku": f"{_segment({'alg': 'HS256', 'jku': 'http://127.0.0.1:1/'})}.{claims}.{signature}",
        "another server's": elsewhere.api.login(elsewhere.default).token or "",
        "the widget's wrapping": app.api.post("/account/applications/widget-token", {
            "workspace_name": "w", "allowed_origin": "https://app.example",
        }).ok()["token"],
    }
    for name, bearer in forged.items():
        answer = app.server.api.bearing(bearer).get("/workspaces")
        assert answer.status == 401, f"{name}: {answer.status} {answer.text[:200]}"
        answer.error(401)
    app.api.get("/workspaces").ok()


@pytest.mark.sqlite_only
def test_k6_the_widget_token_wraps_a_scoped_one(application: Make) -> None:
    app = application(peer=None)
    answer = app.api.post("/account/applications/widget-token", {"workspace_name": "w1", "allowed_origin": "https://app.example"})
    wrapped = json.loads(base64.b64decode(answer.ok()["token"]))
    assert set(wrapped) == {"token", "widgetUrl"} and answer.headers["cache-control"] == "no-store"
    info = app.server.api.bearing(wrapped["token"]).get("/account/applications/scoped-token/info").ok()
    assert info["workspace_name"] == "w1" and info["organization_id"] == app.organization.id
    address = urllib.parse.urlsplit(wrapped["widgetUrl"])
    query = urllib.parse.parse_qs(address.query)
    assert wrapped["widgetUrl"].startswith(app.server.url)
    assert query["workspaceId"] == [info["workspace_id"]] and query["allowedOrigin"] == ["https://app.example"]


@pytest.mark.sqlite_only
def test_k10_guessing_is_limited(start_server: Callable[..., Server]) -> None:
    server = start_server()

    def login(secret: str, source: str = "127.0.0.1") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10, source_address=(source, 0))
        body = json.dumps({"client_id": server.default.client_id, "client_secret": secret})
        connection.request("POST", "/api/v1/account/applications/token", body, {"Content-Type": "application/json"})
        return connection.getresponse()

    statuses = []
    for _ in range(300):
        answer = login("guess-" + secrets.token_hex(8))
        statuses.append(answer.status)
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
            break
    assert statuses[-1] == 429 and set(statuses[:-1]) == {401}, f"{len(statuses)} guesses: {set(statuses)}"
    assert statuses.count(401) >= 3, "a mistyped secret must not lock out at once"
    # Somebody who guesses from elsewhere does not lock the owner out.
    assert login(server.default.client_secret, "127.0.0.2").status == 200


@pytest.mark.sqlite_only
def test_k12_cookies_and_foreign_origins(application: Make, start_server: Callable[..., Server]) -> None:
    app = application(peer=None)
    evil = {"Origin": "https://evil.example"}
    answer = app.api.get("/workspaces", headers=evil)
    assert answer.headers["access-control-allow-origin"] is None and answer.headers["set-cookie"] is None
    preflight = {**evil, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    assert app.server.api.call("OPTIONS", "/workspaces", headers=preflight).headers["access-control-allow-origin"] is None

    listed = start_server(CORS_ORIGINS="https://app.example,https://other.example")
    api = listed.api.login(listed.default)
    good = api.get("/workspaces", headers={"Origin": "https://app.example"})
    assert good.ok() is not None
    assert good.headers["access-control-allow-origin"] == "https://app.example"
    assert good.headers["access-control-allow-credentials"] is None
    for origin in ("https://evil.example", "https://app.example.evil.example", "http://app.example", "null", "https://app.example:444"):
        assert api.get("/workspaces", headers={"Origin": origin}).headers["access-control-allow-origin"] is None
    allowed = listed.api.call("OPTIONS", "/workspaces", headers={**preflight, "Origin": "https://app.example"})
    assert allowed.status in (200, 204) and allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "authorization" in (allowed.headers["access-control-allow-headers"] or "").lower()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("poison", [
    {"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Proto": "gopher"},
    {"Forwarded": "host=evil.example;proto=https"}, {"X-Original-Host": "evil.example"}, {"X-Forwarded-Prefix": "/evil"},
], ids=lambda poison: next(iter(poison)))
def test_k13_headers_do_not_change_our_addresses(application: Make, app_page: Upstream, poison: dict[str, str]) -> None:
    app = application(peer=None)
    spec = app.api.get("/oauth/credentials/spec", {"connector_type": "oidc-demo"}, headers=poison).ok()
    assert spec["callback_url"] == app.callback
    url = app.api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u1", "connector_type": "oidc-demo", "redirect_url": app_page.url,
    }, headers=poison).ok()["consent_url"]
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["redirect_uri"] == [app.callback]
    assert "evil" not in url and "gopher" not in url
