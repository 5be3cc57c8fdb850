"""A client of Keybearer's HTTP API as contract and documentation describe it, and the checks on its answers.

Thin on purpose: a test can send anything, right or wrong, and sees what came back, byte for byte.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.parse
from dataclasses import dataclass
from typing import Any

UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
EXECUTE_PATHS = (
    "/connectors/sources/{}/execute",
    "/integrations/connectors/{}/execute",
    "/connectors/instances/{}/execute",
)


@dataclass(frozen=True)
class Answer:
    """One answer; header names are case-insensitive."""

    asked: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)

    def ok(self, status: int = 200) -> Any:
        """The JSON body (None where there is none), after checking the status and what every answer carries."""
        assert self.status == status, f"{self.asked}: expected {status}, got {self.status}: {self.text[:2000]}"
        assert self.headers["x-request-id"], f"{self.asked}: no X-Request-Id"
        return json.loads(self.body) if self.body else None

    def error(self, status: int | tuple[int, ...], code: str | None = None) -> dict[str, Any]:
        """The error body, after checking that it is the contract's (section 2) to the letter."""
        statuses = (status,) if isinstance(status, int) else status
        assert self.status in statuses, f"{self.asked}: expected {status}, got {self.status}: {self.text[:2000]}"
        assert (self.headers["content-type"] or "").startswith("application/json"), f"{self.asked}: {self.headers['content-type']}"
        body = json.loads(self.body)
        assert set(body) == {"message", "detail", "error_code", "request_id", "errors"}, f"{self.asked}: {self.text[:2000]}"
        for name in ("message", "detail", "error_code", "request_id"):
            assert isinstance(body[name], str) and body[name], f"{self.asked}: {name}: {self.text[:2000]}"
        assert body["request_id"] == self.headers["x-request-id"], f"{self.asked}: request_id differs from the header"
        assert isinstance(body["errors"], list), f"{self.asked}: {self.text[:2000]}"
        for one in body["errors"]:
            assert {"field", "message", "error_code"} <= set(one) <= {"field", "message", "error_code", "details"}, (
                f"{self.asked}: {self.text[:2000]}"
            )
        if self.status == 401:
            assert (self.headers["www-authenticate"] or "").startswith("Bearer"), f"{self.asked}: no WWW-Authenticate"
        if self.status == 429:
            assert int(self.headers["retry-after"]) >= 0
        if code is not None:
            assert body["error_code"] == code, f"{self.asked}: expected {code}: {self.text[:2000]}"
        return body


@dataclass(frozen=True)
class Organization:
    """What `org create` printed, or the bootstrap settings gave."""

    client_id: str
    client_secret: str
    id: str | None = None


_UNSET = object()


class Api:
    """Calls below one base URL, with one bearer token or none."""

    def __init__(self, base: str, token: str | None = None, prefix: str = "/api/v1") -> None:
        self.base = base
        self.token = token
        self.prefix = prefix

    def bearing(self, token: str | None) -> Api:
        return Api(self.base, token, self.prefix)

    def below(self, prefix: str) -> Api:
        return Api(self.base, self.token, prefix)

    def login(self, organization: Organization) -> Api:
        """The same API with a fresh application token."""
        answer = self.post("/account/applications/token", {
            "client_id": organization.client_id, "client_secret": organization.client_secret,
        }).ok()
        return self.bearing(answer["access_token"])

    def scoped(self, workspace: str) -> Api:
        """The same API with a token for one workspace."""
        return self.bearing(self.post("/account/applications/scoped-token", {"workspace_name": workspace}).ok()["token"])

    def call(
        self, method: str, path: str, body: Any = _UNSET, *, query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None, raw: bytes | None = None, timeout: float = 60.0,
    ) -> Answer:
        """One request. `body` goes as JSON, `raw` as it is; `headers` add to and replace our own."""
        address = urllib.parse.urlsplit(self.base)
        target = self.prefix + path
        if query is not None:
            target += "?" + urllib.parse.urlencode(query)
        sent = {"Host": address.netloc, "Accept": "application/json"}
        data = raw
        if body is not _UNSET:
            data = json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
            sent["Content-Length"] = str(len(data))
        elif method in ("POST", "PUT", "PATCH"):
            sent["Content-Length"] = "0"
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        sent.update(headers or {})
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            try:
                connection.endheaders(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before the whole body was sent: the answer is there to read
            answer = connection.getresponse()
            return Answer(f"{method} {target[:200]}", answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, query: dict[str, str] | None = None, **more: Any) -> Answer:
        return self.call("GET", path, query=query, **more)

    def post(self, path: str, body: Any = _UNSET, **more: Any) -> Answer:
        return self.call("POST", path, body, **more)

    def put(self, path: str, body: Any = _UNSET, **more: Any) -> Answer:
        return self.call("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> Answer:
        return self.call("DELETE", path, **more)

    def execute(self, connector: str, entity: str, action: str, params: Any = _UNSET, **more: Any) -> Answer:
        """Execute on the current path; `more` are further body fields."""
        body = {"entity": entity, "action": action, **more}
        if params is not _UNSET:
            body["params"] = params
        return self.post(f"/integrations/connectors/{connector}/execute", body)
