"""Durations and sizes as operators write them: `500ms`, `15s`, `1h30m`, `2d`; `32KB`, `256MB`. Pure."""

from __future__ import annotations

import re

from folkmoot.errors import Invalid

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_DURATION = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|s|m|h|d|w))+", re.IGNORECASE)
_DURATION_PART = re.compile(r"([0-9.]+)(ms|s|m|h|d|w)", re.IGNORECASE)
_SIZE = re.compile(r"([0-9]{1,15})(b|kb|mb|gb)?", re.IGNORECASE)


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


def _no_duration(field: str | None) -> Invalid:
    return Invalid("duration.invalid", "This is no duration such as 500ms, 15s or 2h.", field)
