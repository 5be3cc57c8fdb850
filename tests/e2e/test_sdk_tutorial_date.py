"""airbyte-agent-github 0.18.36, the package of the tutorial's date, through the old token, look-up and execute paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from overlay import Overlay
from server import Server
from test_sdk_current import run_program
from vendors import GitHub


@pytest.mark.sqlite_only
def test_the_tutorials_package_works(start_server: Callable[..., Server], tmp_path: Path) -> None:
    github = GitHub()
    try:
        overlay = Overlay(tmp_path / "definitions")
        github.overlay(overlay)
        server = start_server(connectors=overlay.folder)
        server.api.login(server.default).post("/integrations/connectors", {
            "external_user_id": "user_1", "connector_type": "github", "credentials": {"token": GitHub.TOKEN},
        }).ok()
        seen = run_program(
            "sdk-tutorial-date", "tutorial_date.py", BASE_URL=server.url,
            CLIENT_ID=server.default.client_id, CLIENT_SECRET=server.default.client_secret,
        )
        assert seen["repositories"] == ["hello-world", "spoon-knife"]
        assert seen["repository"]["nameWithOwner"] == "octocat/hello-world"
        assert seen["generic"] == ["hello-world"]
        assert "nobody" in seen["unknown user"]
        assert github.complaints == []
    finally:
        github.close()
