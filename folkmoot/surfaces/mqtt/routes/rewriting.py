"""Topic rewriting and automatic subscriptions (contract §2.7)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import rewriting

OPERATIONS = (
    Operation(
        "GetTopicRewrite",
        "GET",
        "/mqtt/topic_rewrite",
        rewriting.get_topic_rewrite,
        response=list[schema.TopicRewrite],
        permission="any",
        summary="The rules that write topics anew; of those that match the last one counts",
        tag="Topics",
    ),
    Operation(
        "SetTopicRewrite",
        "PUT",
        "/mqtt/topic_rewrite",
        rewriting.set_topic_rewrite,
        list[schema.TopicRewrite],
        list[schema.TopicRewrite],
        "any",
        "Set all rules that write topics anew",
        tag="Topics",
    ),
    Operation(
        "GetAutoSubscribe",
        "GET",
        "/mqtt/auto_subscribe",
        rewriting.get_auto_subscribe,
        response=list[schema.AutoSubscription],
        permission="any",
        summary="What every client is subscribed to when it connects",
        tag="Topics",
    ),
    Operation(
        "SetAutoSubscribe",
        "PUT",
        "/mqtt/auto_subscribe",
        rewriting.set_auto_subscribe,
        list[schema.AutoSubscription],
        list[schema.AutoSubscription],
        "any",
        "Set all that every client is subscribed to when it connects",
        tag="Topics",
        failures=(409,),
    ),
)
