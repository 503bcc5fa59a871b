"""Metrics and stats (contract §2.9)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import monitoring

OPERATIONS = (
    Operation(
        "GetMetrics",
        "GET",
        "/metrics",
        monitoring.get_metrics,
        schema.Aggregate,
        schema.Numbers | list[schema.NodeNumbers],
        "any",
        "All counters",
        tag="Metrics",
    ),
    Operation(
        "GetStats",
        "GET",
        "/stats",
        monitoring.get_stats,
        schema.Aggregate,
        schema.Numbers | list[schema.NodeNumbers],
        "any",
        "All gauges",
        tag="Metrics",
    ),
)
