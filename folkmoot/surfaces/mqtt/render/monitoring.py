"""Counters, gauges, samples and alarms in the shapes of this API."""

from __future__ import annotations

from msgspec import UNSET

from folkmoot.domain.broker import Alarm
from folkmoot.domain.monitoring import STATS, Gauges, Monitoring, Sample, SlowSubscription
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.render.times import instant


def stats(gauges: Gauges) -> dict[str, int]:
    """Each gauge as it is and as high as it has been."""
    now, found = gauges.look(), dict[str, int]()
    for name in STATS:
        found[f"{name}.count"], found[f"{name}.max"] = now[name], gauges.highest[name]
    return found


def sample(taken: Sample) -> schema.MonitorSample:
    """What happened in some seconds. What this broker does not do is 0."""
    return schema.MonitorSample(
        time_stamp=int(taken.taken_at.timestamp() * 1000),
        received=taken.received,
        sent=taken.sent,
        dropped=taken.dropped,
        persisted=taken.persisted,
        connections=taken.connections,
        live_connections=taken.live_connections,
        topics=taken.topics,
        subscriptions=taken.subscriptions,
    )


def current(monitoring: Monitoring, now: float) -> dict[str, int]:
    """The rates since the last sample, and the gauges."""
    rates, gauges = monitoring.sampler.rates(now), monitoring.gauges.look()
    idle = ("validation_succeeded", "validation_failed", "transformation_succeeded", "transformation_failed")
    return {
        "received_msg_rate": rates.received,
        "sent_msg_rate": rates.sent,
        "dropped_msg_rate": rates.dropped,
        "persisted_rate": rates.persisted,
        **{f"{name}_rate": 0 for name in idle},
        "connections": gauges["connections"],
        "live_connections": gauges["live_connections"],
        "topics": gauges["topics"],
        "subscriptions": gauges["subscriptions"],
        # EMQX: those of its own storage for sessions, which is not ours
        "subscriptions_durable": 0,
        "disconnected_durable_sessions": 0,
        "retained_msg_count": gauges["retained"],
        "shared_subscriptions": gauges["subscriptions.shared"],
    }


def alarm(found: Alarm, node: str, now: float) -> schema.Alarm:
    """An alarm; one that is not over has no end."""
    ended = found.deactivated_at
    return schema.Alarm(
        node=node,
        name=found.name,
        message=found.message,
        details=found.details,
        duration=int(((now if ended is None else ended) - found.activated_at) * 1000),
        activate_at=instant(found.activated_at),
        deactivate_at=UNSET if ended is None else instant(ended),
    )


def slow_subscription(found: SlowSubscription, node: str) -> schema.SlowSubscriptionRow:
    return schema.SlowSubscriptionRow(
        clientid=found.client_id,
        node=node,
        topic=found.topic,
        timespan=int(found.seconds * 1000),
        last_update_time=int(found.at * 1000),
    )
