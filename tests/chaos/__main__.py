"""`make chaos`: three replicas on one PostgreSQL against four providers, with real faults. Prints figures; 1 when a promise broke.

Everything is on loopback, drawn from one seed and bounded in time. Run through `make chaos`, which builds and installs
what this needs.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import together  # the path comes first
from phases import play, rounds
from providers import ALL
from report import by_phase, table, totals
from server import binary
from stage import Stage
from verdict import Row


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description="real faults at real providers")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="draws the same faults again")
    parser.add_argument("--executes", type=int, default=300, help="at once, at each expiry (default 300)")
    parser.add_argument("--grants", type=int, default=6, help="of each provider (default 6)")
    parser.add_argument("--ttl", type=int, default=8, help="seconds that access tokens live (default 8): longer than a burst and an outage of the database take")
    parser.add_argument("--provider", action="append", choices=[kind.name for kind in ALL], help="only this one; repeatable")
    parser.add_argument("--phase", action="append", help="only phases whose name contains this; repeatable")
    parser.add_argument("--seconds", type=int, default=300, help="a run that takes longer has failed (default 300)")
    parser.add_argument("--keep", type=Path, help="an empty folder to leave the logs in")
    chosen = parser.parse_args()

    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="keybearer-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"chaos: seed {chosen.seed}, {binary().parent.name} binary", flush=True)
    _end_in_time(chosen.seconds)
    started = time.monotonic()
    rows: list[Row] = []
    try:
        run(chosen, folder, rows)
        broken = [one for row in rows for one in row.broken]
    except (Exception, KeyboardInterrupt) as stopped:  # whatever it is, the figures so far are shown
        traceback.print_exc()
        broken = [one for row in rows for one in row.broken] + [f"the run did not end: {stopped!r}"]
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{table(rows)}\n\nadded up over the providers:\n\n{by_phase(rows)}\n\n{totals(rows)}")
    print(f"seed {chosen.seed}, {time.monotonic() - started:.0f} s")
    for one in sorted(set(broken)):
        print(f"BROKEN ({broken.count(one)} times) {one}")
    print(f"{len(set(broken))} promises broken" if broken else "all promises kept")
    return 1 if broken else 0


def run(chosen: argparse.Namespace, folder: Path, rows: list[Row]) -> None:
    """Plays the phases; `rows` grows meanwhile, so that a run that stops shows what it saw."""

    def wanted(name: str) -> bool:
        return not chosen.phase or any(part in name for part in chosen.phase)

    def note(row: Row) -> None:
        rows.append(row)
        print(f"  {row.provider}, {row.phase}: {row.answered}/{row.sent} in {row.seconds:.1f} s{', BROKEN' if row.broken else ''}", flush=True)

    kinds = [kind for kind in ALL if not chosen.provider or kind.name in chosen.provider]
    stage = Stage(folder, chosen.seed, kinds, chosen.grants, chosen.ttl)
    try:
        plan = {provider.name: [one for one in rounds(provider) if wanted(one.title)] for provider in stage.providers}
        # Round by round over the providers: while one plays, the tokens of the others end.
        for number in range(max(len(some) for some in plan.values())):
            for provider in stage.providers:
                if number < len(plan[provider.name]):
                    note(play(stage, provider, plan[provider.name][number], chosen.executes))
        if wanted("rolling restart"):
            note(together.rolling_restart(stage, 2 * chosen.executes))
        if wanted("deletion"):
            note(together.deletion(stage))
    finally:
        stage.close()


def _end_in_time(seconds: int) -> None:
    """SIGTERM and the end of the time stop a run like Ctrl-C: what was started is taken down."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt(f"stopped from outside, or not done within {seconds} s")

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)


if __name__ == "__main__":
    sys.exit(main())
