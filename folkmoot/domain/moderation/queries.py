"""The record of what was done, read: a page of one kind of act, the newest first."""

from __future__ import annotations

from folkmoot.domain.moderation.model import ActEntry, Acts
from folkmoot.domain.spaces import RESTRICTED
from folkmoot.store import Transaction

_ENTRY = (
    "SELECT x.id, x.moderator_id, o.label, x.done, x.reason, x.expires_at, x.acted_at, x.space_id, coalesce(f.name, s.name),"
    " m.id, m.body, m.author_id, w.label, r.id, r.subject, x.account_id, a.label"
    " FROM acts x JOIN accounts o ON o.id = x.moderator_id"
    " LEFT JOIN spaces s ON s.id = x.space_id LEFT JOIN forum_faces f ON f.space_id = x.space_id"
    " LEFT JOIN list_faces l ON l.space_id = x.space_id"
    " LEFT JOIN messages m ON m.id = x.message_id LEFT JOIN accounts w ON w.id = m.author_id"
    " LEFT JOIN messages r ON r.id = m.thread_id LEFT JOIN accounts a ON a.id = x.account_id"
)


def list_acts(
    tx: Transaction, act: Acts, skip: int, most: int, moderator_id: int | None = None, space_id: int | None = None
) -> list[ActEntry]:
    """What was done, the newest first; of spaces that are not for everybody, nothing."""
    where = f"x.act = :act AND NOT {RESTRICTED}"
    if moderator_id is not None:
        where += " AND x.moderator_id = :moderator"
    if space_id is not None:
        where += " AND x.space_id = :space"
    return tx.all(
        ActEntry,
        f"{_ENTRY} WHERE {where} ORDER BY x.id DESC LIMIT :most OFFSET :skip",
        act=act.value,
        moderator=moderator_id,
        space=space_id,
        most=most,
        skip=skip,
    )
