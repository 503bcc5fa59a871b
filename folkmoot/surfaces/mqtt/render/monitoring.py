"""Counters and gauges of the broker."""

from __future__ import annotations

from collections.abc import Mapping

from folkmoot.domain.broker import Broker
from folkmoot.surfaces.mqtt import schema


def metrics(broker: Broker) -> dict[str, int]:
    """All counters since the start; what is counted on living connections is added here."""
    received, sent, count = list(broker.received), list(broker.sent), dict(broker.count)
    acks = {"received": 0, "missed": 0, "sent": 0, "slow": 0}
    for link in broker.links:
        for qos in range(3):
            received[qos] += link.received[qos]
            sent[qos] += link.sent[qos]
        acks["received"] += link.received_acks
        acks["missed"] += link.missed_acks
        acks["sent"] += link.sent_acks
        acks["slow"] += link.dropped_slow
    found = dict.fromkeys(schema.METRICS, 0)
    found.update({name: value for name, value in count.items() if name in found})
    for name in ("received", "missed", "sent"):
        found[f"packets.puback.{name}"] += acks[name]
    found["messages.acked"] += acks["received"]
    for session in broker.sessions.values():
        found["delivery.dropped.queue_full"] += session.dropped_full
        found["delivery.dropped.expired"] += session.dropped_expired
        found["delivery.dropped.too_large"] += session.dropped_too_large
    found["delivery.dropped.qos0_msg"] += found["delivery.dropped"] + acks["slow"]
    found["delivery.dropped"] = sum(value for name, value in found.items() if name.startswith("delivery.dropped."))
    found["bytes.received"], found["bytes.sent"] = broker.received_bytes, broker.sent_bytes
    found["messages.received"], found["messages.sent"] = sum(received), sum(sent)
    found["packets.publish.received"], found["packets.publish.sent"] = sum(received), sum(sent)
    found["messages.delivered"] = sum(sent)
    for qos in range(3):
        found[f"messages.qos{qos}.received"], found[f"messages.qos{qos}.sent"] = received[qos], sent[qos]
    for way in ("received", "sent"):
        found[f"packets.{way}"] = sum(
            value for name, value in found.items() if name.startswith("packets.") and name.endswith(f".{way}")
        )
    found["messages.dropped"] = found["messages.dropped.no_subscribers"]
    return found


def gauges(broker: Broker) -> dict[str, int]:
    """How many there are of everything, by the names of `schema.STATS`."""
    filters = broker.routes.table.filters
    live = len(broker.sessions) - len(broker.offline)
    subscriptions = sum(filters.values())
    return {
        "channels": live,
        "connections": len(broker.sessions),
        "live_connections": live,
        "sessions": len(broker.sessions),
        "cluster_sessions": len(broker.sessions),
        "topics": len(filters),
        "suboptions": subscriptions,
        "subscribers": sum(1 for session in broker.sessions.values() if session.subscriptions),
        "subscriptions": subscriptions,
        "subscriptions.shared": sum(n for name, n in filters.items() if name.startswith(("$share/", "$queue/"))),
        "retained": len(broker.retained),
        "delayed": 0,
    }


def stats(gauges: Mapping[str, int], peaks: Mapping[str, int]) -> dict[str, int]:
    """Each gauge as it is and as high as it has been."""
    found = dict[str, int]()
    for name in schema.STATS:
        found[f"{name}.count"], found[f"{name}.max"] = gauges[name], max(gauges[name], peaks.get(name, 0))
    return found
