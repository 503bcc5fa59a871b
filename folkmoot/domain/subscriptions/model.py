"""What a subscription is; no database here."""

from __future__ import annotations

from datetime import datetime

import msgspec

CHANNELS = ("forum", "mail", "newsletter")


class Subscription(msgspec.Struct, frozen=True):
    """An account receives a space through one channel."""

    id: int
    account_id: int
    space_id: int
    channel: str
    created_at: datetime
    updated_at: datetime


class Membership(msgspec.Struct, frozen=True):
    """What a newsletter knows of one of its members."""

    subscription_id: int
    status: str


class MailRecipient(msgspec.Struct, frozen=True):
    """Where one subscriber's copy of a list mail goes."""

    account_id: int
    address: str
    address_key: str


class Confirmation(msgspec.Struct, frozen=True):
    """Somebody asked by mail to subscribe or unsubscribe an address; its holder has yet to agree."""

    id: int
    space_id: int
    address: str
    command: str
    token: str
    created_at: datetime
