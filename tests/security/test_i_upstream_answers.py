"""Bombs and slowness: from upstream, and on our own listener (I1 to I8)."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from parallel import at_once
from process import until
from raw import Raw
from server import Server
from workbench import Workbench

pytestmark = pytest.mark.sqlite_only
MEGABYTE = 1_000_000
# What one answer over the cap of 10 MB may cost beside what the server holds anyway.
ROOM = 32 * MEGABYTE


def _resident(server: Server) -> int:
    assert server.child is not None
    [line] = [line for line in Path(f"/proc/{server.child.process.pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@contextmanager
def _within(server: Server, room: int) -> Iterator[None]:
    """The server's memory must not have grown by more than `room` at any moment."""
    assert server.child is not None
    Path(f"/proc/{server.child.process.pid}/clear_refs").write_text("5")  # the high-water mark begins anew
    before = _resident(server)
    yield
    assert _resident(server) - before < room, f"{(_resident(server) - before) / MEGABYTE:.0f} MB more"


def _endless(chunked: bool) -> object:
    def serve(_raw: Raw, connection: socket.socket, _head: bytes) -> None:
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 10737418240"
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + framing + b"\r\n\r\n")
        block = b" " * 65536
        while True:
            connection.sendall(b"10000\r\n" + block + b"\r\n" if chunked else block)
    return serve


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "10-GB"])
def test_i1_an_endless_body_is_cut_off(workbench: Workbench, chunked: bool) -> None:
    connector, _ = workbench.connector(connector_type="raw-bench")
    workbench.get(connector)
    workbench.raw.clear()
    workbench.raw.serve = _endless(chunked)  # type: ignore[assignment]
    with _within(workbench.server, ROOM):
        workbench.get(connector).error(502, "upstream_response_too_large")
    until("the upstream was hung up on", workbench.raw.hung_up.is_set, 5)
    assert workbench.raw.connections == 1, "it was asked again"


def test_i2_bombs_are_counted_decoded(workbench: Workbench) -> None:
    connector, _ = workbench.connector()
    zeros = gzip.compress(b" " * (100 * MEGABYTE))
    assert len(zeros) < MEGABYTE / 5
    workbench.answers(body=b"{}", content_type="application/json")
    workbench.get(connector).ok()
    with _within(workbench.server, ROOM):
        workbench.answers(body=zeros, content_type="application/json", content_encoding="gzip")
        workbench.get(connector).error(502, "upstream_response_too_large")
    twice = gzip.compress(gzip.compress(b'{"id": 1}'))
    for coding in ("gzip, gzip", "gzip,br", "br, gzip", "compress", "evil", "gzip;q=1"):
        workbench.answers(body=twice, content_type="application/json", content_encoding=coding)
        workbench.get(connector).error(502)
    workbench.answers(body=gzip.compress(b'{"id": 1}'), content_type="application/json", content_encoding="gzip")
    assert workbench.get(connector).ok()["result"] == {"id": 1}


def test_i3_hostile_json_is_an_error_and_numbers_are_exact(workbench: Workbench) -> None:
    connector, _ = workbench.connector()
    for body in (
        b"[" * 100_000, b'{"a":' * 100_000, b"[" * 200 + b"]" * 200, b'{"a": \xff}', b'{"a": "\xff\xfe', b"nul", b"{} {}", b'{"a": NaN}',
        b"\x00" * 1000, b'{"a": 01}', b"<html></html>",
    ):
        workbench.answers(body=body, content_type="application/json")
        workbench.get(connector).error(502)
    exact = b'{"big": 123456789012345678901234567890, "small": 0.1000, "huge": 1e999, "text": "\\ud83e\\udde8", "again": 1, "again": 2}'
    workbench.answers(body=exact, content_type="application/json")
    text = workbench.get(connector).text
    for kept in ("123456789012345678901234567890", "0.1000", "1e999"):
        assert kept in text, kept
    many = b"{" + b",".join(b'"k%d":1' % n for n in range(500_000)) + b"}"
    workbench.answers(body=many, content_type="application/json")
    assert len(workbench.get(connector).ok()["result"]) == 500_000
    workbench.answers(body=b"[" * 100 + b"]" * 100, content_type="application/json")
    workbench.get(connector).ok()


def _head_first(raw: Raw, connection: socket.socket, head: bytes, then: bytes) -> None:
    connection.sendall(head)
    try:
        while True:
            connection.sendall(then)
            time.sleep(0.2)
    except OSError:
        raw.hung_up.set()


@pytest.mark.parametrize("kind", ["silent", "slow-head", "slow-body"])
def test_i4_a_slow_upstream_ends_in_time_and_frees_its_place(workbench: Workbench, kind: str) -> None:
    """UPSTREAM_TIMEOUT is 1 s here, for the call with all its tries."""
    connector, _ = workbench.connector(connector_type="raw-bench")
    workbench.raw.serve = {
        "silent": lambda raw, connection, _: raw.wait_for_hang_up(connection, 15),
        "slow-head": lambda raw, connection, _: _head_first(raw, connection, b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        "slow-body": lambda raw, connection, _: _head_first(
            raw, connection, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", b" "),
    }[kind]
    started = time.monotonic()
    workbench.get(connector).error(504, "upstream_timeout")
    assert time.monotonic() - started < 10, "far beyond the timeout"
    until("the upstream was hung up on", workbench.raw.hung_up.is_set, 5)
    # Its place is free: as many again as there may be, and another connector is served meanwhile.
    other, _ = workbench.connector()
    slow = threading.Thread(target=lambda: at_once(20, lambda: workbench.get(connector)))
    slow.start()
    assert all(answer.status == 200 for answer in at_once(5, lambda: workbench.get(other)))
    slow.join()


HALVES = (
    b"", b"G", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    b"POST /api/v1/account/applications/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
)


def test_i5_half_open_requests_do_not_hold_the_others_up(server: Server) -> None:
    with ExitStack() as open_sockets:
        for number in range(100):
            connection = open_sockets.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            connection.sendall(HALVES[number % len(HALVES)])
        times = []
        for _ in range(20):
            started = time.monotonic()
            assert server.api.below("").get("/health").status == 200
            times.append(time.monotonic() - started)
        # The list's figure, taken as a median so that a busy machine does not decide.
        assert sorted(times)[10] < 0.1, times


def test_i5_half_open_requests_are_closed_and_give_their_places_back(start_server: Callable[..., Server]) -> None:
    """Nothing, one byte, half a head, half a body, and a head that drips in; as many as there may be connections."""
    server = start_server(HEADER_TIMEOUT="2s", BODY_TIMEOUT="2s", MAX_CONNECTIONS="10")
    halves = [half for _ in range(2) for half in (*HALVES, b"GET /health HTTP/1.1\r\nX-Drip: ")]
    with ExitStack() as open_sockets:
        held = []
        for half in halves:
            connection = open_sockets.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            connection.sendall(half)
            held.append(connection)
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.3):
                with suppress(OSError):
                    held[-1].sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            # All places are taken; this one waits until they come back.
            assert server.api.below("").get("/health", timeout=30).status == 200
            for half, connection in zip(halves, held, strict=True):
                try:
                    answer = connection.recv(200)
                except TimeoutError:
                    raise AssertionError(f"still open after 30 s: {half!r}") from None
                except ConnectionResetError:
                    answer = b""
                assert answer == b"" or answer.split(b" ")[1].startswith(b"4"), answer
        finally:
            over.set()
            dripping.join()


def test_i6_odd_framing_from_upstream_is_refused(workbench: Workbench) -> None:
    connector, _ = workbench.connector(connector_type="raw-bench")
    for head in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(5000)) + b"Content-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", b"NONSENSE\r\n\r\n", b"", b"\x16\x03\x01\x02\x00", b"HTTP/1.1 999999 OK\r\n\r\n",
    ):
        workbench.raw.serve = lambda _raw, connection, _head, head=head: connection.sendall(head)  # type: ignore[misc]
        assert workbench.get(connector).error((502, 504))["error_code"].startswith("upstream_"), head[:60]
    workbench.raw.serve = lambda _raw, connection, _head: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"id\": 1}")
    assert workbench.get(connector).ok()["result"] == {"id": 1}


def test_i6_broken_http(server: Server) -> None:
    """Requests that no client library sends; the server answers 4xx or hangs up, and lives on."""
    port = server.port
    for raw in (
        b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(5000)) + b"\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 500_000 + b"\r\n\r\n",
        b"POST /api/v1/account/applications/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"
        b"Content-Length: 6\r\n\r\n{}",
        b"POST /api/v1/account/applications/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/account/applications/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(200)
            except OSError:
                answer = b""
        assert not answer or answer.split(b" ")[1].startswith(b"4"), (raw[:60], answer)
    alive = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    alive.request("GET", "/health")
    assert alive.getresponse().status == 200
    alive.close()


def test_i8_answers_of_every_sort_are_typed(workbench: Workbench) -> None:
    connector, _ = workbench.connector()
    for status, content_type, body, expected in (
        (204, "", b"", 200), (200, "application/json", b"", 200), (200, "text/html", b"<html>Sign in</html>", 502),
        (200, "image/png", bytes(range(256)), 502), (200, "application/json", bytes(range(256)), 502),
        (500, "text/html", b"<h1>Oops</h1>", 502),
        (404, "text/html", b"<h1>Not here</h1>", 404), (200, "application/vnd.api+json", b"{}", 200),
        (200, "application/json; charset=x", b"{}", 200),
        (418, "text/plain", b"teapot", 502), (200, "application/json", b"null", 200), (200, "application/json", b'"text"', 200),
    ):
        workbench.answers(status=status, body=body, **({"content_type": content_type} if content_type else {}))
        answer = workbench.get(connector)
        assert answer.status == expected or status == 418 and answer.status in (422, 502), (status, content_type, body[:20], answer.text[:200])
        assert b"<h" not in answer.body or "json" in answer.headers["content-type"]
