"""The end of a grant, here and at its provider; what is done twice (M1 to M7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from application import Application
from peers import OidcProvider
from process import until

Make = Callable[..., Application]


def test_m1_m2_delete_revokes_at_the_provider(application: Make, peer: OidcProvider) -> None:
    app = application()
    connector = app.connect("u1")
    app.whoami(connector).ok()
    stats = peer.stats(app.client)
    tokens = stats["access_tokens"] + stats["refresh_tokens"]
    assert all(peer.alive(app.client, token) for token in tokens)

    job = app.api.delete(f"/integrations/connectors/{connector}").ok(202)["job_id"]
    app.api.get(f"/integrations/connectors/{connector}").error(404)
    app.whoami(connector).error(404)
    assert app.connectors("u1") == []
    until("the provider has killed the tokens", lambda: not any(peer.alive(app.client, token) for token in tokens))

    def finished() -> dict[str, Any] | None:
        shown = app.api.get(f"/jobs/{job}").ok()
        return shown if shown["revocations"] and all(one["outcome"] for one in shown["revocations"]) else None

    shown = until("the job tells what became of each token", finished)
    assert shown["id"] == job and isinstance(shown["status"], str)
    assert {"token", "outcome"} <= set(shown["revocations"][0])
    assert not any(token in str(shown) for token in tokens)
