"""An upstream that writes to its connections what a test says: endless, slow, cut off, or no HTTP at all.

Counts connections and notices when the other side hangs up.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class Raw:
    """Listens on a free port of loopback; `serve` gets each connection with the head of its first request."""

    def __init__(self, serve: Callable[[Raw, socket.socket, bytes], None] | None = None) -> None:
        self.serve = serve or (lambda _raw, _connection, _head: None)
        self.heads: list[bytes] = []
        self.connections = 0
        self.hung_up = threading.Event()  # a write or a wait found the other side gone
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def clear(self) -> None:
        self.heads, self.connections = [], 0
        self.hung_up.clear()

    def wait_for_hang_up(self, connection: socket.socket, seconds: float) -> None:
        """Holds the connection, silent, until the other side has closed it."""
        connection.settimeout(seconds)
        with contextlib.suppress(OSError):
            if connection.recv(1) == b"":
                self.hung_up.set()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(20)
            head = b""
            try:
                while b"\r\n\r\n" not in head:
                    got = connection.recv(4096)
                    if not got:
                        return
                    head += got
                self.heads.append(head)
                self.serve(self, connection, head)
            except (BrokenPipeError, ConnectionResetError):
                self.hung_up.set()
            except TimeoutError:
                pass
