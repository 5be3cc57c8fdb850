"""Fixtures: peers once per run, a server per database, an organization of its own for each test.

`--database sqlite|postgres` (repeatable) chooses databases; by default SQLite, and PostgreSQL where
KEYBEARER_TEST_POSTGRES_URL names one.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import postgres
from api import Organization
from application import Application
from attack import Attack
from overlay import Overlay
from peers import OidcProvider
from server import Server
from upstream import Upstream
from vendor import Vendor


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", action="append", choices=["sqlite", "postgres"], help="run only on this database")


def pytest_configure(config: pytest.Config) -> None:
    # Ended from outside, the fixtures still take down what they started.
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    config.addinivalue_line("markers", "sqlite_only: what is tested does not depend on the database")
    config.addinivalue_line("markers", "postgres_only: several processes share the database")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--database") or (["sqlite", "postgres"] if postgres.url() else ["sqlite"])
    if metafunc.definition.get_closest_marker("sqlite_only"):
        chosen = [name for name in chosen if name == "sqlite"]
    if metafunc.definition.get_closest_marker("postgres_only"):
        chosen = [name for name in chosen if name == "postgres"]
    metafunc.parametrize("database", chosen, scope="session")


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="session")
def peer(work: Path) -> Iterator[OidcProvider]:
    running = OidcProvider(work)
    yield running
    running.close()


@pytest.fixture(scope="session")
def vendor() -> Iterator[Vendor]:
    running = Vendor()
    yield running
    running.close()


@pytest.fixture(scope="session")
def app_page() -> Iterator[Upstream]:
    """The web server of the application under test."""
    running = Upstream()
    yield running
    running.close()


@pytest.fixture(scope="session")
def definitions(work: Path, peer: OidcProvider, vendor: Vendor) -> Path:
    """oidc-demo and oidc-twin at the peer, vendor-demo at the scripted vendor."""
    overlay = Overlay(work / "connectors")
    overlay.oidc_provider(peer.url)
    overlay.oidc_provider(peer.url, "oidc-twin", 2)
    overlay.oidc_provider(vendor.url, "vendor-demo", 3, plain=True)
    return overlay.folder


@pytest.fixture(scope="session")
def server(database: str, work: Path, definitions: Path) -> Iterator[Server]:
    """One server per database for all tests that need no setting of their own."""
    running = Server(database, work / f"shared-{database}", definitions)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture
def start_server(database: str, tmp_path: Path, definitions: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers with their own settings, taken down after the test; `start=False` only prepares one."""
    running: list[Server] = []

    def start(*, start: bool = True, connectors: Path | None = None, **settings: str) -> Server:
        one = Server(database, tmp_path / f"server-{len(running)}", connectors or definitions, **settings)
        running.append(one)
        return one.start() if start else one

    yield start
    for one in running:
        one.close()


@pytest.fixture
def organization(server: Server) -> Organization:
    return server.organization()


@pytest.fixture
def application(
    server: Server, organization: Organization, peer: OidcProvider, app_page: Upstream
) -> Callable[..., Application]:
    """Applications on the shared server; their page carries a query of its own, as the tutorial's does."""

    def make(**options: Any) -> Application:
        of = options.pop("organization", organization)
        return Application(server, of, options.pop("page", f"{app_page.url}/connected?user_id=u1"), **{"peer": peer, **options})

    return make


@pytest.fixture
def attack(application: Callable[..., Application], vendor: Vendor) -> Attack:
    """An application at the scripted vendor, with an attacker beside it."""
    return Attack(application(peer=None, connector_type="vendor-demo"), vendor)
