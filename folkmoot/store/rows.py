"""Turns result rows into frozen values, alike for both databases.

The databases give what they store: SQLite knows no booleans, and instants are stored as whole microseconds since 1970
(one integer that both compare, index and page by alike). A value class says with its annotations what it wants; for each
class a constructor is generated once, so that a row costs about a microsecond whatever its width.
"""

from __future__ import annotations

import logging
import typing
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

log = logging.getLogger(__name__)

R = TypeVar("R")
T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """The instant, aware and in UTC, behind a stored integer."""
    return _EPOCH + timedelta(microseconds=microseconds)


def microseconds(at: datetime) -> int:
    """The stored integer of an aware instant."""
    return (at - _EPOCH) // _MICROSECOND


def _expression(annotation: Any, position: int) -> str:
    cell = f"r[{position}]"
    members = typing.get_args(annotation)
    optional = type(None) in members
    kinds = [m for m in members if m is not type(None)] if members else [annotation]
    if kinds == [datetime]:
        convert = f"moment({cell})"
    elif kinds == [bool]:
        convert = f"bool({cell})"
    elif kinds == [bytes]:
        # psycopg gives memoryview or bytes, sqlite3 bytes
        convert = f"bytes({cell})"
    else:
        return cell
    return f"(None if {cell} is None else {convert})" if optional else convert


_made: dict[type, Callable[[Sequence[Any]], Any]] = {}


def constructor(into: type[T]) -> Callable[[Sequence[Any]], T]:
    """A function from a row to a value of class `into`, whose fields stand in the order of the row's columns."""
    made = _made.get(into)
    if made is None:
        made = _made[into] = _make(into)
    return made


def _make(into: type[T]) -> Callable[[Sequence[Any]], T]:
    hints = typing.get_type_hints(into)
    fields: tuple[str, ...] = getattr(into, "__struct_fields__", None) or getattr(into, "_fields")  # noqa: B009
    arguments = ", ".join(_expression(hints[name], position) for position, name in enumerate(fields))
    source = f"lambda r: into({arguments})"
    # The text is built from positions alone: no name and no value of a caller gets into it.
    made: Callable[[Sequence[Any]], T] = eval(source, {"into": into, "moment": moment, "bool": bool, "bytes": bytes})
    return made


def readable(rows: Iterable[R], read: Callable[[R], T], what: str) -> list[T]:
    """What `read` makes of each row; one that makes no sense is reported, left where it is, and left out."""
    found = list[T]()
    for row in rows:
        try:
            found.append(read(row))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            log.error("a damaged row of %s was left out: %s: %s", what, type(error).__name__, error)
    return found
