"""airbyte-agent-sdk 0.1.380 from PyPI, unmodified, drives ten connectors whose definitions it carries itself."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import published
from overlay import Overlay
from server import Server
from ten_vendors import FILE, TEXT, Ten
from test_sdk_current import run_program

pytestmark = pytest.mark.sqlite_only


@pytest.fixture(scope="module")
def vendors() -> Iterator[Ten]:
    ten = Ten()
    yield ten
    ten.close()


@pytest.fixture(scope="module")
def seen(vendors: Ten, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ten")
    overlay = Overlay(folder / "definitions")
    for name in Ten.CREDENTIALS:
        published.add(overlay, name, vendors.url)
    server = Server("sqlite", folder / "server", overlay.folder).start()
    try:
        api = server.api.login(server.default)
        for name, credentials in Ten.CREDENTIALS.items():
            body = {"workspace_name": "user_1", "connector_type": name, "credentials": credentials}
            if name in Ten.ENVIRONMENT:
                body["environment"] = Ten.ENVIRONMENT[name]
            api.post("/integrations/connectors", body).ok()
        yield run_program(
            "sdk-current", "ten_connectors.py", SDK_DEV_ADP_API_HOST=server.url,
            AIRBYTE_CLIENT_ID=server.default.client_id, AIRBYTE_CLIENT_SECRET=server.default.client_secret,
        )
    finally:
        server.close()


@pytest.mark.parametrize(("name", "key", "first", "one", "made"), [
    ("stripe", "id", ["cus_1", "cus_2"], "cus_2", "cus_4"),
    ("asana", "gid", ["1", "2"], "2", "4"),
    ("google-drive", "id", ["f1", "f2"], "f2", "f4"),
    ("notion", "id", ["p1", "p2"], "p2", "p4"),
    ("twilio", "sid", ["SM1", "SM2"], "SM2", "SM4"),
    ("zendesk-support", "id", [1, 2], 2, 4),
    ("jira", "id", ["1", "2"], "1", "4"),
])
def test_list_get_and_create_through_typed_methods(
    seen: dict[str, Any], vendors: Ten, name: str, key: str, first: list[Any], one: Any, made: Any
) -> None:
    assert [record[key] for record in seen[name]["list"]] == first
    assert seen[name]["get"][key] == one
    assert seen[name]["create"][key] == made
    assert vendors.complaints == []


def test_list_get_and_create_where_answers_have_their_own_shapes(seen: dict[str, Any]) -> None:
    assert [record["id"] for record in seen["clickup-api"]["list"]] == ["1", "2", "3"]
    assert seen["clickup-api"]["get"]["name"] == "Space" and seen["clickup-api"]["create"]["id"] == 4
    assert [record["id"] for record in seen["linear"]["list"]] == ["i1", "i2"] and seen["linear"]["get"]["id"] == "i2"
    assert seen["linear"]["create"]["issue"]["title"] == "New issue"
    assert [record["id"] for record in seen["shopify"]["list"]] == [1, 2] and seen["shopify"]["get"]["id"] == 2
    assert seen["shopify"]["create"]["product"]["title"] == "New product"


@pytest.mark.parametrize(
    "name", ["stripe", "asana", "google-drive", "jira", "linear", "notion", "twilio", "zendesk-support", "shopify"]
)
def test_every_list_is_continued_by_limit_and_cursor(seen: dict[str, Any], name: str) -> None:
    # Three records and the created one, two a page. Where only a position is sent, a full page may be the last one.
    assert seen[name]["pages"] in ([2, 2], [2, 2, 0])


@pytest.mark.parametrize("name", list(Ten.CREDENTIALS))
def test_inspect_documents_and_check(seen: dict[str, Any], name: str) -> None:
    found = seen[name]
    assert found["inspect"]["id"] == f"connector:{name}"
    assert len(found["inspect"]["entities"]) > 3
    assert all(entity in found["docs"] for entity in found["inspect"]["entities"]), "the outline names every entity"
    assert "list" in found["section"]
    assert found["check"] == "healthy"


def test_downloads_in_json_mode(seen: dict[str, Any]) -> None:
    found = seen["downloads"]
    text = found["text"]
    assert text["encoding"] == "utf-8" and TEXT.decode().startswith(text["content"]) and text["has_more"] is True
    # The window ends inside a character now and then; the next one begins where the text was cut.
    assert text["next_range_header"].startswith(f"bytes={text['bytes_returned']}-")
    piece = found["base64"]
    assert base64.b64decode(piece["content"]) == TEXT[10:20] and piece["range_requested"] == "bytes=10-19"
    assert base64.b64decode(found["two steps"]["content"]) == FILE[:100]
    assert found["own origin"]["content"] == TEXT[:21].decode()


def test_the_link_of_a_file_gets_the_credential_below_the_server_url_only(seen: dict[str, Any], vendors: Ten) -> None:
    assert seen["downloads"]
    elsewhere = vendors.seen("/up/asana-user-files.example/77")
    below = vendors.seen("/up/acme.zendesk.com/api/v2/files/6")
    assert elsewhere and all("authorization" not in request.headers for request in elsewhere)
    assert below and all("authorization" in request.headers for request in below)


def test_errors_are_the_clients_own_classes(seen: dict[str, Any]) -> None:
    errors = seen["errors"]
    assert errors["rejected"][0] == "ConnectorValidationError" and "Invalid email address" in errors["rejected"][1]
    assert errors["unknown parameter"][0] == "ConnectorValidationError" and "limit" in errors["unknown parameter"][1]
    assert errors["not found"][0] == "HTTPStatusError" and "No such customer" in errors["not found"][1]
    assert errors["unknown action"][0] in ("ConnectorValidationError", "ValueError")


def test_a_rate_limit_arrives_with_its_pause(vendors: Ten, start_server: Callable[..., Server], tmp_path: Path) -> None:
    overlay = Overlay(tmp_path / "definitions")
    published.add(overlay, "stripe", vendors.url)
    server = start_server(connectors=overlay.folder, UPSTREAM_TIMEOUT="3s")
    api = server.api.login(server.default)
    made = api.post("/integrations/connectors", {
        "workspace_name": "user_1", "connector_type": "stripe", "credentials": Ten.CREDENTIALS["stripe"],
    }).ok()
    vendors.limited = True
    try:
        reply = api.post(f"/integrations/connectors/{made['id']}/execute", {"entity": "customers", "action": "list"})
    finally:
        vendors.limited = False
    assert reply.status == 429 and reply.headers["retry-after"] == "7"
