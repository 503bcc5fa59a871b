"""The switch of a report that is never sent (contract §2.17)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import telemetry

OPERATIONS = (
    Operation(
        "GetTelemetryStatus",
        "GET",
        "/telemetry/status",
        telemetry.get_status,
        response=schema.TelemetryStatus,
        permission="any",
        summary="Whether the report may be looked at",
        tag="Telemetry",
    ),
    Operation(
        "SetTelemetryStatus",
        "PUT",
        "/telemetry/status",
        telemetry.set_status,
        schema.TelemetryStatus,
        schema.TelemetryStatus,
        "any",
        "Say whether the report may be looked at",
        tag="Telemetry",
    ),
    Operation(
        "GetTelemetryData",
        "GET",
        "/telemetry/data",
        telemetry.get_data,
        response=schema.TelemetryData,
        permission="any",
        summary="The report; it is sent to nobody",
        tag="Telemetry",
        failures=(404,),
    ),
)
