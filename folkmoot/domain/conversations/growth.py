"""How messages come into being and threads grow: the rows and counters that change together.

No permission is asked here; `actions` has asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from folkmoot.domain.accounts import address_key
from folkmoot.domain.conversations.model import Arrival, Message
from folkmoot.domain.conversations.queries import get_message, get_thread
from folkmoot.domain.spaces import Space, relist_thread
from folkmoot.errors import Conflict
from folkmoot.events import MessagePosted
from folkmoot.store import Transaction

# lemmy §5.2: an old thread does not come up again because somebody answers.
_NO_BUMP_AFTER = timedelta(days=31)


def insert(
    tx: Transaction,
    space: Space,
    parent: Message | None,
    *,
    author_id: int,
    subject: str,
    body: str,
    origin: str,
    now: datetime,
    arrival: Arrival,
    inferred: bool = False,
    url: str | None = None,
    nsfw: bool = False,
    announce: bool = True,
) -> Message:
    """Write a message with all that hangs on it: mail headers, thread, counters, its author's own vote."""
    message_id: int = tx.value(
        "INSERT INTO messages (space_id, thread_id, parent_id, author_id, subject, body, origin, created_at)"
        " VALUES (:space, :thread, :parent, :author, :subject, :body, :origin, :now) RETURNING id",
        space=space.id,
        thread=parent.thread_id if parent else 0,
        parent=parent.id if parent else None,
        author=author_id,
        subject=subject,
        body=body,
        origin=origin,
        now=now,
    )
    _keep_mail(tx, space.id, message_id, arrival, inferred)
    tx.run(
        "INSERT INTO votes (message_id, account_id, value, created_at) VALUES (:id, :author, 1, :now)",
        id=message_id,
        author=author_id,
        now=now,
    )
    tx.run("INSERT INTO scores (message_id, upvotes, downvotes) VALUES (:id, 1, 0)", id=message_id)
    kind = "comment" if parent else "post"
    tx.run(
        f"UPDATE account_counts SET {kind}s = {kind}s + 1, {kind}_score = {kind}_score + 1 WHERE account_id = :id",
        id=author_id,
    )
    tx.run(f"UPDATE space_counts SET {kind}s = {kind}s + 1 WHERE space_id = :id", id=space.id)
    if parent is None:
        tx.run("UPDATE messages SET thread_id = id WHERE id = :id", id=message_id)
        tx.run(
            "INSERT INTO threads (id, space_id, url, nsfw, created_at, updated_at, active_at, participants, score)"
            " VALUES (:id, :space, :url, :nsfw, :now, :now, :now, 0, 1)",
            id=message_id,
            space=space.id,
            url=url or None,
            nsfw=nsfw,
            now=now,
        )
        relist_thread(tx, message_id)
    else:
        _grow(tx, parent.thread_id, now)
    thread_id = parent.thread_id if parent else message_id
    _join(tx, thread_id, arrival.from_address)
    if announce:
        tx.record(MessagePosted(message_id, thread_id, parent.id if parent else None, space.id, author_id, origin))
    return get_message(tx, message_id)


def _keep_mail(tx: Transaction, space_id: int, message_id: int, arrival: Arrival, inferred: bool) -> None:
    try:
        tx.run(
            "INSERT INTO mails (message_id, space_id, mail_id, in_reply_to, inferred, from_address, from_name, sent_at,"
            " is_patch, is_request_pull) VALUES (:id, :space, :mail_id, :in_reply_to, :inferred, :address, :name, :sent,"
            " :patch, :pull)",
            id=message_id,
            space=space_id,
            mail_id=arrival.mail_id,
            in_reply_to=arrival.in_reply_to,
            inferred=inferred,
            address=arrival.from_address,
            name=arrival.from_name,
            sent=arrival.sent_at,
            patch=arrival.is_patch,
            pull=arrival.is_request_pull,
        )
    except Conflict as error:
        raise Conflict("message.duplicate", "A message with this Message-ID is here already.") from error


def _grow(tx: Transaction, thread_id: int, now: datetime) -> None:
    tx.run(
        "UPDATE threads SET replies = replies + 1,"
        " updated_at = CASE WHEN updated_at < :now THEN :now ELSE updated_at END,"
        " active_at = CASE WHEN created_at > :bumps_from AND active_at < :now THEN :now ELSE active_at END"
        " WHERE id = :id",
        now=now,
        bumps_from=now - _NO_BUMP_AFTER,
        id=thread_id,
    )


def _join(tx: Transaction, thread_id: int, address: str) -> None:
    joined = tx.run(
        "INSERT INTO participants (thread_id, address_key) VALUES (:id, :key) ON CONFLICT DO NOTHING",
        id=thread_id,
        key=address_key(address),
    )
    if joined:
        tx.run("UPDATE threads SET participants = participants + 1 WHERE id = :id", id=thread_id)


def adopt(tx: Transaction, parent: Message, orphan: Message) -> None:
    """Put a message that came before its parent under it; the thread it headed becomes part of the parent's."""
    if orphan.id == parent.id or _is_above(tx, orphan, parent):
        return
    tx.run("UPDATE messages SET parent_id = :parent WHERE id = :id", parent=parent.id, id=orphan.id)
    tx.run("UPDATE mails SET inferred = :inferred WHERE message_id = :id", inferred=False, id=orphan.id)
    if not orphan.is_root or orphan.thread_id == parent.thread_id:
        return
    old = get_thread(tx, orphan.thread_id)
    tx.run("UPDATE messages SET thread_id = :new WHERE thread_id = :old", new=parent.thread_id, old=old.id)
    addresses = tx.column("SELECT address_key FROM participants WHERE thread_id = :id", id=old.id)
    tx.run("DELETE FROM threads WHERE id = :id", id=old.id)
    for address in addresses:
        _join(tx, parent.thread_id, address)
    tx.run("UPDATE threads SET replies = replies + :more WHERE id = :id", more=old.replies, id=parent.thread_id)
    _grow(tx, parent.thread_id, old.updated_at)
    # What headed a thread was a post; now it is a comment.
    tx.run(
        "UPDATE space_counts SET posts = posts - 1, comments = comments + 1 WHERE space_id = :id", id=parent.space_id
    )
    tx.run(
        "UPDATE account_counts SET posts = posts - 1, comments = comments + 1,"
        " post_score = post_score - :score, comment_score = comment_score + :score WHERE account_id = :id",
        score=old.score,
        id=orphan.author_id,
    )


def _is_above(tx: Transaction, candidate: Message, message: Message) -> bool:
    """Does `message` stand somewhere under `candidate`? Mails may claim to answer each other in a ring."""
    seen = {message.id}
    parent_id = message.parent_id
    while parent_id is not None and parent_id not in seen:
        if parent_id == candidate.id:
            return True
        seen.add(parent_id)
        parent_id = tx.value("SELECT parent_id FROM messages WHERE id = :id", id=parent_id)
    return False
