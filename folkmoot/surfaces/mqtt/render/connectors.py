"""Connectors, actions and sources, without their secrets."""

from __future__ import annotations

from typing import Any

import msgspec

from folkmoot.domain import bridges
from folkmoot.domain.bridges import Action, Bridges, Channel, Connector, Health, Source
from folkmoot.surfaces.mqtt import schema

#: What a connector has of the resource options.
_LOOKED_AFTER = ("health_check_interval", "start_after_created", "start_timeout")


def connector(running: Bridges, value: Connector, node: str) -> schema.Described:
    """A connector: its settings stand beside its name."""
    resource = msgspec.to_builtins(value.resource)
    channels: list[tuple[str, list[Action] | list[Source]]] = [
        ("actions", list(running.actions())),
        ("sources", list(running.sources())),
    ]
    return {
        **_head(value),
        **msgspec.to_builtins(bridges.hide(value.settings)),
        "resource_opts": {name: resource[name] for name in _LOOKED_AFTER},
        **_times(value),
        **_health(running.health(value), node),
        **{key: [each.name for each in found if _uses(each, value)] for key, found in channels},
    }


def channel(running: Bridges, value: Channel, node: str) -> schema.Described:
    """An action or a source."""
    return {
        **_head(value),
        "connector": value.connector,
        "parameters": msgspec.to_builtins(bridges.hide(value.settings)),
        "resource_opts": msgspec.to_builtins(value.resource),
        **_times(value),
        **_health(running.health(value), node),
        "rules": _rules(running, value),
    }


def channel_summary(running: Bridges, value: Channel, node: str) -> schema.Described:
    """An action or a source without its settings."""
    found = channel(running, value, node)
    return {name: each for name, each in found.items() if name not in ("parameters", "resource_opts")}


def channel_metrics(numbers: dict[str, float], node: str) -> schema.ActionMetrics:
    """What an action or a source has counted; this node is all there is."""
    return schema.ActionMetrics(numbers, [schema.ActionNodeMetrics(node, numbers)])


def old_bridge(running: Bridges, value: Connector, channels: list[Channel], node: str) -> schema.Described:
    """A connector with its action, source or both, in the words of 5.0."""
    settings = msgspec.to_builtins(bridges.hide(value.settings))
    resource = msgspec.to_builtins(channels[0].resource)
    tail = {"resource_opts": resource, **_times(channels[0]), **_health(running.health(channels[0]), node)}
    head = _head(channels[0])
    if value.type == "http":
        request = msgspec.to_builtins(bridges.hide(channels[0].settings))
        settings["url"] = _joined(settings["url"], request.pop("path"))
        settings["headers"] = {**settings["headers"], **request.pop("headers")}
        return {**head, "type": "webhook", **settings, **request, "local_topic": "", **tail}
    found: dict[str, Any] = {}
    for each in channels:
        remote = msgspec.to_builtins(each.settings)
        found["egress" if isinstance(each, Action) else "ingress"] = {"remote": remote, "local": {"topic": ""}}
    return {**head, **settings, **found, **tail}


def _joined(url: str, path: str) -> str:
    return f"{url.rstrip('/')}/{path.lstrip('/')}" if path and not path.startswith("?") else url + path


def _head(value: Connector | Channel) -> dict[str, Any]:
    return {
        "type": value.type,
        "name": value.name,
        "enable": value.is_enabled,
        "description": value.description,
        "tags": list(value.tags),
    }


def _times(value: Connector | Channel) -> dict[str, int]:
    return {
        "created_at": round(value.created_at.timestamp() * 1000),
        "last_modified_at": round(value.changed_at.timestamp() * 1000),
    }


def _health(health: Health, node: str) -> dict[str, Any]:
    here = {"node": node, "status": health.status.value}
    if health.reason:
        here["status_reason"] = health.reason
    return {"status": health.status.value, "status_reason": health.reason, "node_status": [here]}


def _rules(running: Bridges, value: Channel) -> list[str]:
    return list(running.rules_of(value.id) if isinstance(value, Action) else running.rules_on(value.id))


def _uses(value: Channel, used: Connector) -> bool:
    return (value.type, value.connector) == (used.type, used.name)
