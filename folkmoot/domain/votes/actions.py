"""Voting on posts and comments."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.accounts import Actor, require_account
from folkmoot.domain.conversations import Message, get_message
from folkmoot.domain.spaces import Rights, find_site, get_space, require_right, require_unbanned_from, rights
from folkmoot.errors import Forbidden, Invalid
from folkmoot.events import VoteCast
from folkmoot.store import Transaction


def cast(tx: Transaction, actor: Actor, message_id: int, value: int, now: datetime) -> Message:
    """Give a message an account's vote of 1 or -1 in place of any before, or take it back with 0.

    Raises Invalid for another value, Forbidden with `vote.no_downvotes`, `space.banned` or `account.banned`, NotFound.
    """
    account_id = require_account(actor)
    site = find_site(tx)
    if value == -1 and site is not None and not site.enable_downvotes:
        raise Forbidden("vote.no_downvotes", "Votes against are switched off here.")
    message = get_message(tx, message_id)
    space = get_space(tx, message.space_id)
    # Before the bans: whoever may not see it must not learn from their codes that it is there.
    require_right(rights(tx, actor, space, now), Rights.BROWSE)
    require_unbanned_from(tx, actor, space.id, now)
    if value not in (-1, 0, 1):
        raise Invalid("vote.value", "A vote is 1, 0 or -1.", "score")
    old = int(
        tx.value(
            "SELECT value FROM votes WHERE message_id = :id AND account_id = :account",
            id=message_id,
            account=account_id,
        )
        or 0
    )
    if value != old:
        _replace(tx, message_id, account_id, value, now)
        _count(tx, message, old, value)
    tx.record(VoteCast(message.id, message.thread_id, message.space_id, account_id))
    return message


def _replace(tx: Transaction, message_id: int, account_id: int, value: int, now: datetime) -> None:
    tx.run("DELETE FROM votes WHERE message_id = :id AND account_id = :account", id=message_id, account=account_id)
    if value:
        tx.run(
            "INSERT INTO votes (message_id, account_id, value, created_at) VALUES (:id, :account, :value, :now)",
            id=message_id,
            account=account_id,
            value=value,
            now=now,
        )


def _count(tx: Transaction, message: Message, old: int, value: int) -> None:
    tx.run(
        "UPDATE scores SET upvotes = upvotes + :up, downvotes = downvotes + :down WHERE message_id = :id",
        up=(value == 1) - (old == 1),
        down=(value == -1) - (old == -1),
        id=message.id,
    )
    column = "post_score" if message.is_root else "comment_score"
    tx.run(
        f"UPDATE account_counts SET {column} = {column} + :change WHERE account_id = :id",
        change=value - old,
        id=message.author_id,
    )
    table = "threads" if message.is_root else "answers"
    tx.run(f"UPDATE {table} SET score = score + :change WHERE id = :id", change=value - old, id=message.id)
