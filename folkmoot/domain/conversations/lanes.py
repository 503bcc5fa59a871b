"""How the lanes of a scope are read side by side, so that a page costs the same whatever the number of threads.

Theory. Ordered selections that each read one index from its start are put together under one order and limit: SQLite merges
them as they are asked for, a seek for each and a step for each row of the page; PostgreSQL takes the first of each. What no
index has in order is made of such selections. The highest of a window are those of its days, each of which an index has by
score. The hottest are found from the newest backwards: what ranks lowest on the page so far says which score older ones
need at least, and before which instant no score is enough.

Rules for changing it: every selection names all columns of its index from the left; whatever a limit cuts off is
looked for in another way; statements have few forms, for each is prepared once and kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from folkmoot.domain.conversations.ranking import HIGHEST, Ranked, between, least_score, months_before, ranked, reach
from folkmoot.store import Transaction, microseconds


class Scope(msgspec.Struct, frozen=True):
    """Where to look: lanes are conditions on threads (or answers) that each read one index from its start.

    One that `is_short` has few threads, which no index holds together; each query reads them all.
    """

    lanes: tuple[str, ...]
    parameters: dict[str, Any] = {}
    space_id: int | None = None
    table: str = "threads"
    is_short: bool = False


class Sorting(NamedTuple):
    """The columns to read, what they are sorted by first, so that rows compare as they are sorted."""

    columns: str
    order: str


BIRTH = Sorting("created_at, id", "created_at DESC, id DESC")
SCORE = Sorting("score, created_at, id", "score DESC, created_at DESC, id DESC")
# An answer is active when it is born.
_ACTIVITY = {
    "threads": Sorting("active_at, id, score, created_at", "active_at DESC, id DESC"),
    "answers": Sorting("created_at AS active_at, id, score, created_at", "active_at DESC, id DESC"),
}
_ACTIVE_AT = {"threads": "active_at", "answers": "created_at"}
# Written as in the index, or it is not found.
_DAY = "(created_at / 86400000000)"
_DAY_MICROSECONDS = 86_400_000_000

# So many selections are merged by one statement.
_MOST_SELECTIONS = 96
# A window with fewer threads than this is read whole.
_FEW = 150
# Of a window that has more days than these, so many of the highest ever are looked through, or so many for each of the page.
_SHORT_DAYS = 10
_MOST_HIGHEST = 600
_HIGHEST_EACH = 15
# The hottest are looked for among the newest, then in stretches of time each so many times as long as all before.
_NEWEST = 20
_LONGER = 16
_SHORTEST = 600_000_000
# For how many parts of a stretch the score that is needed is worked out.
_BANDS = 6
_EVER = 2**62


def merge(
    tx: Transaction,
    scope: Scope,
    by: Sorting,
    most: int,
    skip: int = 0,
    conditions: Sequence[str] = ("",),
    **parameters: Any,
) -> list[Any]:
    """Up to `most` rows of all lanes together after the first `skip`, sorted; each lane once for each condition."""
    parameters |= scope.parameters
    selections = [
        f"SELECT {by.columns} FROM {scope.table} WHERE {lane}{condition}"
        for condition in conditions
        for lane in scope.lanes
    ]
    if len(selections) <= _MOST_SELECTIONS:
        sql = f"{_merged(tx, selections, by)} LIMIT :most OFFSET :skip"
        return tx.rows(sql, most=most, skip=skip, upto=skip + most, **parameters)
    found: list[Any] = []
    for start in range(0, len(selections), _MOST_SELECTIONS):
        some = _merged(tx, selections[start : start + _MOST_SELECTIONS], by)
        rows = tx.rows(f"{some} LIMIT :upto", upto=skip + most, **parameters)
        found = sorted(found + rows, reverse=True)[: skip + most]
    return found[skip:]


def _merged(tx: Transaction, selections: Sequence[str], by: Sorting) -> str:
    """All but the end of a statement that takes some of the first `:upto` rows."""
    if tx.dialect == "postgresql" and len(selections) > 1:
        # It sorts all that it takes together, so that must not be more than what may be asked for.
        selections = [f"({each} ORDER BY {by.order} LIMIT :upto)" for each in selections]
    return f"{' UNION ALL '.join(selections)} ORDER BY {by.order}"


def top_since(tx: Transaction, scope: Scope, since: int, most: int, now: datetime) -> list[Any]:
    """The rows of the highest scores among what was born after `since`, sorted as by SCORE."""
    recent = " AND created_at > :since"
    if scope.is_short:
        return merge(tx, scope, SCORE, most, 0, (recent,), since=since)
    days = range(microseconds(now + timedelta(days=1)) // _DAY_MICROSECONDS, since // _DAY_MICROSECONDS - 1, -1)
    if len(days) > _SHORT_DAYS:
        found = _recent_among_highest(tx, scope, since, most)
        if len(found) == most:
            return found
    if len(days) * len(scope.lanes) > _MOST_SELECTIONS and _count(tx, scope, recent, since=since) < _FEW:
        return sorted(_gather(tx, scope, SCORE, recent, since=since), reverse=True)[:most]
    return _day_by_day(tx, scope, days, since, most)


def _gather(tx: Transaction, scope: Scope, by: Sorting, condition: str, **parameters: Any) -> list[Any]:
    """All rows of all lanes for which a condition holds, not sorted, lest an index is read for its order alone."""
    found: list[Any] = []
    parameters |= scope.parameters
    for start in range(0, len(scope.lanes), _MOST_SELECTIONS):
        some = scope.lanes[start : start + _MOST_SELECTIONS]
        sql = " UNION ALL ".join(f"SELECT {by.columns} FROM {scope.table} WHERE {lane}{condition}" for lane in some)
        found += tx.rows(sql, **parameters)
    return found


def _count(tx: Transaction, scope: Scope, condition: str, **parameters: Any) -> int:
    """How many there are, but not beyond what counts as few."""
    some = " UNION ALL ".join(f"SELECT 1 AS one FROM {scope.table} WHERE {lane}{condition}" for lane in scope.lanes)
    parameters |= scope.parameters
    return int(tx.value(f"SELECT count(*) FROM ({some} LIMIT :few) AS found", few=_FEW, **parameters))


def _recent_among_highest(tx: Transaction, scope: Scope, since: int, most: int) -> list[Any]:
    """Much of what scored highest ever may be recent enough; fewer than `most` are not all there are."""
    highest = max(_MOST_HIGHEST, _HIGHEST_EACH * most)
    if len(scope.lanes) > _MOST_SELECTIONS:
        return [row for row in merge(tx, scope, SCORE, highest) if row[1] > since][:most]
    lanes = _merged(tx, [f"SELECT {SCORE.columns} FROM {scope.table} WHERE {lane}" for lane in scope.lanes], SCORE)
    # What is limited comes in its own order, which the outer selection keeps and so stops as soon as it has enough.
    found = tx.rows(
        f"SELECT * FROM ({lanes} LIMIT :upto) AS best WHERE created_at > :since LIMIT :most",
        upto=highest,
        since=since,
        most=most,
        **scope.parameters,
    )
    return sorted(found, reverse=True)


def _day_by_day(tx: Transaction, scope: Scope, days: range, since: int, most: int) -> list[Any]:
    """As many days at once as one statement merges; the longer it takes, the higher a score must be to count."""
    found: list[Any] = []
    at_once = max(1, _MOST_SELECTIONS // len(scope.lanes))
    for start in range(0, len(days), at_once):
        some = days[start : start + at_once]
        floor = " AND score >= :floor" if len(found) == most and found else ""
        conditions = [f" AND {_DAY} = :day_{place} AND created_at > :since{floor}" for place in range(len(some))]
        values = {f"day_{place}": day for place, day in enumerate(some)}
        if floor:
            values["floor"] = found[-1][0]
        rows = merge(tx, scope, SCORE, most, 0, conditions, since=since, **values)
        found = sorted(found + rows, reverse=True)[:most] if found else rows
    return found


def hottest(tx: Transaction, scope: Scope, left_out: Collection[int], most: int, now: datetime) -> list[int]:
    """The ids of the first `most` by rank that rank above 0; fewer when there are no more such."""
    at, born_after = microseconds(now), microseconds(months_before(now, 1))
    by, active_at = _ACTIVITY[scope.table], _ACTIVE_AT[scope.table]

    def rank(rows: list[Any]) -> set[Ranked]:
        found = ranked(rows, at)
        return {each for each in found if each[2] not in left_out} if left_out else set(found)

    newest, highest, hot = _EVER, HIGHEST, list[Ranked]()
    if not scope.is_short:
        # Half as many more, so that the last of the page is not the lowest of all that were seen.
        size = max(_NEWEST, most + most // 2) + len(left_out)
        recent = f" AND {active_at} > :born_after AND +created_at > :born_after"
        rows = merge(tx, scope, by, size, 0, (recent,), born_after=born_after)
        hot = sorted(rank(rows), reverse=True)[:most]
        if len(rows) < size:
            return [each[2] for each in hot]
        newest, highest = rows[-1][0], merge(tx, scope, SCORE, 1)[0][0]
    while True:
        lowest = hot[-1][0] if len(hot) == most else 1
        # Nothing unseen that was last active before that ranks as high as the last of the page.
        end = reach(lowest, highest, at)
        if newest < end:
            return [each[2] for each in hot]
        oldest = end if scope.is_short else max(end, at - _LONGER * max(at - newest, _SHORTEST))
        rows = _promising(tx, scope, newest, oldest, lowest, at, born_after)
        hot = sorted(rank(rows).union(hot), reverse=True)[:most]
        newest = oldest - 1


def _promising(
    tx: Transaction, scope: Scope, newest: int, oldest: int, lowest: int, at: int, born_after: int
) -> list[Any]:
    """The rows last active in a stretch of time that may rank as high as `lowest`: the older, the higher the score must be."""
    active_at = _ACTIVE_AT[scope.table]
    edges = [newest, *(between(newest, oldest, place / _BANDS, at) for place in range(1, _BANDS))]
    values = {f"least_{place}": least_score(lowest, edge, at) for place, edge in enumerate(edges)}
    values |= {f"edge_{place}": edge for place, edge in enumerate(edges)}
    # Most are in the oldest part.
    bands = " ".join(f"WHEN {active_at} <= :edge_{place} THEN :least_{place}" for place in range(_BANDS - 1, 0, -1))
    condition = (
        f" AND {active_at} <= :edge_0 AND {active_at} >= :oldest AND +score >= CASE {bands} ELSE :least_0 END"
        " AND +created_at > :born_after"
    )
    return _gather(tx, scope, _ACTIVITY[scope.table], condition, oldest=oldest, born_after=born_after, **values)
