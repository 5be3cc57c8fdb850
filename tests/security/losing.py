"""A proxy in front of a provider's token endpoint that loses or holds answers: the provider has acted, nobody hears of it."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.parse

from raw import Raw


class Losing(Raw):
    """Forwards to `origin`; the answers to the next `lose` refreshes are thrown away and the connection is closed.

    While it is `silent` every answer is; all wait for `gate`.
    """

    def __init__(self, origin: str) -> None:
        super().__init__(lambda _raw, connection, head: self._forward(connection, head))
        self.lose = 0
        self.silent = False
        self.lost = 0
        self.gate = threading.Event()
        self.gate.set()
        self._origin = urllib.parse.urlsplit(origin).netloc

    def _forward(self, connection: socket.socket, received: bytes) -> None:
        head, _, body = received.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
        while len(body) < int(headers.get("content-length", "0")):
            body += connection.recv(65536)
        headers["host"] = self._origin
        upstream = http.client.HTTPConnection(self._origin, timeout=20)
        upstream.request(method, target, body, headers)
        answer = upstream.getresponse()
        text = answer.read()
        upstream.close()
        self.gate.wait(20)
        if self.silent:
            return
        if self.lose > 0 and b"refresh_token=" in body:
            self.lose -= 1
            self.lost += 1
            return
        connection.sendall((
            f"HTTP/1.1 {answer.status} {answer.reason}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text)
