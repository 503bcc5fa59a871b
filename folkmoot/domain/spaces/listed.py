"""Which threads the forum's listings may show, and to whom; kept as a column so that no listing has to skip the others."""

from __future__ import annotations

from enum import IntEnum

from folkmoot.store import Transaction


class Listed(IntEnum):
    """Who finds a thread: `threads.listed`."""

    NOWHERE = 0
    """It or its space is gone, or its space has no forum face."""
    PUBLIC = 1
    NSFW = 2
    """Public, for those who want to see such."""
    INSIDE = 3
    """Only within its space, whose list is not for everybody, and for those who follow it."""
    INSIDE_NSFW = 4


# A list's face narrows who may browse (sourcehut-lists §2.9); without one the forum is open to all.
RESTRICTED = "(l.space_id IS NOT NULL AND (l.visibility <> 'PUBLIC' OR (l.nonsubscriber & 1) = 0))"


def _listed(shown: str, nsfw: str, space_id: str) -> str:
    """The expression for `threads.listed`, from the expressions for what it depends on."""
    return f"""coalesce((
    SELECT CASE
        WHEN NOT {shown} OR s.removed OR s.deleted THEN 0
        WHEN {nsfw} OR f.nsfw THEN CASE WHEN {RESTRICTED} THEN 4 ELSE 2 END
        WHEN {RESTRICTED} THEN 3
        ELSE 1 END
    FROM forum_faces f JOIN spaces s ON s.id = f.space_id LEFT JOIN list_faces l ON l.space_id = f.space_id
    WHERE f.space_id = {space_id}), 0)"""


# Answers are shown whatever became of them; the community's own state counts.
_LISTED_ANSWER = _listed("TRUE", "FALSE", "answers.space_id")
# For an answer that is being made, with the parameter `space`.
LISTED_ANSWER_WHEN_NEW = _listed("TRUE", "FALSE", ":space")
# For a thread that is being made, with the parameters `nsfw` and `space`.
LISTED_WHEN_NEW = _listed("TRUE", ":nsfw", ":space")

_RELIST = f"UPDATE threads SET listed = {_listed('threads.shown', 'threads.nsfw', 'threads.space_id')}"


def relist_thread(tx: Transaction, thread_id: int) -> None:
    """Work out anew who finds a thread, after it or its first message changed."""
    tx.run(f"{_RELIST} WHERE threads.id = :id", id=thread_id)


def relist_space(tx: Transaction, space_id: int) -> None:
    """Work out anew who finds the threads and answers of a space, after its faces or its state changed."""
    tx.run(f"{_RELIST} WHERE threads.space_id = :id", id=space_id)
    tx.run(f"UPDATE answers SET listed = {_LISTED_ANSWER} WHERE answers.space_id = :id", id=space_id)


def list_followed_ids(tx: Transaction, account_id: int) -> list[tuple[int, bool]]:
    """The spaces an account follows in the forum, and whether each is restricted."""
    rows = tx.rows(
        f"SELECT w.space_id, {RESTRICTED} FROM subscriptions w LEFT JOIN list_faces l ON l.space_id = w.space_id"
        " WHERE w.account_id = :account AND w.channel = 'forum' ORDER BY w.space_id",
        account=account_id,
    )
    return [(row[0], bool(row[1])) for row in rows]


def is_restricted(tx: Transaction, space_id: int) -> bool:
    """Is a space not for everybody to browse, so that each viewer's rights have to be asked?"""
    return bool(tx.rows(f"SELECT 1 FROM list_faces l WHERE l.space_id = :id AND {RESTRICTED}", id=space_id))
