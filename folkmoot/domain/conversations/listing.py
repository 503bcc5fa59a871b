"""Which threads or answers stand on a page of the forum, in order; their ids only, `views` has the rest.

Where to look is a scope; how it is read is `lanes`. A page costs the same whatever the number of threads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations.lanes import BIRTH, SCORE, Scope, hottest, merge, top_since
from folkmoot.domain.conversations.ranking import Candidate, Order, months_before, sort_key
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
        _, values = expand(name, _rounded(group))
        parameters |= values
        for lane in _lanes(show_nsfw, inside=name == "inside"):
            lanes += [f"space_id = :{each} AND {lane}" for each in values]
    return Scope(tuple(lanes), parameters)


def _rounded(group: list[int]) -> list[int]:
    """Filled up with spaces that are none, so that those who follow about as many share their statements."""
    step = 1 << max(0, len(group).bit_length() - 3)
    return group + [0] * (-len(group) % step)


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
    _, values = expand("space", _rounded(found))
    return Scope(tuple(f"space_id = :{each}" for each in values), values, table="answers")


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
    pinned = _pinned(tx, scope) if scope.space_id is not None and scope.table == "threads" else []
    first = _sorted(pinned, order, since, now) if pinned else []
    ids = first[skip : skip + most]
    if len(ids) < most:
        elsewhere = {each.id for each in pinned}
        ids += _in_order(tx, scope, order, since, elsewhere, max(0, skip - len(first)), most - len(ids), now)
    return ids


def _pinned(tx: Transaction, scope: Scope) -> list[Candidate]:
    # SQLite takes the index of the whole space for as good as that of the few.
    index = " INDEXED BY ix_threads_stickied" if tx.dialect == "sqlite" else ""
    lanes = " OR ".join(f"({lane})" for lane in scope.lanes)
    rows = tx.rows(
        f"SELECT id, score, created_at, active_at FROM threads{index} WHERE stickied AND space_id = :space AND ({lanes})",
        **scope.parameters,
    )
    return [Candidate(*row) for row in rows]


def _sorted(found: list[Candidate], order: Order, since: datetime | None, now: datetime) -> list[int]:
    """The ids of all that were found, in order; of a window, those that are in it."""
    key = sort_key(order, microseconds(now), microseconds(months_before(now, 1)))
    after = microseconds(since) if since is not None else -1
    return [each.id for each in sorted((each for each in found if each.created_at > after), key=key, reverse=True)]


def _in_order(
    tx: Transaction,
    scope: Scope,
    order: Order,
    since: datetime | None,
    left_out: set[int],
    skip: int,
    most: int,
    now: datetime,
) -> list[int]:
    upto = skip + most
    if order is Order.HOT:
        hot = hottest(tx, scope, left_out, upto, now)
        if len(hot) < upto:
            # The others rank alike, so the youngest of them comes first.
            before = left_out.union(hot)
            rest = merge(tx, scope, BIRTH, upto + len(left_out))
            hot += [row[-1] for row in rest if row[-1] not in before]
        return hot[skip:upto]
    if order is Order.TOP and since is not None:
        found = top_since(tx, scope, microseconds(since), upto + len(left_out), now)
        return [row[-1] for row in found if row[-1] not in left_out][skip:upto]
    by = SCORE if order is Order.TOP else BIRTH
    condition = " AND NOT stickied" if left_out else ""
    return [row[-1] for row in merge(tx, scope, by, most, skip, (condition,))]
