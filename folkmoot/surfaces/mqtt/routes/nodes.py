"""Status and nodes (contract §2.2), error codes (§1.5)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import nodes

OPERATIONS = (
    Operation(
        "GetStatus",
        "GET",
        "/status",
        nodes.get_status,
        schema.StatusQuery,
        schema.Status,
        "none",
        "Whether the server is running",
        aliases=(("GET", "/status"),),
        tag="Status",
    ),
    Operation(
        "ListNodes",
        "GET",
        "/nodes",
        nodes.list_nodes,
        response=list[schema.Node],
        permission="any",
        summary="The nodes",
        tag="Nodes",
    ),
    Operation(
        "GetNode",
        "GET",
        "/nodes/{node}",
        nodes.get_node,
        response=schema.Node,
        permission="any",
        summary="One node",
        tag="Nodes",
    ),
    Operation(
        "GetNodeMetrics",
        "GET",
        "/nodes/{node}/metrics",
        nodes.get_node_metrics,
        response=schema.Numbers,
        permission="any",
        summary="The counters of a node",
        tag="Nodes",
    ),
    Operation(
        "GetNodeStats",
        "GET",
        "/nodes/{node}/stats",
        nodes.get_node_stats,
        response=schema.Numbers,
        permission="any",
        summary="The gauges of a node",
        tag="Nodes",
    ),
    Operation(
        "ListErrorCodes",
        "GET",
        "/error_codes",
        nodes.list_error_codes,
        response=list[schema.ErrorCode],
        permission="none",
        summary="The code words of failures",
        tag="Error Codes",
    ),
    Operation(
        "GetErrorCode",
        "GET",
        "/error_codes/{code}",
        nodes.get_error_code,
        response=schema.ErrorCode,
        permission="none",
        summary="What a code word means",
        tag="Error Codes",
    ),
)
