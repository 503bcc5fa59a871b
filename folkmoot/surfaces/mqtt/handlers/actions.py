"""Actions and sources (contract §2.14): the same operations on either; the operation's tag says which are meant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from folkmoot.domain import bridges
from folkmoot.domain.bridges import Action, Channel, Source
from folkmoot.errors import Conflict, NotFound
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.connectors import begin, bridge_id, converted, switch, tried
from folkmoot.surfaces.mqtt.handlers.management import Management

#: The tag of the operations on sources; all others are on actions.
SOURCES = "Sources"


async def list_channels(call: Call) -> list[schema.Described]:
    return [render.channel(call.app.bridges, each, call.app.node_name) for each in _all(call)]


async def summarize_channels(call: Call) -> list[schema.Described]:
    return [render.channel_summary(call.app.bridges, each, call.app.node_name) for each in _all(call)]


async def list_types(call: Call) -> list[str]:
    return list(bridges.SUBSCRIPTIONS if _is_of_sources(call) else bridges.REQUESTS)


async def create_channel(call: Call) -> schema.Described:
    app: Management = call.app
    made: Channel = await app.bridges.change(bridges.create, channel_of(call.data, app.house.now()))
    return render.channel(app.bridges, made, app.node_name)


async def get_channel(call: Call) -> schema.Described:
    return render.channel(call.app.bridges, _get(call), call.app.node_name)


async def change_channel(call: Call) -> schema.Described:
    app: Management = call.app
    wanted = converted(call.data, schema.NewSource if _is_of_sources(call) else schema.NewAction, _get(call))
    made: Channel = await app.bridges.change(bridges.replace, channel_of(wanted, app.house.now()))
    return render.channel(app.bridges, made, app.node_name)


async def delete_channel(call: Call) -> None:
    await remove(call.app, _get(call), call.data.also_delete_dep_actions)


async def enable_channel(call: Call) -> None:
    app: Management = call.app
    await app.bridges.change(bridges.enable, _get(call), switch(call), app.house.now())


async def start_channel(call: Call) -> None:
    app: Management = call.app
    app.require_node(call.path.get("node"), "node.unknown")
    await begin(app, connector_behind(app, _get(call)))


async def get_channel_metrics(call: Call) -> schema.ActionMetrics:
    return render.channel_metrics(call.app.bridges.numbers(_get(call)), call.app.node_name)


async def reset_channel_metrics(call: Call) -> None:
    call.app.bridges.reset_numbers(_get(call))


async def probe_channel(call: Call) -> None:
    app: Management = call.app
    wanted = channel_of(call.data, app.house.now())
    wanted = msgspec.structs.replace(wanted, name=wanted.name or "probe")
    bridges.check(wanted)
    await tried(app, wanted)


async def remove(app: Management, value: Channel, with_rules: bool) -> None:
    """Removes it; with rules that need it only if they are to do without. Raises Conflict with `action.used`."""
    found = app.bridges.rules_of(value.id) if isinstance(value, Action) else app.bridges.rules_on(value.id)
    if found and not with_rules:
        what = "action" if isinstance(value, Action) else "source"
        names = ", ".join(found)
        raise Conflict("action.used", f"Cannot delete {what} while there are active rules defined for it: {names}")
    if found and isinstance(value, Action):
        await app.bridges.release(value.id)
    await app.bridges.change(bridges.remove, value)


def connector_behind(app: Management, value: Channel) -> bridges.Connector:
    """The connector of an action or source."""
    wanted = f"{value.type}:{value.connector}"
    return next(each for each in app.bridges.connectors() if each.id == wanted)


def channel_of(wanted: schema.NewAction | schema.NewSource, now: datetime) -> Channel:
    """What a body says, not yet looked at."""
    given: dict[str, Any] = {
        "type": "http" if isinstance(wanted, schema.NewHttpAction) else "mqtt",
        "name": wanted.name,
        "connector": wanted.connector,
        "is_enabled": wanted.enable,
        "description": wanted.description,
        "tags": tuple(wanted.tags),
        "settings": wanted.parameters,
        "resource": wanted.resource_opts,
        "created_at": now,
        "changed_at": now,
    }
    return Source(**given) if isinstance(wanted, schema.NewSource) else Action(**given)


def _is_of_sources(call: Call) -> bool:
    return call.operation.tag == SOURCES


def _all(call: Call) -> list[Channel]:
    running: bridges.Bridges = call.app.bridges
    return list(running.sources() if _is_of_sources(call) else running.actions())


def _get(call: Call) -> Channel:
    wanted = bridge_id(call)
    for each in _all(call):
        if each.id == wanted:
            return each
    what = "source" if _is_of_sources(call) else "action"
    raise NotFound(f"{what}.unknown", f"There is no {what} {wanted}.")
