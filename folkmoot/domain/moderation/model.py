"""What can be done by those who moderate; no database here."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Acts(StrEnum):
    """The words of the record."""

    POST_REMOVED = "post.removed"
    POST_LOCKED = "post.locked"
    POST_STICKIED = "post.stickied"
    COMMENT_REMOVED = "comment.removed"
    SPACE_REMOVED = "space.removed"
    SPACE_BANNED = "space.banned"
    SITE_BANNED = "site.banned"
    SPACE_APPOINTED = "space.appointed"
    SITE_APPOINTED = "site.appointed"


class ActEntry(msgspec.Struct, frozen=True):
    """An act with the names that show it; what it does not concern is None. `done` is false when something was undone."""

    id: int
    moderator_id: int
    moderator_name: str
    done: bool
    reason: str | None
    expires_at: datetime | None
    acted_at: datetime
    space_id: int | None
    space_name: str | None
    message_id: int | None
    message_body: str | None
    message_author_id: int | None
    message_author_name: str | None
    thread_id: int | None
    thread_title: str | None
    account_id: int | None
    account_name: str | None
