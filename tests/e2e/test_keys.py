"""The master key exchanged while servers run, killed in the middle and run again; with real processes on both databases."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from application import Application
from peers import OidcProvider
from postgres import run
from server import Server, binary
from upstream import Upstream
from vendor import Vendor

Start = Callable[..., Server]

# More than two of the batches in which rows are exchanged.
CONNECTORS = 450


class Load:
    """Calls that go on and on beside a test; every failure is kept."""

    def __init__(self, apps: list[Application], connectors: list[str], vendor: Vendor) -> None:
        self.apps, self.connectors, self.vendor = apps, connectors, vendor
        self.failures: list[str] = []
        self.calls = 0
        self.created: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(4)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        app = self.apps[number % len(self.apps)]
        turn = number
        while not self._stop.is_set():
            turn += 1
            try:
                if turn % 5 == 0:
                    self.created.append(import_one(app, self.vendor))
                else:
                    app.whoami(self.connectors[turn * 37 % len(self.connectors)]).ok()
                self.calls += 1
            except Exception as failed:  # noqa: BLE001 (told by the test that looks at it)
                self.failures.append(repr(failed))

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def import_one(app: Application, vendor: Vendor) -> str:
    token = "at-" + secrets.token_hex(16)
    vendor.accounts[token] = "alice"
    return app.api.post("/integrations/connectors", {
        "external_user_id": "u-" + token[-6:], "connector_type": "vendor-demo", "credentials": {"access_token": token},
    }).ok()["id"]


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def sealing_keys(server: Server) -> set[str]:
    """Ids of the data keys under which anything sealed stands."""
    columns = [("grants", "sealed"), ("oauth_apps", "sealed"), ("flows", "sealed"), ("idempotency_keys", "request"),
               ("idempotency_keys", "answer")]
    found: set[str] = set()
    if server.postgres_url is not None:
        for table, column in columns:
            rows = run(f"SELECT DISTINCT encode(substr({column}, 2, 4), 'hex') FROM {table} WHERE length({column}) > 0",
                       server.postgres_url)
            found |= set(rows.split())
        return found
    with sqlite3.connect(f"file:{server.data / 'keybearer.db'}?mode=ro", uri=True) as database:
        for table, column in columns:
            rows = database.execute(f"SELECT DISTINCT hex(substr({column}, 2, 4)) FROM {table} WHERE length({column}) > 0")
            found |= {row[0].lower() for row in rows}
    return found


def rotate_and_kill(server: Server) -> None:
    """Runs the exchange and kills it when it says that rows are being sealed anew."""
    running = subprocess.Popen(
        [str(binary()), "keys", "rotate"], env=server.environment(), cwd=server.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    assert running.stderr is not None
    said = ""
    for line in running.stderr:
        said += line
        if "grants: " in line:
            running.send_signal(signal.SIGKILL)
            break
    assert running.wait(10) == -signal.SIGKILL, said
    assert server.master_key not in said


def replicas(start_server: Start, **settings: str) -> list[Server]:
    """One server on SQLite, two on one PostgreSQL database."""
    first = start_server(**settings)
    if first.postgres_url is None:
        return [first]
    second = start_server(
        start=False, DATABASE_URL=first.postgres_url, MASTER_KEY=first.settings["MASTER_KEY"],
        BOOTSTRAP_CLIENT_ID=first.default.client_id, BOOTSTRAP_CLIENT_SECRET=first.default.client_secret, **settings,
    )
    return [first, second.start()]


def key_file(server: Server) -> Path:
    return server.data / "master.key"


def give(servers: list[Server], keys: list[str]) -> None:
    """The operator's part where the key comes from the environment: every server restarted with these, one by one."""
    for server in servers:
        server.stop()
        server.settings["MASTER_KEY"] = " ".join(keys)
        server.start()


def test_keys_are_exchanged_under_load_and_over_a_kill(
    start_server: Start, peer: OidcProvider, vendor: Vendor, app_page: Upstream
) -> None:
    servers = replicas(start_server)
    server = servers[0]
    app = Application(server, server.default, app_page.url, peer)
    at_vendor = [Application(one, server.default, app_page.url, None, "vendor-demo") for one in servers]
    connectors = [import_one(at_vendor[0], vendor) for _ in range(CONNECTORS)]
    consented = app.connect("u1")
    pending = app.initiate("u2")
    path, body = f"/integrations/connectors/{connectors[0]}/execute", {"entity": "whoami", "action": "get"}
    kept = app.api.post(path, body, headers={"Idempotency-Key": "before"}).ok()
    before = sealing_keys(server)
    assert len(before) == 1

    old = server.master_key
    if server.postgres_url is not None:
        old, new = server.master_key, new_key()
        said = server.cli("keys", "rotate", check=False)
        assert said.returncode != 0 and "NEW OLD" in said.stderr and old not in said.stderr, said.stderr
        give(servers, [new, old])
    else:
        old = key_file(server).read_text().strip()
    load = Load(at_vendor, connectors, vendor)
    try:
        rotate_and_kill(server)
        assert len(sealing_keys(server)) == 2, "the kill came too late or too early"
        done = server.cli("keys", "rotate", timeout=60)
        assert "grants: " in done.stderr and " of " in done.stderr, done.stderr
        assert "Everything is under master key" in done.stdout and old not in done.stdout + done.stderr
    finally:
        load.end()
    assert load.failures == [] and load.calls > 50, (load.calls, load.failures[:3])
    after = sealing_keys(server)
    assert len(after) == 1 and not after & before, "rows were left under the old data key"
    # Once more changes nothing.
    again = server.cli("keys", "rotate", timeout=60)
    assert ": 0 rows sealed anew, 0 data keys wrapped anew" in again.stdout, again.stdout

    def everything_works() -> None:
        for one in at_vendor:
            for connector in connectors[:: 1 if one is at_vendor[0] else 10] + load.created:
                one.whoami(connector).ok()
        peer.kill(peer.stats(app.client)["access_tokens"][-1])
        app.whoami(consented).ok()  # a refresh, with the OAuth app's secret
        assert app.api.post(path, body, headers={"Idempotency-Key": "before"}).ok() == kept

    everything_works()
    # The old key goes.
    if server.postgres_url is None:
        lines = key_file(server).read_text().split()
        assert len(lines) == 2 and lines[1] == old
        assert stat.S_IMODE(os.stat(key_file(server)).st_mode) == 0o600
        server.stop()
        key_file(server).write_text(old + "\n")
        assert "does not open the database" in server.refuses_to_start()
        key_file(server).write_text(lines[0] + "\n")
        server.start()
    else:
        give(servers, [new])
        assert "does not open the database" in server.refuses_to_start(MASTER_KEY=old)
        new_only = server.cli("keys", "rotate", check=False)
        assert new_only.returncode != 0 and new not in new_only.stderr
    everything_works()
    assert app.consent(pending).query["secret_id"]


def test_a_running_server_takes_up_a_second_new_key(start_server: Start, vendor: Vendor, app_page: Upstream) -> None:
    """The key file is read again: nothing is restarted between two exchanges."""
    if (server := start_server(start=False)).postgres_url is not None:
        keys = server.folder / "keys"
        keys.write_text(server.settings.pop("MASTER_KEY"))
        server.settings["MASTER_KEY_FILE"] = str(keys)
    else:
        keys = key_file(server)
    server.start()
    app = Application(server, server.default, app_page.url, None, "vendor-demo")
    connectors = [import_one(app, vendor)]
    for _ in range(2):
        if server.postgres_url is not None:
            keys.write_text(new_key() + "\n" + keys.read_text().split()[0])
        server.cli("keys", "rotate")
        keys.write_text(keys.read_text().split()[0])
        connectors.append(import_one(app, vendor))
        # A token that was minted before the exchange, and one after it.
        app.api.get("/integrations/connectors").ok()
        app = Application(server, server.default, app_page.url, None, "vendor-demo")
        for connector in connectors:
            app.whoami(connector).ok()
    server.stop()
    server.start()
    for connector in connectors:
        app.whoami(connector).ok()


def test_a_row_that_was_damaged_is_told_and_left(start_server: Start, vendor: Vendor, app_page: Upstream) -> None:
    server = start_server()
    app = Application(server, server.default, app_page.url, None, "vendor-demo")
    whole, damaged = import_one(app, vendor), import_one(app, vendor)
    swap = "UPDATE grants SET sealed = (SELECT sealed FROM oauth_apps LIMIT 1) WHERE id = " \
           f"(SELECT grant_id FROM connectors WHERE id = '{damaged}')"
    if server.postgres_url is not None:
        run(swap, server.postgres_url)
        server.stop()
        server.settings["MASTER_KEY"] = new_key() + "," + server.master_key
    else:
        server.stop()
        with sqlite3.connect(server.data / "keybearer.db") as database:
            database.execute(swap)
    done = server.cli("keys", "rotate", check=False)
    assert done.returncode != 0 and "1 rows were damaged" in done.stderr and "grants " in done.stderr, done.stderr
    assert "Everything is under master key" in done.stdout
    server.start()
    app.whoami(whole).ok()
    app.whoami(damaged).error(500, "internal")
