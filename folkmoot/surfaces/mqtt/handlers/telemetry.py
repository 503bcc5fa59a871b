"""The switch of a report that is never sent (contract §2.17): it is kept, and lets the report be looked at."""

from __future__ import annotations

import platform

import msgspec

from folkmoot.domain.broker import find_setting, save_setting
from folkmoot.errors import NotFound
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers.management import Management

_SETTING = "telemetry"


async def get_status(call: Call) -> schema.TelemetryStatus:
    content = await call.app.house.broker_db.read(find_setting, _SETTING)
    return msgspec.json.decode(content, type=schema.TelemetryStatus) if content else schema.TelemetryStatus(False)


async def set_status(call: Call) -> schema.TelemetryStatus:
    app: Management = call.app
    content = msgspec.json.encode(call.data).decode()
    await app.house.broker_db.write(save_setting, _SETTING, content, app.house.now())
    status: schema.TelemetryStatus = call.data
    return status


async def get_data(call: Call) -> schema.TelemetryData:
    app: Management = call.app
    if not (await get_status(call)).enable:
        raise NotFound("telemetry.off", "Telemetry is not enabled")
    broker = app.stream.broker
    return schema.TelemetryData(
        emqx_version=schema.VERSION,
        license={"edition": "opensource"},
        os_name=platform.system(),
        os_version=platform.release(),
        otp_version=f"Python {platform.python_version()}",
        up_time=int(app.stream.now() - app.monitoring.started_at),
        active_plugins=[],
        nodes_uuid=[],
        num_clients=len(broker.sessions),
        messages_received=broker.count["messages.received"],
        messages_sent=broker.count["messages.sent"],
    )
