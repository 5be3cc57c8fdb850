"""Addresses inside a network, in the spellings that URL parsers and resolvers take for them."""

from __future__ import annotations

PRIVATE_HOSTS = [
    "127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "localhost", "localhost.", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "[::ffff:a9fe:a9fe]", "100.100.100.200", "[fd00::1]", "[fe80::1]", "224.0.0.1", "255.255.255.255", "127.0.0.1.",
    "\uff11\uff12\uff17.0.0.1", "metadata.google.internal",
]
PRIVATE_ORIGINS = [f"https://{host}" for host in PRIVATE_HOSTS] + ["http://169.254.169.254", "file:///etc/passwd", "gopher://127.0.0.1:6379/x"]
