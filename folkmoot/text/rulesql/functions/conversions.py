"""From one kind of value to another."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from ..values import Number, binary, bounded, integer, mapping, octets, parse_number, shown, text, too_large, wrong
from .function import takes

_DECIMALS_MAX = 253


def boolean(value: Any) -> bool:
    """True and false, 1 and 0, and the words."""
    if isinstance(value, bool):
        return value
    if value in (1, 0):
        return bool(value)
    if value in ("true", "false"):
        return bool(value == "true")
    raise wrong(f"{shown(value)} is neither true nor false.")


def _number(value: Any) -> Number:
    found = parse_number(value) if isinstance(value, str) else value
    if isinstance(found, bool):
        return int(found)
    if isinstance(found, int | float):
        return bounded(found)
    raise wrong(f"{shown(value)} is no number.")


def whole(value: Any) -> int:
    """A whole number of a number, a text or a boolean; fractions are cut off downwards."""
    return math.floor(_number(value))


def broken(value: Any, decimals: Any = None) -> float:
    """A number with a fraction, rounded to so many decimals if that is said."""
    try:
        found = float(_number(value))
    except OverflowError as error:
        raise too_large("A number") from error
    return found if decimals is None else round(found, _decimals(decimals))


def _decimals(value: Any) -> int:
    return max(0, min(_DECIMALS_MAX, integer(value)))


def float_to_text(value: Any, decimals: Any) -> str:
    """A number with at most so many decimals, without zeros at the end."""
    found = f"{Decimal(repr(broken(value))):.{_decimals(decimals)}f}"
    return found.rstrip("0") + "0" if "." in found and found.rstrip("0").endswith(".") else _without_zeros(found)


def _without_zeros(found: str) -> str:
    return found.rstrip("0") if "." in found else f"{found}.0"


def to_hex(value: Any, prefix: Any = "") -> str:
    """The bytes as hexadecimal digits, behind a prefix."""
    return text(prefix) + octets(value).hex().upper()


def from_hex(value: Any, prefix: Any = "") -> str | bytes:
    """The bytes that hexadecimal digits behind a prefix say."""
    digits = text(value).removeprefix(text(prefix))
    try:
        return binary(bytes.fromhex("0" * (len(digits) % 2) + digits))
    except ValueError as error:
        raise wrong("These are no hexadecimal digits.") from error


FUNCTIONS = {
    "str": takes(text, 1),
    "str_utf8": takes(text, 1),
    "str_utf16_le": takes(lambda value: binary(text(value).encode("utf-16-le", errors="replace")), 1),
    "bool": takes(boolean, 1),
    "int": takes(whole, 1),
    "float": takes(broken, 1, 2),
    "float2str": takes(float_to_text, 2),
    "map": takes(mapping, 1, shift=4, is_shallow=True),
    "bin2hexstr": takes(to_hex, 1, 2),
    "hexstr2bin": takes(from_hex, 1, 2),
    "sqlserver_bin2hexstr": takes(lambda value: to_hex(value, "0x"), 1),
}
