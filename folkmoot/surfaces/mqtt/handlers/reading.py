"""What several handlers read alike: times in parameters, and pages of what is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from folkmoot.errors import Invalid
from folkmoot.surfaces.mqtt import schema

T = TypeVar("T")

# So many are looked at before the sockets get a turn.
_GIVE_WAY_EVERY = 5_000


def moment(value: int | str, name: str, *, milliseconds: bool = False) -> datetime:
    """A time given as a number since 1970 or as RFC 3339."""
    try:
        if isinstance(value, str) and not value.isdigit():
            found = datetime.fromisoformat(value)
            if found.tzinfo is None:
                raise ValueError(value)
            return found.astimezone(UTC)
        return datetime.fromtimestamp(int(value) / (1000 if milliseconds else 1), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid("time.invalid", "This is neither a number since 1970 nor a time of RFC 3339.", name) from error


async def page(
    candidates: Iterable[T], tests: Sequence[Callable[[T], bool]], query: schema.Paged
) -> tuple[list[T], int]:
    """The rows of the page asked for, and how many pass the tests altogether."""
    first = (query.page - 1) * query.limit
    rows = list(candidates)
    if not tests:
        return list(islice(rows, first, first + query.limit)), len(rows)
    found = await passing(rows, tests)
    return found[first : first + query.limit], len(found)


async def passing(candidates: Iterable[T], tests: Sequence[Callable[[T], bool]]) -> list[T]:
    """The rows that pass all tests, in their order."""
    rows, found = list(candidates), list[T]()
    for start in range(0, len(rows), _GIVE_WAY_EVERY):
        found += [row for row in rows[start : start + _GIVE_WAY_EVERY] if all(test(row) for test in tests)]
        if start:
            await asyncio.sleep(0)
    return found
