"""An application built on Keybearer as the tutorial tells: its backend's calls and its users' browsers.

Written from the contract alone. One Application is one organization with one OAuth app at one provider.
"""

from __future__ import annotations

import secrets
import urllib.parse
from typing import Any

from api import Answer, Api, Organization
from browser import Browser, Page
from peers import Client, OidcProvider
from server import Server


class Application:
    """`page` is the address of the application's own page that users come back to."""

    def __init__(
        self, server: Server, organization: Organization, page: str, peer: OidcProvider | None = None,
        connector_type: str = "oidc-demo", access_ttl: int = 3600,
    ) -> None:
        self.server = server
        self.organization = organization
        self.connector_type = connector_type
        self.page = page
        self.peer = peer
        self.api: Api = server.api.login(organization)
        spec = self.api.get("/oauth/credentials/spec", {"connector_type": connector_type}).ok()
        self.callback: str = spec["callback_url"]
        if peer is not None:
            self.client = peer.register(self.callback, access_ttl=access_ttl)
        else:
            self.client = Client("client-" + secrets.token_hex(6), "client-secret-" + secrets.token_hex(16))
        self.api.put("/oauth/credentials", {
            "connector_type": connector_type, "configuration": self.client.configuration,
        }).ok()

    # --- consent -----------------------------------------------------------------------------------------

    def initiate(self, user: str, **fields: Any) -> str:
        """The consent URL for `user`."""
        body = {"external_user_id": user, "connector_type": self.connector_type, "redirect_url": self.page, **fields}
        return self.api.post("/integrations/connectors/oauth/initiate", body).ok()["consent_url"]

    def provider_answer(self, consent_url: str, login: str = "alice", *, deny: bool = False) -> str:
        """Walks the provider's pages; the callback address that it sends the browser to, not yet visited."""
        assert self.peer is not None
        browser = Browser()
        page = browser.open(consent_url, stop=self.callback)
        page = self.peer.consent(browser, page, login, deny=deny, stop=self.callback)
        assert page.url.startswith(self.callback + "?"), f"the provider did not come back: {page.url} {page.body[:300]}"
        return page.url

    def consent(self, consent_url: str, login: str = "alice", *, deny: bool = False) -> Page:
        """Walks all of it; the page of the application where the browser ends."""
        end = Browser().open(self.provider_answer(consent_url, login, deny=deny))
        assert end.status == 200 and end.url.startswith(self.page.split("?")[0]), f"{end.status} {end.url} {end.body[:300]}"
        return end

    def secret_id(self, user: str, login: str = "alice", **fields: Any) -> str:
        return self.consent(self.initiate(user, **fields), login).query["secret_id"]

    @staticmethod
    def state(consent_url: str) -> str:
        return urllib.parse.parse_qs(urllib.parse.urlsplit(consent_url).query)["state"][0]

    # --- connectors --------------------------------------------------------------------------------------

    def create(self, user: str, secret_id: str, **fields: Any) -> Answer:
        return self.api.post("/integrations/connectors", {
            "external_user_id": user, "connector_type": self.connector_type, "server_side_oauth_secret_id": secret_id, **fields,
        })

    def connect(self, user: str, login: str = "alice", **fields: Any) -> str:
        """The id of a new connector of `user`, after the whole flow."""
        return self.create(user, self.secret_id(user, login, **fields)).ok()["id"]

    def whoami(self, connector: str) -> Answer:
        return self.api.execute(connector, "whoami", "get", {})

    def connectors(self, user: str) -> list[dict[str, Any]]:
        return self.api.get("/integrations/connectors", {"external_user_id": user}).ok()["data"]


def visit(url: str, **more: Any) -> Page:
    """Opens `url` in a fresh browser without following where it leads."""
    return Browser().open(url, follow=False, **more)
