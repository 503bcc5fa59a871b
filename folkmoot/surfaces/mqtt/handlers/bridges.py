"""Bridges (contract §2.14), as clients of 5.0 know them: one name for a connector and what goes through it.

`webhook:NAME` is the connector and the action `http:NAME`; `mqtt:NAME` the connector with an action (egress), a source
(ingress) or both.
What was made as connectors and actions is shown here too, each action or source under its own name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from folkmoot.domain import bridges
from folkmoot.domain.bridges import Action, Channel, Connector, Source
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.actions import connector_behind, remove
from folkmoot.surfaces.mqtt.handlers.connectors import begin, bridge_id, converted, switch, tried
from folkmoot.surfaces.mqtt.handlers.management import Management


async def list_bridges(call: Call) -> list[schema.Described]:
    app: Management = call.app
    names = {(each.type, each.name): None for each in _channels(app)}
    return [_shown(app, _named(app, kind, name)) for kind, name in names]


async def create_bridge(call: Call) -> schema.Described:
    app: Management = call.app
    wanted = _parts(call.data, app.house.now())
    if _named(app, wanted[0].type, wanted[0].name):
        raise Conflict("bridge.duplicate", f"There is one named {wanted[0].name} already.")
    await app.bridges.change(_create, wanted)
    return _shown(app, _named(app, wanted[0].type, wanted[0].name))


async def get_bridge(call: Call) -> schema.Described:
    return _shown(call.app, _get(call))


async def change_bridge(call: Call) -> schema.Described:
    app: Management = call.app
    found = _get(call)
    kind, _, name = bridge_id(call).partition(":")
    wanted = _parts(converted(call.data, schema.OldBridge, _Named(kind, name)), app.house.now())
    await app.bridges.change(_replace, connector_behind(app, found[0]), found, wanted)
    return _shown(app, _named(app, wanted[0].type, name))


async def delete_bridge(call: Call) -> None:
    app: Management = call.app
    found = _get(call)
    connector = connector_behind(app, found[0])
    for each in found:
        await remove(app, each, call.data.also_delete_dep_actions)
    used = any((each.type, each.connector) == (connector.type, connector.name) for each in _channels(app))
    if not used and connector.name == found[0].name:
        await app.bridges.change(bridges.remove, connector)


async def enable_bridge(call: Call) -> None:
    app: Management = call.app
    await app.bridges.change(_enable, _get(call), switch(call), app.house.now())


async def operate_bridge(call: Call) -> None:
    app: Management = call.app
    app.require_node(call.path.get("node"), "node.unknown")
    found = _get(call)
    if call.path["operation"] not in ("start", "restart"):
        raise Invalid("bridge.operation", "Only start and restart; to stop a bridge, switch it off.", "operation")
    if not found[0].is_enabled:
        raise Invalid("bridge.disabled", "Forbidden operation, bridge not enabled")
    await begin(app, connector_behind(app, found[0]))


async def get_bridge_metrics(call: Call) -> schema.ActionMetrics:
    return render.channel_metrics(call.app.bridges.numbers(_get(call)[0]), call.app.node_name)


async def reset_bridge_metrics(call: Call) -> None:
    for each in _get(call):
        call.app.bridges.reset_numbers(each)


async def probe_bridge(call: Call) -> None:
    app: Management = call.app
    wanted = msgspec.structs.replace(call.data, name=call.data.name or "probe")
    parts = _parts(wanted, app.house.now())
    for each in parts:
        bridges.check(each)
    await tried(app, parts[0])


class _Named(msgspec.Struct):
    type: str
    name: str


Parts = Sequence[Connector | Action | Source]


def _parts(wanted: schema.OldBridge, now: datetime) -> Parts:
    """The connector and what goes through it."""
    kind = "http" if isinstance(wanted, schema.OldWebhook) else "mqtt"
    same: dict[str, Any] = {
        "type": kind,
        "name": wanted.name,
        "is_enabled": wanted.enable,
        "description": wanted.description,
        "tags": tuple(wanted.tags),
        "resource": wanted.resource_opts,
        "created_at": now,
        "changed_at": now,
    }
    if isinstance(wanted, schema.OldWebhook):
        _require_no_local(wanted.local_topic)
        server, path = _split(wanted.url)
        names = set(bridges.HttpServer.__struct_fields__) - {"url", "headers"}
        settings = {name: getattr(wanted, name) for name in names}
        request = bridges.HttpRequest(
            path=path, method=wanted.method, headers=wanted.headers, body=wanted.body, max_retries=wanted.max_retries
        )
        connector = Connector(**same, settings=bridges.HttpServer(url=server, **settings))
        return [connector, Action(**same, connector=wanted.name, settings=request)]
    kept = bridges.MqttServer.__struct_fields__
    found: list[Connector | Action | Source] = [
        Connector(**same, settings=bridges.MqttServer(**{name: getattr(wanted, name) for name in kept}))
    ]
    if wanted.egress is not None:
        _require_no_local(wanted.egress.local.topic)
        publish = bridges.MqttPublish(**msgspec.structs.asdict(wanted.egress.remote))
        found.append(Action(**same, connector=wanted.name, settings=publish))
    if wanted.ingress is not None:
        _require_no_local(wanted.ingress.local.topic)
        remote = wanted.ingress.remote
        qos = remote.qos if isinstance(remote.qos, int) else 1
        subscription = bridges.MqttSubscription(topic=remote.topic, qos=qos)
        found.append(Source(**same, connector=wanted.name, settings=subscription))
    if len(found) == 1:
        raise Invalid("bridge.empty", "A bridge has egress, ingress or both.")
    return found


def _require_no_local(topic: str) -> None:
    if topic:
        raise Invalid(
            "bridge.local", "Topics of this broker are a rule's to name; make one that uses the bridge.", "local"
        )


def _split(url: str) -> tuple[str, str]:
    """Server and path template of an address with placeholders."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", "")), url.partition(parts.netloc)[2] if parts.netloc else ""


def _create(tx: Transaction, parts: Parts) -> None:
    for each in parts:
        _put(tx, each, is_new=True)


def _put(tx: Transaction, part: Connector | Action | Source, *, is_new: bool) -> None:
    verb: Any = bridges.create if is_new else bridges.replace
    verb(tx, part)


def _replace(tx: Transaction, connector: Connector, before: Sequence[Channel], parts: Parts) -> None:
    """The connector keeps its own name; what is not in `parts` any more goes."""
    kept = {type(each) for each in before}
    for each in parts:
        if isinstance(each, Connector):
            _put(tx, msgspec.structs.replace(each, name=connector.name), is_new=False)
        else:
            renamed = msgspec.structs.replace(each, connector=connector.name)
            _put(tx, renamed, is_new=type(each) not in kept)
    for gone in before:
        if type(gone) not in {type(each) for each in parts}:
            bridges.remove(tx, gone)


def _enable(tx: Transaction, channels: Sequence[Channel], is_enabled: bool, now: datetime) -> None:
    verb: Any = bridges.enable
    for each in channels:
        verb(tx, each, is_enabled, now)


def _channels(app: Management) -> list[Channel]:
    return [*app.bridges.actions(), *app.bridges.sources()]


def _named(app: Management, kind: str, name: str) -> list[Channel]:
    return [each for each in _channels(app) if (each.type, each.name) == (kind, name)]


def _get(call: Call) -> list[Channel]:
    """What a bridge is made of, the action first."""
    kind, _, name = bridge_id(call).partition(":")
    found = _named(call.app, "http" if kind == "webhook" else kind, name)
    if not found or kind == "http":
        raise NotFound("bridge.unknown", f"There is no bridge {kind}:{name}.")
    return found


def _shown(app: Management, channels: list[Channel]) -> schema.Described:
    return render.old_bridge(app.bridges, connector_behind(app, channels[0]), channels, app.node_name)
