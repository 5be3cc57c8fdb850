"""A fresh PostgreSQL database for each server under test, on the server that scripts/with-postgres runs."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import urllib.parse
from pathlib import Path

_numbers = itertools.count(1)


def url() -> str | None:
    """Where the test PostgreSQL listens; None where the suite runs without one."""
    return os.environ.get("KEYBEARER_TEST_POSTGRES_URL")


def _psql() -> str:
    folder = os.environ.get("KEYBEARER_TEST_POSTGRES_BIN")
    return str(Path(folder) / "psql") if folder else "psql"


def run(statement: str, database: str | None = None) -> str:
    """Runs one statement through psql; unaligned rows without headings."""
    done = subprocess.run(
        [_psql(), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1",
         "--command", statement, database or url() or ""],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def create_database() -> str:
    """Creates an empty database and returns its URL."""
    base = url()
    assert base, "KEYBEARER_TEST_POSTGRES_URL is not set: run the suite through scripts/test"
    name = f"e2e_{os.getpid()}_{next(_numbers)}"
    run(f"CREATE DATABASE {name}")
    return urllib.parse.urlunsplit(urllib.parse.urlsplit(base)._replace(path=f"/{name}"))


def drop_database(database: str) -> None:
    """Drops what `create_database` made, sessions on it included."""
    name = urllib.parse.urlsplit(database).path.lstrip("/")
    run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def dump(database: str) -> str:
    """Every row of every table as text: what somebody with a copy of the database could read."""
    tables = run(
        "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables "
        "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
        database,
    ).split()
    assert tables, "the server made no tables"
    rows = [run(f"SELECT t::text FROM {table} t", database) for table in tables]
    # bytea columns are shown in hexadecimal: both spellings are searched.
    text = "\n".join(rows)
    binary = b"".join(bytes.fromhex(part) for part in _hexadecimal(text))
    return text + "\n" + binary.decode("latin-1")


def _hexadecimal(text: str) -> list[str]:
    return [found for found in re.findall(r"\\x([0-9a-f]+)", text) if len(found) % 2 == 0]
