"""GitHub, Slack and Google as npm's emulate plays them: the built-in definitions through a whole consent and calls.

The definitions are the built-in ones with the vendors' origins replaced; nothing else of them is changed.
"""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api import Api
from application import visit
from browser import Browser
from overlay import PEERS, Overlay
from peers import Client, Emulate
from server import Server
from upstream import Reply, Request, Upstream


class SlackFront(Upstream):
    """Slack takes its reading methods by GET and by POST; emulate only by POST. This turns the one into the other."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        super().__init__(self._forward)

    def _forward(self, request: Request) -> Reply:
        body, kind = request.body, request.headers.get("content-type", "")
        if request.method == "GET":
            body, kind = json.dumps(dict(request.query)).encode(), "application/json"
        kept = {"content-type": kind, **{k: v for k, v in request.headers.items() if k in ("authorization", "accept")}}
        forwarded = urllib.request.Request(self.origin + request.path, data=body, headers=kept, method="POST")
        try:
            answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(forwarded, timeout=20)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            return Reply(answer.status, answer.read(), {"content-type": answer.headers["content-type"] or ""})


@dataclass
class Stand:
    """A server whose built-in connectors lead to the emulator."""

    server: Server
    api: Api
    emulate: Emulate
    page: str

    def begin(self, connector_type: str, user: str) -> str:
        return self.api.post("/integrations/connectors/oauth/initiate", {
            "external_user_id": user, "connector_type": connector_type, "redirect_url": self.page,
        }).ok()["consent_url"]

    def connect(self, connector_type: str, user: str, account: str) -> str:
        """The whole consent as the account `account` of the emulator; the connector's id."""
        browser = Browser()
        end = self.emulate.consent(browser, browser.open(self.begin(connector_type, user)), account)
        assert "secret_id" in end.query, f"{end.url}\n{self.server.log.read_text()[-2000:]}"
        return self.api.post("/integrations/connectors", {
            "external_user_id": user, "connector_type": connector_type, "server_side_oauth_secret_id": end.query["secret_id"],
        }).ok()["id"]

    def execute(self, connector: str, entity: str, action: str, params: dict[str, Any]) -> Any:
        return self.api.execute(connector, entity, action, params).ok()["result"]


@pytest.fixture(scope="module")
def stand(database: str, work: Path, app_page: Upstream) -> Iterator[Stand]:
    folder = work / f"emulate-{database}"
    overlay = Overlay(folder / "definitions")
    server = Server(database, folder, overlay.folder)
    try:
        callbacks = {name: [f"{server.url}/oauth/callback/{slug}"] for name, slug in
                     (("github", "github"), ("slack", "slack"), ("google", "google-demo"))}
        emulate = Emulate(folder, callbacks)
        slack = SlackFront(emulate.slack)
        try:
            overlay.built_in("github", {
                "https://api.github.com": emulate.github, "https://github.com/login": f"{emulate.github}/login"})
            overlay.built_in("slack", {
                "https://slack.com/api": f"{slack.url}/api", "https://slack.com/oauth": f"{emulate.slack}/oauth"})
            overlay.add("google-demo", (PEERS / "emulate" / "google.yaml").read_text().replace("PEER_ORIGIN", emulate.google))
            server.start()
            api = server.api.login(server.default)
            for name, app in (("github", Emulate.GITHUB), ("slack", Emulate.SLACK), ("google-demo", Emulate.GOOGLE)):
                api.put("/oauth/credentials", {"connector_type": name, "configuration": app.configuration}).ok()
            yield Stand(server, api, emulate, f"{app_page.url}/connected")
        finally:
            slack.close()
            emulate.close()
    finally:
        server.close()


def test_github(stand: Stand) -> None:
    connector = stand.connect("github", "gh-user", "alice")
    shown = stand.api.get(f"/integrations/connectors/{connector}").ok()
    assert shown["name"] == "GitHub (gh-user)" and shown["account"], shown
    assert "repo" in shown["granted_scopes"]
    assert stand.execute(connector, "user", "get", {})["login"] == "alice"
    name = "made-" + secrets.token_hex(4)
    assert stand.execute(connector, "repositories", "create", {"name": name, "auto_init": True})["full_name"] == f"alice/{name}"
    issue = stand.execute(connector, "issues", "create", {"owner": "alice", "repo": name, "title": "First", "body": "{{ x }} ☃"})
    assert issue["number"] >= 1 and issue["title"] == "First" and issue["body"] == "{{ x }} ☃"
    changed = stand.execute(connector, "issues", "update", {
        "owner": "alice", "repo": name, "issue_number": issue["number"], "state": "closed"})
    assert changed["state"] == "closed"
    comment = stand.execute(connector, "comments", "create", {
        "owner": "alice", "repo": name, "issue_number": issue["number"], "body": "Thanks"})
    assert comment["body"] == "Thanks"


def test_github_errors_are_the_contracts(stand: Stand) -> None:
    connector = stand.connect("github", "gh-errors", "bob")
    stand.api.execute(connector, "issues", "create", {"owner": "alice", "repo": "no-such", "title": "x"}).error(404, "upstream_not_found")
    stand.api.execute(connector, "issues", "create", {"owner": "bob", "repo": "hidden"}).error(422)
    # Another user's private repository: GitHub hides it.
    alice = stand.connect("github", "gh-alice", "alice")
    stand.api.execute(alice, "issues", "create", {"owner": "bob", "repo": "hidden", "title": "x"}).error((403, 404))


def test_slack(stand: Stand) -> None:
    connector = stand.connect("slack", "slack-user", _slack_account(stand))
    shown = stand.api.get(f"/integrations/connectors/{connector}").ok()
    assert shown["account"] and "Acme" in str(shown["account"])
    channels = stand.execute(connector, "channels", "list", {"limit": 10})
    general = next(one for one in channels if one["name"] == "general")
    sent = stand.execute(connector, "messages", "create", {"channel": general["id"], "text": "Hello <&> ☃"})
    assert sent["ts"] if "ts" in sent else sent["message"]["text"]
    history = stand.execute(connector, "channel_messages", "list", {"channel": general["id"]})
    assert any("Hello" in one.get("text", "") for one in history)


def test_slack_errors_come_with_200(stand: Stand) -> None:
    connector = stand.connect("slack", "slack-errors", _slack_account(stand))
    body = stand.api.execute(connector, "messages", "create", {"channel": "C404", "text": "x"}).error(404, "upstream_not_found")
    assert "channel_not_found" in body["message"]


def _slack_account(stand: Stand) -> str:
    page = Browser().open(stand.begin("slack", "probe"))
    return page.forms[-1].fields["user_id"]


@pytest.mark.parametrize("connector_type", ["github", "slack", "google-demo"])
def test_a_bad_code_fails_though_some_say_so_with_200(stand: Stand, connector_type: str) -> None:
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(stand.begin(connector_type, "bad-code")).query)["state"][0]
    page = visit(f"{stand.server.url}/oauth/callback/{connector_type}?" + urllib.parse.urlencode({"code": "wrong", "state": state}))
    assert page.status == 303
    back = urllib.parse.parse_qs(urllib.parse.urlsplit(page.hops[-1][2]).query)
    assert back["error"] == ["token_exchange_failed"] and "secret_id" not in back
    assert stand.api.get("/integrations/connectors", {"external_user_id": "bad-code"}).ok()["data"] == []


def test_a_wrong_client_secret_is_told_apart_from_a_dead_grant(stand: Stand) -> None:
    organization = stand.server.organization()
    api = stand.server.api.login(organization)
    wrong = Client(Emulate.GITHUB.id, "not-the-secret")
    api.put("/oauth/credentials", {"connector_type": "github", "configuration": wrong.configuration}).ok()
    url = api.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "u", "connector_type": "github", "redirect_url": stand.page}).ok()["consent_url"]
    browser = Browser()
    end = stand.emulate.consent(browser, browser.open(url), "alice")
    assert end.query["error"] == "token_exchange_failed" and "not-the-secret" not in str(end.query)


def test_google_never_returns_a_new_refresh_token(stand: Stand) -> None:
    connector = stand.connect("google-demo", "g-user", "alice@example.test")
    assert stand.execute(connector, "account", "get", {})["email"] == "alice@example.test"
    job = stand.api.delete(f"/integrations/connectors/{connector}").ok(202)["job_id"]
    assert stand.api.get(f"/jobs/{job}").ok()["id"] == job
