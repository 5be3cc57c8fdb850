"""Bad input at every endpoint: a clear 4xx in the contract's error body, nothing stored, nobody called, nothing echoed.

One table of endpoints with a good body each; the tests break one field at a time.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from api import Answer, Api
from application import Application
from hostile import WRONG_TEXTS, WRONG_TYPES
from server import Server
from upstream import Upstream
from vendor import Vendor

SECRET = "canary-secret-5b7e1f0c"


@dataclass(frozen=True)
class Endpoint:
    """A call with a body that works; `required` fields, and which kinds of wrong value each field refuses.

    `free` fields are texts that take any characters of up to 250, or are looked up, so that hostile text is a 4xx
    of another kind or simply a name; only wrong types are refused there.
    """

    method: str
    path: str
    good: dict[str, Any]
    required: tuple[str, ...]
    texts: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    bools: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    anonymous: bool = False
    nullable: tuple[str, ...] = field(default=())


ENDPOINTS = {
    "token": Endpoint(
        "POST", "/account/applications/token", {"client_id": "someone", "client_secret": SECRET},
        ("client_id", "client_secret"), texts=("client_id", "client_secret"), anonymous=True,
    ),
    "token-alias": Endpoint(
        "POST", "/applications/token", {"client_id": "someone", "client_secret": SECRET},
        ("client_id", "client_secret"), texts=("client_id", "client_secret"), anonymous=True,
    ),
    "scoped-token": Endpoint(
        "POST", "/account/applications/scoped-token", {"workspace_name": "w1"}, ("workspace_name",), free=("workspace_name",),
    ),
    "widget-token": Endpoint(
        "POST", "/account/applications/widget-token", {"workspace_name": "w1", "allowed_origin": "https://app.example"},
        ("workspace_name", "allowed_origin"), texts=("allowed_origin",), free=("workspace_name",),
    ),
    "credentials": Endpoint(
        "PUT", "/oauth/credentials",
        {"connector_type": "vendor-demo", "configuration": {"client_id": "id", "client_secret": SECRET}},
        ("connector_type", "configuration"), texts=("connector_type",), objects=("configuration",),
    ),
    "redirect-urls": Endpoint(
        "PUT", "/organizations/redirect-urls", {"data": ["https://app.example/cb"]}, ("data",), lists=("data",),
    ),
    "initiate": Endpoint(
        "POST", "/integrations/connectors/oauth/initiate",
        {"external_user_id": "u1", "connector_type": "vendor-demo", "redirect_url": "https://app.example/cb"},
        ("external_user_id", "connector_type", "redirect_url"),
        texts=("connector_type", "redirect_url", "callback_mode", "code_challenge", "connector_id"),
        free=("external_user_id", "name"), objects=("oauth_input_configuration", "environment", "replication_config"),
        lists=("scopes",),
        nullable=(
            "callback_mode", "code_challenge", "connector_id", "name", "oauth_input_configuration", "environment",
            "replication_config", "scopes",
        ),
    ),
    "create": Endpoint(
        "POST", "/integrations/connectors",
        {"external_user_id": "u1", "connector_type": "vendor-demo", "credentials": {"access_token": SECRET}},
        ("external_user_id", "connector_type", "credentials"),
        texts=("connector_type", "auth_scheme", "server_side_oauth_secret_id"),
        free=("external_user_id", "name"), objects=("credentials", "environment", "replication_config"), bools=("verify",),
        nullable=("auth_scheme", "server_side_oauth_secret_id", "name", "environment", "replication_config", "verify"),
    ),
    "execute": Endpoint(
        "POST", "/integrations/connectors/{connector}/execute", {"entity": "notes", "action": "list"}, ("entity", "action"),
        texts=("entity", "action"), objects=("params",), bools=("skip_truncation",), lists=("select_fields", "exclude_fields"),
        nullable=("params", "skip_truncation", "select_fields", "exclude_fields"),
    ),
    "execute-sources": Endpoint(
        "POST", "/connectors/sources/{connector}/execute", {"entity": "notes", "action": "list"}, ("entity", "action"),
        texts=("entity", "action"), objects=("params",), nullable=("params",),
    ),
    "update": Endpoint(
        "PUT", "/integrations/connectors/{connector}", {"name": "n"}, (), free=("name",), objects=("replication_config",),
        nullable=("name", "replication_config"),
    ),
    "check": Endpoint(
        "POST", "/integrations/connectors/{connector}/check", {}, (), lists=("entities",), nullable=("entities",),
    ),
}


class Bench:
    """A server that only these tests use, so that counting what is stored and who was called means something."""

    def __init__(self, server: Server, vendor: Vendor) -> None:
        self.vendor = vendor
        self.app = Application(server, server.organization(), "https://app.example/cb", None, "vendor-demo")
        vendor.accounts["at-bench"] = "alice"
        self.connector = self.app.api.post("/integrations/connectors", {
            "external_user_id": "bench", "connector_type": "vendor-demo", "credentials": {"access_token": "at-bench"},
        }).ok()["id"]

    def send(self, endpoint: Endpoint, body: Any, **more: Any) -> Answer:
        api: Api = self.app.server.api if endpoint.anonymous else self.app.api
        return api.call(endpoint.method, endpoint.path.format(connector=self.connector), body, **more)

    def stored(self) -> tuple[Any, ...]:
        """What a bad request must not change. Times are left out."""
        api = self.app.api
        connectors = [(one["id"], one["name"], one["status"]) for one in api.get("/integrations/connectors").ok()["data"]]
        workspaces = sorted(one["name"] for one in api.get("/workspaces", {"limit": "100"}).ok()["data"])
        apps = api.get("/oauth/credentials").ok()["data"]
        urls = api.get("/organizations/redirect-urls").ok()["data"]
        return connectors, workspaces, [(one["id"], one["updated_at"]) for one in apps], urls


@pytest.fixture(scope="session")
def bench(server: Server, vendor: Vendor) -> Bench:
    return Bench(server, vendor)


@pytest.fixture
def untouched(bench: Bench) -> Iterator[None]:
    """The test must leave what is stored as it was and must not make the server call the provider."""
    before, called = bench.stored(), len(bench.vendor.requests)
    yield
    assert len(bench.vendor.requests) == called, "an upstream call was made"
    assert bench.stored() == before, "something was stored"


def clear(answer: Answer, statuses: int | tuple[int, ...], *names: str) -> dict[str, Any]:
    """A proper error that names the field and echoes no secret."""
    body = answer.error(statuses)
    assert SECRET not in answer.text, "a secret was echoed"
    assert len(answer.body) < 20_000, f"{len(answer.body)} bytes of error"
    for name in names:
        assert any(name in (one["field"] or "") for one in body["errors"]) or name in body["message"], answer.text[:1000]
    return body


def every(kind: Callable[[Endpoint], tuple[str, ...]]) -> list[Any]:
    return [pytest.param(name, given, id=f"{name}-{given}") for name, endpoint in ENDPOINTS.items() for given in kind(endpoint)]


def fields(endpoint: Endpoint) -> tuple[str, ...]:
    return endpoint.texts + endpoint.free + endpoint.objects + endpoint.bools + endpoint.lists


@pytest.mark.parametrize(("name", "given"), every(lambda endpoint: endpoint.required))
@pytest.mark.usefixtures("untouched")
def test_a_missing_field_is_named(bench: Bench, name: str, given: str) -> None:
    endpoint = ENDPOINTS[name]
    body = copy.deepcopy(endpoint.good)
    del body[given]
    clear(bench.send(endpoint, body), (400, 422) if given == "credentials" else 422, given)


@pytest.mark.parametrize(("name", "given"), every(fields))
@pytest.mark.usefixtures("untouched")
def test_a_wrong_type_is_named(bench: Bench, name: str, given: str) -> None:
    endpoint = ENDPOINTS[name]
    for kind, value in WRONG_TYPES.items():
        if kind == "null" and (given in endpoint.nullable or given in endpoint.objects):
            continue
        if kind == "bool" and given in endpoint.bools or kind == "object" and given in endpoint.objects:
            continue
        if kind == "list" and given in endpoint.lists:
            continue
        try:
            clear(bench.send(endpoint, {**copy.deepcopy(endpoint.good), given: value}), (400, 422), given)
        except AssertionError as failed:
            raise AssertionError(f"{given} = {kind}: {failed}") from failed


@pytest.mark.parametrize(("name", "given"), every(lambda endpoint: endpoint.texts))
@pytest.mark.usefixtures("untouched")
def test_hostile_text_is_refused(bench: Bench, name: str, given: str) -> None:
    endpoint = ENDPOINTS[name]
    for kind, value in WRONG_TEXTS.items():
        answer = bench.send(endpoint, {**copy.deepcopy(endpoint.good), given: value})
        assert 400 <= answer.status < 500, f"{given} = {kind}: {answer.status} {answer.text[:300]}"
        clear(answer, answer.status)
        assert "<script>" not in answer.text or answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-injected"] is None


@pytest.mark.parametrize("alias", ["external_user_id", "customer_name", "workspace_name"])
@pytest.mark.usefixtures("untouched")
def test_user_names_have_1_to_250_characters(bench: Bench, alias: str) -> None:
    for value in ("", "x" * 251, "\u5b57" * 251, "x" * 100_000):
        for path, rest in (
            ("/account/applications/scoped-token", {}),
            ("/integrations/connectors/oauth/initiate", {"connector_type": "vendor-demo", "redirect_url": "https://app.example/cb"}),
            ("/integrations/connectors", {"connector_type": "vendor-demo", "credentials": {"access_token": SECRET}}),
        ):
            clear(bench.app.api.post(path, {alias: value, **rest}), 422)


@pytest.mark.usefixtures("untouched")
def test_aliases_that_disagree_are_refused(bench: Bench) -> None:
    for body in (
        {"external_user_id": "a", "workspace_name": "b", "connector_type": "vendor-demo", "redirect_url": "https://app.example/cb"},
        {"external_user_id": "a", "connector_type": "vendor-demo", "definition_id": "5f0c7b7e-0000-4000-8000-000000000000",
         "redirect_url": "https://app.example/cb"},
    ):
        clear(bench.app.api.post("/integrations/connectors/oauth/initiate", body), (400, 404, 422))


@pytest.mark.usefixtures("untouched")
def test_unknown_connector_types_are_404_everywhere(bench: Bench) -> None:
    api = bench.app.api
    unknown: list[dict[str, str]] = [{"connector_type": "no-such"}, {"definition_id": "5f0c7b7e-0000-4000-8000-000000000000"}]
    for named in unknown:
        clear(api.post("/integrations/connectors/oauth/initiate", {
            "external_user_id": "u1", "redirect_url": "https://app.example/cb", **named}), 404)
        clear(api.post("/integrations/connectors", {"external_user_id": "u1", "credentials": {"access_token": SECRET}, **named}), 404)
    clear(api.get("/oauth/credentials/spec", {"connector_type": "no-such"}), 404)
    clear(api.put("/oauth/credentials", {"connector_type": "no-such", "configuration": {"client_id": "a", "client_secret": SECRET}}), 404)
    clear(api.delete("/oauth/credentials/connector_type/no-such"), 404)


@pytest.mark.usefixtures("untouched")
def test_oauth_apps_are_checked_against_the_spec(bench: Bench) -> None:
    put = lambda configuration: bench.app.api.put("/oauth/credentials", {  # noqa: E731
        "connector_type": "vendor-demo", "configuration": configuration})
    for configuration, named in (
        ({}, ("client_id", "client_secret")), ({"client_id": "a"}, ("client_secret",)), ({"client_secret": SECRET}, ("client_id",)),
        ({"client_id": "a", "client_secret": SECRET, "token_url": "https://evil.example"}, ("token_url",)),
        ({"client_id": 7, "client_secret": SECRET}, ("client_id",)), ({"client_id": "", "client_secret": SECRET}, ("client_id",)),
        ({"client_id": "a", "client_secret": ""}, ("client_secret",)), ({"client_id": "a", "client_secret": None}, ("client_secret",)),
        ({"client_id": "a", "client_secret": ["x"]}, ("client_secret",)), ({"client_id": "a\x00", "client_secret": SECRET}, ("client_id",)),
        ({"client_id": "a", "client_secret": SECRET, "callback": "elsewhere"}, ("callback",)),
    ):
        clear(put(configuration), 422, *named)
    extra = bench.app.api.put("/oauth/credentials", {
        "connector_type": "vendor-demo", "connector_definition_id": "5f0c7b7e-0000-4000-8000-000000000000",
        "configuration": {"client_id": "a", "client_secret": SECRET}})
    clear(extra, (400, 404, 422))


@pytest.mark.usefixtures("untouched")
def test_credentials_that_fit_no_scheme_list_the_schemes(bench: Bench) -> None:
    for credentials in ({}, {"api_key": SECRET}, {"access_token": ["x"]}, {"access_token": {}}, {"access_token": ""}):
        body = clear(bench.app.api.post("/integrations/connectors", {
            "external_user_id": "u1", "connector_type": "vendor-demo", "credentials": credentials}), (400, 422))
        assert "access_token" in json.dumps(body) or "oauth2" in json.dumps(body)
    both = bench.app.api.post("/integrations/connectors", {
        "external_user_id": "u1", "connector_type": "vendor-demo", "credentials": {"access_token": SECRET},
        "server_side_oauth_secret_id": "x" * 40})
    clear(both, (400, 422))


@pytest.mark.usefixtures("untouched")
def test_execute_refuses_what_a_model_can_mend(bench: Bench) -> None:
    def refused(entity: Any, action: Any, params: Any, *names: str) -> None:
        answer = bench.app.api.execute(bench.connector, entity, action, params)
        body = clear(answer, 422)
        for name in names:
            assert name in json.dumps(body), answer.text

    refused("nope", "list", {}, "notes", "whoami")
    refused("notes", "nope", {}, "list", "get", "create")
    refused("notes", "get", {}, "id")
    refused("notes", "get", {"id": ""}, "id")
    refused("notes", "get", {"id": "   "}, "id")
    refused("notes", "get", {"id": None}, "id")
    refused("notes", "get", {"id": ["x"]}, "id")
    refused("notes", "get", {"id": {"x": 1}}, "id")
    refused("notes", "get", {"id": "n1", "unknown": 1}, "unknown", "id")
    refused("notes", "list", {"limit": "ten"}, "limit")
    refused("notes", "list", {"limit": 1.5}, "limit")
    refused("notes", "list", {"limit": True}, "limit")
    refused("notes", "list", {"limit": []}, "limit")
    refused("notes", "create", {}, "text")
    refused("notes", "create", {"text": {}}, "text")
    refused("notes", "create", {"text": "x", "more": 1}, "more")
    refused("whoami", "get", {"cursor": "x"}, "not_pageable")
    refused("whoami", "get", {"id": "x"}, "id")
    for segment in (".", "..", "%2e%2e", "%2E."):
        answer = bench.app.api.execute(bench.connector, "notes", "get", {"id": segment})
        if segment in (".", ".."):
            clear(answer, 422)


# --- the HTTP of it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(ENDPOINTS))
@pytest.mark.usefixtures("untouched")
def test_bodies_that_are_no_json_object(bench: Bench, name: str) -> None:
    endpoint = ENDPOINTS[name]
    api = bench.app.server.api if endpoint.anonymous else bench.app.api
    path = endpoint.path.format(connector=bench.connector)
    for raw in (b"", b"{", b"[]", b"[{}]", b'"x"', b"7", b"null", b"true", b"\xff\xfe", b"{\"a\": }", b"{} {}", b"\x00",
                b'{"entity": "\xff"}', b"[" * 10_000, b'{"a":' * 10_000):
        if raw == b"" and not endpoint.required:
            continue  # where no field is required, no body is as good as an empty one
        try:
            clear(api.call(endpoint.method, path, raw=raw), (400, 422) if raw == b"" else 400)
        except AssertionError as failed:
            raise AssertionError(f"{raw[:30]!r}: {failed}") from failed
    good = json.dumps(endpoint.good).encode()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""):
        answer = api.call(endpoint.method, path, raw=good, headers={"Content-Type": content_type})
        clear(answer, 415)


@pytest.mark.parametrize("name", list(ENDPOINTS))
@pytest.mark.usefixtures("untouched")
def test_oversized_bodies_are_413(bench: Bench, name: str) -> None:
    endpoint = ENDPOINTS[name]
    first = endpoint.required[0] if endpoint.required else "name"
    clear(bench.send(endpoint, {**endpoint.good, first: "x" * 30_000_000}), 413)


@pytest.mark.usefixtures("untouched")
def test_wrong_methods_are_405_and_unknown_paths_404(bench: Bench) -> None:
    for name, endpoint in ENDPOINTS.items():
        path = endpoint.path.format(connector=bench.connector)
        answer = bench.app.api.call("PATCH", path, {})
        clear(answer, 405)
        assert endpoint.method in (answer.headers["allow"] or ""), f"{name}: {answer.headers['allow']}"
    for path in ("", "/", "/nope", "/integrations", "/integrations/connectors/", "/account/applications/token/x"):
        clear(bench.app.api.get(path), 404)
    clear(bench.app.server.api.below("").get("/nope"), 404)


@pytest.mark.parametrize("identifier", ["x", "1", "%00", "..%2f..", "5f0c7b7e-0000-4000-8000-00000000000g", "5F0C7B7E", "%f0%9f%a7%a8", "a" * 3000])
@pytest.mark.usefixtures("untouched")
def test_ids_that_are_none_are_404(bench: Bench, identifier: str) -> None:
    api = bench.app.api
    for method, path, body in (
        ("GET", "/integrations/connectors/{}", None), ("PUT", "/integrations/connectors/{}", {"name": "x"}),
        ("DELETE", "/integrations/connectors/{}", None), ("POST", "/integrations/connectors/{}/execute", {"entity": "a", "action": "b"}),
        ("GET", "/integrations/connectors/{}/inspect", None), ("GET", "/jobs/{}", None), ("GET", "/workspaces/{}", None),
        ("GET", "/integrations/definitions/sources/{}", None), ("GET", "/integrations/templates/sources/{}", None),
    ):
        given = {} if body is None else {"body": body}
        clear(api.call(method, path.format(identifier), **given), (400, 404, 414, 422))


@pytest.mark.parametrize(("path", "query"), [
    ("/integrations/connectors", {"limit": "x"}), ("/integrations/connectors", {"limit": "-1"}), ("/integrations/connectors", {"limit": "0"}),
    ("/integrations/connectors", {"cursor": "nonsense"}), ("/integrations/connectors", {"workspace_id": "nonsense"}),
    ("/integrations/connectors", {"definition_id": "nonsense"}), ("/workspaces", {"limit": "101"}), ("/workspaces", {"limit": "0"}),
    ("/workspaces", {"limit": "1e2"}), ("/workspaces", {"status": "odd"}), ("/workspaces", {"cursor": "\x00"}),
    ("/oauth/credentials/spec", {}), ("/oauth/credentials/spec", {"connector_type": ""}),
])
@pytest.mark.usefixtures("untouched")
def test_bad_queries(bench: Bench, path: str, query: dict[str, str]) -> None:
    clear(bench.app.api.get(path, query), (400, 404, 422))


def test_unknown_workspaces_list_nothing(bench: Bench) -> None:
    for name in ("never-seen", "x" * 250, "a\x00b", "'; --", "%"):
        answer = bench.app.api.get("/integrations/connectors", {"workspace_name": name})
        if answer.status == 200:
            assert answer.ok()["data"] == []
        else:
            clear(answer, 422)


def test_every_answer_has_a_request_id(bench: Bench, app_page: Upstream) -> None:
    root = bench.app.server.api.below("")
    for method, path in (("GET", "/health"), ("GET", "/ready"), ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/nope"),
                         ("GET", "/oauth/callback/vendor-demo"), ("PATCH", "/api/v1/workspaces"), ("GET", "/api/v1/workspaces")):
        assert root.call(method, path).headers["x-request-id"], path
    given = root.get("/health", headers={"X-Request-Id": "evil\tvalue" + "x" * 5000}).headers["x-request-id"]
    assert "evil" not in given or len(given) < 200
