"""A reverse proxy on loopback in front of a token endpoint: it counts, and it injects the faults for all providers alike.

Knows HTTP/1.1 as far as token requests need it, and which replica a connection comes from. Every exchange has a
connection of its own, so that nothing a server does to reuse connections hides a fault.
"""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.parse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from ledger import Ledger, Send

# A fault ends by itself after this, so that no run hangs on it.
_LONGEST = 60.0


@dataclass
class Fault:
    """What happens to one refresh. `name` is one of:

    refuse        503, the provider never sees the request
    hang          no answer until the client gives up, the provider never sees the request
    drop          the connection is closed, the provider never sees the request
    drop answer   the provider acts, its answer is thrown away and the connection closed
    hang answer   the provider acts, its answer never comes
    late answer   the provider acts, its answer is held for `seconds`
    hold          as hang, for the phases that kill who waits
    hold answer   as hang answer, for the same

    `on_hold` learns which replica waits now, where it waits.
    """

    name: str
    seconds: float = 0.0
    on_hold: Callable[[int | None], None] | None = None


@dataclass
class Proxy:
    """Stands in for `upstream` (an origin). `replica_at` tells which replica owns a client's port."""

    provider: str
    upstream: str
    ledger: Ledger
    replica_at: Callable[[int], int | None]
    token_path: str
    revoke_path: str
    faults: dict[int, list[Fault]] = field(default_factory=lambda: defaultdict(list))  # by family, the next first

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def _run(self, ready: threading.Event) -> None:
        async def serve() -> None:
            server = await asyncio.start_server(self._client, "127.0.0.1", 0, backlog=256)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            ready.set()

        self._loop.run_until_complete(serve())
        self._loop.run_forever()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(5)

    async def _end(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._loop.stop()

    # --- one exchange ------------------------------------------------------------------------------------

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            body = await reader.readexactly(_length(head))
            form = dict(urllib.parse.parse_qsl(body.decode()))
            if path == self.token_path and form.get("grant_type") == "refresh_token":
                await self._refresh(head, body, form["refresh_token"], reader, writer)
                return
            answer = await self._forward(head, body)
            if path == self.token_path and (tokens := _tokens(answer)) is not None:
                self.ledger.exchanged(self.provider, tokens)
            if path == self.revoke_path:
                self.ledger.revoked(form.get("token", ""))
            writer.write(answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away, or the provider did: the client sees a closed connection
        finally:
            writer.close()

    async def _refresh(
        self, head: bytes, body: bytes, token: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        replica = self.replica_at(writer.get_extra_info("peername")[1])
        send = self.ledger.sent(self.provider, token, replica, None)
        waiting = self.faults.get(send.family)
        fault = waiting.pop(0) if waiting else None
        send.fault = fault.name if fault else None
        # The client sends nothing more, so that whatever there is to read is its end.
        gone = asyncio.ensure_future(reader.read(1))
        delivered = False
        try:
            answer = await self._with_fault(fault, send, head, body, gone)
            if answer is not None and not gone.done():
                writer.write(answer)
                await writer.drain()
                delivered = True
        finally:
            gone.cancel()
            self.ledger.ended(send, delivered)

    async def _with_fault(
        self, fault: Fault | None, send: Send, head: bytes, body: bytes, gone: asyncio.Future[bytes]
    ) -> bytes | None:
        """The answer to hand on; None: close the connection without one."""
        name = fault.name if fault else ""
        if name == "refuse":
            return b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        if name == "drop":
            return None
        if fault and name in ("hang", "hold"):
            await self._hold(fault, send, gone, _LONGEST)
            return None
        answer = await self._forward(head, body)
        self.ledger.answered(send, _tokens(answer), b"invalid_grant" in answer)
        if fault and name in ("hang answer", "hold answer"):
            await self._hold(fault, send, gone, _LONGEST)
            return None
        if fault and name == "late answer":
            await self._hold(fault, send, gone, fault.seconds)
        return None if name == "drop answer" else answer

    @staticmethod
    async def _hold(fault: Fault, send: Send, gone: asyncio.Future[bytes], seconds: float) -> None:
        if fault.on_hold is not None:
            fault.on_hold(send.replica)
        await asyncio.wait([gone], timeout=seconds)

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        """The provider's answer, whole. It is asked to close, so the end of the stream is the end of the answer."""
        address = urllib.parse.urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            first, _, rest = head.partition(b"\r\n")
            kept = [line for line in rest.split(b"\r\n") if line and line.split(b":")[0].lower() not in (b"host", b"connection")]
            kept += [b"host: " + address.netloc.encode(), b"connection: close"]
            writer.write(b"\r\n".join([first, *kept]) + b"\r\n\r\n" + body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def _tokens(answer: bytes) -> dict[str, object] | None:
    """The members of a successful token answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200" not in head.split(b"\r\n")[0]:
        return None
    if b"transfer-encoding: chunked" in head.lower():
        body = _unchunk(body)
    found = json.loads(body)
    return found if isinstance(found, dict) and "access_token" in found else None


def _unchunk(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        whole, body = whole + body[:length], body[length + 2:]
        if length == 0:
            break
    return whole
