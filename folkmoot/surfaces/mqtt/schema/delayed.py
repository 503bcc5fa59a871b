"""Messages that are published later, and the settings about them (contract §2.7)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from folkmoot.surfaces.mqtt.schema.paging import PageMeta


class DelayedSettings(Struct):
    enable: bool
    max_delayed_messages: int


class DelayedChange(Struct):
    """What is not given stays as it is."""

    enable: bool | UnsetType = UNSET
    max_delayed_messages: Annotated[int, Meta(ge=0)] | UnsetType = UNSET


class DelayedSummary(Struct):
    msgid: str
    node: str
    publish_at: str
    delayed_interval: int
    delayed_remaining: int
    expected_at: str
    topic: str
    qos: int
    from_clientid: str
    from_username: str


class DelayedMessage(DelayedSummary):
    payload: str
    """Base64, or a word that says that it is too large."""


class DelayedPage(Struct):
    data: list[DelayedSummary]
    meta: PageMeta
