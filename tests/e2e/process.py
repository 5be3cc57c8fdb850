"""Child processes of the suite: started with a clean environment, ended by their own pid.

Knows processes and ports; knows neither Keybearer nor any peer.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALLED = REPOSITORY / ".test"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_the_suite() -> None:
    """Runs in the child: the kernel ends it when the suite is gone, however that went."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


# Below those that the system gives to outgoing connections, so that none of these takes a port before its server listens, or
# while it restarts. Each of pytest's processes has a range of its own.
_PORTS = 4000
_first = 12_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 5 * _PORTS
_turns = itertools.count(random.randrange(_PORTS))


def free_port() -> int:
    """A port of loopback that nobody listens on now, another one each time."""
    for turn in itertools.islice(_turns, _PORTS):
        port = _first + turn % _PORTS
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def environment(**more: str) -> dict[str, str]:
    """What a child sees: the search path and `more`, nothing of the developer's own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {"HOME": "/nonexistent", **kept, **more}


def http_status(url: str) -> int | None:
    """The status that `url` answers with, None where nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


def until(what: str, probe: Callable[[], T | None], seconds: float = 15.0) -> T:
    """The first true answer of `probe`, asked again and again for `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.02)


class Child:
    """A running program with its output in a file."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path, cwd: Path | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=_die_with_the_suite,
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for_http(self, url: str, seconds: float = 15.0) -> None:
        """Returns once `url` answers 200; raises with the program's output when it ends before that."""

        def probe() -> bool:
            if not self.running:
                raise AssertionError(f"{self.process.args[0]} ended with {self.process.returncode}:\n{self.output()[-4000:]}")
            return http_status(url) == 200

        until(f"{url} answers 200", probe, seconds)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Ends the program and gives its exit code; one that does not listen is killed."""
        if self.running:
            self.process.send_signal(with_signal)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.process.args[0]} did not end within {seconds:g} s of {with_signal.name}") from None
