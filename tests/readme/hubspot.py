"""HubSpot as far as the README's flow needs it: OAuth with codes and refresh tokens, the account, and contacts in pages.

Answers in the vendor's own shape. It proves that the README is exact; the flow itself is proved at independent providers.
"""

from __future__ import annotations

import secrets
import urllib.parse
from typing import Any

from upstream import Reply, Request, Upstream

CONTACTS = 250


class HubSpot(Upstream):
    """One OAuth app (`client_id`, `client_secret`), one user who always agrees."""

    def __init__(self, callback: str) -> None:
        self.client_id = "app-" + secrets.token_hex(6)
        self.client_secret = "secret-" + secrets.token_hex(12)
        self.callback = callback
        self.codes: set[str] = set()
        self.tokens: set[str] = set()
        super().__init__(self._answer)

    def _answer(self, request: Request) -> Reply:
        match request.method, request.path:
            case "GET", "/oauth/authorize":
                return self._authorize(dict(request.query))
            case "POST", "/oauth/2026-03/token":
                return self._token(request.form())
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Reply.of({"status": "error", "message": "Authentication credentials not found."}, 401)
        if request.path == "/account-info/v3/details":
            return Reply.of({"portalId": 62515, "accountType": "DEVELOPER_TEST"})
        if request.path == "/crm/v3/objects/contacts":
            return self._contacts(dict(request.query))
        return Reply.of({"status": "error", "message": "not here"}, 404)

    def _authorize(self, query: dict[str, str]) -> Reply:
        known = query.get("client_id") == self.client_id and query.get("redirect_uri") == self.callback
        if not known or set(query.get("scope", "").split()) != {"oauth", "crm.objects.contacts.read"}:
            return Reply(400, b"redirect URL or scopes do not match the app's settings")
        code = secrets.token_hex(16)
        self.codes.add(code)
        back = urllib.parse.urlencode({"code": code, "state": query["state"]})
        return Reply(302, headers={"location": f"{self.callback}?{back}"})

    def _token(self, form: dict[str, str]) -> Reply:
        keys = form.get("client_id") == self.client_id and form.get("client_secret") == self.client_secret
        if not keys or form.get("code") not in self.codes:
            return Reply.of({"status": "BAD_AUTH_CODE", "message": "missing or unknown auth code"}, 400)
        self.codes.discard(form["code"])
        token = secrets.token_hex(20)
        self.tokens.add(token)
        return Reply.of({"access_token": token, "refresh_token": secrets.token_hex(20), "expires_in": 1800, "token_type": "bearer"})

    def _contacts(self, query: dict[str, str]) -> Reply:
        first, size = int(query.get("after", 0)), int(query.get("limit", 10))
        last = min(first + size, CONTACTS)
        answer: dict[str, Any] = {"results": [_contact(number) for number in range(first, last)]}
        if last < CONTACTS:
            answer["paging"] = {"next": {"after": str(last), "link": f"{self.url}/crm/v3/objects/contacts?after={last}"}}
        return Reply.of(answer)


def _contact(number: int) -> dict[str, Any]:
    properties = {"email": f"user{number}@example.com", "firstname": f"User {number}", "hs_object_id": str(number)}
    return {"id": str(number), "properties": properties, "createdAt": "2026-03-02T09:14:05.120Z", "archived": False}
