"""`keybearer backup`: a copy that is made under load, checked, and started from."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from application import Application
from peers import OidcProvider
from server import Server
from test_keys import Load, import_one, key_file, new_key
from upstream import Upstream
from vendor import Vendor

Start = Callable[..., Server]


@pytest.mark.sqlite_only
def test_a_copy_made_under_load_starts(
    start_server: Start, peer: OidcProvider, vendor: Vendor, app_page: Upstream, tmp_path: Path
) -> None:
    server = start_server()
    app = Application(server, server.default, app_page.url, peer)
    at_vendor = Application(server, server.default, app_page.url, None, "vendor-demo")
    connectors = [import_one(at_vendor, vendor) for _ in range(60)]
    consented = app.connect("u1")
    load = Load([at_vendor], connectors, vendor)
    try:
        made = [server.cli("backup", str(tmp_path / f"copies/{number}")) for number in range(3)]
    finally:
        load.end()
    assert load.failures == [] and load.created, load.failures[:3]
    fingerprints = set()
    for number, done in enumerate(made):
        folder = tmp_path / f"copies/{number}"
        assert [file.name for file in folder.iterdir()] == ["keybearer.db"], "something else lies beside the copy"
        assert stat.S_IMODE((folder / "keybearer.db").stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        key = key_file(server).read_text().strip()
        assert key not in done.stdout + done.stderr and "checked" in done.stdout
        fingerprints.add(done.stdout.split("master key ")[1].split(",")[0])
    assert len(fingerprints) == 1

    # Never over another copy.
    before = (tmp_path / "copies/0/keybearer.db").read_bytes()
    refused = server.cli("backup", str(tmp_path / "copies/0"), check=False)
    assert refused.returncode != 0 and "not written over" in refused.stderr
    assert (tmp_path / "copies/0/keybearer.db").read_bytes() == before
    refused = server.cli("backup", str(server.data), check=False)
    assert refused.returncode != 0 and "not written over" in refused.stderr

    # A server starts from it, with the key that was told.
    restored = start_server(start=False, BOOTSTRAP_CLIENT_ID=server.default.client_id,
                            BOOTSTRAP_CLIENT_SECRET=server.default.client_secret)
    restored.data.mkdir(mode=0o700)
    shutil.copy(tmp_path / "copies/2/keybearer.db", restored.data / "keybearer.db")
    assert "master.key is gone" in restored.refuses_to_start()
    shutil.copy(key_file(server), key_file(restored))
    restored.start()
    api = restored.api.login(server.default)
    for connector in connectors:
        api.execute(connector, "whoami", "get", {}).ok()
    server.stop()
    peer.kill(peer.stats(app.client)["access_tokens"][-1])
    api.execute(consented, "whoami", "get", {}).ok()
    # A stopped server's database is copied as well.
    assert "checked" in server.cli("backup", str(tmp_path / "copies/stopped")).stdout


@pytest.mark.sqlite_only
def test_a_copy_that_cannot_be_checked_is_not_kept(start_server: Start, tmp_path: Path) -> None:
    server = start_server()
    folder = tmp_path / "copies"
    wrong = server.cli("backup", str(folder), check=False, MASTER_KEY=new_key())
    assert wrong.returncode != 0 and "does not open the database" in wrong.stderr
    assert list(folder.iterdir()) == []
    absent = server.cli("backup", str(folder), check=False, DATABASE_URL=f"sqlite:{tmp_path / 'nothing.db'}")
    assert absent.returncode != 0 and not (tmp_path / "nothing.db").exists()
    assert list(folder.iterdir()) == []
    server.stop()
    damaged = server.data / "keybearer.db"
    with sqlite3.connect(damaged) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("UPDATE connectors SET grant_id = 'none'")
        database.execute(
            "INSERT INTO redirect_urls (organization_id, position, url) VALUES ('nobody', 1, 'https://example.com/')")
    strays = server.cli("backup", str(folder), check=False)
    assert strays.returncode != 0 and "belong to rows that are gone" in strays.stderr
    assert list(folder.iterdir()) == []


def test_postgres_is_sent_to_its_own_tools(start_server: Start, tmp_path: Path) -> None:
    server = start_server(start=False)
    if server.postgres_url is None:
        pytest.skip("SQLite is copied")
    refused = server.cli("backup", str(tmp_path / "copies"), check=False)
    assert refused.returncode != 0 and "pg_dump" in refused.stderr
    assert server.postgres_url not in refused.stderr and not (tmp_path / "copies").exists()
