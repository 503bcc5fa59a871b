"""Bits of whole numbers and of bytes."""

from __future__ import annotations

import struct
from typing import Any

from ..values import BITS_MAX, binary, bounded, integer, octets, text, too_large, wrong
from .function import takes


def shift(value: Any, count: Any) -> int:
    """The number with its bits moved to the left, or to the right by a negative count."""
    number, by = integer(value), integer(count)
    if by > BITS_MAX or abs(number).bit_length() + by > BITS_MAX:
        raise too_large("A number")
    return number << by if by >= 0 else number >> min(-by, 2 * BITS_MAX)


def subbits(value: Any, *given: Any) -> Any:
    """Some bits of bytes: (length), (start from 1, length), then type, signedness and endianness."""
    data = octets(value)
    first, length = (1, given[0]) if len(given) == 1 else given[:2]
    kind, signedness, order = (
        *[text(each) for each in given[2:]],
        *("integer", "unsigned", "big")[max(0, len(given) - 2) :],
    )
    begin, count = integer(first) - 1, integer(length)
    if begin < 0 or count < 0 or begin >= 8 * len(data):
        return None
    count = min(count, 8 * len(data) - begin)
    # Only the bytes concerned; a large number would be slow.
    chunk = data[begin // 8 : (begin + count + 7) // 8]
    bits = int.from_bytes(chunk, "big") >> (8 * len(chunk) - begin % 8 - count) & ((1 << count) - 1)
    return _typed(bits, count, kind, signedness, order)


def _typed(bits: int, count: int, kind: str, signedness: str, order: str) -> Any:
    if kind == "bits":
        return binary((bits << -count % 8).to_bytes((count + 7) // 8, "big"))
    if order == "little":
        # The last byte of a number that fills none is its lowest bits.
        full, left = divmod(count, 8)
        bits = int.from_bytes((bits >> left).to_bytes(full, "big"), "little") | (bits & ((1 << left) - 1)) << 8 * full
    if kind == "float":
        if count not in (16, 32, 64):
            raise wrong("A broken number has 16, 32 or 64 bits.")
        form = {16: ">e", 32: ">f", 64: ">d"}[count]
        return bounded(float(struct.unpack(form, bits.to_bytes(count // 8, "big"))[0]))
    if kind != "integer":
        raise wrong("Bits are an integer, a float or bits.")
    if signedness == "signed" and count and bits >> (count - 1):
        bits -= 1 << count
    return bounded(bits)


FUNCTIONS = {
    "bitnot": takes(lambda value: ~integer(value), 1),
    "bitand": takes(lambda left, right: integer(left) & integer(right), 2),
    "bitor": takes(lambda left, right: integer(left) | integer(right), 2),
    "bitxor": takes(lambda left, right: integer(left) ^ integer(right), 2),
    "bitsl": takes(shift, 2),
    "bitsr": takes(lambda value, count: shift(value, -integer(count)), 2),
    "bitsize": takes(lambda value: 8 * len(octets(value)), 1),
    "bytesize": takes(lambda value: len(octets(value)), 1),
    "subbits": takes(subbits, 2, 6),
}
