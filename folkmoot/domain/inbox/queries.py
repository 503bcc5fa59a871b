"""The SQL that reads inboxes. Messages are named by their ids; `conversations` has the views."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from folkmoot.domain.accounts import Actor, require_account
from folkmoot.domain.conversations import Order
from folkmoot.domain.inbox.model import Mention, PrivateMessage, Received
from folkmoot.domain.spaces import Rights, get_space, rights
from folkmoot.errors import NotFound
from folkmoot.store import Transaction

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
    """Answers to the actor, where he may still browse, that are neither removed nor deleted."""
    where = " AND NOT m.removed AND NOT m.deleted" + (" AND NOT x.read" if unread_only else "")
    sql = f"SELECT m.space_id, x.message_id, x.recipient_id FROM replies x {_joined(where, order, since)}"
    return [Received(*row[1:]) for row in _browsable(tx, actor, sql, since, skip, most, now)]


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
) -> list[Mention]:
    """Mentions of the actor where he may still browse, of removed and deleted messages too (lemmy §5.7)."""
    where = " AND NOT x.read" if unread_only else ""
    sql = (
        f"SELECT m.space_id, x.id, x.recipient_id, x.message_id, x.read FROM mentions x {_joined(where, order, since)}"
    )
    return [Mention(row[1], row[2], row[3], bool(row[4])) for row in _browsable(tx, actor, sql, since, skip, most, now)]


def _joined(where: str, order: Order, since: datetime | None) -> str:
    by = _ORDERS[Order.TOP if order is Order.TOP else Order.NEW]
    window = " AND m.created_at > :since" if since is not None else ""
    return (
        "JOIN messages m ON m.id = x.message_id JOIN scores c ON c.message_id = m.id"
        f" WHERE x.recipient_id = :account{where}{window} ORDER BY {by} LIMIT :most OFFSET :skip"
    )


def _browsable(
    tx: Transaction, actor: Actor, sql: str, since: datetime | None, skip: int, most: int, now: datetime
) -> list[tuple[Any, ...]]:
    """The rows of the page whose space (the first column) the actor may browse; rights may have ended since."""
    may: dict[int, bool] = {}
    found: list[tuple[Any, ...]] = []
    at, size = 0, skip + most
    while len(found) < skip + most:
        rows = tx.rows(sql, account=require_account(actor), since=since, most=size, skip=at)
        for row in rows:
            if row[0] not in may:
                may[row[0]] = bool(rights(tx, actor, get_space(tx, row[0]), now) & Rights.BROWSE)
            if may[row[0]]:
                found.append(row)
        if len(rows) < size:
            break
        at, size = at + size, 2 * size
    return found[skip : skip + most]


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
