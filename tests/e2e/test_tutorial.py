"""The tutorial's flow from the outside: from application credentials to an executed operation, at a real provider.

Written from the HTTP contract alone, against node-oidc-provider.
"""

from __future__ import annotations

import secrets
import time
import urllib.parse
from collections.abc import Callable

import pytest

from api import EXECUTE_PATHS, TIME, UUID, Organization
from application import Application
from browser import Browser, Page
from peers import OidcProvider
from server import Server
from upstream import Upstream

Make = Callable[..., Application]


def test_the_whole_walk(
    server: Server, organization: Organization, peer: OidcProvider, app_page: Upstream
) -> None:
    """Every call of the tutorial in its order, every field that the contract names."""
    # 1. the application's own token
    answer = server.api.post("/account/applications/token", {
        "client_id": organization.client_id, "client_secret": organization.client_secret,
    })
    token = answer.ok()
    assert token["token_type"] == "bearer" and token["expires_in"] == 900
    assert token["organization_id"] == organization.id
    assert answer.headers["cache-control"] == "no-store"
    api = server.api.bearing(token["access_token"])

    # 2. what an OAuth app of this connector consists of, and the app
    spec = api.get("/oauth/credentials/spec", {"connector_type": "oidc-demo"}).ok()
    assert spec["connector_type"] == "oidc-demo"
    assert spec["callback_url"] == f"{server.url}/oauth/callback/oidc-demo"
    assert {"client_id", "client_secret"} <= set(spec["spec"]["properties"])
    client = peer.register(spec["callback_url"])
    stored = api.put("/oauth/credentials", {"connector_type": "oidc-demo", "configuration": client.configuration})
    override = stored.ok()
    assert set(override) == {
        "id", "scope_type", "scope_id", "connector_type", "connector_definition_id", "created_at", "updated_at",
    }
    assert override["scope_type"] == "organization" and override["scope_id"] == organization.id
    assert override["connector_type"] == "source"
    assert override["connector_definition_id"] == spec["connector_definition_id"]
    assert TIME.match(override["created_at"]) and UUID.match(override["id"])
    assert client.secret not in stored.text

    # 3. initiate
    page = f"{app_page.url}/connected?user_id=user_123&connector_id=x%26y"
    consent_url = api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "user_123", "connector_type": "oidc-demo", "redirect_url": page,
    }).ok()["consent_url"]
    address = urllib.parse.urlsplit(consent_url)
    asked = dict(urllib.parse.parse_qsl(address.query, strict_parsing=True))
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{peer.url}/auth"
    assert asked["response_type"] == "code" and asked["client_id"] == client.id
    assert asked["redirect_uri"] == spec["callback_url"]
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 43
    assert set(asked["scope"].split()) == {"openid", "offline_access", "api:read", "api:write"}

    # 4. the user agrees at the provider and comes back to the application
    before = len(app_page.seen("/connected"))
    end = _agree(peer, consent_url, spec["callback_url"])
    assert [status for status, _, _ in end.hops] == [303, 200]
    assert end.query["user_id"] == "user_123" and end.query["connector_id"] == "x&y"
    secret_id = end.query["secret_id"]
    assert len(secret_id) >= 22 and set(end.query) == {"user_id", "connector_id", "secret_id"}
    assert len(app_page.seen("/connected")) == before + 1
    assert peer.stats(client)["code_exchanges"] == 1

    # 5. the connector
    made = api.post("/integrations/connectors", {
        "external_user_id": "user_123", "connector_type": "oidc-demo", "server_side_oauth_secret_id": secret_id,
    }).ok()
    assert UUID.match(made["id"]) and made["name"] == "OIDC Demo (user_123)"
    assert made["source_template"]["connector_type"] == "oidc-demo" and UUID.match(made["source_template"]["id"])
    assert made["source_template"]["name"] == "OIDC Demo"
    assert made["replication_config"] == {} and made["status"] == "active"
    assert TIME.match(made["created_at"]) and TIME.match(made["updated_at"])
    assert set(made["granted_scopes"]) >= {"api:read", "api:write"}

    # 6. execute with a token of that user, on the tutorial's path and its later names
    scoped = api.post("/account/applications/scoped-token", {"workspace_name": "user_123"}).ok()["token"]
    for bearer in (scoped, api.token):
        for path in EXECUTE_PATHS:
            done = api.bearing(bearer).post(path.format(made["id"]), {"entity": "whoami", "action": "get", "params": None}).ok()
            assert done["status"] == "success"
            assert done["result"]["sub"] == "alice" and done["result"]["client"] == client.id
            assert done["connector_metadata"]["pagination"] == {"cursor": None}
            assert done["connector_metadata"]["has_next_page"] is False
            assert done["connector_metadata"]["end_cursor"] is None
            assert done["execution_metadata"]["connector_instance_id"] == made["id"]
            assert done["execution_metadata"]["execution_time_ms"] >= 0


def _agree(peer: OidcProvider, consent_url: str, callback: str) -> Page:
    """What the user's browser does, from the consent URL to the application's page."""
    browser = Browser()
    page = peer.consent(browser, browser.open(consent_url), "alice", stop=callback)
    return browser.open(page.url)


def test_the_v1_alias_serves_the_same(application: Make) -> None:
    app = application()
    connector = app.connect("u1")
    short = app.api.below("/v1")
    assert short.get(f"/integrations/connectors/{connector}").ok()["id"] == connector
    assert short.execute(connector, "whoami", "get").ok()["result"]["sub"] == "alice"


def test_lists_page_by_cursor_and_single_records_are_objects(application: Make) -> None:
    app = application()
    connector = app.connect("u1", login="reader-" + secrets.token_hex(4))
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 10} if cursor is None else {"limit": 10, "cursor": cursor}
        page = app.api.execute(connector, "notes", "list", params).ok()
        seen += [note["id"] for note in page["result"]]
        metadata = page["connector_metadata"]
        cursor = metadata["end_cursor"]
        assert metadata["pagination"] == {"cursor": cursor} and metadata["has_next_page"] is (cursor is not None)
        assert metadata["next"] == cursor
        if cursor is None:
            break
    assert seen == [f"n{n}" for n in range(1, 26)]

    made = app.api.execute(connector, "notes", "create", {"text": "häßlich ☃ {{ x }}"}).ok()["result"]
    assert made["text"] == "häßlich ☃ {{ x }}"
    assert app.api.execute(connector, "notes", "get", {"id": made["id"]}).ok()["result"] == made
    app.api.execute(connector, "notes", "get", {"id": "n99"}).error(404, "upstream_not_found")
    few = app.api.execute(connector, "notes", "list", {"limit": 2}, select_fields=["id"]).ok()["result"]
    assert few == [{"id": "n1"}, {"id": "n2"}]


def test_expired_token_is_refreshed_and_rotates(start_server: Callable[..., Server], peer: OidcProvider, app_page: Upstream) -> None:
    server = start_server(REFRESH_AHEAD="off")
    app = Application(server, server.default, app_page.url + "/back", peer, access_ttl=2)
    connector = app.connect("u1")
    app.whoami(connector).ok()
    assert peer.stats(app.client)["refreshes"] == 0
    for refreshes in (1, 2):
        time.sleep(2.2)
        app.whoami(connector).ok()
        stats = peer.stats(app.client)
        assert stats["refreshes"] == refreshes and stats["refused"] == []
        assert len(set(stats["refresh_tokens"])) == refreshes + 1, "the peer did not rotate"


def test_a_dead_grant_asks_for_reauthorization_and_reconnects_in_place(application: Make, peer: OidcProvider) -> None:
    app = application()
    connector = app.connect("u1")
    peer.revoke(app.client, peer.stats(app.client)["refresh_tokens"][-1])

    body = app.whoami(connector).error(409, "reauthorization_required")
    reconnect = next(one["details"]["reconnect"] for one in body["errors"] if "reconnect" in (one.get("details") or {}))
    assert reconnect["method"] == "POST" and reconnect["path"] == "/api/v1/integrations/connectors/oauth/initiate"
    assert reconnect["body"]["connector_id"] == connector
    shown = app.api.get(f"/integrations/connectors/{connector}").ok()
    assert shown["status"] == "reauthorization_required" and shown["status_reason"]

    # The call that the error names, with what only the application knows.
    consent_url = app.api.post("/integrations/connectors/oauth/initiate", {**reconnect["body"], "redirect_url": app.page}).ok()["consent_url"]
    end = app.consent(consent_url)
    if "secret_id" in end.query:
        again = app.create("u1", end.query["secret_id"]).ok()
        assert again["id"] == connector
    else:
        assert end.query["connector_id"] == connector
    assert app.api.get(f"/integrations/connectors/{connector}").ok()["status"] == "active"
    assert app.whoami(connector).ok()["result"]["sub"] == "alice"
    assert len(app.connectors("u1")) == 1


def test_denial_comes_back_as_an_error(application: Make, peer: OidcProvider) -> None:
    app = application()
    end = app.consent(app.initiate("u1"), deny=True)
    assert end.query["error"] == "access_denied" and end.query["user_id"] == "u1"
    assert "secret_id" not in end.query and end.query["error_description"]
    assert "End-User" not in end.query["error_description"], "the provider's text was handed on"
    assert peer.stats(app.client)["token_requests"] == 0
    assert app.connectors("u1") == []


def test_connector_id_mode_creates_the_connector_itself(application: Make) -> None:
    app = application()
    end = app.consent(app.initiate("u1", callback_mode="connector_id", name="Mine"))
    assert "secret_id" not in end.query
    connector = end.query["connector_id"]
    assert app.api.get(f"/integrations/connectors/{connector}").ok()["name"] == "Mine"
    assert app.whoami(connector).ok()["result"]["sub"] == "alice"


def test_users_are_apart(application: Make) -> None:
    app = application()
    alice, bob = app.connect("user-a", login="alice"), app.connect("user-b", login="bob")
    assert app.whoami(alice).ok()["result"]["sub"] == "alice"
    assert app.whoami(bob).ok()["result"]["sub"] == "bob"
    assert [one["id"] for one in app.connectors("user-a")] == [alice]
    theirs = app.api.scoped("user-a")
    theirs.execute(alice, "whoami", "get").ok()
    theirs.execute(bob, "whoami", "get").error(404)
    listed = app.api.get("/integrations/connectors").ok()["data"]
    assert {one["id"] for one in listed} == {alice, bob}
    # the same through the paths of older clients
    for path, key in (("connectors_for_user", "connectors"), ("instances_for_user", "instances")):
        definition = app.api.get("/oauth/credentials/spec", {"connector_type": "oidc-demo"}).ok()["connector_definition_id"]
        found = app.api.get(f"/connectors/{path}", {"external_user_id": "user-b", "definition_id": definition}).ok()
        assert [one["id"] for one in found[key]] == [bob]


def test_imported_tokens_work_and_rotate(application: Make, peer: OidcProvider) -> None:
    """Tokens that the application got elsewhere, with the OAuth app that obtained them."""
    app = application()
    app.connect("elsewhere")
    stats = peer.stats(app.client)
    refresh = stats["refresh_tokens"][-1]
    made = app.api.post("/integrations/connectors", {
        "external_user_id": "importer", "connector_type": "oidc-demo",
        "credentials": {"refresh_token": refresh, **app.client.configuration},
    })
    connector = made.ok()["id"]
    assert refresh not in made.text and app.client.secret not in made.text
    assert peer.stats(app.client)["refreshes"] == 0, "creation refreshed"
    assert app.whoami(connector).ok()["result"]["sub"] == "alice"
    assert peer.stats(app.client)["refreshes"] == 1


def test_the_app_of_the_consent_stays_with_the_grant(
    start_server: Callable[..., Server], peer: OidcProvider, app_page: Upstream
) -> None:
    """Instance-wide app, then the organization's own, then none again; refreshes use the app of the consent."""
    server = start_server(start=False, REFRESH_AHEAD="off")
    callback = f"{server.url}/oauth/callback/oidc-demo"
    shared = peer.register(callback, access_ttl=3)
    server.start(OAUTH_OIDC_DEMO_CLIENT_ID=shared.id, OAUTH_OIDC_DEMO_CLIENT_SECRET=shared.secret)
    api = server.api.login(server.default)

    def client_of_initiate() -> str:
        url = api.post("/integrations/connectors/oauth/initiate", {
            "external_user_id": "u", "connector_type": "oidc-demo", "redirect_url": app_page.url,
        }).ok()["consent_url"]
        return urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["client_id"][0]

    assert client_of_initiate() == shared.id
    app = Application(server, server.default, app_page.url, peer, access_ttl=3)
    assert client_of_initiate() == app.client.id
    connector = app.connect("u")
    app.api.delete("/oauth/credentials/connector_type/oidc-demo").ok(204)
    app.api.delete("/oauth/credentials/connector_type/oidc-demo").ok(204)
    assert client_of_initiate() == shared.id
    time.sleep(3.2)
    assert app.whoami(connector).ok()["result"]["client"] == app.client.id
    assert peer.stats(app.client)["refreshes"] == 1


@pytest.mark.parametrize("alias", ["external_user_id", "customer_name", "workspace_name"])
def test_the_user_has_three_names(application: Make, alias: str) -> None:
    app = application()
    url = app.api.post("/integrations/connectors/oauth/initiate", {
        alias: "u1", "connector_type": "OIDC demo", "redirect_url": app.page,
    }).ok()["consent_url"]
    secret_id = app.consent(url).query["secret_id"]
    made = app.api.post("/integrations/connectors", {
        alias: "u1", "connector_type": "oidc_demo", "server_side_oauth_secret_id": secret_id,
    }).ok()
    assert [one["id"] for one in app.api.get("/integrations/connectors", {alias: "u1"}).ok()["data"]] == [made["id"]]
