"""Saying something, answering, and what may be done to it afterwards, whatever door it comes through."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.accounts import Account, Actor, primary_address, require_account
from folkmoot.domain.conversations.addressed import note_mentions
from folkmoot.domain.conversations.growth import adopt, insert
from folkmoot.domain.conversations.model import (
    Arrival,
    Message,
    Thread,
    check_body,
    check_title,
    reply_subject,
)
from folkmoot.domain.conversations.queries import (
    get_message,
    get_thread,
    message_of_mail_id,
    orphans_of,
)
from folkmoot.domain.conversations.searching import reindex
from folkmoot.domain.spaces import (
    Rights,
    Space,
    get_space,
    relist_thread,
    require_right,
    require_unbanned_from,
    rights,
    rights_of_address,
)
from folkmoot.errors import Forbidden, Invalid
from folkmoot.events import MessageEdited, MessageRemoved, ThreadLocked
from folkmoot.ids import new_hex
from folkmoot.store import Transaction
from folkmoot.text.threads import candidates


def post(
    tx: Transaction,
    actor: Actor,
    space_id: int,
    title: str,
    body: str | None,
    now: datetime,
    *,
    origin: str,
    mail_domain: str,
    url: str | None = None,
    nsfw: bool = False,
) -> Message:
    """Start a thread, with a text or as a bare link.

    Raises NotFound for a space the actor may not see, Forbidden with `space.banned`, `account.banned` or
    `space.not_permitted`, Invalid for a bad title or body.
    """
    space = get_space(tx, space_id)
    _require_writing(tx, actor, space, Rights.POST, now)
    message = insert(
        tx,
        space,
        None,
        author_id=require_account(actor),
        subject=check_title(title),
        body=check_body(body or ""),
        origin=origin,
        now=now,
        arrival=_born_here(tx, actor, mail_domain, None, now),
        url=url,
        nsfw=nsfw,
    )
    if body is None:
        tx.run("UPDATE threads SET has_body = :has WHERE id = :id", has=False, id=message.id)
    return message


def reply(
    tx: Transaction, actor: Actor, parent_id: int, body: str, now: datetime, *, origin: str, mail_domain: str
) -> Message:
    """Answer a message.

    Raises as `post` does, Forbidden with `thread.locked` in a locked thread, Invalid when what is answered is gone.
    """
    parent = get_message(tx, parent_id)
    space = get_space(tx, parent.space_id)
    _require_writing(tx, actor, space, Rights.REPLY, now)
    thread = get_thread(tx, parent.thread_id)
    _require_open(thread, parent)
    root = get_message(tx, thread.id)
    parent_mail_id = tx.value("SELECT mail_id FROM mails WHERE message_id = :id", id=parent.id)
    return insert(
        tx,
        space,
        parent,
        author_id=require_account(actor),
        subject=reply_subject(root.subject),
        body=check_body(body),
        origin=origin,
        now=now,
        arrival=_born_here(tx, actor, mail_domain, parent_mail_id, now),
    )


def receive(
    tx: Transaction, account: Account, space: Space, arrival: Arrival, *, imported: bool = False
) -> Message | None:
    """Take in a mail to a space's list: a post, or a comment under what it answers; None for one that is here already.

    An import skips the questions of permission and locking, which were answered long ago elsewhere, and announces nothing.
    Raises Forbidden with the reason when the writer may not post, may not reply, or the thread is locked
    (sourcehut-lists §5.4, §6.1), Invalid when what is answered is gone.
    """
    parent, inferred = _parent(tx, space.id, arrival)
    if not imported:
        _require_mail_rights(tx, account, space, parent, inferred, arrival.created_at)
    # sourcehut-lists §5.4: after the permission, so that nobody learns what a closed list holds; but before the lock, for
    # a relay that says again what it said before the thread was locked.
    if message_of_mail_id(tx, space.id, arrival.mail_id) is not None:
        return None
    if parent is not None and not imported:
        _require_open(get_thread(tx, parent.thread_id), parent)
    message = insert(
        tx,
        space,
        parent,
        author_id=account.id,
        subject=arrival.subject,
        body=arrival.text,
        origin="mail",
        now=arrival.created_at,
        arrival=arrival,
        inferred=inferred,
        announce=not imported,
    )
    if arrival.data:
        tx.run("INSERT INTO originals (message_id, data) VALUES (:id, :data)", id=message.id, data=arrival.data)
    for orphan in orphans_of(tx, space.id, arrival.mail_id):
        adopt(tx, message, orphan)
    return message


def _require_mail_rights(
    tx: Transaction, account: Account, space: Space, parent: Message | None, inferred: bool, now: datetime
) -> None:
    held = rights_of_address(tx, account, space, now)
    # sourcehut-lists §5.4: a reply is what In-Reply-To makes one; the right to post serves for it as well (§2.9).
    needed = Rights.POST if parent is None or inferred or held & Rights.POST else Rights.REPLY
    if not held & needed:
        actor = Actor(account.id, account.label, account.is_admin, account.is_banned(now))
        require_unbanned_from(tx, actor, space.id, now)
        raise Forbidden("space.not_permitted", f"You may not {'reply' if parent else 'post'} to this list.")


def edit(
    tx: Transaction,
    actor: Actor,
    message_id: int,
    now: datetime,
    *,
    title: str | None = None,
    body: str | None = None,
    url: str | None = None,
    nsfw: bool | None = None,
) -> Message:
    """Change what a message says; None leaves a part as it is, what is empty stays so.

    Raises Forbidden with `message.not_author` unless its author asks, and as `post` does for bans.
    """
    message = get_message(tx, message_id)
    space = get_space(tx, message.space_id)
    if require_account(actor) != message.author_id:
        raise Forbidden("message.not_author", "Only its author may change a message.")
    require_unbanned_from(tx, actor, space.id, now)
    tx.run(
        "UPDATE messages SET subject = :subject, body = :body, updated_at = :now WHERE id = :id",
        subject=message.subject if title is None else check_title(title),
        body=message.body if body is None else check_body(body),
        now=now,
        id=message.id,
    )
    if message.is_root:
        thread = get_thread(tx, message.id)
        tx.run(
            "UPDATE threads SET url = :url, has_body = (has_body OR :given), nsfw = :nsfw WHERE id = :id",
            url=thread.url if url is None else url,
            given=body is not None,
            nsfw=thread.nsfw if nsfw is None else nsfw,
            id=thread.id,
        )
        relist_thread(tx, thread.id)
    tx.record(MessageEdited(message.id, message.thread_id, message.space_id, actor.account_id))
    edited = get_message(tx, message_id)
    reindex(tx, edited)
    if not edited.is_root:
        note_mentions(tx, edited)
    return edited


def set_removed(tx: Transaction, actor: Actor, message_id: int, removed: bool, now: datetime) -> Message:
    """Take a message away as a moderator, or put it back. Raises Forbidden without the right to moderate."""
    message = get_message(tx, message_id)
    require_right(rights(tx, actor, get_space(tx, message.space_id), now), Rights.MODERATE)
    return _hide(tx, actor, message, "removed", removed, now)


def set_deleted(tx: Transaction, actor: Actor, message_id: int, deleted: bool, now: datetime) -> Message:
    """Take one's own message away, or put it back. Raises Forbidden with `message.not_author` for others."""
    message = get_message(tx, message_id)
    if require_account(actor) != message.author_id:
        raise Forbidden("message.not_author", "Only its author may delete a message.")
    return _hide(tx, actor, message, "deleted", deleted, now)


def set_locked(tx: Transaction, actor: Actor, thread_id: int, locked: bool, now: datetime) -> Thread:
    """Close a thread to answers through every door, or open it. Raises Forbidden without the right to moderate."""
    thread = get_thread(tx, thread_id)
    require_right(rights(tx, actor, get_space(tx, thread.space_id), now), Rights.MODERATE)
    tx.run("UPDATE threads SET locked = :locked WHERE id = :id", locked=locked, id=thread_id)
    tx.run("UPDATE messages SET updated_at = :now WHERE id = :id", now=now, id=thread_id)
    tx.record(ThreadLocked(thread_id, thread.space_id, actor.account_id, locked))
    return get_thread(tx, thread_id)


def set_stickied(tx: Transaction, actor: Actor, thread_id: int, stickied: bool, now: datetime) -> Thread:
    """Keep a thread first in its space's listing, or let it go. Raises Forbidden without the right to moderate."""
    thread = get_thread(tx, thread_id)
    require_right(rights(tx, actor, get_space(tx, thread.space_id), now), Rights.MODERATE)
    tx.run("UPDATE threads SET stickied = :stickied WHERE id = :id", stickied=stickied, id=thread_id)
    tx.run("UPDATE messages SET updated_at = :now WHERE id = :id", now=now, id=thread_id)
    tx.record(MessageEdited(thread_id, thread_id, thread.space_id, actor.account_id))
    return get_thread(tx, thread_id)


# --- inside ---------------------------------------------------------------------------------------------------------


def _require_writing(tx: Transaction, actor: Actor, space: Space, needed: Rights, now: datetime) -> None:
    held = rights(tx, actor, space, now)
    if held & Rights.BROWSE and not held & needed:
        # Who is banned holds no right to write: which ban it was is asked only then, and told only who may read here.
        require_unbanned_from(tx, actor, space.id, now)
    require_right(held, needed)


def require_unlocked(thread: Thread) -> None:
    """Raises Forbidden with `thread.locked` for a thread in which nobody can answer."""
    if thread.locked:
        raise Forbidden("thread.locked", "This thread is locked: nobody can answer in it.")


def _require_open(thread: Thread, parent: Message) -> None:
    require_unlocked(thread)
    if not (thread.shown and parent.is_shown):
        raise Invalid("message.gone", "What you answer has been removed.", "parent_id")


def _born_here(tx: Transaction, actor: Actor, mail_domain: str, in_reply_to: str | None, now: datetime) -> Arrival:
    """The mail headers of a message that did not come by mail; its author's private address stays out of them."""
    author_id = require_account(actor)
    return Arrival(
        mail_id=f"<{new_hex(24)}@{mail_domain}>",
        in_reply_to=in_reply_to,
        references=(),
        subject="",
        text="",
        from_address=primary_address(tx, author_id) or f"{actor.name}@{mail_domain}",
        from_name=actor.name,
        sent_at=now,
        created_at=now,
        is_patch=False,
        is_request_pull=False,
        data=b"",
    )


def _parent(tx: Transaction, space_id: int, arrival: Arrival) -> tuple[Message | None, bool]:
    """The message a mail answers, and whether that was inferred from References (sourcehut-lists §6.1)."""
    for named in candidates(arrival.mail_id, arrival.in_reply_to or "", arrival.references):
        found = message_of_mail_id(tx, space_id, named.message_id)
        if found is not None:
            return get_message(tx, found), named.is_inferred
    return None, False


def _hide(tx: Transaction, actor: Actor, message: Message, flag: str, hidden: bool, now: datetime) -> Message:
    tx.run(
        f"UPDATE messages SET {flag} = :hidden, updated_at = :now WHERE id = :id", hidden=hidden, now=now, id=message.id
    )
    message = get_message(tx, message.id)
    if message.is_root:
        tx.run("UPDATE threads SET shown = :shown WHERE id = :id", shown=message.is_shown, id=message.id)
        relist_thread(tx, message.id)
    tx.record(MessageRemoved(message.id, message.thread_id, message.space_id, actor.account_id, not message.is_shown))
    return message
