"""Topic rewriting and automatic subscriptions (contract §2.7)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from folkmoot.surfaces.mqtt.schema.words import Bit, Qos


class TopicRewrite(Struct):
    action: Literal["publish", "subscribe", "all"]
    source_topic: str
    dest_topic: str
    re: str


class AutoSubscription(Struct):
    topic: str
    qos: Qos = 0
    rh: Literal[0, 1, 2] = 0
    rap: Bit = 0
    nl: Bit = 0
