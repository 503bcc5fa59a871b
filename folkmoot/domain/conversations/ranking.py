"""In which order threads are listed; pure, knows no database.

A hot rank changes with every second, so no index can hold it, but it only grows with the score and with the last activity.
So a rank that is asked for says how old something may be at most, and which score it needs at least (`reach`,
`least_score`). Most threads rank 0, and those follow in the order of their birth, which an index has.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from math import floor, log10, pow
from typing import NamedTuple

_MICROSECONDS_IN_HOUR = 3_600_000_000
_MICROSECONDS_IN_SECOND = 1_000_000
#: No score is higher: it is a sum of votes, one by each account.
HIGHEST = 2**31


class Order(Enum):
    """By what threads are ordered; ties go to the younger one, then to the higher id."""

    HOT = "hot"
    NEW = "new"
    TOP = "top"


class Candidate(NamedTuple):
    """What ordering needs to know of a thread; instants in microseconds, as stored."""

    id: int
    score: int
    created_at: int
    active_at: int


# Rank, birth and id: what is larger comes first.
Ranked = tuple[int, int, int]


def hot_rank(score: int, at: int, now: int) -> int:
    """How high something with a score ranks that much later; instants in microseconds."""
    # lemmy §5.2
    hours = max(0, now - at) / _MICROSECONDS_IN_HOUR
    return floor(10_000 * log10(max(1, score + 3)) / pow(hours + 2, 1.8))


def months_before(now: datetime, months: int) -> datetime:
    """The instant so many calendar months earlier; the last of the month where the day does not exist."""
    years, month = divmod(now.month - 1 - months, 12)
    year = now.year + years
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))


def reach(rank: int, highest: int, now: int) -> int:
    """The instant before which nothing was last active that ranks as high (1 or more) at present, with that score or less."""
    hours = pow(10_000 * log10(max(1, highest + 3)) / rank, 1 / 1.8) - 2
    # A second more than it takes, so that the last digit of a logarithm never matters.
    return now - floor(hours * _MICROSECONDS_IN_HOUR) - _MICROSECONDS_IN_SECOND


def between(newer: int, older: int, part: float, now: int) -> int:
    """An instant between two, the part of the way that the score needed for a rank grows as evenly as it can."""
    start, end = (max(0, now - at) / _MICROSECONDS_IN_HOUR + 2 for at in (newer, older))
    return min(newer, max(older, now - floor((start * pow(end / start, part) - 2) * _MICROSECONDS_IN_HOUR)))


def least_score(rank: int, at: int, now: int) -> int:
    """A score below which nothing that was last active at an instant, or earlier, ranks as high at present."""
    exponent = rank * pow(max(0, now - at) / _MICROSECONDS_IN_HOUR + 2, 1.8) / 10_000
    return floor(pow(10, exponent)) - 4 if exponent < 10 else HIGHEST + 1


def ranked(rows: Iterable[tuple[int, int, int, int]], now: int) -> list[Ranked]:
    """Those that rank above 0, of rows of last activity, id, score and birth; of what activity counts for."""
    found = []
    for active_at, number, score, created_at in rows:
        # As in hot_rank, without a call for each of many.
        hours = (now - active_at) / _MICROSECONDS_IN_HOUR if now > active_at else 0
        rank = floor(10_000 * log10(score + 3) / pow(hours + 2, 1.8)) if score > -2 else 0
        if rank > 0:
            found.append((rank, created_at, number))
    return found


def sort_key(order: Order, now: int, bumped_since: int) -> Callable[[Candidate], tuple[int, ...]]:
    """What sorts candidates into an order when the largest comes first."""

    def key(each: Candidate) -> tuple[int, ...]:
        if order is Order.NEW:
            return each.created_at, each.id
        if order is Order.TOP:
            return each.score, each.created_at, each.id
        active_at = each.active_at if each.created_at > bumped_since else each.created_at
        return hot_rank(each.score, active_at, now), each.created_at, each.id

    return key
