"""The SQL that reads the outbox."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.outbox.model import OutgoingView
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, moment

_VIEW = "g.id, g.body_id, g.sender, g.recipient, g.state, g.attempts, g.created_at, g.due_at, g.last_reply"


def get_body(tx: Transaction, body_id: int) -> bytes:
    """The message that recipients share; raises NotFound."""
    data = tx.value("SELECT data FROM outgoing_bodies WHERE id = :id", id=body_id)
    if data is None:
        raise NotFound("outgoing.unknown", "There is no such mail.")
    return bytes(data)


def get_outgoing(tx: Transaction, outgoing_id: int) -> OutgoingView:
    """One recipient's copy; raises NotFound."""
    view = tx.one(OutgoingView, f"SELECT {_VIEW} FROM outgoing g WHERE g.id = :id", id=outgoing_id)
    if view is None:
        raise NotFound("outgoing.unknown", "There is no such mail.")
    return view


def list_newest(tx: Transaction, most: int, before: int | None = None) -> list[OutgoingView]:
    """The newest copies, whatever became of them, the newest first; with `before` those with smaller ids."""
    if before is None:
        return tx.all(OutgoingView, f"SELECT {_VIEW} FROM outgoing g ORDER BY g.id DESC LIMIT :most", most=most)
    return tx.all(
        OutgoingView,
        f"SELECT {_VIEW} FROM outgoing g WHERE g.id < :before ORDER BY g.id DESC LIMIT :most",
        before=before,
        most=most,
    )


def next_due_at(tx: Transaction) -> datetime | None:
    """When the next queued copy is due, or None when nothing is queued."""
    due = tx.value("SELECT min(due_at) FROM outgoing WHERE state = 'queued'")
    return None if due is None else moment(due)


def count_by_state(tx: Transaction) -> dict[str, int]:
    """How many copies are in each state."""
    return {row[0]: row[1] for row in tx.rows("SELECT state, count(*) FROM outgoing GROUP BY state")}
