"""Three processes on one PostgreSQL: what one of them is told holds on all of them, work is done once, a dead one is replaced.

The bounds are the contract's: 5 s for an effect on every replica, 3 s for a refresher that died. `make chaos` shows the
same under load and with the faults of real providers.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api import Api, Organization
from application import Application
from parallel import at_once
from peers import OidcProvider
from process import until
from replicas import Replicas
from upstream import Reply, Request, Upstream
from vendor import Vendor

pytestmark = pytest.mark.postgres_only

EFFECTIVE_WITHIN = 5.0
REPLACED_WITHIN = 3.0
# For a machine that is busy with other things.
MARGIN = 1.0


@pytest.fixture(scope="module")
def replicas(database: str, work: Path, definitions: Path) -> Iterator[Replicas]:
    running = Replicas(work / f"replicas-{database}", definitions, REFRESH_AHEAD="off")
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture
def app(replicas: Replicas, peer: OidcProvider, app_page: Upstream) -> Application:
    first = replicas.servers[0]
    return Application(first, first.organization(), app_page.url + "/back", peer)


@pytest.fixture
def apis(replicas: Replicas, app: Application) -> list[Api]:
    return replicas.apis(app.organization)


def _whoami(api: Api, connector: str) -> int:
    return api.execute(connector, "whoami", "get", {}).status


def _everywhere(apis: list[Api], what: str, holds: Callable[[Api], bool]) -> None:
    """Each replica comes to it within the contract's time from now, and stays there."""
    started = time.monotonic()
    for api in apis:
        until(f"{what} at {api.base}", lambda: holds(api), EFFECTIVE_WITHIN + MARGIN - (time.monotonic() - started))
    assert all(holds(api) for api in apis), f"{what}: not for good"


def test_a_deletion_is_effective_on_every_replica(app: Application, apis: list[Api]) -> None:
    connector = app.connect("u1")
    assert [_whoami(api, connector) for api in apis] == [200] * 3
    apis[1].delete(f"/integrations/connectors/{connector}").ok(202)
    assert _whoami(apis[1], connector) == 404, "the replica that deleted it still knows it"
    _everywhere(apis, "the connector is gone", lambda api: _whoami(api, connector) == 404)


def test_the_deletion_of_a_workspace_is_effective_on_every_replica(app: Application, apis: list[Api]) -> None:
    connector, other = app.connect("u1"), app.connect("u2")
    assert [_whoami(api, one) for api in apis for one in (connector, other)] == [200] * 6
    workspaces = apis[0].get("/workspaces", {"name_contains": "u1"}).ok()["data"]
    apis[2].delete(f"/workspaces/{workspaces[0]['id']}").ok()
    _everywhere(apis, "the workspace's connector is gone", lambda api: _whoami(api, connector) == 404)
    assert [_whoami(api, other) for api in apis] == [200] * 3


def test_the_removal_of_a_credential_ends_its_tokens_on_every_replica(replicas: Replicas, app: Application, apis: list[Api]) -> None:
    server, organization = replicas.servers[1], app.organization
    assert organization.id is not None
    if server.cli("org", "credentials", "--help", check=False).returncode != 0:
        pytest.skip("this binary cannot remove a credential")
    connector = app.connect("u1")
    made = json.loads(server.cli("org", "credentials", "add", organization.id).stdout)
    theirs = replicas.apis(Organization(made["client_id"], made["client_secret"], organization.id))
    scoped = [api.bearing(theirs[0].scoped("u1").token) for api in theirs]
    assert [_whoami(api, connector) for api in theirs + scoped] == [200] * 6
    server.cli("org", "credentials", "remove", organization.id, made["client_id"])
    _everywhere(theirs + scoped, "the credential's tokens are refused", lambda api: _whoami(api, connector) == 401)
    assert [_whoami(api, connector) for api in apis] == [200] * 3, "the other credential's tokens live on"


def test_a_reconnect_is_effective_on_every_replica(app: Application, apis: list[Api], peer: OidcProvider) -> None:
    connector = app.connect("u1")
    assert [_whoami(api, connector) for api in apis] == [200] * 3
    peer.revoke(app.client, peer.stats(app.client)["refresh_tokens"][-1])
    for api in apis:
        api.execute(connector, "whoami", "get", {}).error(409, "reauthorization_required")
    assert app.create("u1", app.secret_id("u1", connector_id=connector)).ok()["id"] == connector
    _everywhere(apis, "the new grant is used", lambda api: _whoami(api, connector) == 200)
    assert apis[2].get(f"/integrations/connectors/{connector}").ok()["status"] == "active"


def test_jobs_run_once_over_all_replicas(app: Application, apis: list[Api], peer: OidcProvider) -> None:
    """Nine grants are revoked at three replicas at once: the provider is asked once for each of their tokens."""
    connectors = [app.connect(f"u{n}", login=f"user-{n}") for n in range(9)]
    # Long enough that the other replicas look for work meanwhile.
    peer.slow(app.client, token_ms=200)
    waiting = [(apis[n % 3], connector) for n, connector in enumerate(connectors)]
    lock = threading.Lock()

    def delete() -> str:
        with lock:
            api, connector = waiting.pop()
        return str(api.delete(f"/integrations/connectors/{connector}").ok(202)["job_id"])

    jobs = at_once(9, delete)
    for job in jobs:
        until("the revocation is done", lambda: apis[0].get(f"/jobs/{job}").ok()["status"] == "succeeded", 20)
    # Every replica looks for due jobs again every five seconds.
    time.sleep(5.5)
    assert peer.stats(app.client)["revocation_requests"] == 2 * 9, "an access and a refresh token each, once"


def test_a_killed_refresher_is_replaced(
    replicas: Replicas, apis: list[Api], vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of the process whose token request hangs; the call that waits for it at another one is answered in time."""
    code, client = "rt-" + secrets.token_hex(8), "client-" + secrets.token_hex(6)
    vendor.grant(code, access_token=f"at-{code}", refresh_token=f"next-{code}", expires_in=3600)
    replicas.wait_until_steady()
    connector = apis[0].post("/integrations/connectors", {
        "external_user_id": "u1", "connector_type": "vendor-demo", "credentials": {
            "access_token": "ended", "refresh_token": code, "expires_at": "2020-01-01T00:00:00Z",
            "client_id": client, "client_secret": "client-secret-0123456789",
        },
    }).ok()["id"]
    arrived, over, answer = threading.Event(), threading.Event(), vendor.answer

    def hang_once(request: Request) -> Reply:
        if request.path == "/token" and request.form().get("refresh_token") == code and not arrived.is_set():
            arrived.set()
            over.wait(30)
        return answer(request)

    monkeypatch.setattr(vendor, "answer", hang_once)
    # Its answer never comes: the process dies.
    caller = threading.Thread(target=_abandoned, args=(apis[1], connector), daemon=True)
    caller.start()
    try:
        assert arrived.wait(10), "nothing was sent to the token endpoint"
        time.sleep(1.2)  # the claim has been renewed once
        killed = time.monotonic()
        replicas.kill(1)
        apis[2].execute(connector, "whoami", "get", {}).ok()
        took = time.monotonic() - killed
        assert took < REPLACED_WITHIN + MARGIN, f"the killed refresher was replaced after {took:.1f} s"
        assert len(vendor.token_requests(client)) == 2, "once by the one that died, once more by the other"
    finally:
        over.set()
        caller.join(10)
        replicas.servers[1].start()
    _everywhere(apis, "the new token is used", lambda api: _whoami(api, connector) == 200)
    assert len(vendor.token_requests(client)) == 2


def _abandoned(api: Api, connector: str) -> None:
    try:
        api.execute(connector, "whoami", "get", {})
    except OSError:
        pass
