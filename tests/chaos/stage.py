"""What a run plays on: three replicas, their database, the providers behind their proxies, and the grants.

Knows how these are built and taken down, when a grant's access token has ended, and how a lost grant is connected anew.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import load
from api import Api
from application import Application
from database import Database
from ledger import Ledger
from overlay import Overlay
from providers import Provider
from replicas import Replicas
from upstream import Upstream

# Seconds for one operation and for one token call: a hanging provider is given up after this.
UPSTREAM_TIMEOUT = 8
# Seconds in which every grant that can be kept has to answer again once the fault is over. A replica that lost the
# database leaves others' claims alone for five of them.
SETTLED_WITHIN = 20.0


@dataclass
class Grant:
    """One user's connector. `family` is what the ledger calls its grant at the provider; a reconnect changes it."""

    user: str
    connector: str
    family: int


class Stage:
    """Three replicas and the given providers, with `grants` users at each, whose access tokens live `ttl` seconds."""

    def __init__(self, folder: Path, seed: int, providers: Sequence[type[Provider]], grants: int, ttl: int) -> None:
        self.folder, self.seed, self.ttl = folder, seed, ttl
        self.ledger = Ledger()
        self.providers: list[Provider] = []
        self.grants: dict[str, list[Grant]] = {}
        self._apps: dict[str, Application] = {}
        self.replicas: Replicas | None = None
        self.page = Upstream()
        self.database = Database(folder / "postgres.log")
        try:
            self._build(providers, grants)
        except BaseException:
            self.close()
            raise

    def _build(self, providers: Sequence[type[Provider]], grants: int) -> None:
        # Where the suite's own servers look for PostgreSQL.
        os.environ["KEYBEARER_TEST_POSTGRES_URL"] = self.database.start().url
        overlay = Overlay(self.folder / "connectors")
        replicas = self.replicas = Replicas(
            self.folder, overlay.folder, UPSTREAM_TIMEOUT=f"{UPSTREAM_TIMEOUT}s",
            # Only a call that needs it refreshes, so that what belongs to which end of a token can be counted.
            REFRESH_AHEAD="off",
        )
        for number, kind in enumerate(providers):
            callback = f"{replicas.servers[0].url}/oauth/callback/{kind.name}"
            provider = kind(self.folder, number, callback, self.ttl, self.ledger, replicas.at)
            self.providers.append(provider)
            overlay.add(kind.name, provider.definition())
        replicas.start()
        self.apis: list[Api] = replicas.apis(replicas.default)
        for provider in self.providers:
            app = Application(replicas.servers[0], replicas.default, self.page.url + "/back", provider, provider.name)  # type: ignore[arg-type]
            self._apps[provider.name] = app
            self.grants[provider.name] = [self._connect(app, f"user-{number}") for number in range(grants)]
        replicas.wait_until_steady()

    def _connect(self, app: Application, user: str) -> Grant:
        connector = app.connect(user, login=user)
        return Grant(user, connector, self.ledger.families)

    def close(self) -> None:
        for provider in self.providers:
            provider.close()
        if self.replicas is not None:
            self.replicas.close()
        self.database.close()
        self.page.close()

    # --- for the phases ----------------------------------------------------------------------------------

    def draw(self, provider: Provider, phase: str) -> random.Random:
        """What is drawn for this phase, whatever was drawn before."""
        return random.Random(f"{self.seed} {provider.name} {phase}")

    def wait_for_the_end(self, grants: list[Grant]) -> None:
        """Until every access token of these has ended."""
        last = max(self.ledger.issued(grant.family) for grant in grants)
        time.sleep(max(0.0, last + self.ttl + 0.3 - time.monotonic()))

    def burst(self, draw: random.Random, grants: list[Grant], executes: int) -> list[load.Call]:
        """That many executes at once, each grant's and each replica's share the same, in a drawn order."""
        calls = [load.Call(grants[n % len(grants)].connector, n // len(grants) % 3) for n in range(executes)]
        draw.shuffle(calls)
        return calls

    def lost(self, grants: list[Grant]) -> list[Grant]:
        """Which of these do not come to answer again, whatever replica is asked."""
        waiting, deadline = list(grants), time.monotonic() + SETTLED_WITHIN
        dead: list[Grant] = []
        while waiting:
            results = load.run([load.Call(grant.connector, n % 3) for n, grant in enumerate(waiting)], self.apis)
            dead += [grant for grant, one in zip(waiting, results) if one.cause == "reauthorization_required"]
            waiting = [grant for grant, one in zip(waiting, results) if not one.ok and grant not in dead]
            if time.monotonic() > deadline:
                return dead + waiting
            if waiting:
                time.sleep(0.25)
        return dead

    def reconnect(self, provider: Provider, grants: list[Grant]) -> None:
        """The users agree again, each for the same connector."""
        app = self._apps[provider.name]
        for grant in grants:
            secret_id = app.secret_id(grant.user, grant.user, connector_id=grant.connector)
            again = app.create(grant.user, secret_id).ok()["id"]
            assert again == grant.connector, "a reconnect made another connector"
            grant.family = self.ledger.families
