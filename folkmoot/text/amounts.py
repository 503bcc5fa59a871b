"""Durations, sizes, shares and rates as operators write them: `500ms`, `1h30m`; `32KB`; `80%`; `1000/s`, `100MB/10s`. Pure."""

from __future__ import annotations

import re

from folkmoot.errors import Invalid

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_DURATION = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|s|m|h|d|w))+", re.IGNORECASE)
_DURATION_PART = re.compile(r"([0-9.]+)(ms|s|m|h|d|w)", re.IGNORECASE)
_SIZE = re.compile(r"([0-9]{1,15})(b|kb|mb|gb)?", re.IGNORECASE)
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
_RATE = re.compile(r"([0-9]{1,15}(?:b|kb|mb|gb)?)/([0-9]{0,9})(ms|s|m|h|d)", re.IGNORECASE)


def parse_duration(value: str | int, field: str | None = None) -> float:
    """The seconds of `15s`, `1h30m` or of a number of milliseconds. Raises Invalid naming `field`."""
    if isinstance(value, int):
        if value < 0:
            raise _no_duration(field)
        return value / 1000
    if value.isascii() and value.isdigit() and len(value) < 16:
        return int(value) / 1000
    if not _DURATION.fullmatch(value):
        raise _no_duration(field)
    try:
        return sum(float(number) * _SECONDS[unit.lower()] for number, unit in _DURATION_PART.findall(value))
    except ValueError as error:
        raise _no_duration(field) from error


def parse_size(value: str | int, field: str | None = None) -> int:
    """The bytes of `256MB` or of a plain number. Raises Invalid naming `field`."""
    found = _SIZE.fullmatch(str(value))
    if found is None:
        raise Invalid("size.invalid", "This is no size such as 32KB or 256MB.", field)
    return int(found[1]) * _BYTES[(found[2] or "").lower()]


def parse_share(value: str | float, field: str | None = None) -> float:
    """A part of the whole between 0 and 1, from `80%` or the number itself. Raises Invalid naming `field`."""
    share = float(value) if isinstance(value, int | float) else -1.0
    if isinstance(value, str) and (found := _SHARE.fullmatch(value)):
        share = float(found[1]) / 100
    if not 0 <= share <= 1:
        raise Invalid("share.invalid", "This is no share such as 80%.", field)
    return share


def parse_rate(value: str, field: str | None = None) -> float:
    """How many per second, from `1000/s`, `60/m` or `100MB/10s`. Raises Invalid naming `field`."""
    found = _RATE.fullmatch(value)
    many = parse_size(found[1], field) if found else 0
    seconds = parse_duration(f"{found[2] or 1}{found[3]}", field) if found else 0.0
    if not many or not seconds:
        raise Invalid("rate.invalid", "This is no rate such as 1000/s or 100MB/10s.", field)
    return many / seconds


def format_duration(seconds: float) -> str:
    """The seconds in the largest unit in which they are a whole number."""
    milliseconds = round(seconds * 1000)
    for unit in ("d", "h", "m", "s"):
        size = round(_SECONDS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def format_size(size_bytes: int) -> str:
    """The bytes in the largest unit in which they are a whole number."""
    for unit in ("gb", "mb", "kb"):
        if size_bytes and size_bytes % _BYTES[unit] == 0:
            return f"{size_bytes // _BYTES[unit]}{unit.upper()}"
    return f"{size_bytes}B"


def _no_duration(field: str | None) -> Invalid:
    return Invalid("duration.invalid", "This is no duration such as 500ms, 15s or 2h.", field)
