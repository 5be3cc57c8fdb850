"""secret_id: of no use to others, good once, for a time, and not burnt by a wrong attempt (D1 to D8)."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

import pytest

from application import Application
from attack import Attack, returned
from parallel import at_once
from peers import OidcProvider
from process import until
from server import Server
from upstream import Upstream
from vendor import Vendor

Make = Callable[..., Application]


def test_d1_d4_d5_wrong_redemptions_look_alike_and_consume_nothing(attack: Attack, application: Make, server: Server) -> None:
    secret_id = attack.secret_id("u1")
    foreign = application(peer=None, connector_type="vendor-demo", organization=server.organization())
    other_type = application(peer=None)
    for _ in range(3):
        answers = [
            foreign.create("u1", secret_id),
            attack.app.create("u1", secret_id, connector_type="oidc-demo"),
            other_type.create("u1", secret_id),
            attack.app.create("u1", "unknown-" + secrets.token_hex(16)),
            attack.app.create("u1", secret_id + "x"),
            attack.app.create("u1", secret_id.swapcase()),
        ]
        bodies = [answer.error(400) for answer in answers]
        for body in bodies:
            body["request_id"] = ""
        assert all(body == bodies[0] for body in bodies) and bodies[0]["message"] == "Invalid secret_id"
        wrong_user = attack.app.create("u2", secret_id).error(404)
        assert wrong_user["message"] == "Workspace not found"
    assert attack.app.connectors("u1") == [] and attack.app.connectors("u2") == []
    made = attack.app.create("u1", secret_id).ok()
    attack.app.whoami(made["id"]).ok()


def test_d2_a_secret_id_works_once(attack: Attack) -> None:
    secret_id = attack.secret_id()
    answers = at_once(20, lambda: attack.app.create("u1", secret_id))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19, [answer.text[:200] for answer in answers]
    assert len(attack.app.connectors("u1")) == 1
    assert attack.app.create("u1", secret_id).error(400)["message"] == "Invalid secret_id"


def test_d3_a_secret_id_expires(start_server: Callable[..., Server], vendor: Vendor, app_page: Upstream) -> None:
    server = start_server(SECRET_TTL="1s")
    attack = Attack(Application(server, server.default, app_page.url, None, "vendor-demo"), vendor)
    secret_id = attack.secret_id()
    threading.Event().wait(1.2)
    assert attack.app.create("u1", secret_id).error(400)["message"] == "Invalid secret_id"
    assert attack.app.connectors("u1") == []


def test_d3_a_grant_that_nobody_redeems_is_revoked_at_its_provider(
    start_server: Callable[..., Server], peer: OidcProvider, app_page: Upstream
) -> None:
    server = start_server(SECRET_TTL="1s")
    app = Application(server, server.default, app_page.url, peer)
    app.secret_id("u1")
    stats = peer.stats(app.client)
    tokens = [*stats["access_tokens"], *stats["refresh_tokens"]]
    assert len(tokens) == 2 and all(peer.alive(app.client, token) for token in tokens)
    # A server sweeps when it starts, and every 30 seconds: not waited for here.
    server.stop()
    threading.Event().wait(1.2)
    server.start()
    until("the provider has killed the tokens", lambda: not any(peer.alive(app.client, token) for token in tokens))


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("query", "kept"), [
    ("?secret_id=evil&x=1", {"x": "1"}), ("?a=%26", {"a": "&"}), ("?", {}), ("?x=%23y", {"x": "#y"}),
    ("?x=1&secret_id=a&secret_id=b", {"x": "1"}), ("?error=old", {"error": "old"}), ("?q=a+b%20c", {"q": "a b c"}),
])
def test_d7_the_applications_own_query_survives(attack: Attack, app_page: Upstream, query: str, kept: dict[str, str]) -> None:
    page = attack.callback(("code", attack.code()), ("state", attack.state(redirect_url=f"{app_page.url}/back{query}")))
    back = returned(page)
    secret_id = back.pop("secret_id")
    assert secret_id not in ("evil", "a", "b") and back == kept
    attack.app.create("u1", secret_id).ok()


@pytest.mark.sqlite_only
def test_d8_a_bad_create_does_not_use_the_secret_up(attack: Attack) -> None:
    secret_id = attack.secret_id()
    for wrong in ({"name": "x" * 5000}, {"name": 7}, {"environment": []}, {"replication_config": "x"}, {"name": ""}):
        attack.app.create("u1", secret_id, **wrong).error(422)
    assert attack.app.connectors("u1") == []
    assert attack.app.create("u1", secret_id, name="fine").ok()["name"] == "fine"


def test_d9_a_reconnect_does_not_attach_another_account_silently(application: Make) -> None:
    app = application()
    connector = app.connect("u1", "alice")
    other = app.consent(app.initiate("u1", connector_id=connector), "bob")
    if "secret_id" in other.query:
        app.create("u1", other.query["secret_id"]).error((400, 409, 422))
    else:
        assert other.query["error"] == "account_mismatch"
    assert app.whoami(connector).ok()["result"]["sub"] == "alice"
    wanted = app.consent(app.initiate("u1", connector_id=connector, allow_account_change=True), "bob")
    if "secret_id" in wanted.query:
        app.create("u1", wanted.query["secret_id"]).ok()
    assert app.whoami(connector).ok()["result"]["sub"] == "bob"
