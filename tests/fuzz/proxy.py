"""Any bytes as the begin of a connection behind a balancer: a PROXY header, part of one, or refused."""

from __future__ import annotations

import ipaddress

from folkmoot.wire.proxy import LONGEST, ProxyError, parse_header

SEEDS = (
    b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 1883\r\n\x10\x0c\0\x04MQTT",
    b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n",
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12),
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x1a" + bytes(12) + b"\x20\0\x0b\x01\0\0\0\0\x22\0\x03ann",
)


def run(data: bytes) -> None:
    """Read it; what is read is the same whatever follows."""
    try:
        found = parse_header(data)
    except ProxyError:
        return
    if found is None:
        assert len(data) < LONGEST
        return
    assert found.size <= len(data) and 0 <= found.port <= 0xFFFF
    assert not found.address or ipaddress.ip_address(found.address)
    assert parse_header(data[: found.size]) == found
