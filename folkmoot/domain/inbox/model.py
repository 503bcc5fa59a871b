"""What is in an inbox; no database here."""

from __future__ import annotations

from datetime import datetime

import msgspec

from folkmoot.domain.conversations import LONGEST_BODY
from folkmoot.errors import Invalid


class Received(msgspec.Struct, frozen=True):
    """An answer somebody got."""

    message_id: int
    recipient_id: int


class Mention(msgspec.Struct, frozen=True):
    """That a message names somebody; its reading mark is its own."""

    id: int
    recipient_id: int
    message_id: int
    is_read: bool


class PrivateMessage(msgspec.Struct, frozen=True):
    """A message from one to one, with the names that show it."""

    id: int
    author_id: int
    recipient_id: int
    body: str
    deleted: bool
    is_read: bool
    created_at: datetime
    updated_at: datetime | None
    author_label: str
    author_avatar: str | None
    recipient_label: str
    recipient_avatar: str | None


def check_private_body(body: str) -> str:
    """The text as it is; raises Invalid when it is too long or holds a NUL."""
    if len(body) > LONGEST_BODY or "\0" in body:
        raise Invalid("private_message.body", f"A private message has at most {LONGEST_BODY} characters.", "body")
    return body
