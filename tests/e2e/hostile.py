"""Values that no field should take, for the tables of test_bad_input."""

from __future__ import annotations

from typing import Any

WRONG_TYPES: dict[str, Any] = {
    "number": 7, "float": 1.5, "huge-number": 10**400, "bool": True, "list": ["x"], "object": {"x": "y"}, "null": None,
}
# Text in a field that takes a name, an id or a URL.
WRONG_TEXTS: dict[str, str] = {
    "empty": "",
    "too-long": "x" * 100_000,
    "nul": "a\x00b",
    "control": "a\x01\x1b[31mb",
    "newline": "a\r\nX-Injected: 1",
    "bidi": "a\u202eb",
    "template": "{{ client_secret }}${env}{% include '/etc/passwd' %}",
    "traversal": "../../../../etc/passwd",
    "sql": "x'; DROP TABLE connector; --",
    "astral": "\U0001f9e8" * 2000,
    "markup": "<script>alert(1)</script>",
}
