"""Digests, compression and other writings of bytes and values."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import Any

from .. import terms
from ..values import TEXT_MAX, binary, encode_json, octets, read_json, shown, text, too_large, wrong
from .function import Function, takes

_DIGESTS = {"sha": "sha1"} | {name: name for name in ("md5", "sha224", "sha256", "sha384", "sha512")}
# zlib's window: raw, with zlib's or with gzip's header.
_RAW, _ZLIB, _GZIP = -15, 15, 31


def digest(kind: Any, value: Any) -> str:
    """The digest in small hexadecimal digits."""
    name = _DIGESTS.get(text(kind))
    if name is None:
        raise wrong(f"{shown(kind)} is no digest.")
    return hashlib.new(name, octets(value), usedforsecurity=False).hexdigest()


def _packing(window: int) -> Function:
    def pack(value: Any) -> str | bytes:
        packer = zlib.compressobj(wbits=window)
        return binary(packer.compress(octets(value)) + packer.flush())

    return takes(pack, 1, shift=4)


def _unpacking(window: int) -> Function:
    def unpack(value: Any) -> str | bytes:
        unpacker = zlib.decompressobj(wbits=window)
        try:
            found = unpacker.decompress(octets(value), TEXT_MAX + 1)
        except zlib.error as error:
            raise wrong("This is not compressed so.") from error
        if len(found) > TEXT_MAX:
            raise too_large("The text")
        if not unpacker.eof:
            raise wrong("This ends too early.")
        return binary(found)

    return takes(unpack, 1, shift=4)


def from_base64(value: Any) -> str | bytes:
    """The bytes that Base64 says."""
    try:
        return binary(base64.b64decode(octets(value), validate=True))
    except (binascii.Error, ValueError) as error:
        raise wrong("This is no Base64.") from error


def from_json(value: Any) -> Any:
    """What a JSON text says."""
    return read_json(value if isinstance(value, bytes) else text(value))


FUNCTIONS = {
    "md5": takes(lambda value: digest("md5", value), 1),
    "sha": takes(lambda value: digest("sha", value), 1),
    "sha256": takes(lambda value: digest("sha256", value), 1),
    "hash": takes(digest, 2),
    "gzip": _packing(_GZIP),
    "gunzip": _unpacking(_GZIP),
    "zip": _packing(_RAW),
    "unzip": _unpacking(_RAW),
    "zip_compress": _packing(_ZLIB),
    "zip_uncompress": _unpacking(_ZLIB),
    "base64_encode": takes(lambda value: base64.b64encode(octets(value)).decode(), 1),
    "base64_decode": takes(from_base64, 1),
    "json_encode": takes(encode_json, 1),
    "json_decode": takes(from_json, 1, shift=4),
    "term_encode": takes(lambda value: binary(terms.encode(value)), 1),
    "term_decode": takes(lambda value: terms.decode(octets(value)), 1, shift=2),
}
