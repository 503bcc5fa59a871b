"""Messages that are published later."""

from __future__ import annotations

import base64

from folkmoot.domain.broker import Postponed
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.render.times import instant

_LARGEST_SHOWN = 2048
_TOO_LARGE = "PAYLOAD_TOO_LARGE"


def delayed_summary(one: Postponed, node_name: str, now: float) -> schema.DelayedSummary:
    message = one.message
    return schema.DelayedSummary(
        msgid=one.id,
        node=node_name,
        publish_at=instant(message.published_at),
        delayed_interval=round(one.interval),
        delayed_remaining=max(0, round(one.due_at - now)),
        expected_at=instant(one.due_at),
        topic=message.topic,
        qos=message.qos,
        from_clientid=message.from_client,
        from_username=message.from_name or "",
    )


def delayed_message(one: Postponed, node_name: str, now: float) -> schema.DelayedMessage:
    payload = one.message.payload
    shown = base64.b64encode(payload).decode() if len(payload) <= _LARGEST_SHOWN else _TOO_LARGE
    found = delayed_summary(one, node_name, now)
    return schema.DelayedMessage(**{name: getattr(found, name) for name in found.__struct_fields__}, payload=shown)
