"""The whole configuration in one document (contract §2.16): what `/configs` sets, and what other operations do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render
from folkmoot.surfaces.mqtt.handlers import (
    authentication,
    authorization,
    delayed,
    prometheus,
    retainer,
    rewriting,
    rules,
    telemetry,
    topic_metrics,
    traces,
)
from folkmoot.surfaces.mqtt.handlers.management import Management

#: What is set before the start, or by operations of its own; `PUT /configs` can be told to pass over it.
READ_ONLY = frozenset(
    {
        "cluster", "node", "rpc", "listeners", "retainer", "delayed", "rewrite", "auto_subscribe", "topic_metrics",
        "prometheus", "slow_subs", "rule_engine", "authentication", "authorization", "connectors", "actions", "sources",
        "telemetry",
    }
)  # fmt: skip
# What a bridge is doing, which nobody has set.
_STATE = ("type", "name", "status", "status_reason", "node_status", "rules", "actions", "sources")


async def collect(call: Call) -> dict[str, Any]:
    """Everything by its roots, without secrets."""
    app: Management = call.app
    return {**app.settings.document(), **msgspec.to_builtins(await _others(call))}


async def _others(call: Call) -> dict[str, Any]:
    app: Management = call.app
    node, bridges = app.node_name, app.bridges
    found = [render.rule(each.rule) for each in app.rules.rules.values()]
    return {
        "node": {"name": node},
        "cluster": {"name": "emqxcl"},
        "listeners": _listeners(app),
        "retainer": await retainer.get_retainer(call),
        "delayed": await delayed.get_delayed(call),
        "rewrite": await rewriting.get_topic_rewrite(call),
        "auto_subscribe": {"topics": await rewriting.get_auto_subscribe(call)},
        "topic_metrics": [{"topic": each.topic} for each in await topic_metrics.list_topic_metrics(call)],
        "prometheus": await prometheus.get_settings(call),
        "slow_subs": await traces.get_slow_settings(call),
        "rule_engine": {
            **msgspec.to_builtins(await rules.get_rule_engine(call)),
            "rules": {each.id: _without(msgspec.to_builtins(each), ("id", "from")) for each in found},
        },
        "authentication": await authentication.list_authenticators(call),
        "authorization": {
            **msgspec.to_builtins(await authorization.get_settings(call)),
            **msgspec.to_builtins(await authorization.list_sources(call)),
        },
        "connectors": _by_type(render.connector(bridges, each, node) for each in bridges.connectors()),
        "actions": _by_type(render.channel(bridges, each, node) for each in bridges.actions()),
        "sources": _by_type(render.channel(bridges, each, node) for each in bridges.sources()),
        "telemetry": await telemetry.get_status(call),
    }


def _listeners(app: Management) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in app.listening:
        found.setdefault(each.kind, {})[each.id.partition(":")[2]] = app.listening.document(each.id)
    return found


def _by_type(documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in documents:
        found.setdefault(each["type"], {})[each["name"]] = _without(each, _STATE)
    return found


def _without(document: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}
