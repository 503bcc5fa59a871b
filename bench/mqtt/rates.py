"""How many messages, or connections, per second: each measurement takes a broker's port and the seconds it may last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count, cycle, islice
from typing import NamedTuple

from folkmoot.wire import mqtt

from .clients import FILTER, PAYLOAD, Peer, close, connect, gather, publish

Measurement = Callable[[int, float], Awaitable[float]]

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


async def flood(sinks: list[Peer], source: Peer, load: Load, seconds: float) -> float:
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
    begin = time.perf_counter()
    end = begin + seconds
    fill()
    await asyncio.wait_for(done, seconds + 10)
    return sum(sink.received for sink in sinks) / size / (time.perf_counter() - begin)


async def pipelined(port: int, seconds: float, receivers: int, topics: list[str]) -> float:
    """One publisher as fast as it can; deliveries per second."""
    sinks = [await connect(port, f"sink{n}", 0) for n in range(receivers)]
    source = await connect(port, "source")
    rate = await flood(sinks, source, repeated(topics, ahead=AHEAD if receivers == 1 else AHEAD // 4), seconds)
    await close([source, *sinks])
    return rate


async def wildcards(port: int, seconds: float, new: bool) -> float:
    """10,000 filters of 100 clients, half with `+` at the second level and half at the third; each message is for two clients.

    If `new`, no topic is ever published to a second time; else there are 100. Deliveries per second.
    """
    kinds = range(_KINDS)
    filters = [
        [f"wild/k{kind:02}/+/v{n:02}/#" for kind in kinds]
        + [f"wild/+/r{kind:02}/v{(n + 50) % 100:02}/#" for kind in kinds]
        for n in range(100)
    ]
    sinks = await gather([connect(port, f"sink{n}", 0, *wanted) for n, wanted in enumerate(filters)])
    source = await connect(port, "source")
    # So many that no two turns publish to the same ones.
    numbers = count(time.time_ns() // 100 % 10**12)

    def topic(number: int, last: int) -> str:
        return f"wild/k{number * 7 % _KINDS:02}/r{number * 11 % _KINDS:02}/v{number % 100:02}/{last:013}"

    def fresh() -> bytes:
        return b"".join([publish(topic(number, number)) for number in islice(numbers, BATCH)])

    copies = 2 / len(sinks)
    known = repeated([topic(number, 0) for number in range(100)], copies=copies)
    rate = await flood(sinks, source, known._replace(batch=fresh) if new else known, seconds)
    await close([source, *sinks])
    return rate


async def shared(port: int, seconds: float, members: int = 10, sources: int = 10) -> float:
    """Many publishers into one shared subscription at QoS 0, as fast as it goes; messages through per second."""
    sinks = [await connect(port, f"member{n}", 0, f"$share/workers/{FILTER}") for n in range(members)]
    peers = [await connect(port, f"source{n}") for n in range(sources)]
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
    begin = time.perf_counter()
    end = begin + seconds
    take(sinks[0], b"")
    await asyncio.wait_for(done, seconds + 10)
    rate = sum(sink.received for sink in sinks) / size / (time.perf_counter() - begin)
    await close([*peers, *sinks])
    return rate


async def acknowledged(port: int, seconds: float) -> float:
    """QoS 1 from publisher to subscriber, 50 messages unacknowledged at any time; messages through per second."""
    sink, source = await connect(port, "sink", 1), await connect(port, "source")
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
    begin = time.perf_counter()
    end = begin + seconds
    more(WINDOW)
    await asyncio.wait_for(done, seconds + 10)
    rate = min(state["acked"], state["arrived"]) / (time.perf_counter() - begin)
    await close([source, sink])
    return rate


async def closed_loop(port: int, seconds: float, clients: int) -> float:
    """Each client sends the next message when it got the one before back; messages per second."""
    peers = await gather([connect(port, f"loop{n}", 0, f"loop/{n}/+") for n in range(clients)])
    frames = [publish(f"loop/{number}/x") for number in range(clients)]
    for peer, frame in zip(peers, frames, strict=True):
        # The first one on a topic costs more.
        peer.transport.write(frame)
    for peer, frame in zip(peers, frames, strict=True):
        await peer.receive(len(frame))
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

    begin = time.perf_counter()
    end = begin + seconds
    for peer, frame in zip(peers, frames, strict=True):
        peer.take = echo(frame, peer)
        peer.transport.write(frame)
    await asyncio.wait_for(done, seconds + 10)
    rate = total / (time.perf_counter() - begin)
    await close(peers)
    return rate


async def connections(port: int, seconds: float, at_once: int = 20) -> float:
    """Connect, CONNECT, CONNACK, DISCONNECT, and the broker closes; so many at once, again and again; connections per second."""
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    end, goodbye = begin + seconds, mqtt.encode(mqtt.Disconnect(), 4)

    async def come_and_go(number: int) -> int:
        total, hello = 0, mqtt.encode(mqtt.Connect(4, f"passer{number}"), 4)
        while time.perf_counter() < end:
            _, peer = await loop.create_connection(Peer, "127.0.0.1", port)
            await peer.exchange(hello, 4)
            peer.transport.write(goodbye)
            await peer.gone.wait()
            total += 1
        return total

    total = sum(await asyncio.gather(*map(come_and_go, range(at_once))))
    return total / (time.perf_counter() - begin)


async def durable(port: int, seconds: float, sessions: int = 10) -> float:
    """QoS 1 to sessions that are away, a thousand messages unacknowledged; messages acknowledged after the commit per second."""
    for number in range(sessions):
        await close([await connect(port, f"away{number}", 1, "away/+", clean_start=False)])
    source = await connect(port, "source")
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
    begin = time.perf_counter()
    end = begin + seconds
    more(1000)
    await asyncio.wait_for(done, seconds + 10)
    rate = acked / 4 / (time.perf_counter() - begin)
    await close([source])
    return rate
