"""Secrets that occur nowhere else, and the search for them in every form in which one could slip out.

Knows bytes and encodings; not what the secrets are for.
"""

from __future__ import annotations

import base64
import secrets
import urllib.parse


def fresh(kind: str) -> str:
    """A secret that no other text contains."""
    return f"{kind}-canary-{secrets.token_hex(12)}"


def forms(secret: str) -> dict[str, bytes]:
    """The secret as plain text, percent-encoded, in hexadecimal and in base64 at each of its three alignments."""
    plain = secret.encode()
    found = {
        "plain": plain,
        "percent": urllib.parse.quote(secret, safe="").encode(),
        "every byte percent-encoded": "".join(f"%{byte:02X}" for byte in plain).encode(),
        "hexadecimal": plain.hex().encode(),
        "HEXADECIMAL": plain.hex().upper().encode(),
    }
    for shift in range(3):
        # Only characters that depend on nothing but the secret: those at the edges depend on what stands beside it.
        start, end = (0, 2, 3)[shift], (-3 if (len(plain) + shift) % 3 else None)
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            coded = encode(b"\0" * shift + plain).rstrip(b"=")
            found[f"{name} at {shift}"] = coded[start:end]
    return found


class Search:
    """Named secrets, looked for in named places."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    def keep(self, name: str, secret: str) -> str:
        assert len(secret) >= 8, f"{name} is too short to be looked for"
        self.secrets[name] = secret
        return secret

    def fresh(self, kind: str) -> str:
        return self.keep(kind, fresh(kind.replace(" ", "-")))

    def hits(self, place: str, content: bytes, but: tuple[str, ...] = ()) -> list[str]:
        """Where secrets stand in `content`; those whose names begin with one of `but` may."""
        found = []
        for name, secret in self.secrets.items():
            if name.startswith(but):
                continue
            for form, coded in forms(secret).items():
                at = content.find(coded)
                if at >= 0:
                    around = content[max(0, at - 200):at + 120].decode(errors="replace")
                    found.append(f"{name} ({form}) in {place}: …{around}…")
        return found
