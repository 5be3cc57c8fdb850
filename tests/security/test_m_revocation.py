"""The end of a grant, here and at its provider; what is done twice (M1 to M6)."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any

import pytest

from api import Answer, Api
from application import Application, visit
from attack import Attack, returned
from parallel import at_once
from peers import OidcProvider
from process import until
from upstream import Reply
from workbench import Workbench

Make = Callable[..., Application]


def test_m1_m2_delete_revokes_at_the_provider(application: Make, peer: OidcProvider) -> None:
    app = application()
    connector = app.connect("u1")
    app.whoami(connector).ok()
    stats = peer.stats(app.client)
    tokens = stats["access_tokens"] + stats["refresh_tokens"]
    assert all(peer.alive(app.client, token) for token in tokens)

    job = app.api.delete(f"/integrations/connectors/{connector}").ok(202)["job_id"]
    app.api.get(f"/integrations/connectors/{connector}").error(404)
    app.whoami(connector).error(404)
    assert app.connectors("u1") == []
    until("the provider has killed the tokens", lambda: not any(peer.alive(app.client, token) for token in tokens))

    def finished() -> dict[str, Any] | None:
        shown = app.api.get(f"/jobs/{job}").ok()
        return shown if shown["revocations"] and all(one["outcome"] for one in shown["revocations"]) else None

    shown = until("the job tells what became of each token", finished)
    assert shown["id"] == job and isinstance(shown["status"], str)
    assert {"token", "outcome"} <= set(shown["revocations"][0])
    assert not any(token in str(shown) for token in tokens)


def _job(api: Api, job: str) -> dict[str, Any]:
    return api.get(f"/jobs/{job}").ok()


@pytest.mark.sqlite_only
def test_m1_a_provider_that_is_down_is_asked_again(attack: Attack) -> None:
    code, app = attack.code(), attack.app
    connector = app.create("u1", returned(attack.callback(("code", code), ("state", attack.state())))["secret_id"]).ok()["id"]
    attack.vendor.refusals = [Reply(503), Reply(503)]
    job = app.api.delete(f"/integrations/connectors/{connector}").ok(202)["job_id"]
    until("the provider has been asked", lambda: attack.vendor.refusals == [] or None)
    assert {one["outcome"] for one in _job(app.api, job)["revocations"]} <= {"pending", None}
    until("both tokens are revoked", lambda: [one["outcome"] for one in _job(app.api, job)["revocations"]] == ["revoked"] * 2, 25)
    revoked = [one.form()["token"] for one in attack.vendor.seen("/token/revocation")]
    assert {f"rt-{code}", f"at-{code}"} <= set(revoked) and f"at-{code}" not in attack.vendor.accounts


@pytest.mark.sqlite_only
def test_m1_what_no_provider_can_revoke_is_told(workbench: Workbench) -> None:
    connector, _ = workbench.connector()
    job = workbench.api.delete(f"/integrations/connectors/{connector}").ok(202)["job_id"]
    shown = until("the job is done", lambda: next((one for one in [_job(workbench.api, job)] if one["status"] != "pending"), None))
    assert all(one["outcome"] != "revoked" for one in shown["revocations"]) and workbench.upstream.requests == []


def test_m2_a_call_that_runs_may_finish_and_the_next_is_refused(attack: Attack) -> None:
    connector = attack.app.create("u1", attack.secret_id()).ok()["id"]
    attack.vendor.gate = threading.Event()
    answers: list[Answer] = []
    try:
        before = len(attack.vendor.seen("/api/whoami"))
        running = threading.Thread(target=lambda: answers.append(attack.app.whoami(connector)))
        running.start()
        until("the call has reached the provider", lambda: len(attack.vendor.seen("/api/whoami")) > before)
        attack.app.api.delete(f"/integrations/connectors/{connector}").ok(202)
        attack.app.whoami(connector).error(404)
    finally:
        attack.vendor.gate.set()
        attack.vendor.gate = None
    running.join()
    assert answers[0].status in (200, 404, 409)
    attack.app.whoami(connector).error(404)


def test_m3_the_kill_switch_ends_all_grants_of_a_scope(application: Make, peer: OidcProvider) -> None:
    app = application()
    connectors = [app.connect(f"u{number}") for number in range(3)]
    unredeemed = app.secret_id("u9")
    pending = app.provider_answer(app.initiate("u8"))
    stats = peer.stats(app.client)
    tokens = [*stats["access_tokens"], *stats["refresh_tokens"]]
    app.api.scoped("u0").post("/revocations", {"organization": True}).error(403)
    assert app.api.post("/revocations", {"connector_type": "oidc-demo", "dry_run": True}).ok()["total"] == 4
    app.whoami(connectors[0]).ok()
    begun = app.api.post("/revocations", {"connector_type": "oidc-demo"}).ok(202)
    for connector in connectors:
        app.whoami(connector).error(404)
    app.create("u9", unredeemed).error(400)
    assert "secret_id=" not in str(visit(pending).hops)

    def finished() -> dict[str, Any] | None:
        shown = app.api.get(f"/revocations/{begun['id']}").ok()
        return shown if shown["status"] == "finished" else None

    shown = until("every provider was told", finished, 30)
    assert shown["total"] == 4 and shown["revoked"] == 4 and shown["pending"] == 0
    assert not any(peer.alive(app.client, token) for token in tokens)
    grants = app.api.get(f"/revocations/{begun['id']}/grants").ok()["data"]
    assert len(grants) == 4 and not any(token in str(grants) for token in tokens)


def _create(app: Application, connector: str, key: str, text: str = "x") -> Answer:
    return app.api.post(f"/integrations/connectors/{connector}/execute", {
        "entity": "notes", "action": "create", "params": {"text": text}}, headers={"Idempotency-Key": key})


def test_m6_fifty_calls_with_one_key_do_it_once(attack: Attack) -> None:
    app = attack.app
    connector, key = app.create("u1", attack.secret_id()).ok()["id"], secrets.token_hex(16)
    before = len(attack.vendor.seen("/api/notes", "POST"))
    answers = at_once(50, lambda: _create(app, connector, key))
    assert {answer.status for answer in answers} <= {200, 409}
    for answer in answers:
        if answer.status == 409:
            answer.error(409, "idempotency_in_progress")
    assert len(attack.vendor.seen("/api/notes", "POST")) == before + 1
    first = next(answer for answer in answers if answer.status == 200)
    again = _create(app, connector, key)
    assert again.ok() == first.json(), "the stored answer"
    _create(app, connector, key, "another").error(422)
    assert len(attack.vendor.seen("/api/notes", "POST")) == before + 1
    _create(app, connector, secrets.token_hex(16)).ok()
    assert len(attack.vendor.seen("/api/notes", "POST")) == before + 2


def test_m6_one_key_makes_one_connector(attack: Attack) -> None:
    body = {"external_user_id": "u1", "connector_type": "vendor-demo", "credentials": {"access_token": "x"}}
    key = {"Idempotency-Key": secrets.token_hex(16)}
    answers = at_once(20, lambda: attack.app.api.post("/integrations/connectors", body, headers=key))
    assert {answer.status for answer in answers} <= {200, 409} and len({answer.json()["id"] for answer in answers if answer.status == 200}) == 1
    assert len(attack.app.connectors("u1")) == 1
