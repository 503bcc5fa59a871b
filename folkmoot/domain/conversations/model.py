"""What a message and a thread are, and what may be written; no database here."""

from __future__ import annotations

from datetime import datetime

import msgspec

from folkmoot.errors import Invalid

# lemmy §3.3; mails are bounded by the size of the whole message instead.
LONGEST_TITLE = 200
LONGEST_BODY = 10_000


class Message(msgspec.Struct, frozen=True):
    """The spine of a message; the first of a thread has no parent and the thread's id."""

    id: int
    space_id: int
    thread_id: int
    parent_id: int | None
    author_id: int
    subject: str
    body: str
    origin: str
    created_at: datetime
    updated_at: datetime | None
    removed: bool
    deleted: bool

    @property
    def is_root(self) -> bool:
        """Did it start its thread?"""
        return self.id == self.thread_id

    @property
    def is_shown(self) -> bool:
        """Neither taken away by a moderator nor by its author."""
        return not (self.removed or self.deleted)


class Thread(msgspec.Struct, frozen=True):
    """What is known of a thread as a whole; its id is its first message's."""

    id: int
    space_id: int
    url: str | None
    nsfw: bool
    locked: bool
    stickied: bool
    shown: bool
    created_at: datetime
    updated_at: datetime
    active_at: datetime
    replies: int
    participants: int
    score: int


class MessageView(msgspec.Struct, frozen=True):
    """A message with the names and the mail headers that show it outside its space."""

    id: int
    space_id: int
    thread_id: int
    parent_id: int | None
    author_id: int
    subject: str
    body: str
    origin: str
    created_at: datetime
    updated_at: datetime | None
    removed: bool
    deleted: bool
    space_name: str
    space_title: str
    author_label: str
    author_name: str | None
    author_display_name: str
    mail_id: str
    in_reply_to: str | None
    from_address: str
    from_name: str
    sent_at: datetime | None
    is_patch: bool
    is_request_pull: bool
    has_original: bool

    @property
    def is_root(self) -> bool:
        """Did it start its thread?"""
        return self.id == self.thread_id


class Arrival(msgspec.Struct, frozen=True):
    """A message as it came by mail: what the headers say, and the bytes themselves.

    `in_reply_to` is the first id of that header or None, `references` the ids of the other, oldest first.
    `created_at` is the receipt, or the Date header for an import.
    """

    mail_id: str
    in_reply_to: str | None
    references: tuple[str, ...]
    subject: str
    text: str
    from_address: str
    from_name: str
    sent_at: datetime | None
    created_at: datetime
    is_patch: bool
    is_request_pull: bool
    data: bytes


def check_title(title: str) -> str:
    """A title without surrounding blanks; raises Invalid when it is blank, has a line break, or over 200 characters."""
    title = title.strip()
    if not title or "\n" in title or "\r" in title:
        raise Invalid("message.title", "A title is one line of text.", "title")
    if len(title) > LONGEST_TITLE:
        raise Invalid("message.title_too_long", f"A title has at most {LONGEST_TITLE} characters.", "title")
    return title


def check_body(body: str) -> str:
    """The body as it is; raises Invalid above 10,000 characters."""
    if len(body) > LONGEST_BODY:
        raise Invalid("message.body_too_long", f"A message has at most {LONGEST_BODY} characters.", "body")
    return body


def reply_subject(subject: str) -> str:
    """The subject of an answer: `Re: `, once."""
    return subject if subject[:3].casefold() == "re:" else f"Re: {subject}"
