"""In which order threads are listed; pure, works on rows from two sorted streams and knows no database.

Theory. A hot rank changes with every second, so no index can hold it, but it only grows with the score and with the last
activity. Reading one stream by activity (newest first) and one by score (highest first) side by side, whatever neither has
brought yet ranks at most as the lowest score and the oldest activity seen would together. Once enough threads rank above
that bound, nothing unseen can be among them (Fagin's threshold algorithm). Most threads rank 0, and those follow in the
order of their birth, which an index has.
"""

from __future__ import annotations

import heapq
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from math import floor, log10, pow
from typing import NamedTuple

_MICROSECONDS_IN_HOUR = 3_600_000_000


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


Chunks = Iterator[list[Candidate]]


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


def highest(found: Iterable[Candidate], most: int) -> list[Candidate]:
    """The first `most` by score."""
    return heapq.nlargest(most, found, key=lambda each: (each[1], each[2], each[0]))


def hottest(newest: Chunks, best: Chunks, most: int, now: int, bumped_since: int) -> list[Candidate]:
    """The first `most` of the threads that rank above 0; fewer when there are no more such.

    `newest` is ordered by activity, `best` by score, both falling. Activity counts only for threads born after
    `bumped_since`.
    """
    seen: dict[int, tuple[int, int, Candidate]] = {}
    lowest_score, oldest = 2**31, 2**63
    while True:
        ended = False
        for stream in (newest, best):
            chunk = next(stream, [])
            ended = ended or not chunk
            for each in chunk:
                number, score, created_at, active_at = each
                if number not in seen:
                    rank = hot_rank(score, active_at if created_at > bumped_since else created_at, now)
                    seen[number] = (rank, created_at, each)
            if chunk and stream is newest:
                oldest = chunk[-1][3]
            elif chunk:
                lowest_score = chunk[-1][1]
        bound = hot_rank(lowest_score, oldest, now)
        ranked = heapq.nlargest(most, seen.values(), key=lambda entry: (entry[0], entry[1], entry[2][0]))
        # What has the same rank but was born later comes first, and nobody is born after his last activity.
        enough = len(ranked) >= most and (not ranked or ranked[-1][:2] > (bound, oldest))
        if ended or enough or bound == 0:
            return [each for rank, _, each in ranked if rank > 0]
