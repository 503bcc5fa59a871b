"""Any bytes as a request body, a query, a form, a path: decoded as declared, or refused as Invalid.

What is let through can be stored and sent on: text without NUL, numbers of 64 bits.
"""

from __future__ import annotations

from typing import Any

import msgspec

from folkmoot.errors import Invalid
from folkmoot.net import decoding
from folkmoot.net.errors import UnknownPath, WrongMethod
from folkmoot.net.routing import Router

SEEDS = (
    b'{"name":"a","count":1,"tags":["x"],"flag":true,"inner":[{"topic":"t"}]}',
    b'{"name":"\\u0000\\ud83d\\ude00","count":9223372036854775808}',
    b"name=a&count=1&tags=x&tags[]=y&flag=false&ratio=1.5e3",
    b'--B\r\nContent-Disposition: form-data; name="name"\r\n\r\na\r\n--B--\r\n',
    b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\nContent-Type: a/b\r\n\r\n\0\r\n--B--\r\n',
    b"/api/things/a%2Fb/raw",
    b"/~ann/talk.xml",
    b"/files/a/b/c",
)


class Inner(msgspec.Struct):
    topic: str = ""


class Wanted(msgspec.Struct):
    name: str = ""
    count: int | None = None
    ratio: float = 0.0
    flag: bool = False
    tags: list[str] = []
    inner: list[Inner] = []


_ROUTER = Router[int](trailing_slash=True)
for _number, _path in enumerate(
    ("/api/things/{key}", "/api/things/{key}/raw", "/~{owner}/{name}.xml", "/files/{rest:path}")
):
    _ROUTER.add("GET", _path, _number)


def run(data: bytes) -> None:
    """Read it in every way a request can be read."""
    _check(lambda: decoding.decode_json(data, Wanted))
    _check(lambda: decoding.decode_json(data, Any))
    _check(lambda: decoding.decode_pairs(decoding.parse_query(data), Wanted))
    _check(lambda: decoding.decode_pairs(decoding.parse_form(data, "multipart/form-data; boundary=B").fields, Wanted))
    for method in ("GET", "HEAD", "POST"):
        try:
            _, values = _ROUTER.find(method, data.decode("latin-1"))
        except (UnknownPath, WrongMethod, Invalid):
            continue
        assert all("\0" not in value for value in values.values())


def _check(read: Any) -> None:
    try:
        found = read()
    except Invalid:
        return
    encoded = msgspec.json.encode(found)
    assert b"\\u0000" not in encoded.replace(b"\\\\", b"")
    if isinstance(found, Wanted) and found.count is not None:
        assert -(2**63) <= found.count < 2**63
