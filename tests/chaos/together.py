"""Two phases that play at all providers at once: a rolling restart under load, and the deletion of connectors.

Knows what must hold for each: no call fails and every token is sent once; nothing is used 5 s after a deletion.
"""

from __future__ import annotations

import time
from collections import Counter

import load
from ledger import repeats
from stage import Grant, Stage
from verdict import Row

# The contract: effective on every replica within 5 s.
EFFECTIVE_WITHIN = 5.0


def rolling_restart(stage: Stage, executes: int) -> Row:
    """Each replica is stopped (SIGTERM) and started again with refreshes ahead of the expiry, while calls go on."""
    draw = stage.draw(stage.providers[0], "rolling restart")
    grants = [grant for some in stage.grants.values() for grant in some]
    seconds = 3 * stage.ttl
    calls = [
        load.Call(draw.choice(grants).connector, draw.randrange(3), seconds * n / executes) for n in range(executes)
    ]
    replicas = stage.replicas
    assert replicas is not None

    start = time.monotonic()
    burst = load.Beside(calls, stage.apis)
    for server in replicas.servers:
        time.sleep(0.5)
        server.stop()
        server.start(REFRESH_AHEAD="on")
    results = burst.join()
    lost = stage.lost(grants)
    sends = stage.ledger.since(start)
    row = Row("all", "rolling restart, refreshes ahead", len(results), sum(one.ok for one in results), load.causes(results))
    why, wrong = repeats(sends)
    row.sends, row.repeats, row.lost, row.seconds = len(sends), Counter(why), len(lost), time.monotonic() - start
    row.broken += [f"rolling restart: {one}" for one in wrong]
    row.note = f"{sum(send.renewed for send in sends)} renewals"
    row.must(not why, "a refresh token was sent again")
    row.must(not lost, f"{len(lost)} grants were lost")
    for one in results:
        row.must(one.ok, f"replica {one.replica} answered {one.cause} after {one.seconds:.1f} s")
    return row


def deletion(stage: Stage) -> Row:
    """One connector of each provider is deleted at one replica, while calls for it come to all of them."""
    victims: dict[str, Grant] = {name: grants.pop() for name, grants in stage.grants.items()}
    seconds = EFFECTIVE_WITHIN + 4.0
    calls = [
        load.Call(grant.connector, replica, at / 10)
        for grant in victims.values() for replica in range(3) for at in range(int(seconds * 10))
    ]
    deleted: dict[str, float] = {}
    jobs: list[str] = []

    start = time.monotonic()
    burst = load.Beside(calls, stage.apis)
    time.sleep(1.0)
    for n, grant in enumerate(victims.values()):
        jobs.append(stage.apis[n % 3].delete(f"/integrations/connectors/{grant.connector}").ok(202)["job_id"])
        deleted[grant.connector] = time.monotonic()
    results = burst.join()
    row = Row("all", "deletion", len(results), sum(one.ok for one in results), load.causes(results), seconds=time.monotonic() - start)
    late = [one for one in results if one.ok and one.began > deleted[one.connector] + EFFECTIVE_WITHIN]
    row.must(not late, f"{len(late)} calls used a deleted connector more than {EFFECTIVE_WITHIN:g} s after its deletion")
    for one in results:
        # The deletion was asked for a second after the start.
        fine = one.ok or (one.cause == "not_found" and one.began + one.seconds > start + 1.0)
        row.must(fine, f"replica {one.replica} answered {one.cause}")
    last = max((one.began - deleted[one.connector] for one in results if one.ok), default=0.0)
    row.note = f"used {len(late)} times after {EFFECTIVE_WITHIN:g} s; last used {max(0.0, last):.1f} s after"
    for job in jobs:
        shown = stage.apis[0].get(f"/jobs/{job}").ok()
        row.must(shown["status"] == "succeeded", f"the revocation is {shown}")
    for name, grant in victims.items():
        asked = [stage.ledger.revocations[token] for token in stage.ledger.tokens_of(grant.family) if token in stage.ledger.revocations]
        row.must(bool(asked) and set(asked) == {1}, f"{name}: its tokens were revoked {asked} times")
    return row
