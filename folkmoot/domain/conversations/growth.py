"""How messages come into being and threads grow: the rows and counters that change together.

No permission is asked here; `actions` has asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from folkmoot.domain.accounts import address_key
from folkmoot.domain.conversations.addressed import note_answer, note_mentions
from folkmoot.domain.conversations.model import Arrival, Message
from folkmoot.domain.conversations.queries import get_thread
from folkmoot.domain.spaces import LISTED_ANSWER_WHEN_NEW, LISTED_WHEN_NEW, Space
from folkmoot.errors import Conflict
from folkmoot.events import MessagePosted
from folkmoot.store import Transaction
from folkmoot.text.threads import closes_circle

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
    thread_id = parent.thread_id if parent else message_id
    if parent is None:
        tx.run("UPDATE messages SET thread_id = id WHERE id = :id", id=message_id)
        _start_thread(tx, space.id, message_id, url, nsfw, now)
        _join(tx, thread_id, arrival.from_address)
    else:
        _list_answer(tx, space.id, message_id, now, 1)
        _grow(tx, thread_id, now, replies=1, participants=_join(tx, thread_id, arrival.from_address))
    parent_id = parent.id if parent else None
    if announce:
        tx.record(MessagePosted(message_id, thread_id, parent_id, space.id, author_id, origin))
    message = Message(
        id=message_id,
        space_id=space.id,
        thread_id=thread_id,
        parent_id=parent_id,
        author_id=author_id,
        subject=subject,
        body=body,
        origin=origin,
        created_at=now,
        updated_at=None,
        removed=False,
        deleted=False,
    )
    if parent is not None and announce:
        note_answer(tx, message, parent)
        note_mentions(tx, message)
    return message


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


def _start_thread(tx: Transaction, space_id: int, message_id: int, url: str | None, nsfw: bool, now: datetime) -> None:
    """Write the thread of a first message, whose writer is the one participant. Once, for ten indexes hang on it."""
    tx.run(
        "INSERT INTO threads (id, space_id, url, nsfw, created_at, updated_at, active_at, participants, score, listed)"
        f" VALUES (:id, :space, :url, :nsfw, :now, :now, :now, 1, 1, {LISTED_WHEN_NEW})",
        id=message_id,
        space=space_id,
        url=url,
        nsfw=nsfw,
        now=now,
    )


def _list_answer(tx: Transaction, space_id: int, message_id: int, at: datetime, score: int) -> None:
    tx.run(
        "INSERT INTO answers (id, space_id, listed, created_at, score)"
        f" VALUES (:id, :space, {LISTED_ANSWER_WHEN_NEW}, :at, :score)",
        id=message_id,
        space=space_id,
        at=at,
        score=score,
    )


def _grow(tx: Transaction, thread_id: int, now: datetime, *, replies: int, participants: int) -> None:
    tx.run(
        "UPDATE threads SET replies = replies + :replies, participants = participants + :participants,"
        " updated_at = CASE WHEN updated_at < :now THEN :now ELSE updated_at END,"
        " active_at = CASE WHEN created_at > :bumps_from AND active_at < :now THEN :now ELSE active_at END"
        " WHERE id = :id",
        replies=replies,
        participants=participants,
        now=now,
        bumps_from=now - _NO_BUMP_AFTER,
        id=thread_id,
    )


def _join(tx: Transaction, thread_id: int, address: str) -> int:
    """Note who takes part in a thread; 1 when that is new, else 0."""
    return tx.run(
        "INSERT INTO participants (thread_id, address_key) VALUES (:id, :key) ON CONFLICT DO NOTHING",
        id=thread_id,
        key=address_key(address),
    )


def adopt(tx: Transaction, parent: Message, orphan: Message) -> None:
    """Put a message that came before its parent under it.

    The thread it headed becomes part of the parent's; from one where it stood by inference it moves with its answers.
    Mails that answer each other in a ring are left where they are.
    """

    def above(message_id: int) -> int | None:
        found: int | None = tx.value("SELECT parent_id FROM messages WHERE id = :id", id=message_id)
        return found

    if closes_circle(orphan.id, parent.id, above):
        return
    tx.run("UPDATE messages SET parent_id = :parent WHERE id = :id", parent=parent.id, id=orphan.id)
    tx.run("UPDATE mails SET inferred = :inferred WHERE message_id = :id", inferred=False, id=orphan.id)
    note_answer(tx, orphan, parent)
    if orphan.thread_id == parent.thread_id:
        return
    if not orphan.is_root:
        _move_branch(tx, orphan, parent.thread_id)
        return
    old = get_thread(tx, orphan.thread_id)
    tx.run("UPDATE messages SET thread_id = :new WHERE thread_id = :old", new=parent.thread_id, old=old.id)
    addresses = tx.column("SELECT address_key FROM participants WHERE thread_id = :id", id=old.id)
    tx.run("DELETE FROM threads WHERE id = :id", id=old.id)
    joined = sum(_join(tx, parent.thread_id, address) for address in addresses)
    _grow(tx, parent.thread_id, old.updated_at, replies=1 + old.replies, participants=joined)
    # What headed a thread was a post; now it is a comment.
    _list_answer(tx, orphan.space_id, orphan.id, orphan.created_at, old.score)
    tx.run(
        "UPDATE space_counts SET posts = posts - 1, comments = comments + 1 WHERE space_id = :id", id=parent.space_id
    )
    tx.run(
        "UPDATE account_counts SET posts = posts - 1, comments = comments + 1,"
        " post_score = post_score - :score, comment_score = comment_score + :score WHERE account_id = :id",
        score=old.score,
        id=orphan.author_id,
    )


def _move_branch(tx: Transaction, top: Message, thread_id: int) -> None:
    """Move a message that is no root, and what answers it, to another thread."""
    tx.run(
        "UPDATE messages SET thread_id = :new WHERE id IN (WITH RECURSIVE branch (id) AS"
        " (SELECT id FROM messages WHERE id = :top UNION"
        " SELECT m.id FROM messages m JOIN branch b ON m.parent_id = b.id) SELECT id FROM branch)",
        new=thread_id,
        top=top.id,
    )
    # A rare case: counting anew is shorter than knowing who else wrote in each.
    for each in (top.thread_id, thread_id):
        tx.run("DELETE FROM participants WHERE thread_id = :id", id=each)
        addresses = tx.column(
            "SELECT DISTINCT x.from_address FROM messages m JOIN mails x ON x.message_id = m.id WHERE m.thread_id = :id",
            id=each,
        )
        tx.run(
            "UPDATE threads SET participants = :participants,"
            " replies = (SELECT count(*) - 1 FROM messages WHERE thread_id = :id),"
            " updated_at = (SELECT max(created_at) FROM messages WHERE thread_id = :id) WHERE id = :id",
            participants=sum(_join(tx, each, address) for address in addresses),
            id=each,
        )
