"""Connectors (contract §2.14)."""

from __future__ import annotations

from functools import partial
from typing import Any

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import connectors

_operation = partial(Operation, permission="any", tag="Connectors")

OPERATIONS = (
    _operation(
        "ListConnectors",
        "GET",
        "/connectors",
        connectors.list_connectors,
        response=list[schema.Described],
        summary="All connectors",
    ),
    _operation(
        "CreateConnector",
        "POST",
        "/connectors",
        connectors.create_connector,
        schema.NewConnector,
        schema.Described,
        summary="Make a connector",
        status=201,
    ),
    _operation(
        "GetConnector",
        "GET",
        "/connectors/{id}",
        connectors.get_connector,
        response=schema.Described,
        summary="One connector",
    ),
    _operation(
        "ChangeConnector",
        "PUT",
        "/connectors/{id}",
        connectors.change_connector,
        dict[str, Any],
        schema.Described,
        summary="Replace a connector's settings",
    ),
    _operation(
        "DeleteConnector",
        "DELETE",
        "/connectors/{id}",
        connectors.delete_connector,
        summary="Remove a connector that nothing uses",
        status=204,
    ),
    _operation(
        "EnableConnector",
        "PUT",
        "/connectors/{id}/enable/{enable}",
        connectors.enable_connector,
        summary="Switch a connector on or off",
        status=204,
    ),
    _operation(
        "StartConnector",
        "POST",
        "/connectors/{id}/start",
        connectors.start_connector,
        summary="Try to connect now",
        status=204,
    ),
    _operation(
        "StartConnectorOnNode",
        "POST",
        "/nodes/{node}/connectors/{id}/start",
        connectors.start_connector,
        summary="Try to connect now, from one node",
        status=204,
    ),
    _operation(
        "ProbeConnector",
        "POST",
        "/connectors_probe",
        connectors.probe_connector,
        schema.NewConnector,
        summary="Try settings out",
        status=204,
    ),
)
