"""Messages as a list's archive shows them, without their bodies; pages by key, totals from the counters.

What was removed or deleted, alone or with its thread or its space, is not in the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from folkmoot.domain.conversations.mails import Letterhead, ancestors, write_mail
from folkmoot.domain.conversations.queries import find_original, get_view
from folkmoot.domain.spaces import get_list_face
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, containing, expand
from folkmoot.text.search import Term
from folkmoot.text.threads import depth_first


class ArchivedMessage(msgspec.Struct, frozen=True):
    """A message in a list's archive. `author_name` is None for who has no login; a root counts its thread's replies."""

    id: int
    space_id: int
    thread_id: int
    parent_id: int | None
    author_id: int
    author_name: str | None
    subject: str
    created_at: datetime
    mail_id: str
    from_address: str
    from_name: str
    is_patch: bool
    is_request_pull: bool
    replies: int
    participants: int
    active_at: datetime

    @property
    def is_root(self) -> bool:
        """Did it start its thread?"""
        return self.id == self.thread_id


_ARCHIVED = (
    # sourcehut-lists §6.1: what answers a message that was removed has no parent.
    "SELECT m.id, m.space_id, m.thread_id, CASE WHEN p.removed OR p.deleted THEN NULL ELSE m.parent_id END,"
    " m.author_id, a.name, m.subject, m.created_at, x.mail_id, x.from_address, x.from_name, x.is_patch, x.is_request_pull,"
    " CASE WHEN m.id = t.id THEN t.replies ELSE 0 END, CASE WHEN m.id = t.id THEN t.participants ELSE 1 END, t.updated_at"
)
_FROM = (
    " FROM messages m JOIN mails x ON x.message_id = m.id JOIN accounts a ON a.id = m.author_id"
    " JOIN threads t ON t.id = m.thread_id JOIN spaces s ON s.id = m.space_id JOIN list_faces l ON l.space_id = m.space_id"
    " LEFT JOIN messages p ON p.id = m.parent_id"
    " WHERE NOT m.removed AND NOT m.deleted AND t.shown AND NOT s.removed AND NOT s.deleted"
)
# What a space's counters still count though the archive does not show it.
_HIDDEN = (
    "SELECT count(*) FROM (SELECT id FROM messages WHERE space_id = :space AND (removed OR deleted)"
    " UNION SELECT m.id FROM {hidden} JOIN messages m ON m.thread_id = t.id) h"
)


def _hidden(tx: Transaction) -> str:
    """The hidden threads of a space, as `t`."""
    # SQLite takes an index of the whole space for as good as that of the few.
    index = " INDEXED BY ix_threads_hidden" if tx.dialect == "sqlite" else ""
    return f"(SELECT id FROM threads{index} WHERE space_id = :space AND NOT shown) t"


def get_archived(tx: Transaction, message_id: int) -> ArchivedMessage:
    """The archived message with this id; raises NotFound."""
    found = tx.one(ArchivedMessage, f"{_ARCHIVED}{_FROM} AND m.id = :id", id=message_id)
    if found is None:
        raise NotFound("message.unknown", "There is no such message.")
    return found


def list_archived_copies(tx: Transaction, mail_id: str) -> list[ArchivedMessage]:
    """The messages a Message-ID (with brackets) names on all lists, the lowest id first."""
    return tx.all(ArchivedMessage, f"{_ARCHIVED}{_FROM} AND x.mail_id = :mail_id ORDER BY m.id", mail_id=mail_id)


def find_archived_in(tx: Transaction, space_id: int, mail_id: str) -> ArchivedMessage | None:
    """The message a Message-ID (with brackets) names on one list, or None."""
    return tx.one(
        ArchivedMessage,
        f"{_ARCHIVED}{_FROM} AND x.space_id = :space AND x.mail_id = :mail_id",
        space=space_id,
        mail_id=mail_id,
    )


def list_archived(
    tx: Transaction, space_id: int, most: int, first_id: int | None = None, terms: Sequence[Term] = ()
) -> list[ArchivedMessage]:
    """A list's messages that fit all terms, the newest first, from `first_id` downwards."""
    conditions, parameters = _matching(terms)
    if first_id is not None:
        conditions += " AND m.id <= :first"
        parameters["first"] = first_id
    return tx.all(
        ArchivedMessage,
        f"{_ARCHIVED}{_FROM} AND m.space_id = :space{conditions} ORDER BY m.id DESC LIMIT :most",
        space=space_id,
        most=most,
        **parameters,
    )


def count_archived(tx: Transaction, space_id: int, terms: Sequence[Term] = ()) -> int:
    """How many messages of a list fit all terms."""
    if terms:
        conditions, parameters = _matching(terms)
        return int(
            tx.value(f"SELECT count(*){_FROM} AND m.space_id = :space{conditions}", space=space_id, **parameters)
        )
    total = tx.value("SELECT posts + comments FROM space_counts WHERE space_id = :space", space=space_id) or 0
    return int(total - tx.value(_HIDDEN.format(hidden=_hidden(tx)), space=space_id))


def list_archived_of(
    tx: Transaction, author_id: int, space_ids: Sequence[int] | None, most: int, first_id: int | None = None
) -> list[ArchivedMessage]:
    """What an account wrote to lists (None for all of them), the newest first, from `first_id` downwards."""
    conditions, parameters = _of_author(author_id, space_ids)
    if first_id is not None:
        conditions += " AND m.id <= :first"
        parameters["first"] = first_id
    return tx.all(
        ArchivedMessage, f"{_ARCHIVED}{_FROM}{conditions} ORDER BY m.id DESC LIMIT :most", most=most, **parameters
    )


def count_archived_of(tx: Transaction, author_id: int, space_ids: Sequence[int] | None) -> int:
    """How much an account wrote to these lists (None for all of them)."""
    conditions, parameters = _of_author(author_id, space_ids)
    return int(tx.value(f"SELECT count(*){_FROM}{conditions}", **parameters))


def _of_author(author_id: int, space_ids: Sequence[int] | None) -> tuple[str, dict[str, Any]]:
    if space_ids is None:
        return " AND m.author_id = :author", {"author": author_id}
    ids, parameters = expand("space", space_ids)
    return f" AND m.author_id = :author AND m.space_id IN {ids}", {"author": author_id, **parameters}


def list_spaces_written_to(tx: Transaction, author_id: int) -> list[int]:
    """The ids of the lists an account has written to."""
    return tx.column(
        "SELECT DISTINCT m.space_id FROM messages m JOIN list_faces l ON l.space_id = m.space_id"
        " WHERE m.author_id = :author",
        author=author_id,
    )


def list_archived_thread(tx: Transaction, thread_id: int) -> list[ArchivedMessage]:
    """A thread: its root, then the others, the oldest first. Raises NotFound when this is no root."""
    found = tx.all(
        ArchivedMessage,
        f"{_ARCHIVED}{_FROM} AND m.thread_id = :thread ORDER BY CASE WHEN m.id = t.id THEN 0 ELSE 1 END, m.created_at, m.id",
        thread=thread_id,
    )
    if not found:
        raise NotFound("thread.unknown", "There is no such thread.")
    return found


def order_by_answer(thread: Sequence[ArchivedMessage]) -> list[ArchivedMessage]:
    """A thread with each message before its answers, depth first; `thread` begins with the root."""
    root, by_id = thread[0], {each.id: each for each in thread}
    children: dict[int, list[int]] = {}
    for each in thread[1:]:
        # What answers a message that is gone hangs on the root.
        parent = each.parent_id if each.parent_id in by_id else root.id
        children.setdefault(parent or root.id, []).append(each.id)
    ordered = [by_id[each] for each in depth_first(root.id, children)]
    return ordered + [each for each in thread if each not in set(ordered)] if len(ordered) < len(thread) else ordered


def list_archived_roots(tx: Transaction, space_id: int, most: int, skip: int = 0) -> list[ArchivedMessage]:
    """The first messages of a list's threads, the thread with the newest message first."""
    return tx.all(
        ArchivedMessage,
        f"{_ARCHIVED}{_FROM} AND m.id IN (SELECT id FROM threads WHERE space_id = :space AND shown"
        " ORDER BY updated_at DESC, id DESC LIMIT :most OFFSET :skip) ORDER BY t.updated_at DESC, t.id DESC",
        space=space_id,
        most=most,
        skip=skip,
    )


def count_archived_roots(tx: Transaction, space_id: int) -> int:
    """How many threads a list's archive shows."""
    posts = tx.value("SELECT posts FROM space_counts WHERE space_id = :space", space=space_id) or 0
    return int(posts - tx.value(f"SELECT count(*) FROM {_hidden(tx)}", space=space_id))


def list_archived_ids(tx: Transaction, space_id: int, since: datetime | None = None) -> list[int]:
    """The ids of a list's messages by date, all or those since an instant; for exports."""
    recent = "" if since is None else " AND m.created_at >= :since"
    parameters = {} if since is None else {"since": since}
    return tx.column(
        f"SELECT m.id{_FROM} AND m.space_id = :space{recent} ORDER BY m.created_at, m.id", space=space_id, **parameters
    )


def read_mail(tx: Transaction, letterhead: Letterhead, message_id: int) -> bytes:
    """A message's bytes: as it came by mail, or for one born elsewhere as its mail went out. Raises NotFound."""
    data = find_original(tx, message_id)
    if data is not None:
        return data
    view = get_view(tx, message_id)
    face = get_list_face(tx, view.space_id)
    if face is None:
        raise NotFound("message.unknown", "There is no such message on a list.")
    return write_mail(letterhead, face, view, ancestors(tx, view))


def read_mailbox(
    tx: Transaction, letterhead: Letterhead, message_ids: Sequence[int]
) -> list[tuple[str, datetime, bytes]]:
    """Archived messages as an mbox has them: sender, instant, bytes; without those that are gone by now."""
    found = []
    for each in message_ids:
        try:
            message = get_archived(tx, each)
        except NotFound:
            continue
        found.append((message.from_address, message.created_at, read_mail(tx, letterhead, each)))
    return found


def _matching(terms: Sequence[Term]) -> tuple[str, dict[str, Any]]:
    """The conditions of search terms (sourcehut-lists §6.3); what is searched for never becomes part of the SQL."""
    sql, parameters = "", dict[str, Any]()
    for number, term in enumerate(terms):
        name = f"term_{number}"
        condition = _condition(term, name)
        sql += f" AND NOT {condition}" if term.is_negated else f" AND {condition}"
        if f":{name}" in condition:
            parameters[name] = _argument(term)
    return sql, parameters


_IS = {
    "patch": "x.is_patch",
    "reply": "(m.parent_id IS NOT NULL)",
    "request-pull": "x.is_request_pull",
    "thread": "(m.id = t.id AND t.replies > 0)",
}
_TEXTS = {
    "": ("m.subject", "m.body"),
    "from": ("x.from_address", "x.from_name"),
    "subject": ("m.subject",),
    "message-id": ("x.mail_id",),
    "in-reply-to": ("coalesce(x.in_reply_to, '')",),
}
SEARCHED = ("is", "sender-timestamp", *(key for key in _TEXTS if key))


def _condition(term: Term, name: str) -> str:
    if term.key == "is":
        return _IS.get(term.value, "(1 = 0)")
    if term.key == "sender-timestamp":
        return f"(coalesce(x.sent_at, -1) / 1000000 = :{name})"
    columns = _TEXTS[term.key]
    return "(" + " OR ".join(f"lower({column}) LIKE :{name} ESCAPE '!'" for column in columns) + ")"


def _argument(term: Term) -> Any:
    if term.key == "sender-timestamp":
        digits = term.value.isascii() and term.value.isdigit() and len(term.value) <= 12
        return int(term.value) if digits else -1
    return containing([term.value.lower()])
