"""Taking back everything an account has said: noted at once, carried out in pieces so that nobody waits for it.

What was said keeps its place, so that answers keep theirs; its words, its link and its mail go (lemmy §4.1).
"""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.conversations.previews import forget_preview
from folkmoot.domain.conversations.queries import get_message
from folkmoot.domain.conversations.searching import reindex
from folkmoot.domain.spaces import relist_thread
from folkmoot.events import MessageRemoved
from folkmoot.store import Transaction

# As the reference writes it.
ERASED = "*Permananently Deleted*"
_ERASED_URL = "https://deleted.com"


def request_erasure(tx: Transaction, account_id: int, now: datetime) -> None:
    """Everything an account has said so far is to go; `erase_some` does it."""
    tx.run(
        "INSERT INTO erasures (account_id, upto_id, requested_at)"
        " VALUES (:id, (SELECT coalesce(max(id), 0) FROM messages), :now)"
        " ON CONFLICT (account_id) DO UPDATE SET upto_id = excluded.upto_id, done_id = 0",
        id=account_id,
        now=now,
    )


def is_erasing(tx: Transaction) -> bool:
    """Whether anything is still to go."""
    return bool(tx.rows("SELECT 1 FROM erasures LIMIT 1"))


def erase_some(tx: Transaction, now: datetime, most: int = 100) -> bool:
    """Erases a piece of what is to go; whether anything may be left."""
    rows = tx.rows("SELECT account_id, upto_id, done_id FROM erasures ORDER BY requested_at LIMIT 1")
    if not rows:
        return False
    account_id, upto, done = rows[0]
    ids = tx.column(
        "SELECT id FROM messages WHERE author_id = :author AND id > :done AND id <= :upto ORDER BY id LIMIT :most",
        author=account_id,
        done=done,
        upto=upto,
        most=most,
    )
    for message_id in ids:
        _erase(tx, message_id, now)
    if len(ids) < most:
        tx.run("DELETE FROM erasures WHERE account_id = :id", id=account_id)
    else:
        tx.run("UPDATE erasures SET done_id = :done WHERE account_id = :id", done=ids[-1], id=account_id)
    return True


def _erase(tx: Transaction, message_id: int, now: datetime) -> None:
    message = get_message(tx, message_id)
    tx.run(
        "UPDATE messages SET subject = :subject, body = :text, deleted = :gone, updated_at = :now WHERE id = :id",
        subject=ERASED if message.is_root else message.subject,
        text=ERASED,
        gone=True,
        now=now,
        id=message_id,
    )
    tx.run("UPDATE mails SET from_address = '', from_name = '' WHERE message_id = :id", id=message_id)
    tx.run("DELETE FROM originals WHERE message_id = :id", id=message_id)
    if message.is_root:
        tx.run(
            "UPDATE threads SET url = :url, has_body = :yes, shown = :no WHERE id = :id",
            url=_ERASED_URL,
            yes=True,
            no=False,
            id=message_id,
        )
        forget_preview(tx, message_id)
        relist_thread(tx, message_id)
    reindex(tx, get_message(tx, message_id))
    tx.record(MessageRemoved(message_id, message.thread_id, message.space_id, message.author_id, True))
