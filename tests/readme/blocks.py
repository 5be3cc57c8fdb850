"""The commands and the program that stand in the README, by the name in the comment above each block."""

from __future__ import annotations

import re

from process import REPOSITORY

_BLOCK = re.compile(r"<!-- readme: ([\w.]+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def blocks() -> dict[str, list[str]]:
    """All marked blocks, in order."""
    found: dict[str, list[str]] = {}
    for name, text in _BLOCK.findall((REPOSITORY / "README.md").read_text()):
        found.setdefault(name, []).append(text)
    return found
