"""Times, sizes, shares and rates as operators write them: `15s`, `4KB`, `80%`, `100MB/s`. Pure."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SIZE = re.compile(r"(\d+)(B|KB|MB|GB)?", re.IGNORECASE)
_BYTES = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")
_RATE = re.compile(r"(\d+)(B|KB|MB|GB)?/(\d*(?:ms|s|m|h|d))", re.IGNORECASE)
_MOST = 1 << 53


def parse_duration(value: object) -> float:
    """Seconds from `500ms`, `15s`, `1h30m` or a number of milliseconds. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value / 1000
    elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        seconds = int(value) / 1000
    else:
        text = value if isinstance(value, str) else ""
        pieces = _DURATION.findall(text)
        if not pieces or len(text) > 100 or "".join(number + unit for number, unit in pieces) != text:
            raise ValueError("this is no duration as 500ms, 15s, 5m, 2h or 1d")
        seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in pieces)
    if not 0 <= seconds <= _MOST:
        raise ValueError("this duration is out of range")
    return seconds


def format_duration(seconds: float) -> str:
    """The seconds in the largest unit in which they are a whole number."""
    milliseconds = round(seconds * 1000)
    for unit in ("d", "h", "m", "s"):
        size = round(_SECONDS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def parse_size(value: object) -> int:
    """Bytes from `1MB`, `32KB` or a number. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        match = _SIZE.fullmatch(value) if isinstance(value, str) and len(value) < 20 else None
        if match is None:
            raise ValueError("this is no size as 512, 32KB or 1MB")
        size = int(match[1]) * _BYTES[(match[2] or "").upper()]
    if not 0 <= size <= _MOST:
        raise ValueError("this size is out of range")
    return size


def format_size(size_bytes: int) -> str:
    """The bytes in the largest unit in which they are a whole number."""
    for unit in ("GB", "MB", "KB"):
        if size_bytes and size_bytes % _BYTES[unit] == 0:
            return f"{size_bytes // _BYTES[unit]}{unit}"
    return f"{size_bytes}B"


def parse_share(value: object) -> float:
    """A part of the whole between 0 and 1, from `80%` or the number itself. Raises ValueError."""
    share: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        share = float(value)
    elif isinstance(value, str) and len(value) < 20 and (match := _SHARE.fullmatch(value)):
        share = float(match[1]) / 100
    if share is None or not 0 <= share <= 1:
        raise ValueError("this is no share as 80%")
    return share


def parse_rate(value: object) -> float:
    """How many per second, from `1000/s`, `100MB/10s` or `60/m`. Raises ValueError."""
    match = _RATE.fullmatch(value) if isinstance(value, str) and len(value) < 40 else None
    if match is None:
        raise ValueError("this is no rate as 1000/s or 100MB/10s")
    period = match[3] if match[3][0].isdigit() else f"1{match[3]}"
    seconds = parse_duration(period)
    if not seconds or not int(match[1]):
        raise ValueError("a rate is more than nothing in more than no time")
    return int(match[1]) * _BYTES[(match[2] or "").upper()] / seconds
