"""Metrics, stats, samples and alarms (contract §2.9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from folkmoot.domain import monitoring
from folkmoot.errors import Invalid
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers import reading
from folkmoot.surfaces.mqtt.handlers.management import Management


async def get_metrics(call: Call) -> Any:
    return _of_nodes(call, monitoring.count_all(call.app.stream.broker))


async def get_stats(call: Call) -> Any:
    return _of_nodes(call, render.stats(call.app.monitoring.gauges))


def _of_nodes(call: Call, numbers: dict[str, int]) -> Any:
    call.app.require_node(call.data.node)
    return numbers if call.data.aggregate else [{"node": call.app.node_name, **numbers}]


async def list_monitor(call: Call) -> list[schema.MonitorSample]:
    app: Management = call.app
    now = datetime.fromtimestamp(app.stream.now(), UTC)
    seconds = call.data.latest
    # Older than what is kept is the same as all.
    since = None if seconds is None or seconds > 1e9 else now - timedelta(seconds=seconds)
    samples = await app.house.broker_db.scan(monitoring.list_samples, since)
    return [render.sample(each) for each in samples]


async def list_node_monitor(call: Call) -> list[schema.MonitorSample]:
    call.app.require_node(call.path["node"], "node.unknown")
    return await list_monitor(call)


async def delete_monitor(call: Call) -> None:
    app: Management = call.app
    app.monitoring.sampler.take()
    await app.house.broker_db.write(monitoring.delete_samples)


async def get_monitor_current(call: Call) -> schema.Numbers:
    app: Management = call.app
    found = render.current(app.monitoring, app.stream.now())
    return {**found, "subscriptions_ram": found["subscriptions"]}


async def get_node_monitor_current(call: Call) -> schema.Numbers:
    app: Management = call.app
    app.require_node(call.path["node"], "node.unknown")
    uptime = app.stream.now() - app.monitoring.started_at
    # EMQX: milliseconds, whatever its document says
    return {**render.current(app.monitoring, app.stream.now()), "node_uptime": int(uptime * 1000)}


async def list_alarms(call: Call) -> schema.AlarmPage:
    app: Management = call.app
    alarms = app.monitoring.alarms
    # The newest first.
    found = list(reversed(alarms.active.values() if call.data.activated else alarms.history))
    rows, count = await reading.page(found, (), call.data)
    now = app.stream.now()
    return schema.AlarmPage(
        [render.alarm(each, app.node_name, now) for each in rows], render.page_meta(call.data, count)
    )


async def delete_alarms(call: Call) -> None:
    app: Management = call.app
    app.monitoring.alarms.forget_history()
    await app.house.broker_db.write(monitoring.delete_alarm_history)


async def deactivate_alarm(call: Call) -> None:
    app: Management = call.app
    if not app.monitoring.alarms.deactivate(call.data.name, app.stream.now()):
        raise Invalid("alarm.unknown", f"There is no active alarm named {call.data.name}.")
    await app.write_monitoring()
