"""What a round showed, as a row of the table, and which promises it broke.

Knows the guarantees of docs/GRANTS.md as far as they can be counted from outside. Judges after the round, from what the
proxies and the callers saw.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field

import load
from ledger import GAVE_UP, Send, excused, history, repeats
from load import Result
from providers import Provider
from stage import Grant, Stage

# The contract: a refresher that died is replaced within 3 s. Then the next one has to notice, and to get the processor.
REPLACED_WITHIN, MARGIN = 3.0, 1.5


@dataclass
class Row:
    """One round at one provider."""

    provider: str
    phase: str
    sent: int = 0
    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    expiries: int = 0
    refreshes: dict[Hashable, int] = field(default_factory=dict)  # by grant, at one end: those that brought new tokens to a server
    sends: int = 0
    repeats: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    excused: int = 0
    seconds: float = 0.0
    note: str = ""
    broken: list[str] = field(default_factory=list)

    def must(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.broken.append(f"{self.provider}, {self.phase}: {otherwise}")


def judge(
    stage: Stage, provider: Provider, phase: str, *, allowed: frozenset[str], start: float,
    event: float | None, grants: list[Grant], results: list[Result], lost: list[Grant],
) -> Row:
    """The row of a round. `event`: when somebody was killed or the database stopped."""
    sends = stage.ledger.since(start, provider.name)
    row = Row(provider.name, phase, len(results), sum(one.ok for one in results), load.causes(results), len(grants))
    row.seconds = max(one.began + one.seconds for one in results) - start
    row.sends = len(sends)
    why, wrong = repeats(sends)
    row.repeats = Counter(why)
    row.broken += [f"{provider.name}, {phase}: {one}" for one in wrong]
    row.must(event is not None or GAVE_UP not in why, "a refresh was given up although nothing was wrong with its claim")

    gone = excused(sends, provider.survives)
    row.lost, row.excused = len(lost), sum(grant.family in gone for grant in grants)
    for grant in lost:
        told = history([send for send in sends if send.family == grant.family], start)
        at = f"; killed or stopped at {event - start:.2f} s" if event is not None else ""
        row.must(grant.family in gone, f"the grant of {grant.user} was lost, and the provider would have kept it: {told}{at}")

    hopeless = {grant.connector for grant in grants if grant.family in gone}
    for one in results:
        fine = one.ok or one.cause in allowed or (one.cause == "reauthorization_required" and one.connector in hopeless)
        row.must(fine, f"replica {one.replica} answered {one.cause}")

    for grant in grants:
        brought = [send for send in sends if send.family == grant.family and send.renewed and send.delivered]
        # Whether one who was killed had stored it, nobody saw.
        mine = [send for send in brought if send.holder_died is None]
        # A provider that answers a repeat with the same tokens gives out an access token that has aged already.
        early = [later.began - earlier.issued for earlier, later in itertools.pairwise(mine)]
        row.refreshes[grant.family] = len(mine[:1]) + sum(after < stage.ttl - 1 for after in early)
        row.must(row.refreshes[grant.family] <= 1, f"{grant.user}: renewed again {min(early, default=0):.1f} s after a renewal")
        if grant.family not in gone:
            row.must(bool(brought), f"{grant.user}: not renewed at all")
    if event is not None:
        _replacement(row, sends, event)
    return row


def _replacement(row: Row, sends: list[Send], event: float) -> None:
    """How long after its sender was killed a held refresh token was sent again."""
    for held in sends:
        if held.fault in ("hold", "hold answer") and held.holder_died is not None:
            after = next((send.began - held.holder_died for send in sends if send.token == held.token and send.began > held.began), None)
            row.must(after is not None and after <= REPLACED_WITHIN + MARGIN, f"the killed refresher was replaced after {after} s")
            if after is not None:
                row.note = f"replaced after {after:.1f} s"
    if not row.note:
        back = min((send.ended for send in sends if send.delivered and send.ended and send.ended > event), default=None)
        row.note = f"first new tokens {back - event:.1f} s after the stop" if back else ""
