"""The numbers for Prometheus, and what is set about them (contract §2.9)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import prometheus

OPERATIONS = (
    Operation(
        "GetPrometheusStats",
        "GET",
        "/prometheus/stats",
        prometheus.get_stats,
        schema.ExpositionQuery,
        permission="none",
        summary="The numbers of the broker",
        tag="Prometheus",
        media_types=("text/plain", "application/json"),
        failures=(401, 403, 429),
    ),
    Operation(
        "GetPrometheusAuth",
        "GET",
        "/prometheus/auth",
        prometheus.get_access,
        schema.ExpositionQuery,
        permission="none",
        summary="The numbers of authentication and authorization",
        tag="Prometheus",
        media_types=("text/plain", "application/json"),
        failures=(401, 403, 429),
    ),
    Operation(
        "GetPrometheusDataIntegration",
        "GET",
        "/prometheus/data_integration",
        prometheus.get_data_integration,
        schema.ExpositionQuery,
        permission="none",
        summary="The numbers of rules, actions and connectors",
        tag="Prometheus",
        media_types=("text/plain", "application/json"),
        failures=(401, 403, 429),
    ),
    Operation(
        "GetPrometheusSettings",
        "GET",
        "/prometheus",
        prometheus.get_settings,
        response=schema.Prometheus,
        permission="any",
        summary="What is set about the numbers",
        tag="Prometheus",
    ),
    Operation(
        "SetPrometheusSettings",
        "PUT",
        "/prometheus",
        prometheus.set_settings,
        schema.Prometheus,
        schema.Prometheus,
        "any",
        "Set who may read the numbers and where they are pushed",
        tag="Prometheus",
    ),
)
