"""Calls that start at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def at_once(times: int, call: Callable[[], T]) -> list[T]:
    """The answers of `times` calls that start together."""
    barrier = threading.Barrier(times)
    answers: list[T] = []

    def run() -> None:
        barrier.wait()
        answers.append(call())

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == times
    return answers
