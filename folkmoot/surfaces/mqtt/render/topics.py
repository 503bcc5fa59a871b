"""Subscriptions."""

from __future__ import annotations

from folkmoot.domain.broker import Subscription
from folkmoot.surfaces.mqtt import schema


def subscription(found: Subscription, node_name: str) -> schema.Subscription:
    """A subscription under the filter its client wrote."""
    return schema.Subscription(
        node=node_name,
        topic=found.topic_filter,
        clientid=found.client_id,
        qos=found.qos,
        nl=int(found.no_local),
        rap=int(found.retain_as_published),
        rh=found.retain_handling,
    )
