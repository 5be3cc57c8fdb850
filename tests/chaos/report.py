"""The figures of a run as text. Knows rows; measures and judges nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from verdict import Row

_HEADS = (
    "provider", "phase", "sent", "answered", "failed, by cause", "expiries", "refreshes per expiry", "sent again, after",
    "lost", "could not be kept", "s", "",
)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "-"


def _refreshes(row: Row) -> str:
    per = sorted(set(row.refreshes.values()))
    return "-" if not per else str(per[0]) if len(per) == 1 else f"{per[0]} to {per[-1]}"


def _table(lines: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown whose columns also line up on a terminal."""
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    shown = ["| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in lines]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown)


def table(rows: list[Row]) -> str:
    """One line for each round at each provider."""
    return _table([_HEADS, *((
        row.provider, row.phase, str(row.sent), str(row.answered), _counted(row.failures), str(row.expiries), _refreshes(row),
        _counted(row.repeats), str(row.lost), str(row.excused), f"{row.seconds:.1f}", row.note,
    ) for row in rows)])


def by_phase(rows: list[Row]) -> str:
    """The same added up over the providers."""
    lines = [_HEADS[1:10]]
    for phase in dict.fromkeys(row.phase for row in rows):
        some = [row for row in rows if row.phase == phase]
        whole = Row("", phase, refreshes={(n, family): count for n, row in enumerate(some) for family, count in row.refreshes.items()})
        failures: Counter[str] = sum((row.failures for row in some), Counter())
        again: Counter[str] = sum((row.repeats for row in some), Counter())
        lines.append((
            phase, str(sum(row.sent for row in some)), str(sum(row.answered for row in some)), _counted(failures),
            str(sum(row.expiries for row in some)), _refreshes(whole), _counted(again),
            str(sum(row.lost for row in some)), str(sum(row.excused for row in some)),
        ))
    return _table(lines)


def totals(rows: list[Row]) -> str:
    """The sums over all rounds but that of the deletion."""
    # A call for a deleted connector that is told so has not failed.
    rows = [row for row in rows if row.phase != "deletion"]
    failures: Counter[str] = sum((row.failures for row in rows), Counter())
    again: Counter[str] = sum((row.repeats for row in rows), Counter())
    calm = [count for row in rows if row.phase.startswith("no fault") for count in row.refreshes.values()]
    kept = sum(max(0, row.lost - row.excused) for row in rows)
    return "\n".join([
        f"executes: {sum(row.sent for row in rows)} sent, {sum(row.answered for row in rows)} answered; failed: {_counted(failures)}",
        f"refreshes per expiry without a fault: {min(calm, default=0)} to {max(calm, default=0)} over {len(calm)} expiries",
        f"refresh tokens sent: {sum(row.sends for row in rows)}; sent again, after: {_counted(again)}",
        f"grants lost: {sum(row.lost for row in rows)}; of these the provider would have kept: {kept}",
    ])
