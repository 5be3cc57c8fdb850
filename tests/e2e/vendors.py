"""HubSpot and GitHub as far as the published clients are driven against them: the vendors' own shapes, strict about
what they are asked. A request that the real vendor would refuse is answered 400 and kept in `complaints`.
"""

from __future__ import annotations

from typing import Any

from overlay import Overlay
from upstream import Reply, Request, Upstream

_NOW = "2026-03-02T09:14:05.120Z"


class _Strict(Upstream):
    def __init__(self) -> None:
        self.complaints: list[str] = []
        super().__init__(self._checked)

    def _checked(self, request: Request) -> Reply:
        try:
            return self.respond(request)
        except Exception as unexpected:  # whatever it is, the test must see it
            self.complaints.append(f"{request.method} {request.target}: {unexpected!r} {request.headers} {request.body[:500]!r}")
            return Reply.of({"message": "the test vendor did not expect this"}, 400)

    def respond(self, request: Request) -> Reply:
        raise NotImplementedError


def _demand(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


class HubSpot(_Strict):
    """CRM contacts behind OAuth; access tokens come from the refresh token only."""

    CREDENTIALS = {"client_id": "hs-app", "client_secret": "hs-app-secret", "refresh_token": "hs-refresh"}

    def __init__(self) -> None:
        self.contacts = [_contact(str(151 + n), f"contact{n}@example.test", f"First{n}") for n in range(3)]
        self.token: str | None = None
        super().__init__()

    def overlay(self, overlay: Overlay) -> None:
        overlay.built_in("hubspot", {"https://api.hubapi.com": self.url, "https://app.hubspot.com/oauth": f"{self.url}/oauth"})

    def respond(self, request: Request) -> Reply:
        if request.path.startswith("/oauth/") and request.path.endswith("/token"):
            form = request.form()
            _demand(form.get("grant_type") == "refresh_token", f"grant type: {form}")
            _demand({k: form.get(k) for k in self.CREDENTIALS} == self.CREDENTIALS, f"client: {form}")
            self.token = "hs-access-1"
            return Reply.of({
                "token_type": "bearer", "access_token": self.token, "refresh_token": "hs-refresh", "expires_in": 1800,
            })
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply.of({"status": "error", "message": "expired", "category": "EXPIRED_AUTHENTICATION"}, 401)
        path = request.path.removeprefix("/crm/v3/objects/contacts")
        _demand(path != request.path, "no such path")
        if request.method == "POST" and path == "":
            _demand(request.headers["content-type"].startswith("application/json"), "content type")
            given = request.json()["properties"]
            _demand(isinstance(given, dict) and "email" in given, "email")
            made = _contact(str(151 + len(self.contacts)), given["email"], given.get("firstname", ""))
            self.contacts.append(made)
            return Reply.of(made, 201)
        _demand(request.method == "GET" and not request.body, "a plain GET")
        if path == "":
            query = dict(request.query)
            size, after = int(query.get("limit", "10")), query.get("after")
            start = next((n for n, one in enumerate(self.contacts) if one["id"] == after), 0)
            page: dict[str, Any] = {"results": self.contacts[start:start + size]}
            if start + size < len(self.contacts):
                following = self.contacts[start + size]["id"]
                page["paging"] = {"next": {"after": following, "link": f"{self.url}{request.path}?after={following}"}}
            return Reply.of(page)
        found = next((one for one in self.contacts if one["id"] == path.removeprefix("/")), None)
        if found is None:
            return Reply.of({"status": "error", "message": "resource not found", "category": "OBJECT_NOT_FOUND"}, 404)
        return Reply.of(found)


def _contact(number: str, email: str, first: str) -> dict[str, Any]:
    return {
        "id": number,
        "properties": {
            "createdate": _NOW, "email": email, "firstname": first, "hs_object_id": number, "lastmodifieddate": _NOW, "lastname": None,
        },
        "createdAt": _NOW, "updatedAt": _NOW, "archived": False,
    }


class GitHub(_Strict):
    """Two repositories by GraphQL, issues by REST, behind a personal access token."""

    TOKEN = "github_pat_test_0123456789"

    def __init__(self) -> None:
        self.repositories = [
            {"id": f"R_{n}", "name": name, "nameWithOwner": f"octocat/{name}", "url": f"https://github.com/octocat/{name}",
             "isPrivate": False, "stargazerCount": n, "owner": {"login": "octocat"}}
            for n, name in enumerate(["hello-world", "spoon-knife"])
        ]
        super().__init__()

    def overlay(self, overlay: Overlay) -> None:
        overlay.built_in("github", {"https://api.github.com": self.url, "https://github.com/login": f"{self.url}/login"})

    def respond(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.TOKEN}":
            return Reply.of({"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}, 401)
        _demand(bool(request.headers.get("user-agent")), "GitHub refuses requests without a User-Agent")
        if request.path == "/graphql":
            return self._graphql(request.json())
        if request.method == "POST" and request.path == "/repos/octocat/hello-world/issues":
            given = request.json()
            _demand(isinstance(given.get("title"), str), "title")
            _demand(set(given) <= {"title", "body", "labels", "assignees", "milestone"}, f"unknown field: {given}")
            return Reply.of({
                "id": 1470823, "node_id": "I_1", "number": 43, "title": given["title"], "body": given.get("body"), "state": "open",
                "user": {"login": "octocat", "id": 583231}, "labels": [{"name": one} for one in given.get("labels", [])],
            }, 201)
        return Reply.of({"message": "Not Found"}, 404)

    def _graphql(self, call: dict[str, Any]) -> Reply:
        query, variables = call["query"], call.get("variables") or {}
        _demand("octocat" not in query, "a value was spliced into the query")
        if "repository(" in query:
            name = variables.get("name") or variables.get("repo")
            found = next((one for one in self.repositories if one["name"] == name), None)
            if found is None:
                return Reply.of({"data": {"repository": None}, "errors": [{
                    "type": "NOT_FOUND", "path": ["repository"], "message": f"Could not resolve to a Repository with the name 'octocat/{name}'."}]})
            return Reply.of({"data": {"repository": found}})
        _demand("repositories(" in query, f"an unknown query: {query}")
        _demand("octocat" in variables.values(), f"variables: {variables}")
        start = int(variables.get("after") or 0)
        size = int(variables.get("first") or 30)
        following = start + size
        return Reply.of({"data": {"user": {"repositories": {
            "pageInfo": {"hasNextPage": following < len(self.repositories), "endCursor": str(following)},
            "nodes": self.repositories[start:following],
        }}}})
