"""The binary as an operator meets it: start, stop, keys, configuration, commands, logs, what lies on disk."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from application import Application
from peers import OidcProvider
from process import REPOSITORY, environment, until
from routes import ROUTES
from server import Server, binary
from upstream import Upstream
from vendor import Vendor

Start = Callable[..., Server]


# --- pages and documents ---------------------------------------------------------------------------------


def test_health_ready_and_docs(server: Server) -> None:
    root = server.api.below("")
    assert root.get("/health").status == 200
    assert root.get("/ready").status == 200
    docs = root.get("/docs")
    assert docs.status == 200 and "text/html" in docs.headers["content-type"]
    assert "/integrations/connectors/oauth/initiate" in docs.text or "openapi.json" in docs.text


def test_openapi_is_valid_and_names_every_route(server: Server) -> None:
    document = server.api.below("").get("/openapi.json").ok()
    assert document["openapi"].startswith("3.1")
    validate(document)
    # /api/v1 may stand in the server's URL or in each path; a parameter is one segment.
    base = document["servers"][0]["url"] if document.get("servers") else ""
    prefix = "" if base.rstrip("/").endswith("/api/v1") else "/api/v1"
    patterns = [(re.compile("^" + re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(path)) + "$"), set(item)) for path, item in document["paths"].items()]
    aliases = ("/embedded/", "/connectors/sources/", "/connectors/instances")
    for method, path, _, _ in ROUTES:
        wanted = prefix + path.split("?")[0]
        found = any(pattern.match(wanted) and method.lower() in methods for pattern, methods in patterns)
        assert found or path.startswith(aliases), f"{method} {path} is not in openapi.json"


def test_a_connector_describes_itself(application: Callable[..., Application]) -> None:
    app = application()
    connector = app.connect("u1")
    inspected = app.api.get(f"/integrations/connectors/{connector}/inspect").ok()
    assert inspected["docs_skill_id"]
    entities = app.api.get(f"/integrations/connectors/{connector}/entities").ok()
    for text in (json.dumps(inspected), json.dumps(entities)):
        assert "notes" in text and "whoami" in text and "create" in text
    for form in ("openai", "anthropic", "mcp"):
        tools = app.api.get(f"/integrations/connectors/{connector}/entities", {"format": form}).ok()
        assert "notes" in json.dumps(tools)
    docs = app.api.get("/skills/docs", {"id": inspected["docs_skill_id"]}).ok()
    assert docs["id"] == inspected["docs_skill_id"] and docs["outline"] and docs["content"]
    assert {"id", "title", "kind", "summary", "warnings"} <= set(docs["metadata"])
    section = app.api.get("/skills/docs", {"id": inspected["docs_skill_id"], "section": docs["outline"][0]["id"]}).ok()
    assert section["section_id"] == docs["outline"][0]["id"] and section["content"]
    described = app.api.execute(connector, "", "describe", {}).ok()
    assert "notes" in json.dumps(described["result"])
    checked = app.api.execute(connector, "*", "check", {}).ok()
    assert checked["status"] == "success"
    status = app.api.post(f"/integrations/connectors/{connector}/check", {"entities": ["notes", "whoami"]}).ok()
    assert status["status"] == "succeeded"
    assert {one["entity"] for one in status["entity_check_results"]} == {"notes", "whoami"}


# --- start and stop --------------------------------------------------------------------------------------


def test_a_second_start_finds_everything_again(start_server: Start, peer: OidcProvider, app_page: Upstream) -> None:
    server = start_server()
    app = Application(server, server.default, app_page.url, peer)
    connector = app.connect("u1")
    pending = app.initiate("u2")
    assert server.stop() == 0
    server.start()
    api = server.api.login(server.default)
    assert api.execute(connector, "whoami", "get").ok()["result"]["sub"] == "alice"
    # A token from before the restart, and a consent that was under way, live on.
    app.api.get("/integrations/connectors").ok()
    assert "secret_id" in app.consent(pending).query
    if server.database == "sqlite":
        keys = [file for file in server.data.rglob("*") if file.is_file() and file.stat().st_size < 200]
        assert keys and all(file.stat().st_mode & 0o077 == 0 for file in keys), "the key file is readable by others"


def test_bootstrap_happens_once(start_server: Start) -> None:
    server = start_server()
    first = server.api.login(server.default).post("/account/applications/scoped-token", {"workspace_name": "w"}).ok()
    server.stop()
    server.start()
    again = server.api.bearing(first["token"]).get("/account/applications/scoped-token/info").ok()
    login = server.api.post("/account/applications/token", {
        "client_id": server.default.client_id, "client_secret": server.default.client_secret}).ok()
    assert again["organization_id"] == login["organization_id"]
    listed = server.cli("org", "list").stdout
    assert listed.count("default") == 1, listed


def test_a_stop_finishes_what_runs(start_server: Start, vendor: Vendor, app_page: Upstream) -> None:
    server = start_server()
    app = Application(server, server.default, app_page.url, None, "vendor-demo")
    vendor.accounts["slow-token"] = "alice"
    connector = app.api.post("/integrations/connectors", {
        "external_user_id": "u", "connector_type": "vendor-demo", "credentials": {"access_token": "slow-token"}}).ok()["id"]
    vendor.gate = threading.Event()
    try:
        answers: list[int] = []
        before = len(vendor.seen("/api/whoami"))
        running = threading.Thread(target=lambda: answers.append(app.whoami(connector).status))
        running.start()
        until("the call has reached the provider", lambda: len(vendor.seen("/api/whoami")) > before)
        assert server.child is not None
        server.child.process.send_signal(signal.SIGTERM)
        until("no new connection is taken", lambda: not _accepts(server), 5)
        assert server.child.running, "it did not wait for the running call"
        vendor.gate.set()
        running.join(10)
        assert answers == [200]
        assert server.child.process.wait(10) == 0
    finally:
        vendor.gate.set()
        vendor.gate = None


def _accepts(server: Server) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=0.5) as connection:
            connection.settimeout(0.5)
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(12).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def test_an_interrupt_stops_it_too(start_server: Start) -> None:
    assert start_server().stop(signal.SIGINT) == 0


# --- keys and configuration ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), [
    ("LISTEN", "nowhere"), ("LISTEN", "127.0.0.1:99999"), ("PUBLIC_URL", "not a url"), ("PUBLIC_URL", "ftp://x/"),
    ("PUBLIC_URL", "https://user:pw@x/"), ("DATABASE_URL", "mysql://x/y"), ("ALLOW_UPSTREAM_CIDRS", "127.0.0.1/99"),
    ("ALLOW_UPSTREAM_CIDRS", "localhost"), ("CORS_ORIGINS", "*"), ("CORS_ORIGINS", "https://a.example/path"),
    ("OAUTH_SESSION_TTL", "soon"), ("OAUTH_SESSION_TTL", "-1s"), ("SECRET_TTL", "10 parsecs"), ("CALLBACK_MODE", "cookie"),
    ("REFRESH_AHEAD", "maybe"), ("UPSTREAM_TIMEOUT", "0x10"), ("MAX_RESPONSE_BYTES", "lots"), ("RETRY_BASE_DELAY", "fast"),
    ("LOG", "level=="), ("CONNECTORS_DIR", "/nonexistent/definitions"),
])
@pytest.mark.sqlite_only
def test_a_bad_value_stops_the_start_and_is_explained(start_server: Start, name: str, value: str) -> None:
    said = start_server(start=False).refuses_to_start(**{name: value})
    assert f"KEYBEARER_{name}" in said or name.lower() in said, said
    assert len(said.strip()) > len(name) + 20, f"it does not say what is accepted: {said}"


@pytest.mark.sqlite_only
def test_a_bad_definition_is_named_with_its_line(start_server: Start, tmp_path: Path) -> None:
    folder = tmp_path / "definitions" / "broken"
    folder.mkdir(parents=True)
    good = (REPOSITORY / "tests" / "peers" / "oidc-provider" / "connector.yaml").read_text().replace("PEER_ORIGIN", "https://api.example")
    bad = good.replace("x-airbyte-action: create", "x-airbyte-action: explode").replace("\nservers:", "\nservres: []\nservers:")
    (folder / "connector.yaml").write_text(bad)
    server = start_server(start=False)
    done = server.cli("connectors", "validate", str(folder / "connector.yaml"), check=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    for wrong in ("explode", "servres"):
        line = next(number for number, text in enumerate(bad.splitlines(), 1) if wrong in text)
        assert wrong in said and re.search(rf"connector\.yaml:{line}\b", said), said
    (folder / "connector.yaml").write_text(good)
    assert server.cli("connectors", "validate", str(folder / "connector.yaml")).returncode == 0


# --- commands --------------------------------------------------------------------------------------------


@pytest.mark.sqlite_only
def test_every_command_has_help_with_an_example(start_server: Start) -> None:
    server = start_server(start=False)
    for command in (["serve"], ["demo"], ["org", "create"], ["org", "list"],
                    ["connectors", "list"], ["connectors", "describe"], ["connectors", "validate"],
                    ["keys", "rotate"], ["backup"], ["doctor"]):
        said = server.cli(*command, "--help").stdout
        assert "xample" in said and "keybearer" in said, f"{command}: {said}"
    unknown = server.cli("explode", check=False)
    assert unknown.returncode != 0 and unknown.stderr and not unknown.stdout


def test_organizations_by_the_command_line(start_server: Start) -> None:
    server = start_server()
    made = server.organization("Acme")
    listed = server.cli("org", "list").stdout
    assert made.id and made.id in listed and "Acme" in listed and made.client_secret not in listed
    server.api.login(made).get("/workspaces").ok()
    nameless = server.cli("org", "create", "", check=False)
    assert nameless.returncode != 0 and nameless.stderr


@pytest.mark.sqlite_only
def test_the_catalogue(start_server: Start) -> None:
    server = start_server(start=False)
    listed = server.cli("connectors", "list").stdout
    for name in ("hubspot", "salesforce", "intercom", "github", "slack", "oidc-demo"):
        assert name in listed
    described = server.cli("connectors", "describe", "hubspot").stdout
    assert "contacts" in described and "list" in described
    unknown = server.cli("connectors", "describe", "hubspott", check=False)
    assert unknown.returncode != 0 and "hubspot" in unknown.stderr
    built_in = sorted((REPOSITORY / "connectors").glob("*/connector.yaml"))
    assert len(built_in) >= 5
    assert server.cli("connectors", "validate", *map(str, built_in)).returncode == 0


def test_the_doctor(start_server: Start) -> None:
    server = start_server()
    done = server.cli("doctor", check=False)
    said = done.stdout + done.stderr
    assert "redirect" in said.lower(), said  # the empty allow-list is a warning
    assert server.master_key not in said and server.default.client_secret not in said


@pytest.mark.sqlite_only
def test_the_demo_walks_the_product(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(binary()), "demo"], env=environment(), cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for step in (
        "/account/applications/token", "/oauth/credentials", "/oauth/credentials/spec", "/oauth/initiate", "/oauth/callback",
        "secret_id", "/integrations/connectors", "scoped-token", "/execute", "cursor", "refresh",
    ):
        assert step in said, f"{step} is not shown"
    assert list(tmp_path.iterdir()) == [], "it left something behind"
