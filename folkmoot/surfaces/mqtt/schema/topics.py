"""Subscriptions and routes (contract §2.4)."""

from __future__ import annotations

from msgspec import Struct

from folkmoot.surfaces.mqtt.schema.paging import Paged, PageMeta
from folkmoot.surfaces.mqtt.schema.words import Qos


class SubscriptionQuery(Paged):
    node: str | None = None
    clientid: str | None = None
    qos: Qos | None = None
    topic: str | None = None
    match_topic: str | None = None
    share_group: str | None = None
    durable: bool | None = None


class Subscription(Struct):
    node: str
    topic: str
    clientid: str
    qos: int
    nl: int
    rap: int
    rh: int
    durable: bool = False


class SubscriptionPage(Struct):
    data: list[Subscription]
    meta: PageMeta


class TopicQuery(Paged):
    topic: str | None = None
    node: str | None = None


class Topic(Struct):
    topic: str
    node: str


class TopicPage(Struct):
    data: list[Topic]
    meta: PageMeta
