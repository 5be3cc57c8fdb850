"""A provider that does exactly what a test scripts, for answers that no well-behaved provider gives.

It is never the only proof of anything: the flow is proved at the independent peers.
"""

from __future__ import annotations

import base64
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

from upstream import Reply, Request, Upstream


class Vendor(Upstream):
    """Token endpoint /token, revocation /token/revocation and the small API of tests/peers/oidc-provider.

    Codes and refresh tokens are good for what `tokens` maps them to: a token answer, or a whole Reply.
    Access tokens listed in `accounts` are live, for that account.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, dict[str, Any] | Reply] = {}
        self.accounts: dict[str, str] = {}
        self.gate: threading.Event | None = None  # where set, API calls wait for it
        self.authorize: Callable[[Request], str] | None = None  # where set, /auth sends the browser there
        self.refusals: list[Reply] = []  # what revocations are answered, before one works
        super().__init__(self._answer)

    def grant(self, code: str, account: str = "alice", **token_answer: Any) -> None:
        """Makes `code` (or a refresh token) worth `token_answer`; its access token is live from now on."""
        answer = {"access_token": f"at-{code}", "token_type": "Bearer", **token_answer}
        self.tokens[code] = answer
        self.accounts[answer["access_token"]] = account

    def token_requests(self, client_id: str) -> list[dict[str, str]]:
        """The forms that the token endpoint got from this client."""
        return [one.form() for one in self.seen("/token", "POST") if _client(one) == client_id]

    def _answer(self, request: Request) -> Reply:
        if request.path == "/token" and request.method == "POST":
            form = request.form()
            found = self.tokens.get(form.get("code") or form.get("refresh_token") or "")
            if isinstance(found, Reply):
                return found
            return Reply.of(found) if found is not None else Reply.of({"error": "invalid_grant"}, 400)
        if request.path == "/auth" and self.authorize is not None:
            return Reply(302, headers={"location": self.authorize(request)})
        if request.path == "/token/revocation":
            if self.refusals:
                return self.refusals.pop(0)
            self.accounts.pop(request.form().get("token", ""), None)
            return Reply()
        account = self.accounts.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if account is None:
            return Reply.of({"error": "invalid_token"}, 401, www_authenticate='Bearer error="invalid_token"')
        if self.gate is not None:
            self.gate.wait(20)
        if request.path == "/api/whoami":
            return Reply.of({"sub": account, "scope": "api:read", "client": "vendor"})
        return Reply.of({"notes": [{"id": "n1", "text": f"note of {account}"}], "next": None})


def _client(request: Request) -> str | None:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return request.form().get("client_id")
    return urllib.parse.unquote_plus(base64.b64decode(value).decode().partition(":")[0])
