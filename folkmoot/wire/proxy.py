"""The PROXY protocol, versions 1 and 2: what a balancer says of a connection before its first byte. Pure.

Only what matters to a server is read: where the client is, and of version 2 whether it came with TLS and whose certificate it
showed. Source: the HAProxy project's "The PROXY protocol", versions 1 & 2.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

#: The longest header: version 2 has a length of 16 bits after 16 fixed bytes.
LONGEST = 16 + 0xFFFF

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_LONGEST_LINE = 107
_LINE = re.compile(rb"PROXY TCP([46]) ([0-9A-Fa-f.:]{1,39}) ([0-9A-Fa-f.:]{1,39}) (\d{1,5}) (\d{1,5})\r\n")
# Address family → how long an address is; then two ports follow.
_ADDRESS_SIZES = {1: 4, 2: 16}
_TLV_SSL = 0x20
_SUB_COMMON_NAME = 0x22
_CLIENT_SSL = 0x01


class ProxyError(ValueError):
    """The bytes are no PROXY header: the peer's fault."""


@dataclass(frozen=True, slots=True)
class Proxied:
    """What a header says; `address` is empty when the balancer speaks for itself or does not know."""

    size: int
    """How many bytes the header has."""
    address: str = ""
    port: int = 0
    is_tls: bool = False
    common_name: str | None = None
    """Of the certificate the client showed to the balancer."""


def parse_header(data: bytes) -> Proxied | None:
    """The header that `data` begins with, None while it is not complete. Raises ProxyError."""
    if data.startswith(_SIGNATURE):
        return _parse_binary(data)
    if data[:6] == b"PROXY ":
        return _parse_line(data)
    if _SIGNATURE.startswith(data) or b"PROXY ".startswith(data):
        return None
    raise ProxyError("this does not begin with a PROXY header")


def _parse_line(data: bytes) -> Proxied | None:
    end = data.find(b"\r\n", 0, _LONGEST_LINE)
    if end < 0:
        if len(data) >= _LONGEST_LINE:
            raise ProxyError("the header is too long")
        return None
    line = data[: end + 2]
    # §2.1: after UNKNOWN everything up to the end of the line is ignored
    if line.startswith((b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ")):
        return Proxied(len(line))
    match = _LINE.fullmatch(line)
    if match is None:
        raise ProxyError("the header cannot be read")
    family = ipaddress.IPv4Address if match[1] == b"4" else ipaddress.IPv6Address
    try:
        address, _ = family(match[2].decode()), family(match[3].decode())
    except ValueError as error:
        raise ProxyError(f"the header has no usable address: {error}") from error
    port = int(match[4])
    if max(port, int(match[5])) > 0xFFFF:
        raise ProxyError("the header has no usable port")
    return Proxied(len(line), str(address), port)


def _parse_binary(data: bytes) -> Proxied | None:
    if len(data) < 16:
        return None
    version, command, family = data[12] >> 4, data[12] & 15, data[13] >> 4
    if version != 2 or command > 1:
        raise ProxyError("the header is of an unknown version")
    size = 16 + int.from_bytes(data[14:16], "big")
    if len(data) < size:
        return None
    width = _ADDRESS_SIZES.get(family)
    # §2.2: LOCAL is the balancer's own check, and families we do not know are no error
    if command == 0 or width is None:
        return Proxied(size)
    body = data[16:size]
    rest = 2 * width + 4
    if len(body) < rest:
        raise ProxyError("the header is too short for its addresses")
    address = str(ipaddress.ip_address(body[:width]))
    port = int.from_bytes(body[2 * width : 2 * width + 2], "big")
    ssl = _fields(body[rest:]).get(_TLV_SSL, b"")
    if len(ssl) < 5 or not ssl[0] & _CLIENT_SSL:
        return Proxied(size, address, port)
    name = _fields(ssl[5:]).get(_SUB_COMMON_NAME)
    return Proxied(size, address, port, True, name.decode("utf-8", "replace") if name is not None else None)


def _fields(data: bytes) -> dict[int, bytes]:
    """The values of §2.2.x by their types; of several of one type the last."""
    found: dict[int, bytes] = {}
    pos = 0
    while pos < len(data):
        length = int.from_bytes(data[pos + 1 : pos + 3], "big")
        if len(data) < pos + 3 + length:
            raise ProxyError("a field of the header is longer than the header")
        found[data[pos]] = data[pos + 3 : pos + 3 + length]
        pos += 3 + length
    return found
