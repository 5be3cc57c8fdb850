"""airbyte-agent-sdk 0.1.380 from PyPI, unmodified, in hosted mode against a local server (SDK_DEV_ADP_API_HOST)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from overlay import Overlay
from process import INSTALLED, REPOSITORY, environment
from server import Server
from vendors import GitHub, HubSpot

pytestmark = pytest.mark.sqlite_only


def run_program(python: str, program: str, **variables: str) -> dict[str, Any]:
    """Runs a program of tests/sdk/ with the Python of .test/<python>; what it printed."""
    done = subprocess.run(
        [str(INSTALLED / python / "bin" / "python"), str(REPOSITORY / "tests" / "sdk" / program)],
        env=environment(AIRBYTE_TELEMETRY_MODE="disabled", **variables), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture
def seen(start_server: Callable[..., Server], tmp_path: Path) -> dict[str, Any]:
    hubspot, github = HubSpot(), GitHub()
    try:
        overlay = Overlay(tmp_path / "definitions")
        hubspot.overlay(overlay)
        github.overlay(overlay)
        server = start_server(connectors=overlay.folder)
        api = server.api.login(server.default)
        for body in (
            {"connector_type": "hubspot", "credentials": HubSpot.CREDENTIALS},
            {"connector_type": "github", "credentials": {"token": GitHub.TOKEN}},
        ):
            api.post("/integrations/connectors", {"workspace_name": "user_1", **body}).ok()
        seen = run_program(
            "sdk-current", "current.py", SDK_DEV_ADP_API_HOST=server.url,
            AIRBYTE_CLIENT_ID=server.default.client_id, AIRBYTE_CLIENT_SECRET=server.default.client_secret,
        )
        assert hubspot.complaints == [] and github.complaints == []
        return seen
    finally:
        hubspot.close()
        github.close()


def test_the_published_sdk_connects_and_executes(seen: dict[str, Any]) -> None:
    assert seen["hubspot class"] == "HubspotConnector"
    assert seen["contacts"] == ["151", "152"] and seen["contacts meta"]["next_cursor"] == "153"
    assert seen["contacts, typed, second page"] == ["153"] and seen["second page has more"] is None
    assert seen["contact"]["properties"]["email"] == "contact1@example.test"
    assert seen["created"]["id"] == "154" and seen["created"]["properties"]["email"] == "new@example.test"
    assert seen["selected"] == [{"id": "151"}]
    assert seen["tool execute"] == ["151"]
    assert seen["check"]["status"] in ("healthy", "success", "succeeded"), seen["check"]

    assert seen["repositories"] == ["hello-world"]
    assert seen["repositories, typed, second page"] == ["spoon-knife"] and seen["second page"] is False
    assert seen["repository"] == "octocat/spoon-knife"
    assert seen["issue"] == [43, "It broke"]

    kind, text = seen["error: unknown parameter"]
    assert kind == "ConnectorValidationError" and "nope" in text and "contactId" in text
    kind, text = seen["error: not found"]
    assert "404" in text and "resource not found" in text

    assert seen["inspect"]["docs_skill_id"]
    assert "contacts" in seen["inspect"]["text"]
    assert "contacts" in seen["docs"]
    assert seen["listed"] == ["GitHub (user_1)", "HubSpot (user_1)"] and seen["left"] == ["HubSpot (user_1)"]
