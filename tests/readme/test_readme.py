"""The README's commands and its Node.js application, run as they stand there, against the real binary.

Only addresses are replaced: the ports of the server and of the application, and HubSpot's own, by a definition laid
over the built-in one. Run with `scripts/test e2e readme`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from blocks import blocks
from browser import Browser
from hubspot import CONTACTS, HubSpot
from overlay import Overlay
from process import INSTALLED, Child, environment, free_port, until
from server import binary


@dataclass
class Stage:
    """A folder in which the README's commands run, with what they expect around them."""

    folder: Path
    hubspot: HubSpot
    server_port: int
    application_port: int
    env: dict[str, str]

    def text(self, name: str) -> list[str]:
        """A marked block with this stage's ports."""
        server, application = f"localhost:{self.server_port}", f"localhost:{self.application_port}"
        ported = (text.replace("localhost:8000", server).replace("localhost:3000", application) for text in blocks()[name])
        return [text.replace("app.listen(3000,", f"app.listen({self.application_port},") for text in ported]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("readme")
    server_port, application_port = free_port(), free_port()
    hubspot = HubSpot(f"http://localhost:{server_port}/oauth/callback/hubspot")
    overlay = Overlay(folder / "connectors")
    overlay.built_in("hubspot", {"https://app.hubspot.com/oauth": f"{hubspot.url}/oauth", "https://api.hubapi.com": hubspot.url})
    commands = folder / "bin"
    commands.mkdir()
    (commands / "keybearer").symlink_to(binary())
    (commands / "node").symlink_to(os.environ.get("KEYBEARER_TEST_NODE") or shutil.which("node") or "node")
    env = environment(
        KEYBEARER_LISTEN=f"127.0.0.1:{server_port}",
        KEYBEARER_PUBLIC_URL=f"http://localhost:{server_port}",
        KEYBEARER_CONNECTORS_DIR=str(overlay.folder),
        KEYBEARER_ALLOW_UPSTREAM_CIDRS="127.0.0.0/8",
        HUBSPOT_CLIENT_ID=hubspot.client_id,
        HUBSPOT_CLIENT_SECRET=hubspot.client_secret,
    )
    env["PATH"] = f"{commands}:{env['PATH']}"
    stage = Stage(folder, hubspot, server_port, application_port, env)
    subprocess.run(["bash", "-euc", "".join(stage.text("organization"))], cwd=folder, env=env, check=True, timeout=30)
    server = Child(["bash", "-c", "exec " + "".join(stage.text("serve"))], env, folder / "server.log", cwd=folder)
    try:
        server.wait_for_http(f"http://127.0.0.1:{server_port}/health")
        yield stage
    finally:
        server.stop()
        hubspot.close()


def test_the_curl_commands(stage: Stage) -> None:
    """Pasted one after the other; the user agrees and reads the secret_id in the address bar."""
    before, after = stage.text("curl")
    script = "set -euo pipefail\n" + before + "".join(stage.text("secret")) + after
    shell = subprocess.Popen(
        ["bash", "-c", script], cwd=stage.folder, env=stage.env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert shell.stdin and shell.stdout
    try:
        shown = ""
        while not (line := shell.stdout.readline()).startswith("http"):
            assert line, f"no consent URL: {shown}{shell.stderr.read() if shell.stderr else ''}"
            shown += line
        assert json.loads(shown)["scope_type"] == "organization"
        # The browser follows HubSpot and Keybearer; the last address is nobody's, so it stays in the bar.
        landed = Browser().open(line.strip(), stop=f"http://localhost:{stage.application_port}/").query
        assert landed["user_id"] == "user_123"
        out, err = shell.communicate(landed["secret_id"] + "\n", timeout=60)
    finally:
        shell.kill()
    assert shell.returncode == 0, err
    first, second = _documents(out.removeprefix("secret_id: "))
    assert [one["id"] for one in first["result"]] == ["0", "1"]
    assert [one["id"] for one in second["result"]] == ["2", "3"]
    assert first["connector_metadata"]["has_next_page"] is True


def test_the_node_application(stage: Stage) -> None:
    """Saved as app.mjs and started as the README says, with express installed from the lock file."""
    (stage.folder / "node_modules").symlink_to(INSTALLED / "readme" / "node_modules")
    (program,) = stage.text("app.mjs")
    (stage.folder / "app.mjs").write_text(program)
    (commands,) = stage.text("node")
    install, rest = commands.split("\n", 1)
    assert install == "npm i express"
    start = rest.replace("node app.mjs", "exec node app.mjs")
    application = Child(["bash", "-euc", start], stage.env, stage.folder / "app.log", cwd=stage.folder)
    home = f"http://localhost:{stage.application_port}"
    try:
        until("the application says where it is", lambda: f"Open {home}/connect" in application.output())
        page = Browser().open(f"{home}/connect")
        assert page.status == 200 and page.url == f"{home}/contacts", (page, application.output())
        assert len(json.loads(page.body)) == CONTACTS
        refused = Browser().open(f"{home}/connected?error=access_denied")
        assert refused.status == 400 and refused.body == "Not connected: access_denied"
        # Another browser cannot finish a consent that this one began.
        foreign = Browser().open(f"{home}/connected?secret_id=stolen")
        assert foreign.status == 500
    finally:
        application.stop()


def _documents(text: str) -> list[dict]:
    """JSON documents one after the other."""
    found, decoder = [], json.JSONDecoder()
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found
