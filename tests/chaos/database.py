"""A private PostgreSQL server that can be restarted in the middle of everything.

Knows initdb and postgres. scripts/with-postgres is not used: it ends with the one server process that it started.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from process import Child, environment, free_port, until


class Database:
    """Listens on a free port of loopback from `start` to `close`; the data is thrown away."""

    def __init__(self, log: Path) -> None:
        self.programs = Path(os.environ["KEYBEARER_TEST_POSTGRES_BIN"])
        self.port = free_port()
        self.url = f"postgres://keybearer@127.0.0.1:{self.port}/postgres"
        self.log = log
        # Not below the checkout: the account that PostgreSQL runs as may not reach it.
        self.data = Path(tempfile.mkdtemp(prefix="keybearer-chaos-pg-"))
        self._as_server: list[str] = []
        if os.getuid() == 0:
            # PostgreSQL refuses to run as root; then it runs as an account without rights.
            names = {entry.pw_name for entry in pwd.getpwall()}
            owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            shutil.chown(self.data, owner.pw_uid, owner.pw_gid)
            # Changing the account would drop the wish to die with the parent: it is asked for again after it.
            self._as_server = [
                "setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--pdeathsig", "QUIT",
            ]
        subprocess.run(
            [*self._as_server, str(self.programs / "initdb"), "--pgdata", str(self.data / "db"), "--username=keybearer",
             "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            env=environment(), cwd="/", check=True, capture_output=True, timeout=120,
        )
        self.child: Child | None = None

    def start(self) -> Database:
        """Returns once it takes connections."""
        self.child = Child(
            [*self._as_server, str(self.programs / "postgres"), "-D", str(self.data / "db"), "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=60",
             # A commit has to survive the restart, as it does for an operator.
             "-c", "fsync=on", "-c", "synchronous_commit=on"],
            environment(), self.log, cwd=Path("/"),
        )
        until("PostgreSQL takes connections", self.takes_connections, 30)
        return self

    def takes_connections(self) -> bool:
        assert self.child is not None and self.child.running, f"PostgreSQL ended:\n{self.log.read_text()[-2000:]}"
        asked = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, timeout=10, check=False).returncode == 0

    def stop(self) -> None:
        """Fast: sessions are cut off, what was committed is kept."""
        assert self.child is not None
        self.child.stop(signal.SIGINT, 30)

    def close(self) -> None:
        try:
            if self.child is not None and self.child.running:
                self.stop()
        finally:
            shutil.rmtree(self.data, ignore_errors=True)
