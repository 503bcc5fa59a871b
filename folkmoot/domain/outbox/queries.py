"""The SQL that reads the outbox."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.outbox.model import MailView, OutgoingView
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, moment

_VIEW = "g.id, g.body_id, g.sender, g.recipient, g.state, g.attempts, g.created_at, g.due_at, g.last_reply"


def get_body(tx: Transaction, body_id: int) -> bytes:
    """The message that recipients share; raises NotFound."""
    data = tx.value("SELECT data FROM outgoing_bodies WHERE id = :id", id=body_id)
    if data is None:
        raise NotFound("outgoing.unknown", "There is no such mail.")
    return bytes(data)


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


def list_mails(tx: Transaction, most: int, before: int | None = None) -> list[MailView]:
    """The newest mails by body, the newest first; with `before` those with smaller ids.

    `state` is that of the copy shown. The bytes are cut after 16 KiB, which holds the header fields people look at.
    """
    older = "" if before is None else " WHERE b.id < :before"
    parameters = {} if before is None else {"before": before}
    return tx.all(
        MailView,
        "SELECT b.id, b.created_at, coalesce(substr(b.data, 1, 16384), b.data), g.recipient,"
        " (SELECT count(*) FROM outgoing c WHERE c.body_id = b.id), g.state"
        f" FROM (SELECT id, created_at, data FROM outgoing_bodies b{older} ORDER BY id DESC LIMIT :most) b"
        " JOIN outgoing g ON g.id = (SELECT min(h.id) FROM outgoing h WHERE h.body_id = b.id)"
        " ORDER BY b.id DESC",
        most=most,
        **parameters,
    )


def list_copies(tx: Transaction, body_id: int, most: int) -> list[OutgoingView]:
    """The copies of one mail, in the order of their recipients; none for an unknown one."""
    return tx.all(
        OutgoingView,
        f"SELECT {_VIEW} FROM outgoing g WHERE g.body_id = :body ORDER BY g.id LIMIT :most",
        body=body_id,
        most=most,
    )


def next_due_at(tx: Transaction) -> datetime | None:
    """When the next queued copy is due, or None when nothing is queued."""
    due = tx.value("SELECT min(due_at) FROM outgoing WHERE state = 'queued'")
    return None if due is None else moment(due)


def count_by_state(tx: Transaction) -> dict[str, int]:
    """How many copies are in each state."""
    return {row[0]: row[1] for row in tx.rows("SELECT state, count(*) FROM outgoing GROUP BY state")}
