"""What one person wrote or saved, as scopes for `listing`: few enough to be sorted as they are read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations.lanes import Scope
from folkmoot.domain.spaces import Listed, Rights, get_space, rights
from folkmoot.store import Transaction, expand

_WRITTEN = "SELECT id FROM messages WHERE author_id = :person"
_SAVED = "SELECT message_id FROM saved_messages WHERE account_id = :person"


def threads_by(
    tx: Transaction, actor: Actor, author_id: int, show_nsfw: bool, now: datetime, space_id: int | None = None
) -> Scope:
    """The threads an account started, where the actor may browse."""
    return _scope(tx, actor, "threads", _WRITTEN, author_id, show_nsfw, now, space_id)


def answers_by(tx: Transaction, actor: Actor, author_id: int, now: datetime) -> Scope:
    """The answers an account wrote, removed and deleted ones too, where the actor may browse."""
    return _scope(tx, actor, "answers", _WRITTEN, author_id, True, now)


def threads_saved(tx: Transaction, actor: Actor, show_nsfw: bool, now: datetime, space_id: int | None = None) -> Scope:
    """The threads the actor saved, where he may browse; nothing for nobody."""
    return _scope(tx, actor, "threads", _SAVED, actor.account_id or 0, show_nsfw, now, space_id)


def answers_saved(tx: Transaction, actor: Actor, now: datetime) -> Scope:
    """The answers the actor saved, where he may browse; nothing for nobody."""
    return _scope(tx, actor, "answers", _SAVED, actor.account_id or 0, True, now)


def _scope(
    tx: Transaction,
    actor: Actor,
    table: str,
    ids: str,
    person: int,
    show_nsfw: bool,
    now: datetime,
    space_id: int | None = None,
) -> Scope:
    open_to_all = (Listed.PUBLIC, Listed.NSFW) if show_nsfw else (Listed.PUBLIC,)
    inside = (Listed.INSIDE, Listed.INSIDE_NSFW) if show_nsfw else (Listed.INSIDE,)
    parameters: dict[str, Any] = {"person": person}
    here = ""
    if space_id is not None:
        here, parameters["here"] = " AND (space_id + 0) = :here", space_id

    def lane(listed: tuple[Listed, ...]) -> str:
        # The sums keep the database from walking everybody's in order to find the few of one person.
        return f"id IN ({ids}) AND (listed + 0) IN ({', '.join(str(int(each)) for each in listed)}){here}"

    lanes = [lane(open_to_all)]
    restricted = tx.column(f"SELECT DISTINCT space_id FROM {table} WHERE {lane(inside)}", **parameters)
    if found := [each for each in restricted if _may_browse(tx, actor, each, now)]:
        words, values = expand("inside", found)
        parameters |= values
        lanes.append(f"{lane(inside)} AND (space_id + 0) IN {words}")
    return Scope(tuple(lanes), parameters, table=table, is_short=True)


def _may_browse(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> bool:
    return bool(rights(tx, actor, get_space(tx, space_id), now) & Rights.BROWSE)
