"""Putting mail into the outbox, and the steps of its way out.

queued → claimed → sent, failed or caught; or back to queued, due later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from folkmoot.domain.outbox.model import Outcome, Outgoing
from folkmoot.errors import Invalid
from folkmoot.store import Transaction, expand

_UNSAFE = ("\r", "\n", "\0")


def enqueue(tx: Transaction, data: bytes, sender: str, recipients: Sequence[str], now: datetime) -> None:
    """Send a message (CRLF lines, RFC 5322) to recipients once this transaction commits; `sender` "" for the null sender.

    Raises Invalid for an address with CR, LF or NUL.
    """
    if not recipients:
        return
    if any(sign in address for address in (sender, *recipients) for sign in _UNSAFE):
        raise Invalid("outgoing.address", "An address holds no line breaks.", "recipient")
    body_id = tx.value(
        "INSERT INTO outgoing_bodies (data, created_at) VALUES (:data, :now) RETURNING id", data=data, now=now
    )
    tx.run_many(
        "INSERT INTO outgoing (body_id, sender, recipient, created_at, due_at) VALUES (:body, :sender, :recipient, :now, :now)",
        [{"body": body_id, "sender": sender, "recipient": recipient, "now": now} for recipient in recipients],
    )


def claim(tx: Transaction, now: datetime, most: int) -> list[Outgoing]:
    """Take due copies for sending, the longest due first; nobody else gets them until they are settled or reclaimed."""
    claimed = tx.all(
        Outgoing,
        "SELECT id, body_id, sender, recipient, attempts, created_at FROM outgoing"
        " WHERE state = 'queued' AND due_at <= :now ORDER BY due_at, id LIMIT :most",
        now=now,
        most=most,
    )
    if claimed:
        ids, parameters = expand("id", [copy.id for copy in claimed])
        tx.run(f"UPDATE outgoing SET state = 'claimed', attempts = attempts + 1 WHERE id IN {ids}", **parameters)
    return claimed


def settle(tx: Transaction, outcomes: Sequence[Outcome]) -> None:
    """Note what became of claimed copies."""
    tx.run_many(
        "UPDATE outgoing SET state = :state, last_reply = :reply, due_at = :due WHERE id = :id",
        [{"state": o.state, "reply": o.reply[:1000], "due": o.due_at, "id": o.id} for o in outcomes],
    )


def reclaim(tx: Transaction) -> int:
    """Put what was claimed when the server ended back into the queue, at start; how many."""
    return tx.run("UPDATE outgoing SET state = 'queued' WHERE state = 'claimed'")


def forget(tx: Transaction, before: datetime) -> int:
    """Drop copies made before an instant that need no more work, and bodies nobody waits for; how many copies."""
    dropped = tx.run(
        "DELETE FROM outgoing WHERE state IN ('sent', 'failed', 'caught') AND created_at < :before", before=before
    )
    tx.run(
        "DELETE FROM outgoing_bodies WHERE created_at < :before"
        " AND NOT EXISTS (SELECT 1 FROM outgoing WHERE outgoing.body_id = outgoing_bodies.id)",
        before=before,
    )
    return dropped
