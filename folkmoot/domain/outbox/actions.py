"""Putting mail into the outbox, and the steps of its way out.

queued → claimed → sent, failed or caught; or back to queued, due later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from folkmoot.domain.outbox.model import Outcome, Outgoing
from folkmoot.errors import Invalid
from folkmoot.store import Transaction, expand
from folkmoot.text import mail

# What a header section is looked for in.
_HEADER_OCTETS = 16 * 1024
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


def withdraw_some(
    tx: Transaction,
    after: int,
    addresses: Collection[str],
    withdrawn: Callable[[Transaction, Collection[str]], Collection[str]],
    most: int = 50,
) -> int | None:
    """Drop what goes to these addresses, and mails that `withdrawn` names among their Message-IDs, whatever their state.

    Looks at the next mails after one; the last of them, or None after the end.
    """
    rows = tx.rows(
        "SELECT id, substr(data, 1, :octets) FROM outgoing_bodies WHERE id > :after ORDER BY id LIMIT :most",
        octets=_HEADER_OCTETS,
        after=after,
        most=most,
    )
    if not rows:
        return None
    mail_ids = {row[0]: mail.parse(bytes(row[1])).message_id for row in rows}
    gone = withdrawn(tx, {mail_id for mail_id in mail_ids.values() if mail_id})
    for body_id, mail_id in mail_ids.items():
        if mail_id in gone:
            tx.run("DELETE FROM outgoing_bodies WHERE id = :id", id=body_id)
    first, last = rows[0][0], rows[-1][0]
    if addresses:
        words, values = expand("address", [each.lower() for each in addresses])
        concerned = tx.column(
            f"SELECT DISTINCT body_id FROM outgoing WHERE body_id >= :first AND body_id <= :last AND lower(recipient) IN {words}",
            first=first,
            last=last,
            **values,
        )
        for body_id in concerned:
            tx.run(f"DELETE FROM outgoing WHERE body_id = :id AND lower(recipient) IN {words}", id=body_id, **values)
            tx.run(
                "DELETE FROM outgoing_bodies WHERE id = :id"
                " AND NOT EXISTS (SELECT 1 FROM outgoing WHERE outgoing.body_id = outgoing_bodies.id)",
                id=body_id,
            )
    return int(last)
