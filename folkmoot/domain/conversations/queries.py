"""The SQL that reads messages and threads."""

from __future__ import annotations

from folkmoot.domain.conversations.model import Message, MessageView, Thread
from folkmoot.errors import NotFound
from folkmoot.store import Transaction

_MESSAGE = (
    "m.id, m.space_id, m.thread_id, m.parent_id, m.author_id, m.subject, m.body, m.origin, m.created_at, m.updated_at,"
    " m.removed, m.deleted"
)
_THREAD = (
    "t.id, t.space_id, t.url, t.nsfw, t.locked, t.stickied, t.shown, t.created_at, t.updated_at, t.active_at, t.replies,"
    " t.participants, t.score"
)
_VIEW = (
    f"{_MESSAGE}, s.name, s.title, a.label, a.name, a.display_name, x.mail_id, x.in_reply_to, x.from_address, x.from_name,"
    " x.sent_at, x.is_patch, x.is_request_pull, o.message_id IS NOT NULL"
)
_VIEW_FROM = (
    "FROM messages m JOIN spaces s ON s.id = m.space_id JOIN accounts a ON a.id = m.author_id"
    " JOIN mails x ON x.message_id = m.id LEFT JOIN originals o ON o.message_id = m.id"
)


def get_message(tx: Transaction, message_id: int) -> Message:
    """The message with this id; raises NotFound."""
    message = tx.one(Message, f"SELECT {_MESSAGE} FROM messages m WHERE m.id = :id", id=message_id)
    if message is None:
        raise NotFound("message.unknown", "There is no such message.")
    return message


def find_thread(tx: Transaction, thread_id: int) -> Thread | None:
    """The thread that this message started, or None."""
    return tx.one(Thread, f"SELECT {_THREAD} FROM threads t WHERE t.id = :id", id=thread_id)


def get_thread(tx: Transaction, thread_id: int) -> Thread:
    """The thread that this message started; raises NotFound."""
    thread = find_thread(tx, thread_id)
    if thread is None:
        raise NotFound("thread.unknown", "There is no such thread.")
    return thread


def get_view(tx: Transaction, message_id: int) -> MessageView:
    """A message with its names and mail headers; raises NotFound."""
    view = tx.one(MessageView, f"SELECT {_VIEW} {_VIEW_FROM} WHERE m.id = :id", id=message_id)
    if view is None:
        raise NotFound("message.unknown", "There is no such message.")
    return view


def list_thread_views(tx: Transaction, thread_id: int) -> list[MessageView]:
    """All messages of a thread that are shown, the oldest first."""
    return tx.all(
        MessageView,
        f"SELECT {_VIEW} {_VIEW_FROM} WHERE m.thread_id = :id AND NOT m.removed AND NOT m.deleted"
        " ORDER BY m.created_at, m.id",
        id=thread_id,
    )


def latest_views(tx: Transaction, most: int) -> list[MessageView]:
    """The newest messages of spaces that anybody may read, the newest first."""
    return tx.all(
        MessageView,
        f"SELECT {_VIEW} {_VIEW_FROM} LEFT JOIN list_faces l ON l.space_id = m.space_id"
        " LEFT JOIN forum_faces f ON f.space_id = m.space_id"
        " WHERE NOT m.removed AND NOT m.deleted AND NOT s.removed AND NOT s.deleted"
        " AND ((l.space_id IS NULL AND f.space_id IS NOT NULL)"
        " OR (l.visibility = 'PUBLIC' AND l.nonsubscriber IN (1, 3, 5, 7)))"
        " ORDER BY m.id DESC LIMIT :most",
        most=most,
    )


def count_threads(tx: Transaction, space_id: int) -> int:
    """How many threads a space has."""
    return int(tx.value("SELECT count(*) FROM threads WHERE space_id = :id", id=space_id))


def message_of_mail_id(tx: Transaction, space_id: int, mail_id: str) -> int | None:
    """The id of the message a Message-ID (with brackets) names in a space, or None."""
    found: int | None = tx.value(
        "SELECT message_id FROM mails WHERE space_id = :space AND mail_id = :mail_id", space=space_id, mail_id=mail_id
    )
    return found


def orphans_of(tx: Transaction, space_id: int, mail_id: str) -> list[Message]:
    """Messages of a space that name this Message-ID as their parent and came before it.

    Those whose parent was only inferred from References count as well: a known In-Reply-To wins.
    """
    return tx.all(
        Message,
        f"SELECT {_MESSAGE} FROM mails x JOIN messages m ON m.id = x.message_id"
        " WHERE x.space_id = :space AND x.in_reply_to = :mail_id AND (m.parent_id IS NULL OR x.inferred)",
        space=space_id,
        mail_id=mail_id,
    )


def find_original(tx: Transaction, message_id: int) -> bytes | None:
    """The bytes a message came as by mail, or None for one born elsewhere."""
    data = tx.value("SELECT data FROM originals WHERE message_id = :id", id=message_id)
    return None if data is None else bytes(data)
