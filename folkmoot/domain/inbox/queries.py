"""The SQL that reads inboxes. Messages are named by their ids; `conversations` has the views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from folkmoot.domain.accounts import Actor, require_account
from folkmoot.domain.conversations import Order, hot_rank
from folkmoot.domain.inbox.model import Mention, PrivateMessage, Received
from folkmoot.domain.spaces import Rights, get_space, rights
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, microseconds

_PRIVATE = (
    "SELECT x.id, x.author_id, x.recipient_id, x.body, x.deleted, x.read, x.created_at, x.updated_at,"
    " a.label, p.avatar, b.label, q.avatar FROM private_messages x"
    " JOIN accounts a ON a.id = x.author_id JOIN preferences p ON p.account_id = x.author_id"
    " JOIN accounts b ON b.id = x.recipient_id JOIN preferences q ON q.account_id = x.recipient_id"
)
_ORDERS = {
    Order.NEW: "m.created_at DESC, m.id DESC",
    # Few are addressed to one person, so they are ranked as they are read.
    Order.TOP: "c.upvotes - c.downvotes DESC, m.created_at DESC, m.id DESC",
}
_SHOWN = " AND NOT m.removed AND NOT m.deleted"
# Whatever its score (of 32 bits), by then a comment ranks 0, and such follow by their birth.
_COLD_AFTER = timedelta(days=25)
# Of more that are younger, the newest are ranked.
_MOST_RANKED = 5000

Row = tuple[Any, ...]


def list_received(
    tx: Transaction,
    actor: Actor,
    order: Order,
    since: datetime | None,
    skip: int,
    most: int,
    now: datetime,
    *,
    unread_only: bool,
) -> list[Received]:
    """Answers to the actor, where he may still browse, that are neither removed nor deleted; HOT is NEW (lemmy §5.3)."""
    where = _SHOWN + (" AND NOT x.read" if unread_only else "")
    select = f"SELECT m.space_id, x.message_id, x.recipient_id FROM replies x {_joined(where, since)}"
    found = {"account": require_account(actor), "since": since}
    rows = _in_order(tx, select, Order.NEW if order is Order.HOT else order, found, skip + most)
    return [Received(*row[1:]) for row in _browsable(tx, actor, rows, skip, most, now)]


def list_mentions(
    tx: Transaction,
    actor: Actor,
    order: Order,
    since: datetime | None,
    skip: int,
    most: int,
    now: datetime,
    *,
    unread_only: bool,
    shown_only: bool = False,
) -> list[Mention]:
    """Mentions of the actor where he may still browse, of removed and deleted messages too (lemmy §5.7) unless not wanted."""
    where = " AND NOT x.read" if unread_only else ""
    if shown_only:
        where += _SHOWN
    select = (
        "SELECT m.space_id, x.id, x.recipient_id, x.message_id, x.read, m.created_at, c.upvotes - c.downvotes, m.id"
        f" FROM mentions x {_joined(where, since)}"
    )
    found = {"account": require_account(actor), "since": since}
    rows = (
        _hot(tx, select, found, skip + most, now)
        if order is Order.HOT
        else _in_order(tx, select, order, found, skip + most)
    )
    return [Mention(row[1], row[2], row[3], bool(row[4])) for row in _browsable(tx, actor, rows, skip, most, now)]


def _joined(where: str, since: datetime | None) -> str:
    window = " AND m.created_at > :since" if since is not None else ""
    return (
        "JOIN messages m ON m.id = x.message_id JOIN scores c ON c.message_id = m.id"
        f" WHERE x.recipient_id = :account{where}{window}"
    )


def _in_order(tx: Transaction, select: str, order: Order, found: dict[str, Any], size: int) -> Iterator[Row]:
    """The rows in an order of the database, read in chunks that grow."""
    at = 0
    while True:
        rows = tx.rows(f"{select} ORDER BY {_ORDERS[order]} LIMIT :most OFFSET :skip", most=size, skip=at, **found)
        yield from rows
        if len(rows) < size:
            return
        at, size = at + size, 2 * size


def _hot(tx: Transaction, select: str, found: dict[str, Any], size: int, now: datetime) -> Iterator[Row]:
    """The rows of mentions by their hot rank, then by birth; its columns 5 to 7 are birth, score and message."""
    young = tx.rows(
        f"{select} AND m.created_at > :cold ORDER BY {_ORDERS[Order.NEW]} LIMIT :most",
        cold=now - _COLD_AFTER,
        most=_MOST_RANKED,
        **found,
    )
    at = microseconds(now)
    yield from sorted(young, key=lambda row: (hot_rank(row[6], row[5], at), row[5], row[7]), reverse=True)
    ranked = {row[1] for row in young}
    yield from (row for row in _in_order(tx, select, Order.NEW, found, size + len(ranked)) if row[1] not in ranked)


def _browsable(tx: Transaction, actor: Actor, rows: Iterable[Row], skip: int, most: int, now: datetime) -> list[Row]:
    """The rows of the page whose space (the first column) the actor may browse; rights may have ended since."""
    may: dict[int, bool] = {}

    def is_open(row: Row) -> bool:
        if row[0] not in may:
            may[row[0]] = bool(rights(tx, actor, get_space(tx, row[0]), now) & Rights.BROWSE)
        return may[row[0]]

    return list(islice(filter(is_open, rows), skip, skip + most))


def get_mention(tx: Transaction, mention_id: int) -> Mention:
    """A mention by its id; raises NotFound."""
    found = tx.one(Mention, "SELECT id, recipient_id, message_id, read FROM mentions WHERE id = :id", id=mention_id)
    if found is None:
        raise NotFound("mention.unknown", "There is no such mention.")
    return found


def list_saved_ids(tx: Transaction, account_id: int) -> list[int]:
    """What an account saved, the newest first."""
    found: list[int] = tx.column(
        "SELECT message_id FROM saved_messages WHERE account_id = :id ORDER BY saved_at DESC, message_id DESC",
        id=account_id,
    )
    return found


def get_private_message(tx: Transaction, private_message_id: int, account_id: int) -> PrivateMessage:
    """A private message of its author or its recipient; raises NotFound, for everybody else too."""
    found = tx.one(
        PrivateMessage,
        f"{_PRIVATE} WHERE x.id = :id AND (x.author_id = :account OR x.recipient_id = :account)",
        id=private_message_id,
        account=account_id,
    )
    if found is None:
        raise NotFound("private_message.unknown", "There is no such message.")
    return found


def list_private_messages(
    tx: Transaction, account_id: int, skip: int, most: int, unread_only: bool
) -> list[PrivateMessage]:
    """What an account sent and got, or only what it has not read; nothing deleted; the newest first."""
    if unread_only:
        ids = "SELECT id FROM private_messages WHERE recipient_id = :account AND NOT read AND NOT deleted"
    else:
        # Two indexes, each read from its end as far as needed.
        side = (
            "SELECT * FROM (SELECT id FROM private_messages WHERE {} = :account AND NOT deleted"
            " ORDER BY id DESC LIMIT :upto) AS {}"
        )
        ids = f"{side.format('author_id', 'sent')} UNION {side.format('recipient_id', 'got')}"
    return tx.all(
        PrivateMessage,
        f"{_PRIVATE} WHERE x.id IN ({ids}) ORDER BY x.id DESC LIMIT :most OFFSET :skip",
        account=account_id,
        upto=skip + most,
        most=most,
        skip=skip,
    )
