"""The providers of a run: how each is started and defined, and which faults a grant of it can survive.

Knows the peers and their consent pages; the faults themselves are the proxy's, alike for all.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from browser import Browser, Page
from ledger import Ledger
from peers import Client, OidcProvider
from process import INSTALLED, REPOSITORY, Child, environment, free_port, http_status, until
from proxy import Proxy

_PEERS = REPOSITORY / "tests" / "peers"

# Whether a grant can survive a fault, and why. What is not named here can be survived everywhere.
REUSE_KILLS = {
    # The provider never saw the token, or said no without using it up: it is good for another try.
    "refuse": True, "hang": True, "drop": True, "hold": True,
    # The answer comes, late or while the database is away: whoever holds it has to store it.
    "late answer": True,
    # The provider used the token up and its successor is lost with the answer. Nobody can know that, so the token is
    # sent once more, and this provider takes that for theft. No client can keep such a grant.
    "drop answer": False, "hang answer": False, "hold answer": False,
}
# Within its grace period this provider answers the repeat with the same new tokens: the grant has to be kept.
GRACE = {**REUSE_KILLS, "drop answer": True, "hang answer": True, "hold answer": True}


class Provider:
    """One provider behind its proxy. `name` is the connector type."""

    name: str
    says: str
    survives: dict[str, bool]
    scopes: dict[str, str]
    authorize, token, revoke = "/authorize", "/token", "/revoke"

    def __init__(self, folder: Path, number: int, callback: str, ttl: int, ledger: Ledger, replica_at: Callable[[int], int | None]) -> None:
        self.folder, self.callback, self.ttl = folder / self.name, callback, ttl
        self.folder.mkdir(parents=True)
        self._definition_id = f"6f0d6a5e-3c57-4a0e-9a55-0c3f5b1f8e{number:02}"
        self.url, self.api, self.child = self.start()
        self.proxy = Proxy(self.name, self.url, ledger, replica_at, self.token, self.revoke)

    def start(self) -> tuple[str, str, Child]:
        """The provider's origin, its API's origin, its process."""
        raise NotImplementedError

    def register(self, callback: str, access_ttl: int = 0) -> Client:
        """The OAuth app; its access tokens live as long as the run says."""
        raise NotImplementedError

    @staticmethod
    def consent(browser: Browser, page: Page, user: str, *, deny: bool = False, stop: str | None = None) -> Page:
        """Logs in as `user` and agrees; ends where the provider sends the browser."""
        raise NotImplementedError

    def definition(self) -> str:
        text = (REPOSITORY / "tests" / "chaos" / "connector.yaml").read_text()
        for word, value in {
            "CONNECTOR_NAME": self.name, "DEFINITION_ID": self._definition_id, "API_ORIGIN": self.api,
            "AUTHORIZE_URL": self.url + self.authorize, "TOKEN_URL": self.proxy.url + self.token,
            "REVOKE_URL": self.proxy.url + self.revoke, "SCOPES": json.dumps(self.scopes),
        }.items():
            assert word in text, word
            text = text.replace(word, value)
        return text

    def close(self) -> None:
        self.proxy.close()
        self.child.stop()


class Oidc(Provider):
    name, says, survives = "oidc-provider", "reuse kills the grant", REUSE_KILLS
    scopes = {"openid": "Who the user is", "offline_access": "A refresh token", "api:read": "Read"}
    authorize, token, revoke = "/auth", "/token", "/token/revocation"
    consent = staticmethod(OidcProvider.consent)

    def start(self) -> tuple[str, str, Child]:
        self._peer = OidcProvider(self.folder)
        return self._peer.url, self._peer.url, self._peer.child

    def register(self, callback: str, access_ttl: int = 0) -> Client:
        return self._peer.register(callback, access_ttl=self.ttl, scope=" ".join(self.scopes))


class Toolkit(Provider):
    name, says, survives = "oauth-toolkit", "reuse kills the grant", REUSE_KILLS
    grace = 0
    scopes = {"read": "Read"}
    authorize, token, revoke = "/o/authorize/", "/o/token/", "/o/revoke_token/"
    _client = Client("toolkit-app", "toolkit-app-secret-0123456789")

    def start(self) -> tuple[str, str, Child]:
        port = free_port()
        child = Child(
            [str(INSTALLED / "django-oauth-toolkit" / "bin" / "python"), str(_PEERS / "django-oauth-toolkit" / "provider.py")],
            environment(
                PORT=str(port), FOLDER=str(self.folder), REDIRECT_URI=self.callback, ACCESS_TTL=str(self.ttl),
                GRACE=str(self.grace), CLIENT_ID=self._client.id, CLIENT_SECRET=self._client.secret,
            ), self.folder / "provider.log",
        )
        url = f"http://127.0.0.1:{port}"
        child.wait_for_http(f"{url}/admin/login/", 60)
        return url, url, child

    def register(self, callback: str, access_ttl: int = 0) -> Client:
        assert callback == self.callback
        return self._client

    @staticmethod
    def consent(browser: Browser, page: Page, user: str, *, deny: bool = False, stop: str | None = None) -> Page:
        for _ in range(4):
            if stop is not None and page.url.startswith(stop):
                return page
            form = next(form for form in page.forms if form.method == "POST")
            values = {"username": user, "password": "password"} if "username" in form.fields else {}
            page = browser.submit(page, form, values, stop=stop)
        raise AssertionError(f"no way through the consent pages: {page.url} {page.body[:500]}")


class ToolkitWithGrace(Toolkit):
    name, says, survives, grace = "oauth-toolkit-grace", "tolerates reuse for 60 s", GRACE, 60


class Mock(Provider):
    name, says, survives = "oauth2-mock", "reuse kills the grant", REUSE_KILLS
    scopes = {"read": "Read", "extra": "More"}

    def start(self) -> tuple[str, str, Child]:
        port, api = free_port(), free_port()
        child = Child(
            [os.environ["KEYBEARER_TEST_NODE"], str(_PEERS / "oauth2-mock" / "server.mjs")],
            environment(
                PORT=str(port), API_PORT=str(api), ACCESS_TTL=str(self.ttl), PEER_MODULES=str(INSTALLED / "oauth2-mock"),
            ), self.folder / "provider.log",
        )
        self._switches = f"http://127.0.0.1:{api}"
        until("oauth2-mock's API answers", lambda: child.running and http_status(self._switches) == 401)
        return f"http://127.0.0.1:{port}", self._switches, child

    def register(self, callback: str, access_ttl: int = 0) -> Client:
        return Client("mock-app", "mock-app-secret-0123456789")

    @staticmethod
    def consent(browser: Browser, page: Page, user: str, *, deny: bool = False, stop: str | None = None) -> Page:
        return page  # this provider asks nobody

    def answer_oddly(self, kinds: list[str]) -> None:
        """The next refreshes are answered so, one each."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        body: dict[str, Any] = {"kinds": kinds}
        opener.open(urllib.request.Request(self._switches + "/_peer/odd", json.dumps(body).encode()), timeout=10).close()


ALL = (Oidc, Toolkit, ToolkitWithGrace, Mock)
