"""Connectors (contract §2.14)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from folkmoot.domain import bridges
from folkmoot.domain.bridges import Connector, Status
from folkmoot.errors import Invalid, NotFound
from folkmoot.net.decoding import invalid_value
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management


async def list_connectors(call: Call) -> list[schema.Described]:
    app: Management = call.app
    return [render.connector(app.bridges, each, app.node_name) for each in app.bridges.connectors()]


async def create_connector(call: Call) -> schema.Described:
    app: Management = call.app
    made = await app.bridges.change(bridges.create, connector_of(call.data, app.house.now()))
    return render.connector(app.bridges, made, app.node_name)


async def get_connector(call: Call) -> schema.Described:
    return render.connector(call.app.bridges, _get(call), call.app.node_name)


async def change_connector(call: Call) -> schema.Described:
    app: Management = call.app
    before = _get(call)
    wanted = converted(call.data, schema.NewConnector, before)
    made = await app.bridges.change(bridges.replace, connector_of(wanted, app.house.now()))
    return render.connector(app.bridges, made, app.node_name)


async def delete_connector(call: Call) -> None:
    await call.app.bridges.change(bridges.remove, _get(call))


async def enable_connector(call: Call) -> None:
    app: Management = call.app
    await app.bridges.change(bridges.enable, _get(call), switch(call), app.house.now())


async def start_connector(call: Call) -> None:
    app: Management = call.app
    app.require_node(call.path.get("node"), "node.unknown")
    await begin(app, _get(call))


async def probe_connector(call: Call) -> None:
    app: Management = call.app
    wanted = connector_of(call.data, app.house.now())
    wanted = msgspec.structs.replace(wanted, name=wanted.name or "probe")
    kept = next((each for each in app.bridges.connectors() if each.id == wanted.id), None)
    if kept is not None:
        wanted = msgspec.structs.replace(wanted, settings=bridges.reveal(wanted.settings, kept.settings))
    bridges.check(wanted)
    await tried(app, wanted)


async def begin(app: Management, value: Connector) -> None:
    """Connects, or raises Invalid saying why not."""
    if not value.is_enabled:
        raise Invalid("connector.disabled", "Forbidden operation, connector not enabled")
    health = await app.bridges.start_connector(value)
    if health.status is not Status.CONNECTED:
        raise Invalid("connector.down", health.reason or "It does not answer yet.")


async def tried(app: Management, value: Any) -> None:
    """Raises Invalid with `bridge.test` when the other side cannot be reached."""
    health = await app.bridges.probe(value)
    if health.status is not Status.CONNECTED:
        raise Invalid("bridge.test", health.reason)


def connector_of(wanted: schema.NewConnector, now: datetime) -> Connector:
    """What a body says, not yet looked at."""
    kind = "http" if isinstance(wanted, schema.NewHttpConnector) else "mqtt"
    settings = {name: getattr(wanted, name) for name in bridges.SERVERS[kind].__struct_fields__}
    return Connector(
        type=kind,
        name=wanted.name,
        is_enabled=wanted.enable,
        description=wanted.description,
        tags=tuple(wanted.tags),
        settings=bridges.SERVERS[kind](**settings),
        resource=wanted.resource_opts,
        created_at=now,
        changed_at=now,
    )


def converted(body: dict[str, Any], kind: Any, before: Any) -> Any:
    """The body of a change, which need not repeat type and name."""
    try:
        return msgspec.convert({**body, "type": before.type, "name": before.name}, kind)
    except msgspec.ValidationError as error:
        raise invalid_value(error) from error


def switch(call: Call) -> bool:
    """The last segment of `…/enable/{true|false}`."""
    if call.path["enable"] not in ("true", "false"):
        raise Invalid("request.value", "Expected true or false.", "enable")
    return call.path["enable"] == "true"


def bridge_id(call: Call) -> str:
    """The id of the path. Raises Invalid for what is none."""
    found = call.path["id"]
    if not all(found.partition(":")):
        raise Invalid("bridge.id", "An id looks like type:name.", "id")
    return found


def _get(call: Call) -> Connector:
    wanted = bridge_id(call)
    connectors: list[Connector] = call.app.bridges.connectors()
    for each in connectors:
        if each.id == wanted:
            return each
    raise NotFound("connector.unknown", f"There is no connector {wanted}.")
