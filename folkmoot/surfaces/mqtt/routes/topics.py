"""Subscriptions and routes (contract §2.4)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import topics

OPERATIONS = (
    Operation(
        "ListSubscriptions",
        "GET",
        "/subscriptions",
        topics.list_subscriptions,
        schema.SubscriptionQuery,
        schema.SubscriptionPage,
        "any",
        "The subscriptions of all clients, page by page",
        tag="Subscriptions",
    ),
    Operation(
        "ListTopics",
        "GET",
        "/topics",
        topics.list_topics,
        schema.TopicQuery,
        schema.TopicPage,
        "any",
        "The filters that somebody is subscribed to, page by page",
        tag="Topics",
    ),
    Operation(
        "GetTopic",
        "GET",
        "/topics/{topic}",
        topics.get_topic,
        response=list[schema.Topic],
        permission="any",
        summary="Whether somebody is subscribed to a filter",
        tag="Topics",
    ),
)
