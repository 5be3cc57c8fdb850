"""The figures of a run as text. Knows rows; measures and judges nothing."""

from __future__ import annotations

from collections import Counter

from verdict import Row

_HEADS = ("provider", "phase", "sent", "answered", "failed, by cause", "expiries", "refreshes per expiry", "sent again, because", "lost", "could not be kept", "s", "")


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "-"


def _cells(row: Row) -> tuple[str, ...]:
    per = sorted(set(row.refreshes.values()))
    return (
        row.provider, row.phase, str(row.sent), str(row.answered), _counted(row.failures), str(row.expiries),
        "-" if not per else str(per[0]) if len(per) == 1 else f"{per[0]} to {per[-1]}",
        _counted(row.repeats), str(row.lost), str(row.excused), f"{row.seconds:.1f}", row.note,
    )


def table(rows: list[Row]) -> str:
    """A table in Markdown whose columns also line up on a terminal."""
    cells = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(_HEADS))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def totals(rows: list[Row]) -> str:
    """The sums over all rounds but that of the deletion."""
    # A call for a deleted connector that is told so has not failed.
    rows = [row for row in rows if row.phase != "deletion"]
    failures: Counter[str] = sum((row.failures for row in rows), Counter())
    again: Counter[str] = sum((row.repeats for row in rows), Counter())
    calm = [count for row in rows if row.phase.startswith("no fault") for count in row.refreshes.values()]
    return "\n".join([
        f"executes: {sum(row.sent for row in rows)} sent, {sum(row.answered for row in rows)} answered; failed: {_counted(failures)}",
        f"refreshes per expiry without a fault: {min(calm, default=0)} to {max(calm, default=0)} over {len(calm)} expiries",
        f"refresh tokens sent: {sum(row.sends for row in rows)}; sent again: {_counted(again)}",
        f"grants lost: {sum(row.lost for row in rows)}, of them at providers that allow survival: "
        f"{sum(max(0, row.lost - row.excused) for row in rows)}",
    ])
