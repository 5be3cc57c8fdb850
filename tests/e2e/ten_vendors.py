"""Ten vendors as far as the published SDK is driven against them: their own shapes, paging, authentication and errors.

Each is a function of a request to `/up/<host>/<path>`. What is created can be fetched afterwards. A request that the
real vendor would refuse is answered 400 and kept in `complaints`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from upstream import Reply, Request, Upstream

FILE = bytes(range(256)) * 400
TEXT = ("Grüße aus dem Hafen. " * 2000).encode()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Ten(Upstream):
    """All ten behind one address."""

    CREDENTIALS: dict[str, dict[str, Any]] = {
        "stripe": {"api_key": "sk_test_1"},
        "asana": {"token": "asana-pat-1"},
        "clickup-api": {"api_key": "pk_1"},
        "google-drive": {"refresh_token": "g-refresh", "client_id": "g-client", "client_secret": "g-secret"},
        "jira": {"username": "ada@example.test", "password": "jira-token"},
        "linear": {"api_key": "lin_1"},
        "notion": {"token": "ntn_1"},
        "twilio": {"account_sid": "AC1", "auth_token": "tw-token"},
        "zendesk-support": {"email": "ada@example.test", "api_token": "zd-token"},
        "shopify": {"api_key": "shpat_1"},
    }
    ENVIRONMENT: dict[str, dict[str, str]] = {
        "jira": {"subdomain": "acme"}, "zendesk-support": {"subdomain": "acme"}, "shopify": {"shop": "acme"},
    }

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.made: dict[str, list[dict[str, Any]]] = {}
        self.drive_token: str | None = None
        self.vendors: dict[str, tuple[Callable[[Request, str], Reply], Callable[[], dict[str, str]]]] = {
            "api.stripe.com": (self.stripe, lambda: {"authorization": "Bearer sk_test_1"}),
            "app.asana.com": (self.asana, lambda: {"authorization": "Bearer asana-pat-1"}),
            "api.clickup.com": (self.clickup, lambda: {"authorization": "pk_1"}),
            "oauth2.googleapis.com": (self.google_token, lambda: {}),
            "www.googleapis.com": (self.drive, lambda: {"authorization": f"Bearer {self.drive_token}"}),
            "acme.atlassian.net": (self.jira, lambda: {"authorization": basic("ada@example.test", "jira-token")}),
            "api.linear.app": (self.linear, lambda: {"authorization": "lin_1"}),
            "api.notion.com": (self.notion, lambda: {"authorization": "Bearer ntn_1", "notion-version": "2025-09-03"}),
            "api.twilio.com": (self.twilio, lambda: {"authorization": basic("AC1", "tw-token")}),
            "acme.zendesk.com": (self.zendesk, lambda: {"authorization": basic("ada@example.test/token", "zd-token")}),
            "acme.myshopify.com": (self.shopify, lambda: {"x-shopify-access-token": "shpat_1"}),
            "asana-user-files.example": (self.asana_file, lambda: {}),
        }
        super().__init__(self._dispatch)

    def _dispatch(self, request: Request) -> Reply:
        try:
            host, _, path = request.path.removeprefix("/up/").partition("/")
            respond, wanted = self.vendors[host]
            for name, value in wanted().items():
                if request.headers.get(name) != value:
                    return Reply.of({"message": f"{name} is not right"}, 401)
            return respond(request, "/" + path)
        except Exception as unexpected:  # whatever it is, the test must see it
            self.complaints.append(f"{request.method} {request.target}: {unexpected!r} {request.headers} {request.body[:500]!r}")
            return Reply.of({"message": "the test vendor did not expect this"}, 400)

    def _kept(self, kind: str, make: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
        return self.made.setdefault(kind, [make(n) for n in range(1, 4)])

    # --- Stripe: form bodies, the last id pages ------------------------------------------------------------

    def stripe(self, request: Request, path: str) -> Reply:
        customers = self._kept("stripe", lambda n: {"id": f"cus_{n}", "object": "customer", "email": f"c{n}@example.test", "created": n})
        if request.method == "POST":
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"
            form = request.form()
            if "@" not in form.get("email", ""):
                return Reply.of({"error": {"type": "invalid_request_error", "message": "Invalid email address"}}, 400)
            made = {"id": f"cus_{len(customers) + 1}", "object": "customer", "email": form["email"], "created": 9,
                    "metadata": {"plan": form.get("metadata[plan]")}}
            customers.append(made)
            return Reply.of(made)
        if path == "/v1/customers":
            query = dict(request.query)
            if query.get("email") == "limited@example.test":
                # Longer than the server may wait: it hands the pause on at once.
                return Reply.of({"error": {"message": "Too many requests"}}, 429, retry_after="60")
            first = next((n + 1 for n, one in enumerate(customers) if one["id"] == query.get("starting_after")), 0)
            size = int(query.get("limit", "10"))
            return Reply.of({"object": "list", "data": customers[first:first + size], "has_more": first + size < len(customers)})
        return _found(customers, "id", path.rsplit("/", 1)[1], {"error": {"message": "No such customer"}})

    # --- Asana: JSON under `data`, an offset token, a file behind a link -------------------------------------

    def asana(self, request: Request, path: str) -> Reply:
        tasks = self._kept("asana", lambda n: {"gid": str(n), "name": f"Task {n}", "resource_type": "task"})
        path = path.removeprefix("/api/1.0")
        if request.method == "POST":
            made = {"gid": str(len(tasks) + 1), "resource_type": "task", **request.json()["data"]}
            tasks.append(made)
            return Reply.of({"data": made}, 201)
        if path == "/tasks":
            first, size = int(dict(request.query).get("offset", "0")), int(dict(request.query)["limit"])
            more = {"offset": str(first + size), "path": "/tasks", "uri": "https://app.asana.com/tasks"}
            return Reply.of({"data": tasks[first:first + size], "next_page": more if first + size < len(tasks) else None})
        if path == "/workspaces":
            return Reply.of({"data": [{"gid": "w1", "name": "Harbour"}], "next_page": None})
        if path == "/attachments/77":
            url = f"{self.url}/up/asana-user-files.example/77?signature=x"
            return Reply.of({"data": {"gid": "77", "name": "harbour.bin", "download_url": url}})
        found = next((one for one in tasks if one["gid"] == path.rsplit("/", 1)[1]), None)
        return Reply.of({"data": found}) if found else Reply.of({"errors": [{"message": "task: Unknown object"}]}, 404)

    def asana_file(self, request: Request, _path: str) -> Reply:
        return _piece(request, FILE, "application/octet-stream")

    # --- ClickUp: the key without a prefix -----------------------------------------------------------------

    def clickup(self, request: Request, path: str) -> Reply:
        comments = self._kept("clickup", lambda n: {"id": str(n), "comment_text": f"Comment {n}"})
        if path == "/api/v2/space/s1":
            return Reply.of({"id": "s1", "name": "Space", "private": False})
        if path == "/api/v2/user":
            return Reply.of({"user": {"id": 1, "username": "ada"}})
        assert path == "/api/v2/task/t1/comment", path
        if request.method == "POST":
            comments.append({"id": str(len(comments) + 1), "comment_text": request.json()["comment_text"]})
            return Reply.of({"id": len(comments), "hist_id": "h", "date": 1})
        return Reply.of({"comments": comments})

    # --- Google Drive: a refresh before the first call, a page token, ranges -------------------------------

    def google_token(self, request: Request, path: str) -> Reply:
        assert path == "/token" and request.form() == {"grant_type": "refresh_token", **self.CREDENTIALS["google-drive"]}
        self.drive_token = "g-access"
        return Reply.of({"access_token": "g-access", "token_type": "Bearer", "expires_in": 3599})

    def drive(self, request: Request, path: str) -> Reply:
        files = self._kept("drive", lambda n: {"id": f"f{n}", "name": f"File {n}", "mimeType": "text/plain", "kind": "drive#file"})
        query = dict(request.query)
        if request.method == "POST":
            files.append({"id": f"f{len(files) + 1}", "kind": "drive#file", "mimeType": "text/plain", **request.json()})
            return Reply.of(files[-1])
        if path == "/drive/v3/files":
            first, size = int(query.get("pageToken", "0")), int(query.get("pageSize", "100"))
            more = {"nextPageToken": str(first + size)} if first + size < len(files) else {}
            return Reply.of({"files": files[first:first + size], "incompleteSearch": False, **more})
        if query.get("alt") == "media":
            return _piece(request, TEXT, "text/plain")
        return _found(files, "id", path.rsplit("/", 1)[1], {"error": {"code": 404, "message": "File not found"}})

    # --- Jira: basic, numbered pages -----------------------------------------------------------------------

    def jira(self, request: Request, path: str) -> Reply:
        comments = self._kept("jira", lambda n: {"id": str(n), "body": {"type": "doc", "version": 1, "content": []}})
        if path == "/rest/api/3/users":
            return Reply.of([{"accountId": "a1", "displayName": "Ada"}])
        if path == "/rest/api/3/issue/AC-1":
            return Reply.of({"id": "1", "key": "AC-1", "fields": {"summary": "It broke"}})
        assert path == "/rest/api/3/issue/AC-1/comment", path
        if request.method == "POST":
            comments.append({"id": str(len(comments) + 1), **request.json()})
            return Reply.of(comments[-1], 201)
        query = dict(request.query)
        first, size = int(query.get("startAt", "0")), int(query.get("maxResults", "50"))
        return Reply.of({"startAt": first, "maxResults": size, "total": len(comments), "comments": comments[first:first + size]})

    # --- Linear: GraphQL --------------------------------------------------------------------------------------

    def linear(self, request: Request, path: str) -> Reply:
        assert (request.method, path) == ("POST", "/graphql") and "x-apollo-operation-name" in request.headers
        issues = self._kept("linear", lambda n: {"id": f"i{n}", "title": f"Issue {n}", "priority": 2.0})
        asked, variables = request.json()["query"], request.json().get("variables", {})
        if asked.lstrip().startswith("mutation"):
            made = {"id": f"i{len(issues) + 1}", "title": variables["title"], "priority": 0.0}
            issues.append(made)
            return Reply.of({"data": {"issueCreate": {"success": True, "issue": made}}})
        if "id" in variables:
            return Reply.of({"data": {"issue": next(one for one in issues if one["id"] == variables["id"])}})
        first, size = int(variables.get("after", "0")), variables.get("first", 50)
        page = {"hasNextPage": first + size < len(issues), "endCursor": str(first + size)}
        return Reply.of({"data": {"issues": {"nodes": issues[first:first + size], "pageInfo": page}}})

    # --- Notion: a version header, lists by POST -----------------------------------------------------------

    def notion(self, request: Request, path: str) -> Reply:
        pages = self._kept("notion", lambda n: {"object": "page", "id": f"p{n}", "archived": False})
        if path == "/v1/users":
            return Reply.of({"object": "list", "results": [{"object": "user", "id": "u1"}], "has_more": False, "next_cursor": None})
        if path == "/v1/search":
            body = request.json() if request.body else {}
            first, size = int(body.get("start_cursor", "0")), body.get("page_size", 100)
            more = first + size < len(pages)
            return Reply.of({"object": "list", "results": pages[first:first + size], "has_more": more,
                             "next_cursor": str(first + size) if more else None})
        if request.method == "POST":
            pages.append({"object": "page", "id": f"p{len(pages) + 1}", "archived": False, **request.json()})
            return Reply.of(pages[-1])
        return _found(pages, "id", path.rsplit("/", 1)[1], {"object": "error", "code": "object_not_found", "message": "Could not find page"})

    # --- Twilio: basic, form bodies, the next page as a relative URL ------------------------------------------

    def twilio(self, request: Request, path: str) -> Reply:
        messages = self._kept("twilio", lambda n: {"sid": f"SM{n}", "body": f"Message {n}", "status": "sent"})
        root = "/2010-04-01/Accounts/AC1/Messages"
        if path == "/2010-04-01/Accounts.json":
            return Reply.of({"accounts": [{"sid": "AC1", "status": "active"}], "page": 0, "page_size": 1, "next_page_uri": None})
        if request.method == "POST":
            form = request.form()
            messages.append({"sid": f"SM{len(messages) + 1}", "body": form["Body"], "to": form["To"], "status": "queued"})
            return Reply.of(messages[-1], 201)
        if path == f"{root}.json":
            query = dict(request.query)
            size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
            chosen = messages[page * size:(page + 1) * size]
            following = f"/up/api.twilio.com/2010-04-01/Accounts/AC1/Messages.json?PageSize={size}&Page={page + 1}"
            more = (page + 1) * size < len(messages)
            return Reply.of({"messages": chosen, "page": page, "page_size": size, "next_page_uri": following if more else None})
        return _found(messages, "sid", path.removeprefix(root + "/").removesuffix(".json"), {"code": 20404, "message": "not found"})

    # --- Zendesk: a user name with a suffix, the next page as an absolute URL, a file at its own address ------

    def zendesk(self, request: Request, path: str) -> Reply:
        tickets = self._kept("zendesk", lambda n: {"id": n, "subject": f"Ticket {n}", "status": "open"})
        path = path.removeprefix("/api/v2")
        if path == "/help_center/articles/5/attachments/6":
            return Reply.of({"article_attachment": {"id": 6, "file_name": "a.txt", "content_url": f"{self.url}/up/acme.zendesk.com/api/v2/files/6"}})
        if path == "/files/6":
            return _piece(request, TEXT, "text/plain")
        if request.method == "POST":
            given = request.json()["ticket"]
            made = {"id": len(tickets) + 1, "subject": given["subject"], "status": "new"}
            tickets.append(made)
            return Reply.of({"ticket": made}, 201)
        if path == "/tickets.json":
            query = dict(request.query)
            size, page = int(query.get("per_page", "100")), int(query.get("page", "1"))
            more = page * size < len(tickets)
            following = f"{self.url}/up/acme.zendesk.com/api/v2/tickets.json?page={page + 1}&per_page={size}"
            return Reply.of({"tickets": tickets[(page - 1) * size:page * size], "count": len(tickets), "previous_page": None,
                             "next_page": following if more else None})
        found = next((one for one in tickets if path == f"/tickets/{one['id']}.json"), None)
        return Reply.of({"ticket": found}) if found else Reply.of({"error": "RecordNotFound", "description": "Not found"}, 404)

    # --- Shopify: a key header, `Link`, writes by GraphQL ----------------------------------------------------

    def shopify(self, request: Request, path: str) -> Reply:
        products = self._kept("shopify", lambda n: {"id": n, "title": f"Product {n}", "status": "active"})
        path = path.removeprefix("/admin/api/2026-07")
        if path == "/graphql.json":
            given = request.json()["variables"]["product"]
            products.append({"id": len(products) + 1, "title": given["title"], "status": "draft"})
            made = {"id": f"gid://shopify/Product/{len(products)}", "title": given["title"]}
            return Reply.of({"data": {"productCreate": {"product": made, "userErrors": []}}})
        if path == "/customers.json":
            return Reply.of({"customers": [{"id": 1, "email": "ada@example.test"}]})
        if path == "/products.json":
            query = dict(request.query)
            first, size = int(query.get("page_info", "0")), int(query.get("limit", "50"))
            following = f"{self.url}/up/acme.myshopify.com/admin/api/2026-07/products.json?limit={size}&page_info={first + size}"
            link = {"link": f'<{following}>; rel="next"'} if first + size < len(products) else {}
            return Reply.of({"products": products[first:first + size]}, **link)
        found = next((one for one in products if path == f"/products/{one['id']}.json"), None)
        return Reply.of({"product": found}) if found else Reply.of({"errors": "Not Found"}, 404)


def _found(records: list[dict[str, Any]], key: str, wanted: str, otherwise: Any) -> Reply:
    found = next((one for one in records if one[key] == wanted), None)
    return Reply.of(found) if found else Reply.of(otherwise, 404)


def _piece(request: Request, whole: bytes, kind: str) -> Reply:
    """A file, or the range of it that was asked for (RFC 9110 section 14)."""
    wanted = request.headers.get("range")
    if wanted is None:
        return Reply(body=whole, headers={"content-type": kind})
    start, end = wanted.removeprefix("bytes=").split("-")
    last = min(int(end), len(whole) - 1)
    headers = {"content-type": kind, "content-range": f"bytes {start}-{last}/{len(whole)}"}
    return Reply(206, whole[int(start):last + 1], headers)
