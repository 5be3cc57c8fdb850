"""The Keybearer binary as a process: its own port, data folder, database and clean environment.

Knows the command line and the configuration variables; the HTTP API is api.py's.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
from pathlib import Path

import postgres
from api import Api, Organization
from process import REPOSITORY, Child, environment, free_port


def binary() -> Path:
    """The binary under test."""
    found = Path(os.environ.get("KEYBEARER_BIN", "target/debug/keybearer"))
    found = found if found.is_absolute() else REPOSITORY / found
    assert found.is_file(), f"{found} is not there: cargo build --package keybearer, or set KEYBEARER_BIN"
    return found


class Server:
    """One installation: it can be started, stopped and started again on the same data.

    `settings` are KEYBEARER_ variables without the prefix: Server(…, OAUTH_SESSION_TTL="2s").
    """

    def __init__(self, database: str, folder: Path, connectors: Path | None = None, **settings: str) -> None:
        self.database = database
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "server.log"
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.default = Organization("app-" + secrets.token_hex(8), "secret-" + secrets.token_hex(24))
        self.master_key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.settings = {
            "LISTEN": f"127.0.0.1:{self.port}",
            "PUBLIC_URL": self.url,
            "DATA_DIR": str(self.data),
            "BOOTSTRAP_CLIENT_ID": self.default.client_id,
            "BOOTSTRAP_CLIENT_SECRET": self.default.client_secret,
            "ALLOW_UPSTREAM_CIDRS": "127.0.0.0/8",
            "RETRY_BASE_DELAY": "0ms",
        }
        if connectors is not None:
            self.settings["CONNECTORS_DIR"] = str(connectors)
        self.postgres_url: str | None = None
        if database == "postgres":
            self.postgres_url = postgres.create_database()
            self.settings |= {"DATABASE_URL": self.postgres_url, "MASTER_KEY": self.master_key}
        self.settings |= settings
        self.child: Child | None = None

    # --- the process -------------------------------------------------------------------------------------

    def environment(self, **settings: str) -> dict[str, str]:
        return environment(**{f"KEYBEARER_{name}": value for name, value in {**self.settings, **settings}.items()})

    def start(self, **settings: str) -> Server:
        """Starts and returns once /health answers; raises with the log where it does not come up."""
        self.child = Child([str(binary()), "serve"], self.environment(**settings), self.log, cwd=self.folder)
        self.child.wait_for_http(f"{self.url}/health")
        return self

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        assert self.child is not None
        return self.child.stop(with_signal)

    def close(self) -> None:
        """Ends the process and gives the database back. The folder is the caller's."""
        try:
            if self.child is not None and self.child.running:
                self.child.stop(signal.SIGTERM)
        finally:
            if self.postgres_url is not None:
                postgres.drop_database(self.postgres_url)

    def refuses_to_start(self, **settings: str) -> str:
        """Runs `serve` with settings that it must not accept; its output, after checking that it failed."""
        done = self.cli("serve", check=False, timeout=15, **settings)
        assert done.returncode not in (0, None), f"it started, or ended well: {done.stdout}{done.stderr}"
        assert "panicked" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def cli(
        self, *arguments: str, check: bool = True, timeout: float = 30, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs another command of the binary with this installation's settings."""
        try:
            done = subprocess.run(
                [str(binary()), *arguments], env=self.environment(**settings), cwd=self.folder, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=timeout, check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"keybearer {' '.join(arguments)} still ran after {timeout:g} s: {late.stderr!r}") from None
        if check:
            assert done.returncode == 0, f"keybearer {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    # --- what is in it -----------------------------------------------------------------------------------

    @property
    def api(self) -> Api:
        return Api(self.url)

    def organization(self, name: str | None = None) -> Organization:
        """A new organization through the command line."""
        made = json.loads(self.cli("org", "create", name or "org-" + secrets.token_hex(6)).stdout)
        assert set(made) == {"organization_id", "client_id", "client_secret"}, made
        return Organization(made["client_id"], made["client_secret"], made["organization_id"])

    def at_rest(self) -> bytes:
        """Everything that lies on disk: data folder (without the key file), or the rows; and the log."""
        parts = [self.log.read_bytes()]
        if self.data.is_dir():
            parts += [file.read_bytes() for file in sorted(self.data.rglob("*")) if file.is_file()]
        if self.postgres_url is not None:
            parts.append(postgres.dump(self.postgres_url).encode("utf-8", "replace"))
        return b"\n".join(parts)
