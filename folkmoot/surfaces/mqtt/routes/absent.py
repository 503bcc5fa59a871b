"""What this broker has none of (contract §2.17)."""

from __future__ import annotations

from typing import Any

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt.handlers import absent


def _nothing(name: str, path: str, summary: str, tag: str) -> Operation:
    return Operation(
        name,
        "GET",
        path,
        absent.list_none,
        response=list[dict[str, Any]],
        permission="any",
        summary=summary,
        tag=tag,
    )


OPERATIONS = (
    _nothing("ListGateways", "/gateways", "Gateways of other protocols: none", "Gateways"),
    _nothing("ListPlugins", "/plugins", "Plugins: none", "Plugins"),
    _nothing("ListExhooks", "/exhooks", "Hooks of other programs: none", "ExHook"),
    _nothing("ListSchemas", "/schema_registry", "Schemas of payloads: none", "Schema Registry"),
    Operation(
        "GetFormSchema",
        "GET",
        "/schemas/{name}",
        absent.get_form_schema,
        response=dict[str, Any],
        permission="none",
        summary="Descriptions of forms, without any",
        tag="Schemas",
    ),
)
