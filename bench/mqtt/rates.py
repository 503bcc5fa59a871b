"""How many messages, or connections, per second: each measurement takes a broker and the seconds it may last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count, cycle, islice
from typing import NamedTuple

from folkmoot.wire import mqtt

from .brokers import Broker
from .clients import FILTER, PAYLOAD, Peer, close, connect, gather, publish


class Figure(NamedTuple):
    """How many there were in how many seconds, and how many of a processor's the broker took."""

    number: float
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """The rate."""
        return self.number / self.seconds


class Stopwatch:
    """Begins to measure when it is made; `read` it with what was counted."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._begin, self._cpu = time.perf_counter(), broker.cpu_seconds()

    def read(self, count: float) -> Figure:
        """What has been found until now."""
        return Figure(count, time.perf_counter() - self._begin, self._broker.cpu_seconds() - self._cpu)

    def ends_at(self, seconds: float) -> float:
        """When so many seconds will have passed, by `time.perf_counter`."""
        return self._begin + seconds


Measurement = Callable[[Broker, float], Awaitable[Figure]]

TOPIC = "bench/room/messages"
MANY = [f"bench/r{n:03}/messages" for n in range(100)]
BATCH = 500
AHEAD = 20_000
WINDOW = 50

_KINDS = 50


class Load(NamedTuple):
    """What is published: batches of so many messages of one size, each for `copies` of the receivers' number on average."""

    batch: Callable[[], bytes]
    size: int
    messages: int = BATCH
    copies: float = 1.0
    ahead: int = AHEAD


def repeated(topics: list[str], messages: int = BATCH, copies: float = 1.0, ahead: int = AHEAD) -> Load:
    """The same batch again and again: the topics, which are equally long, in turn."""
    frames = list(map(publish, topics))
    whole = b"".join(islice(cycle(frames), messages))
    return Load(lambda: whole, len(frames[0]), messages, copies, ahead)


async def flood(broker: Broker, sinks: list[Peer], source: Peer, load: Load, seconds: float) -> Figure:
    """Publishes as fast as it goes, never far ahead of the receivers (of the slowest if they are few); deliveries per second."""
    size, share = load.size, load.size * load.copies
    by_slowest = len(sinks) <= 100 and load.copies == 1
    sent, waiting = 0, False
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def arrived() -> float:
        if by_slowest:
            return min(sink.received for sink in sinks) / share
        return sum(sink.received for sink in sinks) / len(sinks) / share

    def fill() -> None:
        nonlocal sent, waiting
        waiting = False
        if time.perf_counter() >= end:
            if not done.done():
                done.set_result(None)
            return
        most = arrived() + load.ahead
        while sent < most:
            source.transport.write(load.batch())
            sent += load.messages

    def take(sink: Peer, data: bytes) -> None:
        nonlocal waiting
        sink.received += len(data)
        if not waiting:
            waiting = True
            loop.call_soon(fill)

    for sink in sinks:
        sink.received, sink.take = 0, partial(take, sink)
    watch = Stopwatch(broker)
    end = watch.ends_at(seconds)
    fill()
    await asyncio.wait_for(done, seconds + 10)
    return watch.read(sum(sink.received for sink in sinks) / size)


async def pipelined(broker: Broker, seconds: float, receivers: int, topics: list[str]) -> Figure:
    """One publisher as fast as it can; deliveries per second."""
    sinks = [await connect(broker.port, f"sink{n}", 0) for n in range(receivers)]
    source = await connect(broker.port, "source")
    figure = await flood(
        broker, sinks, source, repeated(topics, ahead=AHEAD if receivers == 1 else AHEAD // 4), seconds
    )
    await close([source, *sinks])
    return figure


async def wildcards(broker: Broker, seconds: float, new: bool) -> Figure:
    """10,000 filters of 100 clients, half with `+` at the second level and half at the third; each message is for two clients.

    If `new`, no topic is ever published to a second time; else there are 100. Deliveries per second.
    """
    kinds = range(_KINDS)
    filters = [
        [f"wild/k{kind:02}/+/v{n:02}/#" for kind in kinds]
        + [f"wild/+/r{kind:02}/v{(n + 50) % 100:02}/#" for kind in kinds]
        for n in range(100)
    ]
    sinks = await gather([connect(broker.port, f"sink{n}", 0, *wanted) for n, wanted in enumerate(filters)])
    source = await connect(broker.port, "source")
    # So many that no two turns publish to the same ones.
    numbers = count(time.time_ns() // 100 % 10**12)

    def topic(number: int, last: int) -> str:
        return f"wild/k{number * 7 % _KINDS:02}/r{number * 11 % _KINDS:02}/v{number % 100:02}/{last:013}"

    def fresh() -> bytes:
        return b"".join([publish(topic(number, number)) for number in islice(numbers, BATCH)])

    copies = 2 / len(sinks)
    known = repeated([topic(number, 0) for number in range(100)], copies=copies)
    figure = await flood(broker, sinks, source, known._replace(batch=fresh) if new else known, seconds)
    await close([source, *sinks])
    return figure


async def shared(broker: Broker, seconds: float, members: int = 10, sources: int = 10) -> Figure:
    """Many publishers into one shared subscription at QoS 0, as fast as it goes; messages through per second."""
    sinks = [await connect(broker.port, f"member{n}", 0, f"$share/workers/{FILTER}") for n in range(members)]
    peers = [await connect(broker.port, f"source{n}") for n in range(sources)]
    frame = publish(TOPIC)
    batch, size = frame * BATCH, len(frame)
    sent, turn = 0, 0
    done = asyncio.get_running_loop().create_future()

    def take(sink: Peer, data: bytes) -> None:
        nonlocal sent, turn
        sink.received += len(data)
        if time.perf_counter() >= end:
            if not done.done():
                done.set_result(None)
            return
        while sent - sum(each.received for each in sinks) // size < AHEAD:
            peers[turn % sources].transport.write(batch)
            sent, turn = sent + BATCH, turn + 1

    for sink in sinks:
        sink.take = partial(take, sink)
    watch = Stopwatch(broker)
    end = watch.ends_at(seconds)
    take(sinks[0], b"")
    await asyncio.wait_for(done, seconds + 10)
    figure = watch.read(sum(sink.received for sink in sinks) / size)
    await close([*peers, *sinks])
    return figure


async def acknowledged(broker: Broker, seconds: float) -> Figure:
    """QoS 1 from publisher to subscriber, 50 messages unacknowledged at any time; messages through per second."""
    sink, source = await connect(broker.port, "sink", 1), await connect(broker.port, "source")
    frame = publish(TOPIC, qos=1, packet_id=1)
    at, size = frame.index(PAYLOAD) - 2, len(frame)
    head, tail = frame[:at], frame[at + 2 :]
    frames = [head + n.to_bytes(2, "big") + tail for n in range(1, 65_536)]
    state, rest = {"sent": 0, "acked": 0, "arrived": 0, "odd": 0}, b""
    end = 0.0
    done = asyncio.get_running_loop().create_future()

    def more(count: int) -> None:
        begin = state["sent"] % len(frames)
        chunk = frames[begin : begin + count]
        chunk += frames[: count - len(chunk)]
        state["sent"] += count
        source.transport.write(b"".join(chunk))

    def acks(data: bytes) -> None:
        state["odd"] += len(data)
        count, state["odd"] = divmod(state["odd"], 4)
        state["acked"] += count
        if time.perf_counter() < end:
            more(count)
        elif not done.done():
            done.set_result(None)

    def deliveries(data: bytes) -> None:
        nonlocal rest
        data = rest + data
        count = len(data) // size
        state["arrived"] += count
        rest = data[count * size :]
        sink.transport.write(b"".join([b"@\2" + data[n : n + 2] for n in range(at, count * size, size)]))

    source.take, sink.take = acks, deliveries
    watch = Stopwatch(broker)
    end = watch.ends_at(seconds)
    more(WINDOW)
    await asyncio.wait_for(done, seconds + 10)
    figure = watch.read(min(state["acked"], state["arrived"]))
    await close([source, sink])
    return figure


async def closed_loop(broker: Broker, seconds: float, clients: int) -> Figure:
    """Each client sends the next message when it got the one before back; messages per second."""
    peers = await gather([connect(broker.port, f"loop{n}", 0, f"loop/{n}/+") for n in range(clients)])
    frames = [publish(f"loop/{number}/x") for number in range(clients)]
    for turn in range(1, 4):
        # The first ones on a topic cost more.
        for peer, frame in zip(peers, frames, strict=True):
            peer.transport.write(frame)
        for peer, frame in zip(peers, frames, strict=True):
            await peer.receive(turn * len(frame))
    total = 0
    done = asyncio.get_running_loop().create_future()

    def echo(frame: bytes, peer: Peer) -> Callable[[bytes], None]:
        def take(data: bytes) -> None:
            nonlocal total
            total += 1
            if time.perf_counter() < end:
                peer.transport.write(frame)
            elif not done.done():
                done.set_result(None)

        return take

    watch = Stopwatch(broker)
    end = watch.ends_at(seconds)
    for peer, frame in zip(peers, frames, strict=True):
        peer.take = echo(frame, peer)
        peer.transport.write(frame)
    await asyncio.wait_for(done, seconds + 10)
    figure = watch.read(total)
    await close(peers)
    return figure


async def connections(broker: Broker, seconds: float, at_once: int = 20) -> Figure:
    """Connect, CONNECT, CONNACK, DISCONNECT, and the broker closes; so many at once, again and again; connections per second."""
    loop = asyncio.get_running_loop()
    watch = Stopwatch(broker)
    end, goodbye = watch.ends_at(seconds), mqtt.encode(mqtt.Disconnect(), 4)

    async def come_and_go(number: int) -> int:
        total, hello = 0, mqtt.encode(mqtt.Connect(4, f"passer{number}"), 4)
        while time.perf_counter() < end:
            _, peer = await loop.create_connection(Peer, "127.0.0.1", broker.port)
            await peer.exchange(hello, 4)
            peer.transport.write(goodbye)
            await peer.gone.wait()
            total += 1
        return total

    total = sum(await asyncio.gather(*map(come_and_go, range(at_once))))
    return watch.read(total)


async def durable(broker: Broker, seconds: float, sessions: int = 10) -> Figure:
    """QoS 1 to sessions that are away, a thousand messages unacknowledged; messages acknowledged after the commit per second."""
    for number in range(sessions):
        await close([await connect(broker.port, f"away{number}", 1, "away/+", clean_start=False)])
    source = await connect(broker.port, "source")
    frames = [publish("away/x", qos=1, packet_id=n) for n in range(1, 65_536)]
    sent = acked = 0
    done = asyncio.get_running_loop().create_future()

    def more(count: int) -> None:
        nonlocal sent
        source.transport.write(b"".join(frames[(sent + n) % len(frames)] for n in range(count)))
        sent += count

    def take(data: bytes) -> None:
        nonlocal acked
        before, acked = acked // 4, acked + len(data)
        if time.perf_counter() < end:
            more(acked // 4 - before)
        elif not done.done():
            done.set_result(None)

    source.take = take
    watch = Stopwatch(broker)
    end = watch.ends_at(seconds)
    more(1000)
    await asyncio.wait_for(done, seconds + 10)
    figure = watch.read(acked / 4)
    await close([source])
    return figure
