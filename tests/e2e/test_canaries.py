"""No secret anywhere but where it belongs: a server at log level trace lives through everything that goes right and wrong with
secrets, then all that it wrote, stored, copied and answered is searched.
"""

from __future__ import annotations

import base64
import json
import secrets
import sqlite3
import threading
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import postgres
from api import Answer, Api
from application import Application, visit
from browser import Page
from canaries import Search, forms
from overlay import Overlay
from server import Server
from test_keys import key_file, new_key
from upstream import Reply, Request, Upstream

Start = Callable[..., Server]

# Which secrets an answer may hold, by what was asked: tokens where they are minted, the state in the consent URL, what the
# provider says in the result of an execute.
MAY: list[tuple[str, tuple[str, ...]]] = [
    ("/applications/token", ("our application token",)),
    ("/scoped-token", ("our scoped token",)),
    ("/widget-token", ("our scoped token", "our widget token")),
    ("/oauth/initiate", ("state", "code challenge")),
    # To the caller itself: what the provider said, and what was wrong with the parameters that it sent.
    ("/execute", ("record", "parameter", "unknown parameter", "listed parameter", "entity")),
    ("a page", ("secret_id", "bound secret_id")),
]


class Parrot(Upstream):
    """A provider that repeats in its error texts whatever it was sent, in the ways of badly written providers."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.mode = "good"
        self.issued = 0
        super().__init__(self._answer)

    def _answer(self, request: Request) -> Reply:
        with threading.Lock():
            self.issued += 1
        number = self.issued
        if request.path == "/token" and request.method == "POST":
            form = request.form()
            for name in ("code_verifier", "refresh_token", "code"):
                if name in form:
                    self.search.keep(f"{name} {number}", form[name])
            if self.mode == "good":
                return Reply.of({
                    "access_token": self.search.fresh(f"access token {number}"), "token_type": "Bearer",
                    "refresh_token": self.search.fresh(f"refresh token {number}"), "expires_in": 3600,
                    "id_token": self.search.fresh(f"id token {number}"), "scope": "api:read",
                })
            return self._repeat(request)
        if self.mode != "good":
            return self._repeat(request)
        return Reply.of({"sub": "the account", "scope": self.search.fresh(f"record {number}"), "client": "parrot"})

    def _repeat(self, request: Request) -> Reply:
        said = f"refused: {request.target} {json.dumps(request.headers)} {request.body.decode()}"
        credential = request.headers.get("authorization", "").partition(" ")[2]
        status = int(self.mode[-3:])
        match self.mode[:-4]:
            case "oauth":
                return Reply.of({"error": "invalid_request", "error_description": said, "error_uri": f"https://x/?{credential}"}, status)
            case "grant":
                return Reply.of({"error": "invalid_grant", "error_description": f"token {request.form()} is not good"}, status)
            case "message":
                return Reply.of({"message": f"bad token {credential}", "errors": [{"detail": said}]}, status)
            case "header":
                return Reply.of({"error": credential}, status, www_authenticate=f'Bearer error="x", error_description="{credential}"')
            case "html":
                return Reply(status, f"<html><pre>{said}</pre>".encode(), {"content-type": "text/html"})
            case "broken":
                return Reply(status, ('{"access_token": "' + credential).encode(), {"content-type": "application/json"})
        raise AssertionError(self.mode)


class Life:
    """One installation, and everything that it said."""

    def __init__(self, start_server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.search = Search()
        self.parrot = Parrot(self.search)
        self.overlay = Overlay(tmp_path / "definitions")
        self.overlay.oidc_provider(self.parrot.url, "parrot", 7, plain=True)
        self.answers: list[tuple[str, bytes]] = []
        self.outputs: list[tuple[str, bytes]] = []
        self.copies = tmp_path / "copies"
        original = Api.call

        def call(api: Api, *arguments: Any, **more: Any) -> Answer:
            answer = original(api, *arguments, **more)
            self.answers.append((answer.asked, bytes(answer.headers) + b"\n" + answer.body))
            return answer

        monkeypatch.setattr(Api, "call", call)
        self.server = start_server(connectors=self.overlay.folder, start=False, LOG="trace", REFRESH_AHEAD="on")
        if self.server.postgres_url is not None:
            self.search.keep("master key", self.server.master_key)
        self.search.keep("bootstrap secret", self.server.default.client_secret)
        self.server.start()
        if self.server.postgres_url is None:
            self.search.keep("master key", key_file(self.server).read_text().strip())

    def cli(self, *arguments: str, **settings: str) -> str:
        done = self.server.cli(*arguments, check=False, **settings)
        self.outputs.append((" ".join(arguments), (done.stdout + done.stderr).encode()))
        return done.stdout

    def visit(self, url: str) -> Page:
        page = visit(url)
        self.answers.append(("a page", (page.body + str(page.headers)).encode()))
        return page

    def at_rest(self) -> dict[str, bytes]:
        """All places where bytes lie, except the key file."""
        places = {"the log": self.server.log.read_bytes()}
        for folder in (self.server.data, self.copies):
            for file in folder.rglob("*") if folder.is_dir() else ():
                if file.is_file() and file.name != "master.key":
                    places[str(file.relative_to(folder.parent))] = file.read_bytes()
        if self.server.postgres_url is not None:
            places["the dump"] = postgres.dump(self.server.postgres_url).encode("latin-1", "replace")
        return places

    def hits(self) -> list[str]:
        found = []
        for place, content in [*self.at_rest().items(), *self.outputs]:
            found += self.search.hits(place, content)
        for asked, content in self.answers:
            may = tuple(name for path, names in MAY if path in asked for name in names)
            found += self.search.hits(f"the answer to {asked}", content, may)
        return found


def sign_ins(life: Life) -> Api:
    """Good and refused; tokens that are good, forged, and in wrong places."""
    api = life.server.api
    for _ in range(2):
        api.post("/account/applications/token", {
            "client_id": life.server.default.client_id, "client_secret": life.search.fresh("wrong secret")}).error(401)
    api.post("/account/applications/token", {"client_secret": life.search.fresh("lonely secret")}).error(422)
    api.post("/account/applications/token", {"client_id": 7, "client_secret": [life.search.fresh("listed secret")]}).error(422)
    api.post("/account/applications/token", raw=b'{"client_secret": "' + life.search.fresh("broken body secret").encode()).error(400)
    app = api.login(life.server.default)
    life.search.keep("our application token", app.token or "")
    scoped = app.scoped("u1")
    life.search.keep("our scoped token", scoped.token or "")
    widget = app.post("/account/applications/widget-token", {"workspace_name": "u9", "allowed_origin": "https://app.example.com"}).ok()
    inner = json.loads(base64.b64decode(widget["token"]))["token"]
    life.search.keep("our widget token", inner)
    header, claims, _ = (app.token or "").split(".")
    forged = f"{header}.{claims}.{secrets.token_urlsafe(32)}"
    for bearer in (forged, life.search.fresh("no token at all"), inner[:-4] + "AAAA"):
        api.bearing(bearer).get("/integrations/connectors").error(401)
    api.get("/integrations/connectors", {"access_token": life.search.fresh("token in the query")}).error((400, 401))
    api.call("GET", "/integrations/connectors", headers={"Authorization": "Basic " + life.search.fresh("basic")}).error(401)
    api.call("GET", "/integrations/connectors", headers={"Cookie": "token=" + life.search.fresh("cookie")}).error(401)
    return app


def oauth_apps(life: Life, app: Api) -> None:
    secret = life.search.fresh("OAuth app secret")
    for configuration in (
        {"client_id": "c", "client_secret": secret, "unknown": life.search.fresh("unknown field of an app")},
        {"client_secret": secret}, {"client_id": "c", "client_secret": {"in": life.search.fresh("object secret")}},
        {"client_id": "c", "client_secret": secret + "\n"},
    ):
        app.put("/oauth/credentials", {"connector_type": "parrot", "configuration": configuration}).error(422)
    app.put("/oauth/credentials", {"connector_type": "no-such", "configuration": {"client_secret": secret}}).error(404)
    app.put("/oauth/credentials", {"connector_type": "parrot", "configuration": {"client_id": "c", "client_secret": secret}}).ok()
    app.get("/oauth/credentials").ok()
    app.get("/oauth/credentials/spec", {"connector_type": "parrot"}).ok()


def initiate(life: Life, app: Api, user: str, **fields: Any) -> tuple[str, str]:
    """The callback's address and the state of a new flow."""
    url = app.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": user, "connector_type": "parrot", "redirect_url": "https://app.example.com/back", **fields,
    }).ok()["consent_url"]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    return query["redirect_uri"][0], life.search.keep(f"state {len(life.search.secrets)}", query["state"][0])


def consents(life: Life, app: Api) -> str:
    """A consent that works, and all ways in which one does not; the connector."""

    def come_back(address: str, **parameters: str) -> Page:
        return life.visit(address + "?" + urllib.parse.urlencode(parameters))

    def code() -> str:
        return life.search.fresh(f"code {len(life.search.secrets)}")

    address, state = initiate(life, app, "u1")
    come_back(address, code=code(), state=life.search.fresh("unknown state"))
    come_back(address, code=code(), state=state + "x")
    page = come_back(address, code=code(), state=state)
    come_back(address, code=code(), state=state)
    secret_id = urllib.parse.parse_qs(urllib.parse.urlsplit(page.hops[-1][2]).query)["secret_id"][0]
    life.search.keep("secret_id", secret_id)
    body = {"external_user_id": "u1", "connector_type": "parrot", "server_side_oauth_secret_id": secret_id}
    app.post("/integrations/connectors", {**body, "connector_type": "github"}).error(400)
    app.post("/integrations/connectors", {**body, "server_side_oauth_secret_id": life.search.fresh("wrong secret_id")}).error(400)
    connector = app.post("/integrations/connectors", body, headers={"Idempotency-Key": life.search.fresh("idempotency key")}).ok()["id"]
    app.post("/integrations/connectors", body).error(400)

    # Refused by the provider, with a text that repeats what is secret.
    address, state = initiate(life, app, "u2")
    come_back(address, error="access_denied", error_description=f"no, {state}", state=state)
    for mode in ("oauth-400", "grant-400", "html-500", "broken-200", "message-401", "header-401"):
        life.parrot.mode = mode
        address, state = initiate(life, app, "u3")
        assert "error=token_exchange_failed" in come_back(address, code=code(), state=state).hops[-1][2], mode
    life.parrot.mode = "good"

    # Bound to a session.
    verifier = life.search.fresh("session verifier") + "-" * 20
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    address, state = initiate(life, app, "u4", code_challenge=challenge)
    page = come_back(address, code=code(), state=state)
    bound = urllib.parse.parse_qs(urllib.parse.urlsplit(page.hops[-1][2]).query)["secret_id"][0]
    life.search.keep("bound secret_id", bound)
    app.post("/integrations/connectors", {
        "external_user_id": "u4", "connector_type": "parrot", "server_side_oauth_secret_id": bound, "code_verifier": verifier}).error(400)
    return connector


def credentials(life: Life, app: Api) -> None:
    """Handed in: good, unfitting, of a wrong type, and refused by the provider."""

    def create(given: dict[str, Any], **more: Any) -> Answer:
        return app.post("/integrations/connectors", {"external_user_id": "u5", "connector_type": "parrot", "credentials": given, **more})

    create({"access_token": life.search.fresh("imported token")}).ok()
    create({"access_tokne": life.search.fresh("misnamed token")}).error((400, 422))
    create({"access_token": [life.search.fresh("listed token")]}).error((400, 422))
    create({"access_token": life.search.fresh("dated token"), "expires_at": life.search.fresh("date")}).error((400, 422))
    for mode in ("message-401", "html-500", "header-403"):
        life.parrot.mode = mode
        create({"access_token": life.search.fresh(f"verified token {mode}")}, verify=True).error(422)
        app.post("/integrations/connectors/check", {
            "external_user_id": "u5", "connector_type": "parrot",
            "credentials": {"access_token": life.search.fresh(f"checked token {mode}")}}).ok()
    life.parrot.mode = "good"
    app.post("/integrations/connectors", {
        "external_user_id": "u6", "connector_type": "github", "credentials": {"token": life.search.fresh("API key")}}).ok()


def calls(life: Life, app: Api, connector: str) -> None:
    """Executes that work, with and without a key, and that fail in every way of the parrot."""

    def whoami(key: str | None = None) -> Answer:
        headers = {"Idempotency-Key": life.search.fresh(f"key {key}")} if key else None
        path, body = f"/integrations/connectors/{connector}/execute", {"entity": "whoami", "action": "get", "intent": "look"}
        answer = app.post(path, body, headers=headers)
        if headers:
            again = app.post(path, body, headers=headers)
            assert again.body == answer.body and again.headers["idempotent-replayed"] == "true"
        return answer

    whoami().ok()
    whoami("good").ok()
    for mode in ("message-400", "message-403", "message-500", "html-500", "header-403", "broken-200"):
        life.parrot.mode = mode
        assert whoami().status >= 400, mode
        assert whoami(mode).status >= 400, mode
    life.parrot.mode = "good"
    app.execute(connector, "notes", "create", {"text": life.search.fresh("parameter"), "no": life.search.fresh("unknown parameter")}).error(422)
    app.execute(connector, "notes", "create", {"text": [life.search.fresh("listed parameter")]}).error(422)
    app.execute(connector, life.search.fresh("entity")[:20], "get", {}).error(422)
    app.execute(connector, "notes", "list", {"limit": 1, "after": life.search.fresh("cursor")}).ok()


def refreshes(life: Life, app: Api, connector: str) -> None:
    """A 401 leads to a refresh, which the provider answers well and badly, and at last refuses."""
    for mode in ("oauth-500", "html-503", "broken-200", "header-500"):
        life.parrot.mode = mode
        _expire(life, connector)
        assert app.execute(connector, "whoami", "get").status >= 400, mode
    life.parrot.mode = "good"
    _expire(life, connector)
    app.execute(connector, "whoami", "get")
    life.parrot.mode = "grant-400"
    _expire(life, connector)
    app.execute(connector, "whoami", "get")
    app.get(f"/integrations/connectors/{connector}").ok()


def _expire(life: Life, connector: str) -> None:
    """The stored access token has ended; the server is told by the change feed, as by another process."""
    grant = f"(SELECT grant_id FROM connectors WHERE id = '{connector}')"
    statements = [
        f"UPDATE grants SET expires_at = 1, unknown_sends = 0, attempt = NULL, attempt_deadline = NULL WHERE id = {grant}",
        f"INSERT INTO changes (kind, key, organization_id, at) SELECT 'connector', id, organization_id, {2**41} FROM connectors "
        f"WHERE id = '{connector}'",
    ]
    if life.server.postgres_url is not None:
        for statement in statements:
            postgres.run(statement, life.server.postgres_url)
    else:
        with sqlite3.connect(life.server.data / "keybearer.db", timeout=20) as database:
            for statement in statements:
                database.execute(statement)
    threading.Event().wait(1.5)


def endings(life: Life, app: Api, connector: str) -> None:
    """Commands, a definition that changed under a grant, a wrong key, and the revocation of a grant at a parrot."""
    life.cli("doctor")
    life.cli("backup", str(life.copies / "first"))
    if life.server.postgres_url is None:
        life.cli("keys", "rotate")
        life.search.keep("second master key", key_file(life.server).read_text().split()[0])
    else:
        second = life.search.keep("second master key", new_key())
        life.cli("keys", "rotate")
        life.server.stop()
        life.server.settings["MASTER_KEY"] = f"{second} {life.server.master_key}"
        life.server.start()
        life.cli("keys", "rotate")
    life.cli("backup", str(life.copies / "second"))
    life.cli("serve", MASTER_KEY=life.search.keep("wrong master key", new_key()))
    life.cli("serve", MASTER_KEY=life.search.fresh("malformed master key"))
    life.cli("org", "list")
    imported = app.post("/integrations/connectors", {
        "external_user_id": "u7", "connector_type": "parrot", "credentials": {"access_token": life.search.fresh("last token")}}).ok()["id"]
    life.server.stop()
    elsewhere = Upstream()
    try:
        life.overlay.oidc_provider(elsewhere.url, "parrot", 7, plain=True)
        broken = (life.overlay.folder / "parrot" / "connector.yaml").read_text().replace("x-airbyte-action: get", "x-airbyte-action: gte")
        life.overlay.add("broken", broken.replace("x-airbyte-connector-name: parrot", "x-airbyte-connector-name: broken"))
        life.server.start()
        app.execute(imported, "whoami", "get").error(409, "app_misconfigured")
        assert elsewhere.requests == [], "a credential went to a host that it was not entered for"
    finally:
        elsewhere.close()
    life.parrot.mode = "oauth-503"
    app.delete(f"/integrations/connectors/{connector}").ok(202)
    threading.Event().wait(1)


def test_no_secret_is_found_anywhere(start_server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(start_server, tmp_path, monkeypatch)
    try:
        app = sign_ins(life)
        oauth_apps(life, app)
        connector = consents(life, app)
        credentials(life, app)
        calls(life, app, connector)
        refreshes(life, app, connector)
        endings(life, app, connector)
        # While it runs, with the write-ahead log beside the file, and after the stop, which folds it in.
        found = life.hits()
        life.server.stop()
        found += life.hits()
    finally:
        life.parrot.close()
    log = life.server.log.read_bytes()
    assert b'"level":"TRACE"' in log or b'"level":"DEBUG"' in log, "the log is not at trace level"
    names = life.search.secrets
    for kind in ("state", "code ", "code_verifier", "access token", "refresh token", "secret_id", "record", "second master key"):
        assert any(name.startswith(kind) for name in names), f"no {kind} was ever seen"
    assert len(names) > 60 and len(life.answers) > 60
    if life.server.postgres_url is None:
        assert (life.copies / "second" / "keybearer.db").is_file()
    assert found == [], f"{len(found)} hits\n" + "\n".join(sorted(set(found))[:30])


@pytest.mark.parametrize("coding", [
    lambda secret: secret, lambda secret: urllib.parse.quote(secret, safe=""), lambda secret: secret.encode().hex(),
    lambda secret: secret.encode().hex().upper(), lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: base64.b64encode(b"c:" + secret.encode()).decode(), lambda secret: base64.b64encode(b"x" + secret.encode() + b"yz").decode(),
    lambda secret: base64.urlsafe_b64encode(b"four" + secret.encode()).decode(), lambda secret: "".join(f"%{ord(c):02X}" for c in secret),
])
def test_the_search_finds_every_form(coding: Callable[[str], str]) -> None:
    for secret in ("plain-canary-0123456789", "a b/c+d%e:f&g=hij", "é~ü>?>?>?xyz"):
        if coding("é").startswith("%") and not secret.isascii():
            continue
        search = Search()
        search.keep("planted", secret)
        content = f"before {coding(secret)} after".encode()
        assert search.hits("a place", content), (coding(secret), forms(secret))
        assert not search.hits("a place", content, ("planted",))
        assert not search.hits("a place", b"before and after")
