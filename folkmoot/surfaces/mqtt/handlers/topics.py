"""Subscriptions and routes (contract §2.4)."""

from __future__ import annotations

from collections.abc import Callable

from folkmoot.domain.broker import Subscription, matches, split_shared
from folkmoot.errors import Invalid, NotFound
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.surfaces.mqtt.handlers.reading import page


async def list_subscriptions(call: Call) -> schema.SubscriptionPage:
    app: Management = call.app
    query: schema.SubscriptionQuery = call.data
    app.require_node(query.node)
    sessions = app.stream.broker.sessions
    found = sessions.values() if query.clientid is None else filter(None, [sessions.get(query.clientid)])
    candidates = (each for session in list(found) for each in session.subscriptions.values())
    rows, count = await page(candidates, _subscription_tests(query), query)
    return schema.SubscriptionPage(
        [render.subscription(each, app.node_name) for each in rows], render.page_meta(query, count)
    )


def _subscription_tests(query: schema.SubscriptionQuery) -> list[Callable[[Subscription], bool]]:
    tests = list[Callable[[Subscription], bool]]()
    if query.qos is not None:
        tests.append(lambda each: each.qos == query.qos)
    if query.topic is not None:
        tests.append(lambda each: each.topic_filter == query.topic)
    if query.share_group is not None:
        tests.append(lambda each: each.group == query.share_group)
    if query.durable:
        tests.append(lambda each: False)
    if query.match_topic is not None:
        tests.append(_match_test(query.match_topic))
    return tests


def _match_test(topic: str) -> Callable[[Subscription], bool]:
    """Of a topic name, the subscriptions that get what is published there; of a filter, those inside it."""
    try:
        shared = split_shared(topic)[0] is not None
    except ValueError:
        shared = True
    if shared or not topic:
        raise Invalid("filter.invalid", "match_topic_invalid")
    is_name = "+" not in topic and "#" not in topic
    return lambda each: matches(topic, each.inner_filter) or (is_name and matches(each.inner_filter, topic))


async def list_topics(call: Call) -> schema.TopicPage:
    app: Management = call.app
    query: schema.TopicQuery = call.data
    app.require_node(query.node)
    filters = app.stream.broker.routes.table.filters
    found = filters.keys() if query.topic is None else [query.topic] if query.topic in filters else []
    rows, count = await page(found, (), query)
    return schema.TopicPage([schema.Topic(each, app.node_name) for each in rows], render.page_meta(query, count))


async def get_topic(call: Call) -> list[schema.Topic]:
    topic = call.path["topic"]
    if topic not in call.app.stream.broker.routes.table.filters:
        raise NotFound("topic.unknown", "Topic not found")
    return [schema.Topic(topic, call.app.node_name)]
