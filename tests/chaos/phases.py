"""The phases of a run: what is done to the replicas, the database or the provider while 300 calls come at an expiry.

Each phase is one round at one provider. It says which faults it injects and which failures a caller may see meanwhile.
"""

from __future__ import annotations

import queue
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import load
from providers import Mock, Provider
from proxy import Fault
from stage import Stage
from verdict import Row, judge

# What a caller is told while the provider's token endpoint or the refresher is in trouble.
_TROUBLE = frozenset({"token_endpoint_error", "refresh_in_progress"})
# The same, where waiting may use the whole time of a call up.
_SLOW = _TROUBLE | {"upstream_timeout"}


@dataclass
class Round:
    """What differs between phases."""

    title: str
    fault: str | None = None  # the proxy's name of it
    victims: int = 0  # grants that meet the fault
    times: tuple[int, int] = (1, 1)  # how often each meets it, at least and at most
    allowed: frozenset[str] = frozenset()  # failures that a caller may see
    # Beside the burst; gives when somebody was killed or stopped.
    meanwhile: Callable[[Stage, random.Random, queue.Queue[int | None]], float] | None = None
    seconds: tuple[float, float] = (0.0, 0.0)  # how long a fault that ends by itself takes
    before: Callable[[], None] = lambda: None


def play(stage: Stage, provider: Provider, one: Round, executes: int) -> Row:
    """One round: the tokens end, the calls come, the faults happen, and everything that can be kept answers again."""
    draw = stage.draw(provider, one.title)
    grants = stage.grants[provider.name]
    victims = draw.sample(grants, min(one.victims, len(grants)))
    stage.wait_for_the_end(grants)
    held: queue.Queue[int | None] = queue.Queue()
    for grant in victims:
        count = draw.randint(*one.times)
        provider.proxy.faults[grant.family] = [
            Fault(one.fault or "", draw.uniform(*one.seconds), held.put) for _ in range(count)
        ]
    one.before()
    calls = stage.burst(draw, grants, executes)
    start = time.monotonic()
    burst = load.Beside(calls, stage.apis)
    event = one.meanwhile(stage, draw, held) if one.meanwhile else None
    results = burst.join()
    lost = stage.lost(grants)
    provider.proxy.faults.clear()
    row = judge(
        stage, provider, one.title, allowed=one.allowed, start=start, event=event,
        grants=grants, results=results, lost=lost,
    )
    stage.reconnect(provider, lost)
    return row


# --- what happens beside a burst -----------------------------------------------------------------------


def kill_who_waits(stage: Stage, draw: random.Random, held: queue.Queue[int | None]) -> float:
    """kill -9 of the replica whose refresh the proxy holds, and its restart. When it was killed."""
    # Later than the others' answers are stored: what is lost then is lost by this kill alone.
    return _kill(stage, draw, held, draw.uniform(0.8, 1.3))


def kill_at_once(stage: Stage, draw: random.Random, held: queue.Queue[int | None]) -> float:
    """The same at a drawn moment while many answers come and are stored."""
    return _kill(stage, draw, held, draw.uniform(0.0, 0.15))


def _kill(stage: Stage, draw: random.Random, held: queue.Queue[int | None], after: float) -> float:
    number = held.get(timeout=15)
    assert number is not None, "the proxy could not tell whose connection it holds"
    time.sleep(after)
    assert stage.replicas is not None
    stage.ledger.killed(number)
    at = time.monotonic()
    stage.replicas.kill(number)
    time.sleep(draw.uniform(0.0, 1.0))
    stage.replicas.servers[number].start()
    return at


def restart_the_database(stage: Stage, draw: random.Random, held: queue.Queue[int | None], away: float = 0.0) -> float:
    """A fast stop and a start while answers of the provider are on their way. When it was stopped."""
    held.get(timeout=15)
    time.sleep(draw.uniform(0.0, 0.4))
    at = time.monotonic()
    stage.database.stop()
    time.sleep(away + draw.uniform(0.0, 0.5))
    stage.database.start()
    return at


def take_the_database_away(stage: Stage, draw: random.Random, held: queue.Queue[int | None]) -> float:
    """The same for longer than a claim stands: the new tokens have to be held until they can be stored."""
    return restart_the_database(stage, draw, held, 2.8)


def rounds(provider: Provider) -> list[Round]:
    """The phases at one provider, in their order."""
    gone = frozenset({"connection lost"})
    found = [
        Round("no fault"),
        Round("no fault, again"),
        Round("answers 503", "refuse", 3, (1, 3), _TROUBLE),
        Round("drops before", "drop", 3, (1, 1), _TROUBLE),
        Round("hangs", "hang", 2, (1, 1), _SLOW),
        Round("drops the answer", "drop answer", 2, (1, 1), _TROUBLE),
        Round("kill -9 before", "hold", 1, (1, 1), _SLOW | gone, kill_who_waits),
        Round("kill -9 after", "hold answer", 1, (1, 1), _SLOW | gone, kill_who_waits),
        Round("kill -9 somewhere", "late answer", 6, (1, 1), _SLOW | gone, kill_at_once, (0.0, 0.15)),
        Round("database restarts", "late answer", 5, (1, 1), _SLOW | {"unavailable"}, restart_the_database, (0.3, 1.5)),
        Round("database away", "late answer", 5, (1, 1), _SLOW | {"unavailable"}, take_the_database_away, (0.3, 1.5)),
    ]
    if isinstance(provider, Mock):
        kinds = ["narrow_scope", "string_expiry", "no_expiry", "same_refresh"]
        found.append(Round("odd answers", before=lambda: provider.answer_oddly(kinds)))
    return found
