"""The definitions that the published SDK carries, with their servers and token endpoints sent to loopback.

Taken from the installed package at test time. `https://HOST/rest` becomes `<origin>/up/HOST/rest`; nothing else changes.
"""

from __future__ import annotations

import re

from overlay import Overlay
from process import INSTALLED

_URL = re.compile(r"https?://")


def folder() -> str:
    """Where the package keeps them."""
    [found] = (INSTALLED / "sdk-current").glob("lib/python*/site-packages/airbyte_agent_sdk/specs")
    return str(found)


def add(overlay: Overlay, name: str, origin: str) -> None:
    """Puts the published definition `name` in, re-pointed."""
    with open(f"{folder()}/{name}/connector.yaml", encoding="utf-8") as source:
        overlay.add(name, repointed(source.read(), origin))


def repointed(text: str, origin: str) -> str:
    lines, in_servers = [], False
    for line in text.splitlines(keepends=True):
        if re.match(r"[A-Za-z]", line):
            in_servers = line.startswith("servers:")
        if in_servers and re.match(r"\s*(- )?(url|default):", line) or re.match(r"\s*(tokenUrl|refreshUrl):", line):
            line = _URL.sub(f"{origin}/up/", line, count=1)
        lines.append(line)
    return "".join(lines)
