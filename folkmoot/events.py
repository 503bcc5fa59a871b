"""What has happened: past tense, ids only, recorded with the change itself.

An event is written to the log in the transaction of its change and announced after the commit. It tells where to look,
never what to answer. Kinds may gain fields with defaults; a field is never renamed or given another meaning, because
readers of the log may be behind.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """Something that happened."""


class AccountCreated(Event, frozen=True, tag="account.created"):
    account_id: int


class AccountSuspended(Event, frozen=True, tag="account.suspended"):
    account_id: int


class AccountBanned(Event, frozen=True, tag="account.banned"):
    account_id: int
    banned: bool


class AdministratorsChanged(Event, frozen=True, tag="account.administrators_changed"):
    """An account is an administrator now, or is none any more; `with_site`: it was given the site."""

    account_id: int
    added: bool
    with_site: bool = False


class PasswordChanged(Event, frozen=True, tag="account.password_changed"):
    account_id: int


class TokenRevoked(Event, frozen=True, tag="token.revoked"):
    token_id: int
    account_id: int
    surface: str


class SpaceCreated(Event, frozen=True, tag="space.created"):
    space_id: int


class SpaceEdited(Event, frozen=True, tag="space.edited"):
    space_id: int


class SpaceDeleted(Event, frozen=True, tag="space.deleted"):
    space_id: int
    name: str


class SpaceBanned(Event, frozen=True, tag="space.banned"):
    """An account may not write in one space any more or, with `banned` false, may again."""

    space_id: int
    account_id: int
    banned: bool


class ModeratorsChanged(Event, frozen=True, tag="space.moderators_changed"):
    space_id: int
    account_id: int
    added: bool


class SpaceGiven(Event, frozen=True, tag="space.given"):
    space_id: int
    account_id: int


class SubscriptionStarted(Event, frozen=True, tag="subscription.started"):
    subscription_id: int
    account_id: int
    space_id: int
    channel: str


class SubscriptionEnded(Event, frozen=True, tag="subscription.ended"):
    account_id: int
    space_id: int
    channel: str


class MessagePosted(Event, frozen=True, tag="message.posted"):
    message_id: int
    thread_id: int
    parent_id: int | None
    space_id: int
    author_id: int
    origin: str


class MessageEdited(Event, frozen=True, tag="message.edited"):
    message_id: int
    thread_id: int
    space_id: int
    actor_id: int | None


class MessageRemoved(Event, frozen=True, tag="message.removed"):
    """A message was taken away (by a moderator or its author) or, with `removed` false, put back."""

    message_id: int
    thread_id: int
    space_id: int
    actor_id: int | None
    removed: bool


class ThreadLocked(Event, frozen=True, tag="thread.locked"):
    thread_id: int
    space_id: int
    actor_id: int | None
    locked: bool


class ThreadPreviewed(Event, frozen=True, tag="thread.previewed"):
    """What is shown beside a thread's link has changed."""

    thread_id: int
    space_id: int


class VoteCast(Event, frozen=True, tag="vote.cast"):
    message_id: int
    thread_id: int
    space_id: int
    account_id: int


class PrivateMessageSent(Event, frozen=True, tag="private_message.sent"):
    private_message_id: int
    author_id: int
    recipient_id: int


class SiteEdited(Event, frozen=True, tag="site.edited"):
    actor_id: int | None


class SiteGiven(Event, frozen=True, tag="site.given"):
    account_id: int


AnyEvent = (
    AccountCreated
    | AccountSuspended
    | AccountBanned
    | AdministratorsChanged
    | PasswordChanged
    | TokenRevoked
    | SpaceCreated
    | SpaceEdited
    | SpaceDeleted
    | SpaceBanned
    | ModeratorsChanged
    | SpaceGiven
    | SubscriptionStarted
    | SubscriptionEnded
    | MessagePosted
    | MessageEdited
    | MessageRemoved
    | ThreadLocked
    | ThreadPreviewed
    | VoteCast
    | PrivateMessageSent
    | SiteEdited
    | SiteGiven
)


class Recorded(msgspec.Struct, frozen=True):
    """An event as the log has it.

    `source` names the live connection the change came through, so that its own echo can be kept from it; it is empty for
    events read back from the log.
    """

    id: int
    recorded_at: datetime
    event: AnyEvent
    source: str = ""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> str:
    """The log's text of an event."""
    return _encoder.encode(event).decode()


def parse(text: str) -> AnyEvent:
    """The event behind a text of the log; raises msgspec.ValidationError for a kind this version does not know."""
    event: AnyEvent = _decoder.decode(text)
    return event


def kinds() -> list[str]:
    """The names of all kinds, for the documentation and its test."""
    members: Any = AnyEvent
    return sorted(member.__struct_config__.tag for member in members.__args__)
