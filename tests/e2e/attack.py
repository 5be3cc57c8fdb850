"""An attacker's side of the consent flow: callbacks written by hand, and what became of them."""

from __future__ import annotations

import secrets
import urllib.parse
from typing import Any

from application import Application, visit
from browser import Page
from vendor import Vendor


class Attack:
    """An application at the scripted vendor, and callbacks to it as an attacker would write them."""

    def __init__(self, app: Application, vendor: Vendor) -> None:
        self.app = app
        self.vendor = vendor

    def code(self) -> str:
        """A code that the vendor would honour."""
        code = "code-" + secrets.token_hex(8)
        self.vendor.grant(code, refresh_token=f"rt-{code}", expires_in=3600)
        return code

    def state(self, user: str = "u1", **fields: Any) -> str:
        return self.app.state(self.app.initiate(user, **fields))

    def callback(self, *pairs: tuple[str, str], path: str | None = None) -> Page:
        return visit((path or self.app.callback) + "?" + urllib.parse.urlencode(pairs))

    def secret_id(self, user: str = "u1", **fields: Any) -> str:
        page = self.callback(("code", self.code()), ("state", self.state(user, **fields)))
        return returned(page)["secret_id"]

    @property
    def token_requests(self) -> int:
        return len(self.vendor.token_requests(self.app.client.id))


def returned(page: Page) -> dict[str, str]:
    """The parameters that the callback sends the browser back with."""
    assert page.status == 303, f"{page.status}: {page.body[:500]}"
    pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(page.hops[-1][2]).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), page.hops
    return dict(pairs)


def refused(page: Page) -> None:
    """A page of our own that leads nowhere."""
    assert page.status == 400, f"{page.status}: {page.hops}"
    assert page.headers["location"] is None
    assert "text/html" in page.headers["content-type"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "http://" not in page.body and "https://" not in page.body
