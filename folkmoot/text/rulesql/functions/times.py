"""Times: numbers since 1970 in a unit (`second`, `millisecond`, `microsecond`, `nanosecond`), and how they are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ..scope import Scope
from ..values import integer, shown, text, wrong
from .function import takes

_NANOSECONDS = {"second": 10**9, "millisecond": 10**6, "microsecond": 10**3, "nanosecond": 1}
_DIGITS = {"second": 0, "millisecond": 3, "microsecond": 6, "nanosecond": 9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})(?::?(\d{2}))?")
_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|z|[+-]\d{2}:?\d{2})")
# A sign of a format, and what it matches when a time is read.
_SIGN = re.compile(r"%(Y|m|d|H|M|S|[369]?N|:{0,2}z)")
_READ = {"Y": r"\d{4}", "N": r"\d{1,9}", "3N": r"\d{3}", "6N": r"\d{6}", "9N": r"\d{9}"}
_READ_OFFSET = r"[+-]\d{2}:?\d{2}(?::?\d{2})?|[Zz]"
_FORMAT_LONGEST = 256


def _unit(value: Any) -> int:
    found = _NANOSECONDS.get(text(value))
    if found is None:
        raise wrong(f"{shown(value)} is no unit of time.")
    return found


def _moment(nanoseconds: int, zone: timezone | None = None) -> datetime:
    """The time, to the second; with no zone, in the local one."""
    try:
        return (_EPOCH + timedelta(seconds=nanoseconds // 10**9)).astimezone(zone)
    except (OverflowError, ValueError, OSError) as error:
        raise wrong("This time is too far away.") from error


def offset_seconds(value: Any) -> int:
    """The seconds between a zone (`Z`, `local`, `+08:00` or seconds) and UTC."""
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    else:
        name = text(value)
        if name in ("Z", "z", ""):
            return 0
        if name == "local":
            found = datetime.now().astimezone().utcoffset() or timedelta()
            return int(found.total_seconds())
        match = _OFFSET.fullmatch(name)
        if match is None:
            raise wrong(f"{shown(value)} is no offset of a time zone.")
        hours, minutes, rest = (int(each or 0) for each in match.groups()[1:])
        seconds = (3600 * hours + 60 * minutes + rest) * (-1 if match[1] == "-" else 1)
    if abs(seconds) >= 86_400:
        raise wrong(f"{shown(value)} is no offset of a time zone.")
    return seconds


def _zone(value: Any) -> timezone:
    return timezone(timedelta(seconds=offset_seconds(value)))


def now_timestamp(scope: Scope, unit: Any = "second") -> int:
    """The time now."""
    return scope.surroundings.clock() // _unit(unit)


def now_rfc3339(scope: Scope, unit: Any = "second") -> str:
    """The time now as RFC 3339, with the local offset."""
    return to_rfc3339(now_timestamp(scope, unit), unit)


def to_rfc3339(value: Any, unit: Any = "second") -> str:
    """A time as RFC 3339, with the local offset and as many decimals as the unit has."""
    nanoseconds = integer(value) * _unit(unit)
    whole, digits = _moment(nanoseconds).isoformat(), _DIGITS[text(unit)]
    return f"{whole[:19]}.{nanoseconds % 10**9:09d}"[: 20 + digits] + whole[19:] if digits else whole


def from_rfc3339(value: Any, unit: Any = "second") -> int:
    """The time that RFC 3339 says."""
    match = _RFC3339.fullmatch(text(value))
    if match is None:
        raise wrong(f"{shown(value)} is no time of RFC 3339.")
    try:
        read = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[4].upper()}")
    except ValueError as error:
        raise wrong(f"{shown(value)} is no time of RFC 3339.") from error
    return _count(read, match[3] or "") // _unit(unit)


def _count(read: datetime, fraction: str) -> int:
    seconds = (read - _EPOCH) // timedelta(seconds=1)
    return seconds * 10**9 + int(fraction.ljust(9, "0") or 0)


def format_date(scope: Scope, unit: Any, offset: Any, form: Any, value: Any = None) -> str:
    """A time, now if none is given, in a form with `%Y %m %d %H %M %S %3N %6N %N %z %:z`."""
    nanoseconds = scope.surroundings.clock() if value is None else integer(value) * _unit(unit)
    zone = _zone(offset)
    moment = _moment(nanoseconds, zone)
    fraction = f"{nanoseconds % 10**9:09d}"

    def one(match: re.Match[str]) -> str:
        sign = match[1]
        if sign.endswith("z"):
            return _written_offset(int((zone.utcoffset(None)).total_seconds()), sign.count(":"))
        if sign.endswith("N"):
            return fraction[: int(sign[0]) if len(sign) > 1 else 9]
        return f"{moment.year:04d}" if sign == "Y" else moment.strftime(f"%{sign}")

    return _SIGN.sub(one, _form(form))


def _form(value: Any) -> str:
    found = text(value)
    if len(found) > _FORMAT_LONGEST:
        raise wrong("This form of a date is too long.")
    return found


def _written_offset(seconds: int, colons: int) -> str:
    minutes, rest = divmod(abs(seconds), 60)
    sign = "-" if seconds < 0 else "+"
    between = ":" if colons else ""
    end = f":{rest:02d}" if colons == 2 else ""
    return f"{sign}{minutes // 60:02d}{between}{minutes % 60:02d}{end}"


def read_date(unit: Any, *given: Any) -> int:
    """The time a text says: (unit, form, text) or, with an offset for a form without one, (unit, offset, form, text)."""
    offset, form, value = given if len(given) == 3 else ("Z", *given)
    divisor, zone, template, source = _unit(unit), _zone(offset), _form(form), text(value)
    names, pattern, end = list[str](), "", 0
    for match in _SIGN.finditer(template):
        sign = match[1]
        names.append(sign)
        inner = _READ_OFFSET if sign.endswith("z") else _READ.get(sign, r"\d{2}")
        pattern += f"{re.escape(template[end : match.start()])}({inner})"
        end = match.end()
    found = re.fullmatch(pattern + re.escape(template[end:]), source) if len(source) <= _FORMAT_LONGEST else None
    if found is None:
        raise wrong(f"{shown(value)} is no date of this form.")
    read = dict(zip(names, found.groups(), strict=True))
    zone = next((_zone(each) for sign, each in read.items() if sign.endswith("z")), zone)
    numbers = [int(read.get(sign, first)) for sign, first in zip("YmdHMS", (1970, 1, 1, 0, 0, 0), strict=True)]
    try:
        year, month, day, hour, minute, second = numbers
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError as error:
        raise wrong(f"{shown(value)} is no date of this form.") from error
    return _count(moment, next((each for sign, each in read.items() if sign.endswith("N")), "")) // divisor


def mongo_date(scope: Scope, value: Any = None, unit: Any = "millisecond") -> str:
    """A time, now if none is given, as MongoDB writes it."""
    nanoseconds = scope.surroundings.clock() if value is None else integer(value) * _unit(unit)
    moment = _moment(nanoseconds, UTC)
    return f'ISODate("{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9 // 10**6:03d}Z")'


FUNCTIONS = {
    "now_timestamp": takes(now_timestamp, 0, 1, with_scope=True),
    "now_rfc3339": takes(now_rfc3339, 0, 1, with_scope=True),
    "unix_ts_to_rfc3339": takes(to_rfc3339, 1, 2),
    "rfc3339_to_unix_ts": takes(from_rfc3339, 1, 2),
    "format_date": takes(format_date, 3, 4, with_scope=True),
    "date_to_unix_ts": takes(read_date, 3, 4),
    "timezone_to_second": takes(offset_seconds, 1),
    "timezone_to_offset_seconds": takes(offset_seconds, 1),
    "mongo_date": takes(mongo_date, 0, 2, with_scope=True),
}
