"""Retained messages and the settings about them."""

from __future__ import annotations

import base64
import hashlib

from msgspec import UNSET

from folkmoot.domain.broker import Message, RetainedSettings
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.render.times import instant
from folkmoot.text.amounts import format_duration, format_size

_LARGEST_PAYLOAD = 1_048_576


def retainer_settings(settings: RetainedSettings) -> schema.Retainer:
    override = settings.msg_expiry_interval_override
    return schema.Retainer(
        enable=settings.enable,
        msg_expiry_interval=format_duration(settings.msg_expiry_interval),
        msg_expiry_interval_override="disabled" if override is None else format_duration(override),
        allow_never_expire=settings.allow_never_expire,
        msg_clear_interval=format_duration(settings.msg_clear_interval),
        msg_clear_limit=settings.msg_clear_limit,
        max_payload_size=format_size(settings.max_payload_size),
        stop_publish_clear_msg=settings.stop_publish_clear_msg,
        delivery_rate=per_second(settings.delivery_rate),
        max_publish_rate=per_second(settings.max_publish_rate),
        backend=schema.RetainerBackend(
            storage_type="disc" if settings.storage_type == "disc" else "ram",
            max_retained_messages=settings.max_retained_messages,
            index_specs=settings.index_specs,
            enable=settings.backend_enable,
        ),
    )


def per_second(rate: float | None) -> str:
    """A rate as operators write it, in the shortest time in which it is a whole number."""
    if rate is None:
        return "infinity"
    for seconds, unit in ((1, "s"), (60, "m"), (3600, "h")):
        if rate * seconds >= 1 and abs(rate * seconds - round(rate * seconds)) < 1e-6:
            return f"{round(rate * seconds)}/{unit}"
    return f"{max(1, round(rate * 86_400))}/d"


def retained_summary(message: Message) -> schema.RetainedSummary:
    return schema.RetainedSummary(
        retained_id(message),
        message.topic,
        message.qos,
        instant(message.published_at),
        message.from_client,
        message.from_name or "",
    )


def retained_message(message: Message) -> schema.RetainedMessage:
    small = len(message.payload) <= _LARGEST_PAYLOAD
    payload = base64.b64encode(message.payload).decode() if small else UNSET
    found = retained_summary(message)
    return schema.RetainedMessage(**{name: getattr(found, name) for name in found.__struct_fields__}, payload=payload)


def retained_id(message: Message) -> str:
    """What a retained message is called; made of itself, so that it is the same after a restart."""
    content = "\0".join((message.topic, message.from_client)).encode() + b"\0" + message.payload
    mark = hashlib.blake2b(content, digest_size=8).hexdigest().upper()
    return f"{round(message.published_at * 1_000_000):016X}{mark}"
