"""Many executes at once over all replicas, as callers behind a load balancer send them, and what became of each.

Knows one HTTP request per connection; a connection that is refused outright goes to the next replica.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass

from api import Api

# A server that answers nothing for so long has hung.
_LONGEST = 45.0
_BODY = json.dumps({"entity": "whoami", "action": "get", "params": {}}).encode()


@dataclass(frozen=True)
class Call:
    """One execute of `connector`, first tried at replica `first`; `at` seconds after the start."""

    connector: str
    first: int
    at: float = 0.0


@dataclass(frozen=True)
class Result:
    connector: str
    replica: int
    began: float
    seconds: float
    cause: str  # "ok", the answer's error_code, or what became of the connection

    @property
    def ok(self) -> bool:
        return self.cause == "ok"


def run(calls: list[Call], apis: list[Api]) -> list[Result]:
    """Sends them all and waits for every answer."""
    return asyncio.run(_all(calls, apis))


class Beside:
    """The same in a thread, while the caller's own thread starts and stops processes: these end with their thread."""

    def __init__(self, calls: list[Call], apis: list[Api]) -> None:
        self._outcome: list[list[Result] | BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(calls, apis), daemon=True)
        self._thread.start()

    def _run(self, calls: list[Call], apis: list[Api]) -> None:
        try:
            self._outcome.append(run(calls, apis))
        except BaseException as failed:  # raised again where it is joined
            self._outcome.append(failed)

    def join(self) -> list[Result]:
        self._thread.join()
        outcome = self._outcome[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def causes(results: list[Result]) -> Counter[str]:
    """The failures by cause."""
    return Counter(result.cause for result in results if not result.ok)


async def _all(calls: list[Call], apis: list[Api]) -> list[Result]:
    start = time.monotonic()
    return list(await asyncio.gather(*(_one(call, apis, start) for call in calls)))


async def _one(call: Call, apis: list[Api], start: float) -> Result:
    await asyncio.sleep(max(0.0, start + call.at - time.monotonic()))
    began = time.monotonic()
    replica, cause = call.first, "nobody listens"
    for step in range(len(apis)):
        replica = (call.first + step) % len(apis)
        try:
            cause = await asyncio.wait_for(_execute(call.connector, apis[replica]), _LONGEST)
            break
        except ConnectionRefusedError:
            continue
        except TimeoutError:
            cause = "no answer at all"
            break
        except (OSError, asyncio.IncompleteReadError):
            cause = "connection lost"
            break
    return Result(call.connector, replica, began, time.monotonic() - began, cause)


async def _execute(connector: str, api: Api) -> str:
    address = urllib.parse.urlsplit(api.base)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(
            f"POST /api/v1/integrations/connectors/{connector}/execute HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {api.token}\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n"
            "Connection: close\r\n\r\n".encode() + _BODY
        )
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        raise asyncio.IncompleteReadError(answer, None)
    status = int(head.split(b" ", 2)[1])
    found = json.loads(body)
    if status == 200:
        return "ok" if found["status"] == "success" else f"200 {found['status']}"
    return str(found["error_code"])
