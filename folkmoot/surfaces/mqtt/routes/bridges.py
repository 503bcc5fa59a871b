"""Bridges (contract §2.14), the older form of connectors, actions and sources."""

from __future__ import annotations

from functools import partial
from typing import Any

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import bridges

_operation = partial(Operation, permission="any", tag="Bridges")

OPERATIONS = (
    _operation(
        "ListBridges",
        "GET",
        "/bridges",
        bridges.list_bridges,
        response=list[schema.Described],
        summary="All bridges",
    ),
    _operation(
        "CreateBridge",
        "POST",
        "/bridges",
        bridges.create_bridge,
        schema.OldBridge,
        schema.Described,
        summary="Make a bridge: a connector and what goes through it",
        status=201,
    ),
    _operation(
        "GetBridge", "GET", "/bridges/{id}", bridges.get_bridge, response=schema.Described, summary="One bridge"
    ),
    _operation(
        "ChangeBridge",
        "PUT",
        "/bridges/{id}",
        bridges.change_bridge,
        dict[str, Any],
        schema.Described,
        summary="Replace a bridge's settings",
    ),
    _operation(
        "DeleteBridge",
        "DELETE",
        "/bridges/{id}",
        bridges.delete_bridge,
        schema.ActionRemoval,
        summary="Remove a bridge that no rule needs",
        status=204,
    ),
    _operation(
        "EnableBridge",
        "PUT",
        "/bridges/{id}/enable/{enable}",
        bridges.enable_bridge,
        summary="Switch a bridge on or off",
        status=204,
    ),
    _operation(
        "OperateBridge",
        "POST",
        "/bridges/{id}/{operation}",
        bridges.operate_bridge,
        summary="Try to connect now",
        status=204,
    ),
    _operation(
        "OperateBridgeOnNode",
        "POST",
        "/nodes/{node}/bridges/{id}/{operation}",
        bridges.operate_bridge,
        summary="Try to connect now, from one node",
        status=204,
    ),
    _operation(
        "GetBridgeMetrics",
        "GET",
        "/bridges/{id}/metrics",
        bridges.get_bridge_metrics,
        response=schema.ActionMetrics,
        summary="What a bridge has counted",
    ),
    _operation(
        "ResetBridgeMetrics",
        "PUT",
        "/bridges/{id}/metrics/reset",
        bridges.reset_bridge_metrics,
        summary="Count from zero again",
        status=204,
    ),
    _operation(
        "ProbeBridge",
        "POST",
        "/bridges_probe",
        bridges.probe_bridge,
        schema.OldBridge,
        summary="Try settings out",
        status=204,
    ),
)
