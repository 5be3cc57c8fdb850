"""The independent OAuth providers as processes, and how a person gets through their consent pages.

They are installed by scripts/setup-tests; tests/peers/ holds the little that is ours about them.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser import Browser, Page
from process import INSTALLED, REPOSITORY, Child, environment, free_port

_PEERS = REPOSITORY / "tests" / "peers"


def _node() -> str:
    node = os.environ.get("KEYBEARER_TEST_NODE")
    assert node, "KEYBEARER_TEST_NODE is not set: run the suite through scripts/test"
    return node


@dataclass(frozen=True)
class Client:
    """An OAuth app at a provider."""

    id: str
    secret: str

    @property
    def configuration(self) -> dict[str, str]:
        return {"client_id": self.id, "client_secret": self.secret}


class OidcProvider:
    """node-oidc-provider: PKCE required, refresh tokens rotate, reuse kills the grant, `iss` is sent."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.child = Child(
            [_node(), str(_PEERS / "oidc-provider" / "server.mjs")],
            environment(PORT=str(port), PEER_MODULES=str(INSTALLED / "peers")), folder / "oidc-provider.log",
        )
        self.child.wait_for_http(f"{self.url}/.well-known/openid-configuration")

    def close(self) -> None:
        self.child.stop()

    def _call(self, path: str, body: Any = None, headers: dict[str, str] | None = None, form: bool = False) -> Any:
        data = None
        sent = dict(headers or {})
        if body is not None:
            data = urllib.parse.urlencode(body).encode() if form else json.dumps(body).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.url + path, data=data, headers=sent), timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def register(
        self, *redirect_uris: str, access_ttl: int = 3600, scope: str | None = None, secret: str | None = None
    ) -> Client:
        """A new confidential client (RFC 7591), with a `secret` of our choice or the peer's."""
        made = self._call("/reg", {
            "redirect_uris": list(redirect_uris), "grant_types": ["authorization_code", "refresh_token"],
            "scope": scope or "openid offline_access profile api:read api:write", "access_ttl": access_ttl,
            **({"wanted_secret": secret} if secret is not None else {}),
        })
        assert secret in (None, made["client_secret"]), "the peer did not take the secret"
        return Client(made["client_id"], made["client_secret"])

    def stats(self, client: Client) -> dict[str, Any]:
        """What the peer saw of this client so far."""
        return self._call(f"/_peer/stats?client_id={urllib.parse.quote(client.id)}")

    def break_tokens(self, client: Client, status: int, count: int, body: Any = None) -> None:
        """The next `count` token requests of this client fail with `status`."""
        self._call("/_peer/faults", {"client_id": client.id, "token_status": status, "count": count, "token_body": body})

    def slow(self, client: Client, **delays: int) -> None:
        """`token_ms`, `api_ms`: delays for this client."""
        self._call("/_peer/slow", {"client_id": client.id, **delays})

    def kill(self, token: str) -> None:
        """Ends one access token; its grant lives on."""
        self._call("/_peer/kill", {"token": token})

    def revoke(self, client: Client, token: str) -> None:
        """Revokes the token and everything of its grant (RFC 7009), as a user does in the provider's settings."""
        self._call("/token/revocation", {"token": token}, _basic(client), form=True)

    def alive(self, client: Client, token: str) -> bool:
        """Whether the provider still honours `token` (RFC 7662)."""
        return self._call("/token/introspection", {"token": token}, _basic(client), form=True)["active"]

    @staticmethod
    def consent(browser: Browser, page: Page, user: str, *, deny: bool = False, stop: str | None = None) -> Page:
        """Logs in as `user` and agrees, or refuses; ends where the provider sends the browser."""
        for _ in range(6):
            if stop is not None and page.url.startswith(stop):
                return page
            form = next((form for form in page.forms if form.method == "POST"), None)
            if form is None:
                return page
            if deny:
                link = next(link for link in page.links if link.endswith("/abort"))
                return browser.open(urllib.parse.urljoin(page.url, link), stop=stop)
            values = {name: user if name == "login" else "any" for name in form.fields if name in ("login", "password")}
            page = browser.submit(page, form, values, stop=stop)
        raise AssertionError(f"no way through the consent pages: {page.url} {page.body[:500]}")


def _basic(client: Client) -> dict[str, str]:
    pair = f"{urllib.parse.quote(client.id)}:{urllib.parse.quote(client.secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


class Emulate:
    """npm's emulate: stateful GitHub, Google and Slack APIs with their OAuth, each on a port of its own."""

    GITHUB = Client("gh-app", "gh-app-secret-0123456789")
    GOOGLE = Client("google-app", "google-app-secret-0123456789")
    SLACK = Client("slack-app", "slack-app-secret-0123456789")

    def __init__(self, folder: Path, redirect_uris: dict[str, list[str]]) -> None:
        """`redirect_uris`: by service, what its OAuth app may be sent back to."""
        # One process, three consecutive ports.
        base = _three_ports()
        self.github, self.google, self.slack = (f"http://127.0.0.1:{base + offset}" for offset in range(3))
        seed = json.loads((_PEERS / "emulate" / "seed.json").read_text())
        for service, key, client in (
            ("github", "oauth_apps", self.GITHUB), ("google", "oauth_clients", self.GOOGLE), ("slack", "oauth_apps", self.SLACK),
        ):
            seed[service][key][0] |= {
                "client_id": client.id, "client_secret": client.secret, "redirect_uris": redirect_uris.get(service, []),
            }
        (folder / "emulate.json").write_text(json.dumps(seed))
        self.child = Child(
            [_node(), str(INSTALLED / "peers" / "node_modules" / "emulate" / "dist" / "index.js"), "start",
             "--host", "127.0.0.1", "-p", str(base), "-s", "github,google,slack", "--seed", str(folder / "emulate.json")],
            environment(), folder / "emulate.log",
        )
        self.child.wait_for_http(f"{self.slack}/")

    def close(self) -> None:
        self.child.stop()

    @staticmethod
    def consent(browser: Browser, page: Page, who: str, *, stop: str | None = None) -> Page:
        """Chooses the account whose form carries the value `who`."""
        form = next((form for form in page.forms if who in form.fields.values()), None)
        assert form is not None, f"no account {who} on the page: {[form.fields for form in page.forms]}"
        return browser.submit(page, form, {}, stop=stop)


def _three_ports() -> int:
    for _ in range(50):
        base = free_port()
        try:
            for offset in range(3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        return base
    raise AssertionError("no three free ports in a row")
