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
# Looking through so many takes two or three milliseconds.
_LITTLE = 1_500


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


def has_little(tx: Transaction, account_id: int, saved: bool) -> bool:
    """Whether an account wrote (or saved) so little that looking through it is a short read."""
    ids = _SAVED if saved else _WRITTEN
    return bool(tx.value(f"SELECT count(*) FROM ({ids} LIMIT {_LITTLE + 1}) AS found", person=account_id) <= _LITTLE)


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
    theirs = f"id IN ({ids})"
    if space_id is not None:
        theirs, parameters["here"] = f"{theirs} AND (space_id + 0) = :here", space_id
    # The sums keep the database from walking everybody's in order to find the few of one person.
    where = f"(listed + 0) IN ({_numbers(open_to_all)})"
    # Mostly there are none at all, and one look tells.
    if tx.rows(f"SELECT 1 FROM {table} WHERE listed IN ({_numbers(inside)}) LIMIT 1"):
        restricted = tx.column(
            f"SELECT DISTINCT space_id FROM {table} WHERE {theirs} AND (listed + 0) IN ({_numbers(inside)})",
            **parameters,
        )
        if found := [each for each in restricted if _may_browse(tx, actor, each, now)]:
            words, values = expand("inside", found)
            parameters |= values
            # One condition for all, or each of theirs is looked at twice.
            where = f"({where} OR (listed + 0) IN ({_numbers(inside)}) AND (space_id + 0) IN {words})"
    return Scope((f"{theirs} AND {where}",), parameters, table=table, is_short=True)


def _numbers(listed: tuple[Listed, ...]) -> str:
    return ", ".join(str(int(each)) for each in listed)


def _may_browse(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> bool:
    return bool(rights(tx, actor, get_space(tx, space_id), now) & Rights.BROWSE)
