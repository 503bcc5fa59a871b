"""What one person wrote or saved, as scopes for `listing`: few enough to be sorted as they are read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations.listing import Scope
from folkmoot.domain.spaces import Listed, Rights, get_space, is_restricted, rights
from folkmoot.store import Transaction, expand

_WRITTEN = "SELECT id FROM messages WHERE author_id = :person"
_SAVED = "SELECT message_id FROM saved_messages WHERE account_id = :person"


def threads_by(
    tx: Transaction, actor: Actor, author_id: int, show_nsfw: bool, now: datetime, space_id: int | None = None
) -> Scope:
    """The threads an account started, where the actor may browse."""
    return _scope(tx, actor, "threads", _WRITTEN, author_id, show_nsfw, now, space_id)


def answers_by(tx: Transaction, actor: Actor, author_id: int, now: datetime, space_id: int | None = None) -> Scope:
    """The answers an account wrote, removed and deleted ones too, where the actor may browse."""
    return _scope(tx, actor, "answers", _WRITTEN, author_id, True, now, space_id)


def threads_saved(tx: Transaction, actor: Actor, show_nsfw: bool, now: datetime, space_id: int | None = None) -> Scope:
    """The threads the actor saved, where he may browse; nothing for nobody."""
    return _scope(tx, actor, "threads", _SAVED, actor.account_id or 0, show_nsfw, now, space_id)


def answers_saved(tx: Transaction, actor: Actor, now: datetime, space_id: int | None = None) -> Scope:
    """The answers the actor saved, where he may browse; nothing for nobody."""
    return _scope(tx, actor, "answers", _SAVED, actor.account_id or 0, True, now, space_id)


def _scope(
    tx: Transaction,
    actor: Actor,
    table: str,
    ids: str,
    person: int,
    show_nsfw: bool,
    now: datetime,
    space_id: int | None,
) -> Scope:
    open_to_all = [Listed.PUBLIC, Listed.NSFW] if show_nsfw else [Listed.PUBLIC]
    inside = [Listed.INSIDE, Listed.INSIDE_NSFW] if show_nsfw else [Listed.INSIDE]
    found = [each for each in _spaces(tx, ids, person) if space_id in (None, each)]
    restricted = {each for each in found if is_restricted(tx, each)}
    # The sum keeps the database from walking everybody's in order to find the few of one person.
    written = f"id IN ({ids}) AND (listed + 0) IN"
    parameters: dict[str, Any] = {"person": person}
    lanes: list[str] = []
    for name, group, listed in (
        ("open", [each for each in found if each not in restricted], open_to_all),
        ("inside", [each for each in restricted if _may_browse(tx, actor, each, now)], inside),
    ):
        if group:
            words, values = expand(name, group)
            parameters |= values
            kinds = ", ".join(str(int(each)) for each in listed)
            lanes.append(f"{written} ({kinds}) AND (space_id + 0) IN {words}")
    return Scope(tuple(lanes), parameters, table=table)


def _spaces(tx: Transaction, ids: str, person: int) -> list[int]:
    found: list[int] = tx.column(f"SELECT DISTINCT space_id FROM messages WHERE id IN ({ids})", person=person)
    return found


def _may_browse(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> bool:
    return bool(rights(tx, actor, get_space(tx, space_id), now) & Rights.BROWSE)
