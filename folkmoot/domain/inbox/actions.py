"""What people do with what is for them: mark it as read, save it, write to one another."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.accounts import Actor, get_account, require_account, require_unbanned
from folkmoot.domain.conversations import ERASED, require_visible
from folkmoot.domain.inbox.model import Mention, PrivateMessage, check_private_body
from folkmoot.domain.inbox.queries import get_mention, get_private_message
from folkmoot.errors import Conflict, Forbidden, Invalid
from folkmoot.events import PrivateMessageSent
from folkmoot.store import Transaction


def mark_answer(tx: Transaction, actor: Actor, message_id: int, read: bool) -> None:
    """Say that one has read an answer, or has not. Raises Forbidden unless who was answered asks (lemmy §3.7)."""
    changed = tx.run(
        "UPDATE replies SET read = :read WHERE message_id = :id AND recipient_id = :account",
        read=read,
        id=message_id,
        account=require_account(actor),
    )
    if not changed:
        raise Forbidden("message.not_recipient", "Only who was answered may mark this as read.", "read")


def mark_mention(tx: Transaction, actor: Actor, mention_id: int, read: bool) -> Mention:
    """Say that one has read a mention, or has not. Raises NotFound, Forbidden unless who is named asks (lemmy §3.7)."""
    mention = get_mention(tx, mention_id)
    if mention.recipient_id != require_account(actor):
        raise Forbidden("mention.not_recipient", "Only who is named may mark this as read.")
    tx.run("UPDATE mentions SET read = :read WHERE id = :id", read=read, id=mention_id)
    return get_mention(tx, mention_id)


def mark_all(tx: Transaction, actor: Actor) -> None:
    """Mark every answer, mention and private message to the actor as read."""
    account_id = require_account(actor)
    for table in ("replies", "mentions", "private_messages"):
        tx.run(
            f"UPDATE {table} SET read = :read WHERE recipient_id = :account AND NOT read", read=True, account=account_id
        )


def save(tx: Transaction, actor: Actor, message_id: int, now: datetime) -> None:
    """Keep a post or a comment on the actor's list. Raises NotFound for what he may not see, Conflict when it is there."""
    account_id = require_account(actor)
    require_visible(tx, actor, message_id, now)
    added = tx.run(
        "INSERT INTO saved_messages (account_id, message_id, saved_at) VALUES (:account, :message, :now)"
        " ON CONFLICT DO NOTHING",
        account=account_id,
        message=message_id,
        now=now,
    )
    if not added:
        raise Conflict("message.saved_already", "This is saved already.")


def unsave(tx: Transaction, actor: Actor, message_id: int) -> None:
    """Take a post or a comment off the actor's list, if it is on it."""
    tx.run(
        "DELETE FROM saved_messages WHERE account_id = :account AND message_id = :message",
        account=require_account(actor),
        message=message_id,
    )


def send(tx: Transaction, actor: Actor, recipient_id: int, body: str, now: datetime) -> PrivateMessage:
    """Write to somebody. Raises Forbidden for the banned, NotFound, Invalid."""
    author_id = require_unbanned(actor)
    recipient = get_account(tx, recipient_id)
    if recipient.name is None:
        raise Invalid(
            "private_message.recipient", "This account cannot sign in, so it cannot read this.", "recipient_id"
        )
    sent: int = tx.value(
        "INSERT INTO private_messages (author_id, recipient_id, body, created_at)"
        " VALUES (:author, :recipient, :body, :now) RETURNING id",
        author=author_id,
        recipient=recipient_id,
        body=check_private_body(body),
        now=now,
    )
    tx.record(PrivateMessageSent(sent, author_id, recipient_id))
    return get_private_message(tx, sent, author_id)


def erase_some(tx: Transaction, account_id: int, before: datetime, most: int = 100) -> bool:
    """Take back the next of the private messages an account wrote until then, and what it saved; whether any may be left."""
    erased = tx.run(
        "UPDATE private_messages SET body = :body, deleted = :deleted WHERE id IN (SELECT id FROM private_messages"
        " WHERE author_id = :id AND created_at <= :before AND NOT (deleted AND body = :body) ORDER BY id LIMIT :most)",
        body=ERASED,
        deleted=True,
        id=account_id,
        before=before,
        most=most,
    )
    forgotten = tx.run(
        "DELETE FROM saved_messages WHERE account_id = :id AND message_id IN (SELECT message_id FROM saved_messages"
        " WHERE account_id = :id AND saved_at <= :before LIMIT :most)",
        id=account_id,
        before=before,
        most=most,
    )
    return max(erased, forgotten) >= most


def edit_private_message(
    tx: Transaction,
    actor: Actor,
    private_message_id: int,
    now: datetime,
    *,
    body: str | None = None,
    deleted: bool | None = None,
    read: bool | None = None,
) -> PrivateMessage:
    """Change a private message: who wrote it what it says, who got it whether it is read; None leaves a part as it is.

    Raises NotFound for others, Forbidden for what is the other's to change or for the banned.
    """
    account_id = require_unbanned(actor)
    old = get_private_message(tx, private_message_id, account_id)
    if read is not None and account_id != old.recipient_id:
        raise Forbidden("private_message.not_recipient", "Only who got it may mark it as read.")
    if read is None and account_id != old.author_id:
        raise Forbidden("private_message.not_author", "Only who wrote it may change it.")
    if read is not None:
        tx.run("UPDATE private_messages SET read = :read WHERE id = :id", read=read, id=old.id)
        return get_private_message(tx, old.id, account_id)
    tx.run(
        "UPDATE private_messages SET body = :body, deleted = :deleted, updated_at = :now WHERE id = :id",
        body=old.body if body is None else check_private_body(body),
        deleted=old.deleted if deleted is None else deleted,
        now=now,
        id=old.id,
    )
    return get_private_message(tx, old.id, account_id)
