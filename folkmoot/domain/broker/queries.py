"""What the broker's database holds, written: rows by their keys, over what was there.

Reading it all again at a start is `restoring`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from folkmoot.store import Transaction

from .model import Damaged, Message, Postponed, Row

_MICROSECONDS = 1_000_000
#: Rows set aside; of more, the oldest go.
_DAMAGED_MAX = 10_000

_MESSAGE = ("topic", "payload", "qos", "retain", "fields", "published_at", "expires_at", "from_client", "from_name")
#: Table → the columns of its key, and the others.
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "retained": (("topic_key",), tuple(name for name in _MESSAGE if name != "retain")),
    "sessions": (
        ("id",),
        (
            "client_id", "account_id", "account_name", "clean_start", "expiry_interval",
            "created_at", "connected_at", "disconnected_at", "expires_at",
        ),
    ),
    "session_wills": (
        ("session_id",),
        ("topic", "payload", "qos", "retain", "fields", "expiry", "delay", "due_at"),
    ),
    "session_clients": (("session_id",), ("document",)),
    "session_filters": (
        ("session_id", "filter_key"),
        ("topic_filter", "qos", "no_local", "retain_as_published", "retain_handling", "identifier"),
    ),
    "queued_messages": (("id",), _MESSAGE),
    "deliveries": (
        ("id",),
        (
            "session_id", "message_id", "qos", "retain", "identifiers", "share_group", "share_filter",
            "packet_id", "released",
        ),
    ),
    "received_ids": (("session_id", "packet_id"), ()),
    "delayed_messages": (("id",), (*_MESSAGE, "account_id", "due_at", "interval")),
}  # fmt: skip


def save(tx: Transaction, table: str, rows: Sequence[Row]) -> None:
    """Writes rows over those with the same keys."""
    if not rows:
        return
    keys, others = COLUMNS[table]
    columns = (*keys, *others)
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    tx.run_many(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(':' + name for name in columns)}) "
        f"ON CONFLICT ({', '.join(keys)}) {'DO UPDATE SET ' + changes if changes else 'DO NOTHING'}",
        rows,
    )


def delete(tx: Transaction, table: str, keys: Sequence[Row]) -> None:
    """Removes the rows with these keys."""
    if keys:
        where = " AND ".join(f"{name} = :{name}" for name in COLUMNS[table][0])
        tx.run_many(f"DELETE FROM {table} WHERE {where}", keys)


def message_row(message: Message) -> Row:
    """A message as its columns."""
    return {
        "topic": message.topic,
        "payload": message.payload,
        "qos": message.qos,
        "retain": message.retain,
        "fields": message.fields,
        "published_at": round(message.published_at * _MICROSECONDS),
        "expires_at": round(message.expires_at * _MICROSECONDS) or None,
        "from_client": message.from_client,
        "from_name": message.from_name,
    }


def delayed_row(one: Postponed) -> Row:
    """A message that is published later as its columns."""
    return {
        **message_row(one.message),
        "account_id": one.account_id,
        "due_at": round(one.due_at * _MICROSECONDS),
        "interval": round(one.interval),
    }


def key(text: str) -> bytes:
    """What a text that may be longer than an index takes is found by."""
    return hashlib.sha256(text.encode()).digest()


def set_aside(tx: Transaction, damaged: Sequence[Damaged], found_at: float) -> None:
    """Moves damaged rows out of the way, to where they can be looked at."""
    for one in damaged:
        tx.run(
            "INSERT INTO damaged_rows (source, content, reason, found_at) VALUES (:source, :content, :reason, :found_at)",
            source=one.table,
            content=ascii(one.row),
            reason=one.reason,
            found_at=round(found_at * _MICROSECONDS),
        )
        names = COLUMNS[one.table][0]
        delete(tx, one.table, [dict(zip(names, one.row, strict=False))])
    tx.run("DELETE FROM damaged_rows WHERE id <= (SELECT MAX(id) FROM damaged_rows) - :most", most=_DAMAGED_MAX)
