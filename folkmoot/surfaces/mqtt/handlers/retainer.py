"""Retained messages and the settings about them (contract §2.6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from folkmoot.domain.broker import Message, RetainedSettings, documents, is_filter, save_setting
from folkmoot.errors import Invalid, NotFound
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.text.amounts import parse_duration, parse_rate, parse_size

# So many are looked at, or removed, before the sockets get a turn.
_GIVE_WAY_EVERY = 2_000


async def get_retainer(call: Call) -> schema.Retainer:
    return render.retainer_settings(call.app.stream.broker.retained.settings)


async def change_retainer(call: Call) -> schema.Retainer:
    app: Management = call.app
    retained = app.stream.broker.retained
    try:
        settings = _changed(retained.settings, call.data)
    except Invalid as error:
        raise Invalid("retainer.invalid", error.message, error.field) from error
    content = documents.write(settings)
    await app.house.broker_db.write(save_setting, documents.RETAINER, content, app.house.now())
    retained.settings = settings
    return render.retainer_settings(settings)


def _changed(settings: RetainedSettings, wanted: schema.RetainerChange) -> RetainedSettings:
    changes: dict[str, Any] = {}
    for name in ("enable", "allow_never_expire", "msg_clear_limit", "stop_publish_clear_msg"):
        changes[name] = getattr(wanted, name)
    for name in ("msg_expiry_interval", "msg_clear_interval"):
        value = getattr(wanted, name)
        changes[name] = value if value is UNSET else parse_duration(value, name)
    override = wanted.msg_expiry_interval_override
    if not isinstance(override, UnsetType):
        name = "msg_expiry_interval_override"
        changes[name] = None if override == "disabled" else parse_duration(override, name)
    if not isinstance(wanted.max_payload_size, UnsetType):
        changes["max_payload_size"] = parse_size(wanted.max_payload_size, "max_payload_size")
    for name in ("delivery_rate", "max_publish_rate"):
        rate = getattr(wanted, name)
        changes[name] = rate if rate is UNSET else None if rate == "infinity" else parse_rate(rate, name)
    if not isinstance(wanted.backend, UnsetType):
        for name in ("max_retained_messages", "storage_type", "index_specs"):
            changes[name] = getattr(wanted.backend, name)
        changes["backend_enable"] = wanted.backend.enable
    return replace(settings, **{name: value for name, value in changes.items() if value is not UNSET})


async def list_retained_messages(call: Call) -> schema.RetainedPage:
    app: Management = call.app
    query: schema.RetainedQuery = call.data
    retained, now = app.stream.broker.retained, app.stream.now()
    first, behind = (query.page - 1) * query.limit, query.page * query.limit
    meta = schema.RetainedMeta(query.page, query.limit, False)
    rows: list[Message]
    if query.topic is None:
        rows = list(islice(retained.messages.values(), first, behind))
        meta.count, meta.hasnext = len(retained), behind < len(retained)
    else:
        rows, place = [], 0
        async for message in _matching(app, query.topic):
            if place == behind:
                meta.hasnext = True
                break
            rows += [message] * (place >= first)
            place += 1
    live = [each for each in rows if retained.find(each.topic, now) is not None]
    return schema.RetainedPage([render.retained_summary(each) for each in live], meta)


async def _matching(app: Management, topic_filter: str) -> AsyncIterator[Message]:
    """The retained messages inside a filter. Raises Invalid for what is none."""
    if not is_filter(topic_filter):
        raise Invalid("filter.invalid", "This is no topic filter.", "topic")
    retained = app.stream.broker.retained
    for step, found in enumerate(retained.walk(topic_filter)):
        if step % _GIVE_WAY_EVERY == _GIVE_WAY_EVERY - 1:
            await asyncio.sleep(0)
        message = None if found is None else retained.find(found.topic, app.stream.now())
        if message is not None:
            yield message


async def get_retained_message(call: Call) -> schema.RetainedMessage:
    async for message in _matching(call.app, call.path["topic"]):
        return render.retained_message(message)
    raise NotFound("retained.unknown", "No retained message is on this topic.")


async def delete_retained_message(call: Call) -> None:
    topics = [message.topic async for message in _matching(call.app, call.path["topic"])]
    if not topics:
        raise NotFound("retained.unknown", "No retained message is on this topic.")
    await _remove(call.app, topics)


async def delete_retained_messages(call: Call) -> None:
    await _remove(call.app, list(call.app.stream.broker.retained.messages))


async def _remove(app: Management, topics: list[str]) -> None:
    """Returns after the commit."""
    broker = app.stream.broker
    for start in range(0, len(topics), _GIVE_WAY_EVERY):
        for topic in topics[start : start + _GIVE_WAY_EVERY]:
            if broker.retained.drop(topic):
                broker.ledger.retain(topic, None)
        await app.stream.settled()
