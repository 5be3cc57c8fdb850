"""Connectors at upstreams that a test scripts, on a server of their own, with secrets that can be searched for.

`upstream` is where the definition points, `other` a host that it lists beside, `trap` one that nobody may call, and
`raw` an upstream below HTTP.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from api import Answer, Api
from overlay import Overlay
from raw import Raw
from server import Server
from upstream import Reply, Request, Upstream

_DEFINITIONS = Path(__file__).parent / "definitions"


def definition(name: str, upstream: str, other: str = "files.bench.example", number: int = 1) -> str:
    """The workbench's definition as the connector type `name` at the origin `upstream`."""
    text = (_DEFINITIONS / "workbench.yaml").read_text()
    text = text.replace("UPSTREAM", upstream).replace("OTHER_HOST", other)
    return text.replace("connector-name: workbench", f"connector-name: {name}").replace(
        "title: Workbench", f"title: {name.replace('-', ' ').title()}").replace("0c3f5b1f7e01", f"0c3f5b1f7e{number:02}")


class Workbench:
    """Starts upstreams and server; `close` ends them."""

    def __init__(self, database: str, folder: Path, **settings: str) -> None:
        self.upstream, self.other, self.trap, self.raw = Upstream(), Upstream(), Upstream(), Raw()
        overlay = Overlay(folder / "connectors")
        overlay.add("workbench", definition("workbench", self.upstream.url, self.other.url.removeprefix("http://")))
        overlay.add("raw-bench", definition("raw-bench", self.raw.url, number=2))
        self.server = Server(database, folder, overlay.folder, UPSTREAM_TIMEOUT="1s", **settings)
        self.server.start()
        self.api: Api = self.server.api.login(self.server.organization())
        self.clear()

    def clear(self) -> None:
        """As a new test wants it: every upstream answers an empty object and has seen nothing."""
        for one in (self.upstream, self.other, self.trap):
            one.answer = lambda _request: Reply.of({})
            one.clear()
        self.raw.clear()

    def close(self) -> None:
        self.server.close()
        for one in (self.upstream, self.other, self.trap, self.raw):
            one.close()

    def connector(self, scheme: str = "personal", connector_type: str = "workbench", **fields: Any) -> tuple[str, str]:
        """A new connector, and the secret that it signs its calls with."""
        secret = "CNRY-" + secrets.token_hex(12)
        made = self.api.post("/integrations/connectors", {
            "external_user_id": "w1", "connector_type": connector_type, "auth_scheme": scheme,
            "credentials": {"token" if scheme == "personal" else "api_key": secret}, **fields,
        }).ok()
        return made["id"], secret

    def get(self, connector: str, value: Any = "1", **more: Any) -> Answer:
        return self.api.execute(connector, "items", "get", {"id": value}, **more)

    def answers(self, *, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        """What `upstream` answers from now on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.upstream.answer = lambda _request: Reply(status, body, named)

    def redirects(self, to: str, status: int = 302) -> None:
        """Operations on items are sent to `to`; everything else is answered."""
        self.upstream.answer = lambda request: (
            Reply(status, headers={"location": to}) if request.path.startswith("/base/items") else Reply.of({"from": "here"}))


def leaks(requests: list[Request], secret: str) -> list[str]:
    """Where in these requests the secret stands: in a target, a header or a body."""
    return [
        part for one in requests
        for part in (one.target, *one.headers.values(), one.body.decode("latin-1")) if secret in part
    ]
