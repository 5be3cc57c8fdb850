"""Connector definitions for a test server: templates of the peers, and built-in ones sent to loopback.

Works on text: what a definition means is not known here.
"""

from __future__ import annotations

from pathlib import Path

from process import REPOSITORY

BUILT_IN = REPOSITORY / "connectors"
PEERS = REPOSITORY / "tests" / "peers"


class Overlay:
    """A folder for KEYBEARER_CONNECTORS_DIR."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, text: str) -> None:
        """Puts `text` in as the definition `name`."""
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "connector.yaml").write_text(text)

    def oidc_provider(self, origin: str, name: str = "oidc-demo", number: int = 1, *, plain: bool = False) -> None:
        """The peer oidc-provider's API, at `origin`; further `name`s are further connector types.

        `plain`: a provider that sends no `iss`, whose imported access tokens need no refresh token.
        """
        text = (PEERS / "oidc-provider" / "connector.yaml").read_text()
        text = text.replace("PEER_ORIGIN", origin)
        text = _replace(text, "x-airbyte-connector-name: oidc-demo", f"x-airbyte-connector-name: {name}")
        text = _replace(text, "title: OIDC Demo", f"title: {name.replace('-', ' ').title().replace('Oidc', 'OIDC')}")
        text = _replace(text, "0c3f5b1f7d01", f"0c3f5b1f7d{number:02}")
        if plain:
            text = _replace(text, f"        issuer: {origin}\n", "")
            text = _replace(text, "          - refresh_token\n", "          - access_token\n")
        self.add(name, text)

    def built_in(self, name: str, origins: dict[str, str]) -> None:
        """The built-in definition `name` with each origin replaced; every one must occur."""
        text = (BUILT_IN / name / "connector.yaml").read_text()
        for origin, instead in origins.items():
            text = _replace(text, origin, instead)
        self.add(name, text)


def _replace(text: str, old: str, new: str) -> str:
    assert old in text, f"the definition does not contain {old!r}"
    return text.replace(old, new)
