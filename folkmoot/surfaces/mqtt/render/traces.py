"""Traces in the shapes of this API."""

from __future__ import annotations

from typing import Any

import msgspec

from folkmoot.domain.monitoring import Trace
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.render.times import whole_instant


def trace(found: Trace, status: str, sizes: dict[str, int]) -> schema.TraceRow:
    row: dict[str, Any] = {
        "name": found.name,
        "type": found.subject,
        found.subject: found.value,
        "status": status,
        "start_at": whole_instant(found.starts_at),
        "end_at": whole_instant(found.ends_at),
        "log_size": sizes,
        "payload_encode": found.payload_encode,
        "formatter": found.formatter,
    }
    return msgspec.convert(row, schema.TraceRow)
