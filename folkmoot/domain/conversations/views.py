"""Threads and answers with everything the forum shows beside them, for one viewer, a page in one query.

Instants are left as stored, in microseconds: a page has sixty of them, and making them aware costs more than reading them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations.queries import get_message
from folkmoot.domain.spaces import Rights, get_space, require_right, rights
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, expand


class ThreadView(msgspec.Struct, frozen=True):
    """A thread by its first message; a bare link has no body.

    `my_vote` is None for nobody, 0 for an account that has not voted.
    """

    id: int
    title: str
    url: str | None
    body: str | None
    origin: str
    author_id: int
    space_id: int
    removed: bool
    locked: bool
    created_at: int
    updated_at: int | None
    deleted: bool
    nsfw: bool
    stickied: bool
    preview_title: str | None
    preview_description: str | None
    preview_image_url: str | None
    author_is_banned: bool
    author_is_banned_here: bool
    author_label: str
    author_avatar: str | None
    space_name: str
    space_removed: bool
    space_deleted: bool
    space_nsfw: bool
    replies: int
    score: int
    upvotes: int
    downvotes: int
    active_at: int
    my_vote: int | None
    is_followed: bool
    is_saved: bool


class AnswerView(msgspec.Struct, frozen=True):
    """A message that is not its thread's first; `parent_id` is the thread's id for those that answer the first one."""

    id: int
    author_id: int
    thread_id: int
    parent_id: int | None
    body: str
    origin: str
    removed: bool
    created_at: int
    updated_at: int | None
    deleted: bool
    space_id: int
    space_name: str
    author_is_banned: bool
    author_is_banned_here: bool
    author_label: str
    author_avatar: str | None
    upvotes: int
    downvotes: int
    is_read: bool
    my_vote: int | None
    is_followed: bool
    is_saved: bool


_BANNED = "(a.banned_at IS NOT NULL AND (a.banned_until IS NULL OR a.banned_until > :now))"
_BANNED_HERE = "(b.account_id IS NOT NULL AND (b.banned_until IS NULL OR b.banned_until > :now))"
_AROUND = (
    " JOIN accounts a ON a.id = m.author_id JOIN preferences p ON p.account_id = m.author_id"
    " JOIN forum_faces f ON f.space_id = m.space_id"
    " JOIN scores c ON c.message_id = m.id"
    " LEFT JOIN space_bans b ON b.space_id = m.space_id AND b.account_id = m.author_id"
)
_VIEWER = (
    " LEFT JOIN votes v ON v.message_id = m.id AND v.account_id = :viewer"
    " LEFT JOIN subscriptions w ON w.account_id = :viewer AND w.space_id = m.space_id AND w.channel = 'forum'"
    " LEFT JOIN saved_messages k ON k.account_id = :viewer AND k.message_id = m.id"
)
_OF_VIEWER = "coalesce(v.value, 0), w.id IS NOT NULL, k.message_id IS NOT NULL"
_OF_NOBODY = "NULL, FALSE, FALSE"

_THREAD = (
    "SELECT m.id, m.subject, t.url, CASE WHEN t.has_body THEN m.body END, m.origin, m.author_id, m.space_id, m.removed,"
    " t.locked, m.created_at, m.updated_at, m.deleted, t.nsfw, t.stickied, y.title, y.description, y.image_url,"
    f" {_BANNED}, {_BANNED_HERE}, a.label, p.avatar, f.name, s.removed, s.deleted, f.nsfw,"
    " t.replies, t.score, c.upvotes, c.downvotes, t.active_at, "
)
_THREAD_FROM = (
    f" FROM messages m JOIN threads t ON t.id = m.id JOIN spaces s ON s.id = m.space_id{_AROUND}"
    " LEFT JOIN link_previews y ON y.thread_id = t.id AND t.url <> ''"
)
_ANSWER = (
    "SELECT m.id, m.author_id, m.thread_id, m.parent_id, m.body, m.origin, m.removed, m.created_at, m.updated_at,"
    f" m.deleted, m.space_id, f.name, {_BANNED}, {_BANNED_HERE}, a.label, p.avatar, c.upvotes, c.downvotes,"
    " coalesce(q.read, FALSE), "
)
_ANSWER_FROM = f" FROM messages m{_AROUND} LEFT JOIN replies q ON q.message_id = m.id"


def list_thread_entries(tx: Transaction, ids: Sequence[int], viewer_id: int | None, now: datetime) -> list[ThreadView]:
    """The views of these threads, in this order; those that are not in the forum are left out."""
    if not ids:
        return []
    words, parameters = expand("id", ids)
    sql = _select(_THREAD, _THREAD_FROM, viewer_id)
    found = tx.all(ThreadView, f"{sql} WHERE m.id IN {words}", now=now, viewer=viewer_id, **parameters)
    by_id = {view.id: view for view in found}
    return [by_id[each] for each in ids if each in by_id]


class Mark(msgspec.Struct, frozen=True):
    """What a thread's view has of its viewer."""

    my_vote: int | None = None
    is_followed: bool = False
    is_saved: bool = False


def list_thread_marks(tx: Transaction, ids: Sequence[int], viewer_id: int) -> dict[int, Mark]:
    """What the views of these threads have of an account, for those who know the rest of them already."""
    words, parameters = expand("id", ids)
    rows = tx.rows(
        f"SELECT m.id, {_OF_VIEWER} FROM messages m{_VIEWER} WHERE m.id IN {words}", viewer=viewer_id, **parameters
    )
    return {row[0]: Mark(row[1], bool(row[2]), bool(row[3])) for row in rows}


def get_thread_entry(tx: Transaction, thread_id: int, viewer_id: int | None, now: datetime) -> ThreadView:
    """The view of one thread, removed or not. Raises NotFound; whether the viewer may see it is the caller's to ask."""
    found = list_thread_entries(tx, [thread_id], viewer_id, now)
    if not found:
        raise NotFound("thread.unknown", "There is no such thread.")
    return found[0]


def list_answers(
    tx: Transaction, thread_id: int, viewer_id: int | None, now: datetime, most: int = 9999
) -> list[AnswerView]:
    """The views of a thread's answers, removed ones too, the newest first."""
    return tx.all(
        AnswerView,
        f"{_select(_ANSWER, _ANSWER_FROM, viewer_id)} WHERE m.thread_id = :thread AND m.id <> :thread"
        " ORDER BY m.created_at DESC, m.id DESC LIMIT :most",
        thread=thread_id,
        viewer=viewer_id,
        now=now,
        most=most,
    )


def get_answer(tx: Transaction, message_id: int, viewer_id: int | None, now: datetime) -> AnswerView:
    """The view of one answer, removed or not. Raises NotFound; whether the viewer may see it is the caller's to ask."""
    found = tx.one(
        AnswerView,
        f"{_select(_ANSWER, _ANSWER_FROM, viewer_id)} WHERE m.id = :id AND m.thread_id <> m.id",
        id=message_id,
        viewer=viewer_id,
        now=now,
    )
    if found is None:
        raise NotFound("message.unknown", "There is no such answer.")
    return found


def list_answer_entries(tx: Transaction, ids: Sequence[int], viewer_id: int | None, now: datetime) -> list[AnswerView]:
    """The views of these answers, in this order; those that are not in the forum are left out."""
    if not ids:
        return []
    words, parameters = expand("id", ids)
    sql = _select(_ANSWER, _ANSWER_FROM, viewer_id)
    found = tx.all(
        AnswerView, f"{sql} WHERE m.id IN {words} AND m.thread_id <> m.id", now=now, viewer=viewer_id, **parameters
    )
    by_id = {view.id: view for view in found}
    return [by_id[each] for each in ids if each in by_id]


def require_visible(tx: Transaction, actor: Actor, message_id: int, now: datetime) -> None:
    """Raises NotFound when there is no such message, or none that the actor may see."""
    message = get_message(tx, message_id)
    require_right(rights(tx, actor, get_space(tx, message.space_id), now), Rights.BROWSE)


def answered_author(tx: Transaction, message_id: int) -> int | None:
    """The account whose message an answer answers, or None when that is its own author."""
    found: int | None = tx.value(
        "SELECT q.author_id FROM messages m JOIN messages q ON q.id = m.parent_id"
        " WHERE m.id = :id AND q.author_id <> m.author_id",
        id=message_id,
    )
    return found


def _select(columns: str, tables: str, viewer_id: int | None) -> str:
    if viewer_id is None:
        return columns + _OF_NOBODY + tables
    return columns + _OF_VIEWER + tables + _VIEWER
