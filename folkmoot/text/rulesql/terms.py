"""Values in Erlang's external term format, as `term_encode` writes them; of what is read, only what has a counterpart here."""

from __future__ import annotations

import struct
from typing import Any

from .values import DEPTH_MAX, ITEMS_MAX, Number, binary, octets, too_large, weigh, wrong

_VERSION = b"\x83"
_ATOMS = {None: b"undefined", True: b"true", False: b"false"}
_WORDS: dict[str, Any] = {"undefined": None, "null": None, "true": True, "false": False}


def encode(value: Any) -> bytes:
    """The value as bytes."""
    weigh(value)
    return _VERSION + _encode(value)


def _encode(value: Any) -> bytes:
    if value is None or isinstance(value, bool):
        atom = _ATOMS[value]
        return b"w" + bytes((len(atom),)) + atom
    if isinstance(value, int):
        return _encode_integer(value)
    if isinstance(value, float):
        return b"F" + struct.pack(">d", value)
    if isinstance(value, list | tuple):
        return b"l" + struct.pack(">I", len(value)) + b"".join(map(_encode, value)) + b"j" if value else b"j"
    if isinstance(value, dict):
        pairs = b"".join(_encode(each) for pair in value.items() for each in pair)
        return b"t" + struct.pack(">I", len(value)) + pairs
    data = octets(value)
    return b"m" + struct.pack(">I", len(data)) + data


def _encode_integer(value: int) -> bytes:
    if 0 <= value < 256:
        return b"a" + bytes((value,))
    if -(2**31) <= value < 2**31:
        return b"b" + struct.pack(">i", value)
    size = (abs(value).bit_length() + 7) // 8
    head = b"n" + bytes((size,)) if size < 256 else b"o" + struct.pack(">I", size)
    return head + bytes((value < 0,)) + abs(value).to_bytes(size, "little")


def decode(data: bytes) -> Any:
    """The value that bytes say. Raises Invalid."""
    if not data.startswith(_VERSION):
        raise wrong("This is no term.")
    reader = _Reader(data)
    try:
        value = reader.one(0)
    except (struct.error, IndexError, UnicodeDecodeError, TypeError) as error:
        raise wrong("This is no term.") from error
    if reader.at != len(data):
        raise wrong("This is no term.")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 1

    def unpack(self, form: str) -> Any:
        (found,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return found

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise IndexError(size)
        self.at += size
        return found

    def one(self, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise too_large("The depth of the value")
        match self.take(1):
            case b"a":
                return self.unpack(">B")
            case b"b":
                return self.unpack(">i")
            case b"n":
                return self.large(self.unpack(">B"))
            case b"o":
                return self.large(self.unpack(">I"))
            case b"F":
                return self.real()
            case b"w" | b"s":
                return self.atom(self.unpack(">B"))
            case b"v" | b"d":
                return self.atom(self.unpack(">H"))
            case b"m":
                return binary(self.take(self.unpack(">I")))
            case b"k":
                return list(self.take(self.unpack(">H")))
            case b"j":
                return []
            case b"h":
                return self.several(self.unpack(">B"), depth)
            case b"l":
                return self.proper_list(depth)
            case b"t":
                return {self.key(depth): self.one(depth + 1) for _ in range(self.count(self.unpack(">I")))}
        raise wrong("There is nothing like this term here.")

    def real(self) -> Number:
        found: float = self.unpack(">d")
        if found != found or found in (float("inf"), float("-inf")):
            raise wrong("This is no number.")
        return found

    def large(self, size: int) -> int:
        if size > 512:
            raise too_large("A number")
        is_negative = self.unpack(">B")
        found = int.from_bytes(self.take(size), "little")
        return -found if is_negative else found

    def atom(self, size: int) -> Any:
        name = self.take(size).decode()
        return _WORDS.get(name, name)

    def count(self, count: int) -> int:
        if count > ITEMS_MAX:
            raise too_large("The list")
        return count

    def several(self, count: int, depth: int) -> list[Any]:
        return [self.one(depth + 1) for _ in range(self.count(count))]

    def proper_list(self, depth: int) -> list[Any]:
        found = self.several(self.unpack(">I"), depth)
        if self.take(1) != b"j":
            raise wrong("There is nothing like this term here.")
        return found

    def key(self, depth: int) -> str:
        found = self.one(depth + 1)
        return found if isinstance(found, str) else str(found)
