"""OAuth apps and connector types: whose they are, what they may hold, what is never shown (A1 to A9)."""

from __future__ import annotations

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
from private_targets import PRIVATE_ORIGINS
from routes import ROUTES
from server import Server
from upstream import Upstream
from vendor import Vendor

Make = Callable[..., Application]


def test_a1_an_app_secret_is_never_shown(attack: Attack) -> None:
    """One canary in the secret, then every answer that this organization can get, errors included."""
    canary, app = "CNRY-" + secrets.token_hex(12), attack.app
    put = lambda **more: app.api.put("/oauth/credentials", {  # noqa: E731
        "connector_type": "vendor-demo", "configuration": {**app.client.configuration, "client_secret": canary, **more}})
    answers = [put(), put(), put(unknown="x"), put(client_id=7), put(client_secret=[canary]), put(callback=canary)]
    assert [answer.status for answer in answers] == [200, 200, 422, 422, 422, 422]
    for method, path, _, _ in ROUTES:
        if method == "GET":
            answers.append(app.api.get(path))
    url = app.initiate("u1")
    attack.vendor.tokens["refused"] = {"error": "invalid_client", "error_description": f"wrong secret {canary}"}
    page = attack.callback(("code", "refused"), ("state", app.state(url)))
    assert returned(page)["error"] == "token_exchange_failed"
    [form] = attack.vendor.token_requests(app.client.id)
    assert form["code"] == "refused", "the secret was not used at all"
    for text in (url, page.body, str(page.hops), *(answer.text for answer in answers)):
        assert canary not in text


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


def test_a2_another_organizations_app_is_not_used(attack: Attack, server: Server) -> None:
    stranger = server.api.login(server.organization())
    body = {"external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": attack.app.page}
    stranger.post("/integrations/connectors/oauth/initiate", body).error(422, "oauth_app_missing")
    named = {"X-Organization-Id": attack.app.organization.id or ""}
    stranger.post("/integrations/connectors/oauth/initiate", body, headers=named).error(403)
    stranger.post("/integrations/connectors/oauth/initiate", {**body, "organization_id": attack.app.organization.id}).error(422)
    assert stranger.get("/oauth/credentials").ok()["data"] == []
    theirs = {"client_id": "stranger", "client_secret": "stranger-secret"}
    stranger.put("/oauth/credentials", {"connector_type": "vendor-demo", "configuration": theirs}).ok()
    stranger.delete("/oauth/credentials/connector_type/vendor-demo").ok(204)
    assert f"client_id={attack.app.client.id}" in attack.app.initiate("u1")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("field", ["token_url", "auth_url", "authorization_url", "base_url", "issuer", "revoke_url", "instance_url"])
def test_a3_an_app_names_no_endpoint(attack: Attack, field: str) -> None:
    for address in PRIVATE_ORIGINS:
        attack.app.api.put("/oauth/credentials", {
            "connector_type": "vendor-demo", "configuration": {**attack.app.client.configuration, field: address},
        }).error(422)


@pytest.mark.sqlite_only
def test_a3_a_base_url_comes_from_the_providers_token_answer_only(attack: Attack) -> None:
    """The one whole base URL of a built-in connector, Salesforce's; H8 shows what a token answer may put there."""
    tokens = {"refresh_token": "CNRY-rt", "client_id": "a", "client_secret": "b"}
    create = {"external_user_id": "u1", "connector_type": "salesforce", "credentials": tokens}
    for address in (*PRIVATE_ORIGINS, "https://evil.example", "https://salesforce.com.evil.example", "https://acme.my.salesforce.com"):
        refused = attack.app.api.post("/integrations/connectors", {**create, "environment": {"instance_url": address}}).error(422)
        assert any("instance_url" in one["field"] for one in refused["errors"]), refused
    attack.app.api.post("/integrations/connectors", create).ok()


@pytest.mark.sqlite_only
def test_a4_a_moved_token_endpoint_gets_neither_secret_nor_token(
    start_server: Callable[..., Server], vendor: Vendor, app_page: Upstream, trap: Upstream, tmp_path: Path
) -> None:
    overlay = Overlay(tmp_path / "connectors")
    overlay.oidc_provider(vendor.url, "vendor-demo", 3, plain=True)
    server = start_server(connectors=overlay.folder, REFRESH_AHEAD="off")
    attack = Attack(Application(server, server.default, app_page.url, None, "vendor-demo"), vendor)
    app, code = attack.app, attack.code()
    vendor.grant(code, refresh_token=f"rt-{code}", expires_in=1)
    connector = app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()["id"]
    app.whoami(connector).ok()
    pending = attack.state()
    server.stop()
    text = (overlay.folder / "vendor-demo" / "connector.yaml").read_text()
    overlay.add("vendor-demo", text.replace(f"{vendor.url}/token", f"{trap.url}/token"))
    threading.Event().wait(1.1)
    server.start()
    before = len(vendor.requests)
    app.whoami(connector).error(409, "app_misconfigured")
    assert "error" in returned(attack.callback(("code", attack.code()), ("state", pending)))
    app.api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": app.page}).error(409, "app_misconfigured")
    assert trap.requests == [] and len(vendor.requests) == before
    # The secret entered again approves the new endpoint for new consents; the old grant stays where it came from.
    app.api.put("/oauth/credentials", {"connector_type": "vendor-demo", "configuration": app.client.configuration}).ok()
    app.initiate("u1")
    app.whoami(connector).error(409, "app_misconfigured")
    app.api.delete(f"/integrations/connectors/{connector}").ok(202)
    assert not any(f"rt-{code}" in request.body.decode() for request in trap.requests)


@pytest.mark.sqlite_only
def test_a7_every_consent_url_has_a_challenge_of_its_own(attack: Attack) -> None:
    seen = set()
    for _ in range(20):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(attack.app.initiate("u1")).query))
        assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
        seen.add(query["code_challenge"])
    assert len(seen) == 20


@pytest.mark.sqlite_only
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


@pytest.mark.sqlite_only
def test_a8_core_parameters_stand_in_the_url_once(attack: Attack) -> None:
    pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(attack.app.initiate("u1")).query, strict_parsing=True)
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names)
    assert {"response_type", "client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method"} <= set(names)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("spelling", ["oidc-demo", "OIDC-DEMO", "oidc_demo", "OIDC Demo", "oIdC dEmO"])
def test_a9_spellings_of_one_connector_type(application: Make, spelling: str) -> None:
    app = application(peer=None)
    assert app.api.get("/oauth/credentials/spec", {"connector_type": spelling}).ok()["connector_type"] == "oidc-demo"


@pytest.mark.sqlite_only
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
