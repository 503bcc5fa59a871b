"""The forms of these pages, and what `/health` says."""

from __future__ import annotations

import msgspec


class ChoicesForm(msgspec.Struct, kw_only=True):
    """The page of subscriptions: `shown` and `on` name channels as `<space id>:<channel>`, on those that are ticked."""

    csrf: str = msgspec.field(name="_csrf", default="")
    shown: list[str] = []
    on: list[str] = []
    everything: str = ""
    """Not empty when the button that ends everything was used."""


class AddressForm(msgspec.Struct, kw_only=True):
    """Where to mail the link to the page of subscriptions."""

    csrf: str = msgspec.field(name="_csrf", default="")
    address: str = ""


class UnsubscribeForm(msgspec.Struct, kw_only=True):
    """What a mail program posts to unsubscribe at once (RFC 8058 §3.2), and the button of the page too."""

    one_click: str = msgspec.field(name="List-Unsubscribe", default="")


class SetupForm(msgspec.Struct, kw_only=True):
    """The first administrator."""

    csrf: str = msgspec.field(name="_csrf", default="")
    name: str = ""
    password: str = ""
    password_again: str = ""


class MailsQuery(msgspec.Struct, kw_only=True):
    """The list of mails: those older than this one."""

    before: int | None = None


class SavedQuery(msgspec.Struct, kw_only=True):
    """How many changes were just saved."""

    saved: int | None = None


class Health(msgspec.Struct, kw_only=True):
    """Whether every listener is up, and where they are."""

    status: str
    listeners: dict[str, str]
