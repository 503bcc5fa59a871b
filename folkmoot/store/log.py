"""The event log: written with each change, read forward by cursors.

Rows are inserted at the very end of a transaction, on PostgreSQL under an advisory lock held to the commit, so ids follow
commit order and a reader that has seen id N never misses a smaller one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from folkmoot.events import AnyEvent, Recorded, encode, parse
from folkmoot.store.rows import moment
from folkmoot.store.transaction import Transaction

# Any number will do, as long as nothing else in this database takes the same advisory lock.
_LOCK = 0x666F6C6B


def append(tx: Transaction, events: Sequence[tuple[AnyEvent, str]], now: datetime) -> list[Recorded]:
    """Write (event, source) pairs to the log; the last statements of their transaction."""
    if not events:
        return []
    if tx.dialect == "postgresql":
        tx.rows("SELECT pg_advisory_xact_lock(:lock)", lock=_LOCK)
    return [
        Recorded(
            tx.value(
                "INSERT INTO events (recorded_at, body) VALUES (:now, :body) RETURNING id", now=now, body=encode(event)
            ),
            now,
            event,
            source,
        )
        for event, source in events
    ]


def newest(tx: Transaction) -> int:
    """The id of the newest event, 0 for an empty log."""
    return int(tx.value("SELECT max(id) FROM events") or 0)


def after(tx: Transaction, last: int, most: int = 500) -> list[Recorded]:
    """The events that follow id `last`, in order, at most `most` of them."""
    rows = tx.rows(
        "SELECT id, recorded_at, body FROM events WHERE id > :last ORDER BY id LIMIT :most", last=last, most=most
    )
    return [Recorded(row[0], moment(row[1]), parse(row[2])) for row in rows]


def cursor(tx: Transaction, reader: str) -> int:
    """How far a named reader has come, 0 for one that has not read yet."""
    return int(tx.value("SELECT event_id FROM cursors WHERE reader = :reader", reader=reader) or 0)


def advance(tx: Transaction, reader: str, event_id: int) -> None:
    """Note that a reader has dealt with everything up to `event_id`, in the transaction of what it did."""
    tx.run(
        "INSERT INTO cursors (reader, event_id) VALUES (:reader, :event_id)"
        " ON CONFLICT (reader) DO UPDATE SET event_id = excluded.event_id",
        reader=reader,
        event_id=event_id,
    )


def forget(tx: Transaction, before: datetime) -> int:
    """Drop events recorded before an instant that every reader is past; how many went."""
    return tx.run(
        "DELETE FROM events WHERE recorded_at < :before AND id <= coalesce((SELECT min(event_id) FROM cursors), 0)",
        before=before,
    )
