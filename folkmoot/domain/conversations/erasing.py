"""Taking back everything an account has said: noted at once, carried out in pieces so that nobody waits for it.

What was said keeps its place, so that answers keep theirs; its words, its link and its mail go (lemmy §4.1), and so does
what others' answers have of its title. Its Message-ID stays, or a relay could bring the mail again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from folkmoot.domain.accounts import address_key
from folkmoot.domain.conversations.model import Message, reply_subject
from folkmoot.domain.conversations.previews import forget_preview
from folkmoot.domain.conversations.queries import get_message
from folkmoot.domain.conversations.searching import reindex
from folkmoot.domain.spaces import relist_thread
from folkmoot.events import MessageRemoved
from folkmoot.store import Transaction, expand

# As the reference writes it.
ERASED = "*Permananently Deleted*"
_ERASED_URL = "https://deleted.com"
_ERASED_REPLY = reply_subject(ERASED)


class Erasure(msgspec.Struct, frozen=True):
    """A wish that is being carried out: all that an account had said when it asked."""

    account_id: int
    requested_at: datetime


def request_erasure(tx: Transaction, account_id: int, now: datetime) -> None:
    """Everything an account has said so far is to go; `erase_some` does it, `end_erasure` says that it is done."""
    tx.run(
        "INSERT INTO erasures (account_id, upto_id, requested_at)"
        " VALUES (:id, (SELECT coalesce(max(id), 0) FROM messages), :now)"
        " ON CONFLICT (account_id) DO UPDATE SET upto_id = excluded.upto_id, done_id = 0,"
        " requested_at = excluded.requested_at",
        id=account_id,
        now=now,
    )


def find_erasure(tx: Transaction) -> Erasure | None:
    """The wish that has waited for longest."""
    return tx.one(Erasure, "SELECT account_id, requested_at FROM erasures ORDER BY requested_at, account_id LIMIT 1")


def erase_some(tx: Transaction, account_id: int, now: datetime, most: int = 20) -> bool:
    """Erases the next of an account's messages; whether any may be left."""
    rows = tx.rows("SELECT upto_id, done_id FROM erasures WHERE account_id = :id", id=account_id)
    if not rows:
        return False
    upto, done = rows[0]
    ids = tx.column(
        "SELECT id FROM messages WHERE author_id = :author AND id > :done AND id <= :upto ORDER BY id LIMIT :most",
        author=account_id,
        done=done,
        upto=upto,
        most=most,
    )
    left = most
    for message_id in ids:
        message = get_message(tx, message_id)
        if message.is_root:
            left -= _forget_title(tx, message, left)
        if left <= 0:
            break
        _erase(tx, message, now)
        done, left = message_id, left - 1
    if not ids:
        done = upto
    tx.run("UPDATE erasures SET done_id = :done WHERE account_id = :id", done=done, id=account_id)
    return bool(ids)


def end_erasure(tx: Transaction, account_id: int) -> bool:
    """Note that everything is gone; false when the account has asked again meanwhile, and more is to go."""
    return bool(tx.run("DELETE FROM erasures WHERE account_id = :id AND done_id >= upto_id", id=account_id))


def erased_among(tx: Transaction, account_id: int, mail_ids: Collection[str]) -> set[str]:
    """Which of these Message-IDs are those of an account's messages that are gone."""
    if not mail_ids:
        return set()
    words, values = expand("mail", list(mail_ids))
    found = tx.column(
        "SELECT x.mail_id FROM mails x JOIN messages m ON m.id = x.message_id"
        f" WHERE x.mail_id IN {words} AND m.author_id = :author AND m.deleted AND m.body = :erased",
        author=account_id,
        erased=ERASED,
        **values,
    )
    return set(found)


def _forget_title(tx: Transaction, root: Message, most: int) -> int:
    """Take a title out of the subjects of answers to it, as many as `most`; how many there were."""
    # Those born here have it from the title, whatever it was then; a mail's writer may have chosen his own.
    ids = tx.column(
        "SELECT id FROM messages WHERE thread_id = :id AND id <> :id AND subject <> :new"
        " AND (origin <> 'mail' OR subject IN (:old, :answered)) ORDER BY id LIMIT :most",
        id=root.id,
        new=_ERASED_REPLY,
        old=root.subject,
        answered=reply_subject(root.subject),
        most=most,
    )
    for each in ids:
        tx.run("UPDATE messages SET subject = :new WHERE id = :id", new=_ERASED_REPLY, id=each)
        reindex(tx, get_message(tx, each))
    return len(ids)


def _erase(tx: Transaction, message: Message, now: datetime) -> None:
    tx.run(
        "UPDATE messages SET subject = :subject, body = :text, deleted = :gone, updated_at = :now WHERE id = :id",
        subject=ERASED if message.is_root else _ERASED_REPLY,
        text=ERASED,
        gone=True,
        now=now,
        id=message.id,
    )
    _forget_writer(tx, message)
    tx.run("DELETE FROM originals WHERE message_id = :id", id=message.id)
    if message.is_root:
        tx.run(
            "UPDATE threads SET url = :url, has_body = :yes, shown = :no WHERE id = :id",
            url=_ERASED_URL,
            yes=True,
            no=False,
            id=message.id,
        )
        forget_preview(tx, message.id)
        relist_thread(tx, message.id)
    reindex(tx, get_message(tx, message.id))
    tx.record(MessageRemoved(message.id, message.thread_id, message.space_id, message.author_id, True))


def _forget_writer(tx: Transaction, message: Message) -> None:
    """Take the address out of a message's mail, and out of who takes part in its thread; how many do stays."""
    address = tx.value("SELECT from_address FROM mails WHERE message_id = :id", id=message.id)
    if not address:
        return
    tx.run("UPDATE mails SET from_address = '', from_name = '' WHERE message_id = :id", id=message.id)
    here = {"thread": message.thread_id, "key": address_key(address)}
    if tx.run("DELETE FROM participants WHERE thread_id = :thread AND address_key = :key", **here):
        tx.run(
            "INSERT INTO participants (thread_id, address_key) VALUES (:thread, :nobody) ON CONFLICT DO NOTHING",
            thread=message.thread_id,
            nobody=f"account {message.author_id}",
        )
