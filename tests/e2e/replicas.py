"""Several processes of one installation: one PostgreSQL database, one master key, one public URL, a port each.

Knows how replicas are configured alike. The public URL is the first one's address: consents come back to it.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

from api import Api, Organization
from server import Server


class Replicas:
    """`settings` are those of `Server`, the same for all."""

    def __init__(self, folder: Path, connectors: Path, count: int = 3, **settings: str) -> None:
        first = Server("postgres", folder / "replica-0", connectors, **settings)
        shared = {name: first.settings[name] for name in (
            "DATABASE_URL", "MASTER_KEY", "PUBLIC_URL", "BOOTSTRAP_CLIENT_ID", "BOOTSTRAP_CLIENT_SECRET",
        )}
        # Only the first one owns the database: the others must neither make nor drop one.
        others = [Server("sqlite", folder / f"replica-{n}", connectors, **{**settings, **shared}) for n in range(1, count)]
        self.servers = [first, *others]
        self._started = 0.0

    @property
    def default(self) -> Organization:
        return self.servers[0].default

    def start(self) -> Replicas:
        for server in self.servers:
            server.start()
        self._started = time.monotonic()
        return self

    def wait_until_steady(self) -> None:
        """Until they have reached the database for more than five seconds: before that none takes a dead one's work over."""
        time.sleep(max(0.0, self._started + 6.0 - time.monotonic()))

    def apis(self, organization: Organization) -> list[Api]:
        """The API of each replica with one application token, which all of them accept."""
        token = self.servers[0].api.login(organization).token
        return [server.api.bearing(token) for server in self.servers]

    def kill(self, number: int) -> None:
        """As a machine that loses power: nothing is said to anybody."""
        child = self.servers[number].child
        assert child is not None
        child.stop(signal.SIGKILL)

    def at(self, port: int) -> int | None:
        """Which replica holds the local end of a loopback connection from `port`."""
        # Both lists are read while the kernel changes them: a busy one can miss an entry, also several times at once.
        for attempt in range(25):
            time.sleep(0.002 * (attempt > 2))
            inode = _socket_of(port)
            for number, server in enumerate(self.servers):
                if server.child is not None and inode in _sockets_of(server.child.process.pid):
                    return number
        return None

    def close(self) -> None:
        # The first one last: it drops the database.
        for server in reversed(self.servers):
            server.close()


def _socket_of(port: int) -> str | None:
    """The kernel's name of the socket that is bound to this local port of loopback and connected."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[9] != "0":
            return fields[9]
    return None


def _sockets_of(pid: int) -> set[str]:
    found = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except OSError:
                continue  # closed meanwhile
            if target.startswith("socket:["):
                found.add(target[len("socket:["):-1])
    except OSError:
        pass  # the process ended meanwhile
    return found
