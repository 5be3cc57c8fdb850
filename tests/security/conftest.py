"""Fixtures of the security suite: the workbench, and traps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from upstream import Upstream
from workbench import Workbench


@pytest.fixture(scope="session")
def running_workbench(database: str, work: Path) -> Iterator[Workbench]:
    running = Workbench(database, work / f"workbench-{database}")
    yield running
    running.close()


@pytest.fixture
def workbench(running_workbench: Workbench) -> Workbench:
    running_workbench.clear()
    return running_workbench


@pytest.fixture
def trap() -> Iterator[Upstream]:
    """A server that nobody may call."""
    running = Upstream()
    yield running
    running.close()
