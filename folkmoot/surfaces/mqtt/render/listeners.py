"""Listeners, one by one and by type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.listener import Listener


def listener_row(listener: Listener, document: dict[str, Any], node_name: str) -> schema.ListenerRow:
    kind, _, name = listener.id.partition(":")
    status = listener_status([listener])
    return schema.ListenerRow(
        listener.id,
        kind,
        name,
        listener.options.enable,
        document["bind"],
        document["acceptors"],
        1,
        status,
        [schema.ListenerNodeStatus(node_name, status)],
    )


def listener_type_row(kind: str, listeners: Sequence[Listener], node_name: str) -> schema.ListenerTypeRow:
    status = listener_status(listeners)
    return schema.ListenerTypeRow(
        kind,
        any(each.options.enable for each in listeners),
        [each.id for each in listeners],
        status,
        [schema.ListenerNodeStatus(node_name, status)],
    )


def listener_status(listeners: Sequence[Listener]) -> schema.ListenerStatus:
    running = {each.is_running for each in listeners}
    most = [each.options.max_connections for each in listeners]
    return schema.ListenerStatus(
        running.pop() if len(running) == 1 else "inconsistent",
        sum(len(each.connections) for each in listeners),
        "infinity" if None in most else sum(each for each in most if each is not None),
    )


def listener_settings(listener: Listener, document: dict[str, Any]) -> dict[str, Any]:
    """A listener's whole configuration, and how it is."""
    return {
        "id": listener.id,
        "type": listener.kind,
        **document,
        "running": listener.is_running,
        "current_connections": len(listener.connections),
    }
