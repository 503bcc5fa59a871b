"""Starts the broker's monitoring: its clock, its writing to the database, and the push of its numbers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from folkmoot.domain.monitoring import Monitoring
from folkmoot.surfaces.mqtt import Stream

from .program import Program

log = structlog.get_logger("mqtt.monitoring")


async def start(program: Program, stream: Stream) -> Monitoring:
    """Start watching a broker that knows its sessions, before clients connect."""
    from folkmoot.domain.monitoring import read_kept
    from folkmoot.surfaces.mqtt.numbers import PushedNumbers
    from folkmoot.surfaces.mqtt.schema import VERSION

    house = program.house
    monitoring = Monitoring(
        stream.broker, house.config.mqtt.node_name, Path(house.config.data.dir) / "traces", stream.now
    )
    monitoring.start(await house.broker_db.read(read_kept), VERSION, "Folkmoot MQTT broker")

    async def stop() -> None:
        await _write(program, monitoring, stream.now())
        monitoring.traces.close()

    program.on_stop(stop)
    program.keep_running("broker monitoring", _watch(program, monitoring, stream))
    program.keep_running("broker numbers", PushedNumbers(house, monitoring).run())
    return monitoring


async def _watch(program: Program, monitoring: Monitoring, stream: Stream) -> None:
    while True:
        await asyncio.sleep(1)
        try:
            monitoring.tick(stream.now())
            await _write(program, monitoring, stream.now())
        except Exception:
            log.exception("the broker could not be watched")


async def _write(program: Program, monitoring: Monitoring, now: float) -> None:
    unsaved = monitoring.take(now)
    if not unsaved:
        return
    try:
        await program.house.broker_db.write(monitoring.save, unsaved, program.house.now())
    except BaseException:
        monitoring.give_back(unsaved)
        raise
