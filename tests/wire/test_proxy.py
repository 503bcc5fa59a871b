from __future__ import annotations

import ipaddress

import pytest

from folkmoot.wire.proxy import Proxied, ProxyError, parse_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def binary(address: str = "192.0.2.7", port: int = 4711, fields: bytes = b"", command: int = 1) -> bytes:
    """A header of version 2 for a TCP connection."""
    ip = ipaddress.ip_address(address)
    body = ip.packed * 2 + port.to_bytes(2, "big") + b"\x07\x5b" + fields
    family = 0x11 if ip.version == 4 else 0x21
    return SIGNATURE + bytes((0x20 | command, family)) + len(body).to_bytes(2, "big") + body


def field(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value


def ssl(name: bytes, client: int = 7) -> bytes:
    return field(0x20, bytes((client,)) + b"\0\0\0\0" + field(0x21, b"TLSv1.3") + field(0x22, name))


HEADERS: list[tuple[bytes, Proxied]] = [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 1883\r\n", Proxied(45, "192.0.2.7", 4711)),
    (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", Proxied(44, "2001:db8::1", 1)),
    (b"PROXY UNKNOWN\r\n", Proxied(15)),
    (b"PROXY UNKNOWN what ever it is\r\n", Proxied(31)),
    (binary(), Proxied(28, "192.0.2.7", 4711)),
    (binary("2001:db8::1"), Proxied(52, "2001:db8::1", 4711)),
    (binary(command=0), Proxied(28)),
    (SIGNATURE + b"\x21\x00\x00\x00", Proxied(16)),
    (binary(fields=ssl(b"ann")), Proxied(28 + 24, "192.0.2.7", 4711, True, "ann")),
    (binary(fields=ssl(b"ann", client=0)), Proxied(28 + 24, "192.0.2.7", 4711)),
    (binary(fields=field(4, b"xx") + ssl(b"a")), Proxied(28 + 27, "192.0.2.7", 4711, True, "a")),
]


@pytest.mark.parametrize(("data", "wanted"), HEADERS)
def test_headers(data: bytes, wanted: Proxied) -> None:
    assert parse_header(data) == wanted
    assert parse_header(data + b"\x10\x0c\0\x04MQTT") == wanted
    for end in range(len(data)):
        assert parse_header(data[:end]) is None


BAD: list[bytes] = [
    b"\x10\x0c\0\x04MQTT",
    b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    b"PROXY TCP4 ::1 ::1 1 2\r\n",
    b"PROXY TCP4 1.2.3.400 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 70000\r\n",
    b"PROXY TCP4 " + b"1" * 200,
    b"PROXY UNKNOWNS\r\n",
    SIGNATURE + b"\x11\x11\x00\x00",
    SIGNATURE + b"\x22\x11\x00\x00",
    SIGNATURE + b"\x21\x11\x00\x04" + b"\0" * 4,
    binary(fields=b"\x04\xff\xff"),
    binary(fields=field(0x20, b"\x01\0\0\0\0\x22\0\x09x")),
]


@pytest.mark.parametrize("data", BAD)
def test_what_is_no_header(data: bytes) -> None:
    with pytest.raises(ProxyError):
        parse_header(data)
