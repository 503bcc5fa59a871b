"""Topic rewriting and automatic subscriptions."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from folkmoot.domain.broker import AutomaticSubscription, RewriteRule
from folkmoot.surfaces.mqtt import schema


def topic_rewrite(rule: RewriteRule) -> schema.TopicRewrite:
    return schema.TopicRewrite(**asdict(rule))


def auto_subscription(one: AutomaticSubscription) -> schema.AutoSubscription:
    qos: Any = one.qos
    handling: Any = one.retain_handling
    return schema.AutoSubscription(
        one.topic, qos, handling, 1 if one.retain_as_published else 0, 1 if one.no_local else 0
    )
