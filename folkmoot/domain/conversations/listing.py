"""Which threads or answers stand on a page of the forum, in order; their ids only, `views` has the rest.

Every query here reads an index from its start and stops early, so a page costs the same whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations.ranking import Candidate, Order, highest, hottest, months_before
from folkmoot.domain.spaces import (
    Listed,
    Rights,
    get_forum_face,
    get_space,
    is_restricted,
    list_followed_ids,
    require_right,
    rights,
)
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, expand, microseconds

# An answer is active when it is born.
_COLUMNS = {"threads": "id, score, created_at, active_at", "answers": "id, score, created_at, created_at AS active_at"}
# Written as in the index, or it is not found.
_DAY = "(created_at / 86400000000)"
_DAY_MICROSECONDS = 86_400_000_000
_BY_BIRTH = "created_at DESC, id DESC"
_BY_ACTIVITY = {"threads": "active_at DESC, id DESC", "answers": _BY_BIRTH}
_BY_SCORE = "score DESC, created_at DESC, id DESC"

# Up to so many followed spaces are read side by side; more are found among everybody's threads.
_MOST_LANES = 60
# A window with fewer threads than this is read whole.
_FEW = 300


class Scope(msgspec.Struct, frozen=True):
    """Where to look: lanes are conditions on threads (or answers) that each read one index from its start."""

    lanes: tuple[str, ...]
    parameters: dict[str, Any] = {}
    space_id: int | None = None
    table: str = "threads"


def everywhere(show_nsfw: bool) -> Scope:
    """All threads that are listed for everybody."""
    return Scope(_lanes(show_nsfw))


def within(tx: Transaction, actor: Actor, space_id: int, show_nsfw: bool, now: datetime) -> Scope:
    """The threads of one space. Raises NotFound for those who may not browse it."""
    if get_forum_face(tx, space_id) is None:
        raise NotFound("space.unknown", "There is no such space.")
    inside = is_restricted(tx, space_id)
    if inside:
        require_right(rights(tx, actor, get_space(tx, space_id), now), Rights.BROWSE)
    lanes = _lanes(show_nsfw, inside=inside)
    return Scope(tuple(f"space_id = :space AND {lane}" for lane in lanes), {"space": space_id}, space_id)


def followed(tx: Transaction, actor: Actor, show_nsfw: bool, now: datetime) -> Scope:
    """The threads of the spaces the actor follows; nothing for nobody."""
    if actor.account_id is None:
        return Scope(())
    spaces = list_followed_ids(tx, actor.account_id)
    open_to_all = [space for space, restricted in spaces if not restricted]
    inside = [space for space, restricted in spaces if restricted]
    inside = [space for space in inside if rights(tx, actor, get_space(tx, space), now) & Rights.BROWSE]
    lanes: list[str] = []
    parameters: dict[str, Any] = {}
    for name, group in (("open", open_to_all), ("inside", inside)):
        words, values = expand(name, group)
        parameters |= values
        for lane in _lanes(show_nsfw, inside=name == "inside") if group else ():
            few = len(group) <= _MOST_LANES
            lanes += (
                [f"space_id = :{each} AND {lane}" for each in values] if few else [f"space_id IN {words} AND {lane}"]
            )
    return Scope(tuple(lanes), parameters)


def answers_everywhere() -> Scope:
    """All answers in communities that everybody may browse."""
    return Scope((f"listed = {Listed.PUBLIC:d}", f"listed = {Listed.NSFW:d}"), table="answers")


def answers_within(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> Scope:
    """The answers of one space. Raises NotFound for those who may not browse it."""
    if get_forum_face(tx, space_id) is None:
        raise NotFound("space.unknown", "There is no such space.")
    require_right(rights(tx, actor, get_space(tx, space_id), now), Rights.BROWSE)
    return Scope(("space_id = :space",), {"space": space_id}, table="answers")


def answers_followed(tx: Transaction, actor: Actor, now: datetime) -> Scope:
    """The answers in the communities the actor follows and may browse; nothing for nobody."""
    if actor.account_id is None:
        return Scope((), table="answers")
    found = [
        space
        for space, restricted in list_followed_ids(tx, actor.account_id)
        if not restricted or rights(tx, actor, get_space(tx, space), now) & Rights.BROWSE
    ]
    words, values = expand("space", found)
    few = len(found) <= _MOST_LANES
    lanes = [f"space_id = :{each}" for each in values] if few else [f"space_id IN {words}"]
    return Scope(tuple(lanes) if found else (), values, table="answers")


def _lanes(show_nsfw: bool, inside: bool = False) -> tuple[str, ...]:
    plain, nsfw = (Listed.INSIDE, Listed.INSIDE_NSFW) if inside else (Listed.PUBLIC, Listed.NSFW)
    return (f"listed = {plain:d}", f"listed = {nsfw:d}") if show_nsfw else (f"listed = {plain:d}",)


def list_ids(
    tx: Transaction, scope: Scope, order: Order, since: datetime | None, skip: int, most: int, now: datetime
) -> list[int]:
    """The ids of up to `most` threads (or answers) after the first `skip` ones; `since` limits a TOP order to what was born
    after it.

    In the listing of one space the stickied ones come first.
    """
    if not scope.lanes:
        return []
    has_pinned = scope.space_id is not None and scope.table == "threads"
    pinned = _pinned(tx, scope, order, since, now) if has_pinned else []
    ids = [each[0] for each in pinned[skip : skip + most]]
    if len(ids) < most:
        ids += _in_order(tx, scope, order, since, max(0, skip - len(pinned)), most - len(ids), now)
    return ids


def _pinned(tx: Transaction, scope: Scope, order: Order, since: datetime | None, now: datetime) -> list[Candidate]:
    # SQLite takes the index of the whole space for as good as that of the few.
    index = " INDEXED BY ix_threads_stickied" if tx.dialect == "sqlite" else ""
    found: list[Candidate] = [
        each
        for lane in scope.lanes
        for each in tx.rows(
            f"SELECT {_COLUMNS[scope.table]} FROM threads{index} WHERE stickied AND {lane}", **scope.parameters
        )
    ]
    by_birth = sorted(found, key=lambda each: (each[2], each[0]), reverse=True)
    if order is Order.TOP:
        after = microseconds(since) if since else 0
        return highest((each for each in found if each[2] > after), len(found))
    if order is Order.HOT:
        by_activity = sorted(found, key=lambda each: each[3], reverse=True)
        hot = _hot(iter([by_activity]), iter([]), len(found), now)
        return hot + [each for each in by_birth if each not in hot]
    return by_birth


def _in_order(
    tx: Transaction, scope: Scope, order: Order, since: datetime | None, skip: int, most: int, now: datetime
) -> list[int]:
    if order is Order.HOT:
        upto = skip + most
        newest = _chunks(tx, scope, _BY_ACTIVITY[scope.table], max(60, upto))
        hot = [each[0] for each in _hot(newest, _chunks(tx, scope, _BY_SCORE, max(20, upto)), upto, now)]
        if len(hot) < upto:
            ranked = set(hot)
            rest = _read(tx, scope, _BY_BIRTH, upto)
            hot += [each[0] for each in rest if each[0] not in ranked]
        return hot[skip:upto]
    if order is Order.TOP and since is not None:
        return [each[0] for each in _top_since(tx, scope, microseconds(since), skip + most, now)[skip:]]
    by = _BY_SCORE if order is Order.TOP else _BY_BIRTH
    return [each[0] for each in _read(tx, scope, by, most, skip)]


def _hot(
    newest: Iterator[list[Candidate]], best: Iterator[list[Candidate]], most: int, now: datetime
) -> list[Candidate]:
    return hottest(newest, best, most, microseconds(now), microseconds(months_before(now, 1)))


def _top_since(tx: Transaction, scope: Scope, since: int, most: int, now: datetime) -> list[Candidate]:
    """The highest scores among threads born after `since`, by whichever of three ways is short."""
    # Much of what scored highest ever may be recent enough.
    best = _read(tx, scope, _BY_SCORE, 64 + 2 * most)
    recent = [each for each in best if each[2] > since]
    if len(recent) >= most or len(best) < 64 + 2 * most:
        return recent[:most]
    # There may be few that are recent enough.
    few = _FEW + most
    young = _read(tx, scope, _BY_BIRTH, few, 0, " AND created_at > :since", since=since)
    if len(young) < few:
        return highest(young, most)
    # Otherwise day by day: each day has its threads in the order of their score.
    found = highest(young, most)
    for day in range(microseconds(now + timedelta(days=1)) // _DAY_MICROSECONDS, since // _DAY_MICROSECONDS - 1, -1):
        floor = found[-1][1] if len(found) >= most else -(2**31)
        of_day = _read(
            tx,
            scope,
            _BY_SCORE,
            most,
            0,
            f" AND {_DAY} = :day AND score >= :floor AND created_at > :since",
            day=day,
            floor=floor,
            since=since,
        )
        if of_day:
            found = highest(dict.fromkeys([*found, *of_day]), most)
    return found


def _chunks(tx: Transaction, scope: Scope, by: str, size: int) -> Iterator[list[Candidate]]:
    """A sorted stream in chunks that double, so that no stream costs more than twice what was needed of it."""
    skip = 0
    while True:
        chunk = _read(tx, scope, by, size, skip)
        if chunk:
            yield chunk
        if len(chunk) < size:
            return
        skip += size
        size *= 2


def _read(
    tx: Transaction, scope: Scope, by: str, most: int, skip: int = 0, condition: str = "", **parameters: Any
) -> list[Candidate]:
    """Up to `most` threads of all lanes together, in an order that an index has, after the first `skip`."""
    if scope.space_id is not None and scope.table == "threads":
        condition += " AND NOT stickied"
    select = f"SELECT {_COLUMNS[scope.table]} FROM {scope.table}"
    first = [f"{select} WHERE {lane}{condition} ORDER BY {by} LIMIT" for lane in scope.lanes]
    if len(first) == 1:
        sql = f"{first[0]} :most OFFSET :skip"
    else:
        each = " UNION ALL ".join(f"SELECT * FROM ({lane} :upto) AS lane" for lane in first)
        sql = f"SELECT * FROM ({each}) AS lanes ORDER BY {by} LIMIT :most OFFSET :skip"
        parameters["upto"] = skip + most
    return tx.rows(sql, most=most, skip=skip, **scope.parameters, **parameters)
