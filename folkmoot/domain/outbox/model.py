"""What waits to be sent, and what became of it; no database here."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Outgoing(msgspec.Struct, frozen=True):
    """One recipient's copy of a mail, claimed for sending; `sender` and `recipient` are the envelope's."""

    id: int
    body_id: int
    sender: str
    recipient: str
    attempts: int
    created_at: datetime


class OutgoingView(msgspec.Struct, frozen=True):
    """One recipient's copy as it is shown to people."""

    id: int
    body_id: int
    sender: str
    recipient: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    last_reply: str


class MailView(msgspec.Struct, frozen=True):
    """A mail as a list of mails shows it: the beginning of its bytes, one of its recipients, and how many there are."""

    id: int
    created_at: datetime
    head: bytes
    recipient: str
    copies: int
    state: str


class Outcome(msgspec.Struct, frozen=True):
    """What became of one claimed copy.

    `state` is sent, failed, caught, or queued again with `due_at` for the next attempt; `reply` is what the other side said.
    """

    id: int
    state: str
    reply: str
    due_at: datetime
