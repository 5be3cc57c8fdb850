"""Mix-up, and consents that one starts and another finishes, at a real provider (E1 to E10)."""

from __future__ import annotations

import base64
import hashlib
import secrets
import urllib.parse
from collections.abc import Callable

import pytest

from api import Answer
from application import Application, visit
from attack import Attack, refused, returned
from browser import Browser
from peers import OidcProvider

Make = Callable[..., Application]


def test_e1_e4_a_state_belongs_to_its_connectors_path(application: Make, peer: OidcProvider) -> None:
    app, twin = application(), application(connector_type="oidc-twin")
    ours, theirs = app.provider_answer(app.initiate("u1")), twin.provider_answer(twin.initiate("u1"))
    assert app.callback != twin.callback
    for url, path in ((ours, twin.callback), (theirs, app.callback)):
        refused(visit(path + "?" + urllib.parse.urlsplit(url).query))
    for path in ("/oauth/callback/no-such-type", "/oauth/callback/"):
        assert visit(app.server.url + path + "?" + urllib.parse.urlsplit(ours).query).status in (400, 404)
    assert peer.stats(app.client)["token_requests"] == 0 and peer.stats(twin.client)["token_requests"] == 0


def test_e1_a_code_of_one_provider_is_not_sent_to_another(application: Make, attack: Attack, peer: OidcProvider) -> None:
    """The honest provider is the peer, the attacker's the scripted one; each code meets the other's state on both paths."""
    honest = application()
    attacker, paths = attack.app, (honest.callback, attack.app.callback)
    real = urllib.parse.parse_qs(urllib.parse.urlsplit(honest.provider_answer(honest.initiate("u1"))).query)["code"][0]
    for path in paths:
        for code, state_of in ((attack.code(), honest), (real, attacker), (real, honest)):
            if state_of is attacker and path == attacker.callback:
                continue  # an honest provider does not send its code there: its client has another redirect URI (E3)
            page = visit(path + "?" + urllib.parse.urlencode({"code": code, "state": state_of.state(state_of.initiate("u1"))}))
            if state_of is honest and path == honest.callback:
                assert returned(page)["error"] == "invalid_state"  # no `iss`, or it would be the attacker's
            else:
                refused(page)
    assert peer.stats(honest.client)["token_requests"] == 0 and attack.token_requests == 0
    assert not any(real in one.target or real.encode() in one.body for one in attack.vendor.requests)


def test_e3_a_bounce_to_an_honest_provider_brings_the_attacker_no_code(application: Make, attack: Attack, peer: OidcProvider) -> None:
    """COAT: the attacker's connector type sends the browser on to the provider of a type that others use, as its client."""
    honest, attacker = application(), attack.app

    def bounce(redirect_uri: str) -> str:
        def onward(request: object) -> str:
            asked = dict(request.query)  # type: ignore[attr-defined]
            return f"{peer.url}/auth?" + urllib.parse.urlencode({
                **asked, "client_id": honest.client.id, "redirect_uri": redirect_uri, "scope": "openid api:read"})
        attack.vendor.authorize = onward
        return attacker.initiate("u1")

    try:
        browser = Browser()
        page = browser.open(bounce(honest.callback), stop=honest.callback)
        page = peer.consent(browser, page, "victim", stop=honest.callback)
        assert page.url.startswith(honest.callback + "?") and "code=" in page.url, "the victim did not get through: no attack"
        refused(visit(page.url))
        # With the attacker's own return address the honest provider does not even begin.
        refusal = Browser().open(bounce(attacker.callback), stop=attacker.callback)
        assert refusal.status == 400 and refusal.url.startswith(peer.url) and "redirect_uri" in refusal.body
    finally:
        attack.vendor.authorize = None
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)["code"][0]
    assert attack.token_requests == 0 and peer.stats(honest.client)["token_requests"] == 0
    assert not any(code in one.target or code.encode() in one.body for one in attack.vendor.requests)
    assert attacker.connectors("u1") == []


def test_e4_a_code_of_one_flow_does_not_finish_another(application: Make, peer: OidcProvider) -> None:
    """CORF on one path: the attacker's code with the victim's state. The provider's PKCE check ends it."""
    app = application()
    attackers = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(app.provider_answer(app.initiate("attacker"), "mallory")).query))
    victims = app.state(app.initiate("victim"))
    page = visit(app.callback + "?" + urllib.parse.urlencode({**attackers, "state": victims}))
    back = returned(page)
    assert back["error"] == "token_exchange_failed" and "secret_id" not in back
    stats = peer.stats(app.client)
    assert stats["code_exchanges"] == 0 and stats["access_tokens"] == [] and len(stats["refused"]) == 1
    # The victim's state is gone with it: the way on is a new consent, not a second try with the same state.
    refused(visit(app.callback + "?" + urllib.parse.urlencode({"code": "x", "state": victims, "iss": peer.url})))


@pytest.mark.sqlite_only
@pytest.mark.parametrize("change", ["missing", "other", "slash", "case", "empty", "on-error"])
def test_e2_the_issuer_must_be_the_promised_one(application: Make, peer: OidcProvider, change: str) -> None:
    app = application()
    url = app.provider_answer(app.initiate("u1"), deny=change == "on-error")
    pairs = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    assert pairs.pop("iss") == peer.url
    spelled = {"other": "https://evil.example", "slash": peer.url + "/", "case": peer.url.upper(), "empty": ""}.get(change)
    if spelled is not None:
        pairs["iss"] = spelled
    page = visit(app.callback + "?" + urllib.parse.urlencode(pairs))
    assert returned(page)["error"] == "invalid_state"
    assert peer.stats(app.client)["token_requests"] == 0


def test_e10_users_are_told_apart_byte_for_byte(application: Make) -> None:
    app = application(peer=None, connector_type="vendor-demo")
    names = ["User1", "user1", "user1 ", "\u00e9", "e\u0301", "x" * 250, "\u5b57" * 250, "ﬁ", "fi", "a/b", "a%2Fb", "..", "'; --"]
    ids = []
    for name in names:
        info = app.api.scoped(name).get("/account/applications/scoped-token/info").ok()
        assert info["workspace_name"] == name
        ids.append(info["workspace_id"])
    assert len(set(ids)) == len(names)


def test_e5_e6_a_challenge_binds_the_grant_to_the_session(application: Make) -> None:
    app = application()
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    secret_id = app.secret_id("u1", code_challenge=challenge)
    bodies = []
    for wrong in ({}, {"code_verifier": secrets.token_urlsafe(48)}, {"code_verifier": challenge}):
        bodies.append(app.create("u1", secret_id, **wrong).error(400))
    assert {body["message"] for body in bodies} == {"Invalid secret_id"}
    assert app.connectors("u1") == []
    made = app.create("u1", secret_id, code_verifier=verifier).ok()
    assert app.whoami(made["id"]).ok()["result"]["sub"] == "alice"

    app.api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u1", "connector_type": "oidc-demo", "redirect_url": app.page,
        "code_challenge": challenge, "callback_mode": "connector_id",
    }).error(422, "binding_requires_secret_id")


class Session:
    """A user's session at the application: who is signed in, and the verifier that this session keeps."""

    def __init__(self, app: Application, user: str) -> None:
        self.app, self.user, self.verifier = app, user, secrets.token_urlsafe(48)

    def initiate(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return self.app.initiate(self.user, code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode())

    def redeem(self, secret_id: str) -> Answer:
        """What the application does when a browser comes back in this session."""
        return self.app.create(self.user, secret_id, code_verifier=self.verifier)


def test_e5_who_starts_a_consent_does_not_get_the_account_of_who_agrees(application: Make, peer: OidcProvider) -> None:
    """COSF: the attacker starts, the victim agrees with the victim's own account and comes back in the victim's session."""
    app = application()
    attacker, victim = Session(app, "attacker"), Session(app, "victim")
    secret_id = app.consent(attacker.initiate(), "victims-account").query["secret_id"]
    victim.redeem(secret_id).error((400, 404))
    app.api.scoped("victim").post("/integrations/connectors", {
        "external_user_id": "victim", "connector_type": "oidc-demo", "server_side_oauth_secret_id": secret_id,
        "code_verifier": victim.verifier,
    }).error((400, 404))
    # Without the verifier of the attacker's session the secret_id is of no use in the attacker's name either.
    assert app.create("attacker", secret_id).error(400)["message"] == "Invalid secret_id"
    assert app.create("attacker", secret_id, code_verifier=victim.verifier).error(400)["message"] == "Invalid secret_id"
    assert app.connectors("attacker") == [] and app.connectors("victim") == []
    assert peer.stats(app.client)["api_calls"] <= 1, "the account was used for more than to learn its name"


def test_e6_a_victims_session_does_not_finish_the_attackers_consent(application: Make) -> None:
    """The reverse: the attacker agrees with the attacker's account and has the victim's browser open the way back."""
    app = application()
    attacker, victim = Session(app, "attacker"), Session(app, "victim")
    callback = app.provider_answer(attacker.initiate(), "mallory")
    victim.redeem(returned(visit(callback))["secret_id"]).error((400, 404))
    # Both in one workspace: the user's name alone does not tell the sessions apart, the verifier does.
    colleague, other = Session(app, "shared"), Session(app, "shared")
    secret_id = returned(visit(app.provider_answer(colleague.initiate(), "mallory")))["secret_id"]
    assert other.redeem(secret_id).error(400)["message"] == "Invalid secret_id"
    assert [app.connectors(user) for user in ("attacker", "victim", "shared")] == [[], [], []]
    # What was refused was not used up: the session that started can still finish.
    connector = colleague.redeem(secret_id).ok()["id"]
    assert app.whoami(connector).ok()["result"]["sub"] == "mallory"


def test_e5_an_organization_may_require_the_binding(application: Make) -> None:
    app = application()
    app.api.put("/organizations/settings", {"require_binding": True}).ok()
    body = {"external_user_id": "u1", "connector_type": "oidc-demo", "redirect_url": app.page}
    for mode in ({}, {"callback_mode": "secret_id"}, {"callback_mode": "connector_id"}):
        app.api.post("/integrations/connectors/oauth/initiate", {**body, **mode}).error(422)
    session = Session(app, "u1")
    secret_id = app.consent(session.initiate()).query["secret_id"]
    app.create("u1", secret_id).error(400)
    session.redeem(secret_id).ok()


def test_e5_a_consent_from_before_the_requirement_is_held_to_it(application: Make) -> None:
    app = application()
    secret_id = app.secret_id("u1")
    app.api.put("/organizations/settings", {"require_binding": True}).ok()
    app.create("u1", secret_id).error(400)
    assert app.connectors("u1") == []
