"""What many things cost: memory, the time until all of it has come, and what one who does not read costs the others."""

from __future__ import annotations

import asyncio
import time

from folkmoot.wire import mqtt

from .brokers import Broker
from .clients import close, connect, gather, publish
from .rates import flood, repeated

_KEPT_AT_ONCE = 1000
#: More than the buffers of both sides hold.
_STUCK_BYTES = 16 * 1024 * 1024


async def idle(broker: Broker, connections: int, subscribes: bool) -> float:
    """Kilobytes of memory for each connection that does nothing."""
    await close(await gather([connect(broker.port, f"before{n}") for n in range(200)]))
    before = broker.resident_bytes()
    qos = 0 if subscribes else None
    peers = await gather([connect(broker.port, f"idle{n}", qos, f"idle/{n}/+") for n in range(connections)])
    await asyncio.sleep(0.5)
    each = (broker.resident_bytes() - before) / connections / 1024
    await close(peers)
    return each


async def _retain(broker: Broker, messages: int) -> int:
    """Publishes retained messages, each on a topic of its own, and returns the size of each."""
    source = await connect(broker.port, "source")
    size = 0
    for begin in range(0, messages, _KEPT_AT_ONCE):
        numbers = range(begin, min(messages, begin + _KEPT_AT_ONCE))
        frames = [publish(f"kept/{n % 100:02}/{n // 100 % 100:02}/{n:07}", retain=True) for n in numbers]
        size = len(frames[0])
        await source.exchange(b"".join(frames) + mqtt.PINGREQ, len(mqtt.PINGRESP))
    await close([source])
    broker.rest()
    return size


async def retained(broker: Broker, messages: int) -> float:
    """Seconds from subscribing to `#` until all retained messages have come."""
    size = await _retain(broker, messages)
    sink = await connect(broker.port, "sink")
    begin = time.perf_counter()
    sink.transport.write(mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("#", 0)]), 4))
    await asyncio.wait_for(sink.receive(5 + messages * size), 120)
    took = time.perf_counter() - begin
    await close([sink])
    return took


async def retained_growth(broker: Broker, messages: int, subscribers: int, seconds: float) -> float:
    """Megabytes the broker's memory grows by at most while some subscribe to all retained messages and read for so long."""
    await _retain(broker, messages)
    sinks = [await connect(broker.port, f"sink{n}") for n in range(subscribers)]
    broker.forget_peak()
    before = broker.resident_bytes()
    for sink in sinks:
        sink.transport.write(mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("#", 0)]), 4))
    await asyncio.sleep(seconds)
    grown = broker.peak_bytes() - before
    await close(sinks)
    return grown / 1024 / 1024


async def crowd(broker: Broker, subscribers: int, seconds: float) -> tuple[float, float]:
    """Deliveries per second to many subscribers: while all read, and to the others when one of them has stopped reading."""
    stuck, *others = await gather(
        [connect(broker.port, f"sink{n}", 0, "crowd/+", f"alone/{n}") for n in range(subscribers)]
    )
    source = await connect(broker.port, "source")
    load = repeated(["crowd/x"], 10, ahead=100)
    with_all = await flood(broker, others, source, load, seconds)
    await asyncio.sleep(0.5)
    stuck.transport.pause_reading()
    block = publish("alone/0", bytes(100_000))
    for _ in range(_STUCK_BYTES // len(block)):
        await source.exchange(block + mqtt.PINGREQ, len(mqtt.PINGRESP))
    with_stuck = await flood(broker, others, source, load, seconds)
    await close([source, stuck, *others])
    return with_all.per_second, with_stuck.per_second
