"""A call with an `Idempotency-Key` whose server is killed while the provider works on it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from api import Api
from application import Application
from parallel import at_once
from process import until
from server import Server
from test_keys import import_one, replicas
from upstream import Upstream
from vendor import Vendor

Start = Callable[..., Server]


def test_a_killed_server_leaves_an_unknown_outcome_and_nothing_is_sent_twice(
    start_server: Start, vendor: Vendor, app_page: Upstream
) -> None:
    servers = replicas(start_server)
    app = Application(servers[0], servers[0].default, app_page.url, None, "vendor-demo")
    connector = import_one(app, vendor)
    path, body = f"/integrations/connectors/{connector}/execute", {"entity": "whoami", "action": "get"}

    vendor.clear()
    vendor.gate = threading.Event()

    def doomed() -> None:
        try:
            app.api.post(path, body, headers={"Idempotency-Key": "order-1"})
        except OSError:
            pass

    caller = threading.Thread(target=doomed)
    caller.start()
    try:
        until("the call has reached the provider", lambda: vendor.seen("/api/whoami"))
        servers[0].stop(signal.SIGKILL)
    finally:
        vendor.gate.set()
        vendor.gate = None
    caller.join()
    if len(servers) == 1:
        servers[0].start()
    api = servers[-1].api.login(servers[0].default)

    def code() -> str:
        return api.post(path, body, headers={"Idempotency-Key": "order-1"}).error(409)["error_code"]

    first = code()
    assert first in ("idempotency_in_progress", "unknown_outcome")
    until("the holder counts as gone", lambda: code() == "unknown_outcome", 8)
    assert len(vendor.seen("/api/whoami")) == 1
    # A new key is a new call, and is sent once over all servers.
    if len(servers) > 1:
        servers[0].start()
    apis = [api, servers[0].api.login(servers[0].default)]
    turns = iter(range(50))
    lock = threading.Lock()

    def one() -> int:
        with lock:
            turn = next(turns)
        return apis[turn % 2].post(path, body, headers={"Idempotency-Key": "order-2"}).status

    statuses = at_once(50, one)
    assert 200 in statuses and set(statuses) <= {200, 409}, statuses
    assert len(vendor.seen("/api/whoami")) == 2
