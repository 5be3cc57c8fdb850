"""What went through the proxies: every token request, which grant it was for, how it ended, who had sent it.

Knows token requests and their answers. It decides nothing while a run goes on; afterwards it is asked which refresh
tokens were sent more than once, and whether the server was allowed to.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field


# The server closed the connection itself while an answer was coming.
GAVE_UP = "its sender gave up"


@dataclass
class Send:
    """One token request with a refresh token. Times are seconds of the monotonic clock."""

    provider: str
    family: int
    token: str
    replica: int | None
    began: float
    fault: str | None
    ended: float | None = None
    reached: bool = False  # the provider got the request
    renewed: bool = False  # the provider answered with new tokens
    kept: bool = False  # and left the refresh token in use
    issued: float = 0.0  # when the provider first gave out the access token of its answer
    refused: bool = False  # the provider answered invalid_grant
    delivered: bool = False  # the whole answer was written to a server that was there to read it
    holder_died: float | None = None  # when its sender was killed, where that was within its reach

    def outcome(self) -> str:
        """What the server can know of it."""
        if self.delivered and self.holder_died is None:
            if self.renewed:
                return "new tokens, the refresh token stays" if self.kept else "new tokens"
            return "refused" if self.refused else "an answer without tokens"
        if self.holder_died is not None:
            return "its sender was killed"
        return "no answer" if self.fault else GAVE_UP


def history(sends: list[Send], start: float) -> str:
    """What was sent for one grant, seconds counted from `start`."""
    return "; ".join(
        f"replica {send.replica} from {send.began - start:.2f} to {(send.ended or 0) - start:.2f} s, "
        f"{'answered: ' if send.delivered else ''}{send.outcome()}{' (the provider renewed)' if send.renewed and not send.delivered else ''}"
        for send in sends
    )


# After these nobody knows what became of a send: the token may be sent once more.
_UNKNOWN = ("no answer", GAVE_UP, "its sender was killed")
# Outcomes after which the same refresh token may be sent again.
_LEAVES_IT_OPEN = (*_UNKNOWN, "an answer without tokens", "new tokens, the refresh token stays")
# A replica that was killed so soon after an answer may not have stored it.
STORED_WITHIN = 0.7


@dataclass
class Ledger:
    """Families are grants as the provider sees them: one for each exchanged code."""

    sends: list[Send] = field(default_factory=list)
    revocations: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    families: int = 0
    _family: dict[tuple[str, str], int] = field(default_factory=dict)
    _first: dict[tuple[str, str], float] = field(default_factory=dict)
    _issued: dict[int, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- written by the proxies --------------------------------------------------------------------------

    def exchanged(self, provider: str, tokens: dict[str, object]) -> None:
        """A code became tokens: a new family."""
        with self._lock:
            self.families += 1
            self._learn(provider, self.families, tokens)

    def sent(self, provider: str, token: str, replica: int | None, fault: str | None) -> Send:
        """A refresh token came from a replica."""
        with self._lock:
            family = self._family.get((provider, token), 0)
            send = Send(provider, family, token, replica, time.monotonic(), fault)
            self.sends.append(send)
            return send

    def answered(self, send: Send, tokens: dict[str, object] | None, refused: bool) -> None:
        """The provider answered, whether or not that is handed on."""
        with self._lock:
            send.reached, send.renewed, send.refused = True, tokens is not None, refused
            if tokens is not None:
                send.kept = tokens.get("refresh_token", send.token) == send.token
                self._learn(send.provider, send.family, tokens)
                send.issued = self._first[send.provider, str(tokens["access_token"])]

    def ended(self, send: Send, delivered: bool) -> None:
        """The exchange with the replica is over."""
        with self._lock:
            send.delivered, send.ended = delivered, time.monotonic()

    def revoked(self, token: str) -> None:
        with self._lock:
            self.revocations[token] += 1

    def killed(self, replica: int) -> None:
        """This replica is killed now: what it has not stored yet is lost with it."""
        with self._lock:
            now = time.monotonic()
            for send in self.sends:
                if send.replica == replica and (send.ended is None or now - send.ended < STORED_WITHIN):
                    send.holder_died = now

    def _learn(self, provider: str, family: int, tokens: dict[str, object]) -> None:
        for name in ("access_token", "refresh_token"):
            if isinstance(tokens.get(name), str):
                self._family[provider, str(tokens[name])] = family
                self._first.setdefault((provider, str(tokens[name])), time.monotonic())
        self._issued[family] = time.monotonic()

    # --- asked by the phases -----------------------------------------------------------------------------

    def issued(self, family: int) -> float:
        """When this family's newest tokens came."""
        with self._lock:
            return self._issued[family]

    def tokens_of(self, family: int) -> list[str]:
        """Every token of this family so far."""
        with self._lock:
            return [token for (_, token), of in self._family.items() if of == family]

    def since(self, start: float, provider: str | None = None) -> list[Send]:
        """The sends that began at or after `start`."""
        with self._lock:
            return [send for send in self.sends if send.began >= start and provider in (None, send.provider)]


def repeats(sends: list[Send]) -> tuple[list[str], list[str]]:
    """For each further send of a refresh token: why it was allowed, or what was wrong with it."""
    allowed: list[str] = []
    wrong: list[str] = []
    by_token: dict[str, list[Send]] = defaultdict(list)
    for send in sends:
        by_token[send.token].append(send)
    for several in by_token.values():
        # A token that a use leaves as it was cannot be used up, and is sent at every renewal.
        unknown = sum(send.outcome() in _UNKNOWN for send in several[:-1])
        if unknown > 1 and not any(send.kept for send in several):
            wrong.append(f"{several[0].provider}, grant {several[0].family}: sent again after {unknown} unknown outcomes")
        for before, after in itertools.pairwise(several):
            where = f"{after.provider}, grant {after.family}"
            if before.ended is None or before.ended > after.began:
                wrong.append(f"{where}: sent by replica {after.replica} while replica {before.replica} waited for its answer")
            elif before.outcome() in _LEAVES_IT_OPEN:
                allowed.append(before.outcome())
            else:
                wrong.append(f"{where}: sent again by replica {after.replica} although the outcome was: {before.outcome()}")
    return allowed, wrong


def excused(sends: list[Send], survives: dict[str, bool]) -> set[int]:
    """The families that no client could have kept: the provider used a token up, and its answer came to nobody.

    `survives` says which faults the provider's grants survive; a killed sender counts as the fault "hold answer".
    """
    lost = set()
    for send in sends:
        if send.renewed and not send.kept:
            fault = "hold answer" if send.holder_died is not None else send.fault
            if fault is not None and not survives[fault]:
                lost.add(send.family)
    return lost
