"""MQTT against Mosquitto: the same load, from the same process, in one run; both rates and their ratio.

The load generator only moves prepared bytes, so that the brokers are measured. Both brokers run as processes of their own;
Folkmoot's with access checks, sessions and counters on, and the subscribers of both use wildcards.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvloop

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Connect

TOPIC = "bench/room/messages"
FILTER = "bench/+/messages"
PAYLOAD = b"0123456789abcdef"
BATCH = 500
AHEAD = 20_000
WINDOW = 50
TURNS = 5

MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
persistence false
max_queued_messages 0
max_inflight_messages 0
log_type none
"""


class Row(NamedTuple):
    """One line of the table: messages per second, deliveries where there are more of those."""

    name: str
    folkmoot: float
    mosquitto: float
    budget: float | None

    @property
    def ratio(self) -> float:
        """How many times as fast."""
        return self.folkmoot / self.mosquitto if self.mosquitto else 0.0


class Peer(asyncio.Protocol):
    """A client as raw bytes; `take` gets what arrives once it is connected."""

    def __init__(self) -> None:
        self.received = 0
        self.take: Callable[[bytes], None] = self._count
        self.arrived = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.take(data)

    def _count(self, data: bytes) -> None:
        self.received += len(data)
        self.arrived.set()

    async def exchange(self, packet: bytes, answer: int) -> None:
        """Sends a packet and waits for an answer of that many bytes."""
        self.received = 0
        self.transport.write(packet)
        while self.received < answer:
            self.arrived.clear()
            await self.arrived.wait()
        self.received = 0


async def connect(port: int, name: str, qos: int | None = None, topic_filter: str = FILTER) -> Peer:
    """A connected client, subscribed if `qos` is given."""
    _, peer = await asyncio.get_running_loop().create_connection(Peer, "127.0.0.1", port)
    await peer.exchange(mqtt.encode(mqtt.Connect(4, name), 4), 4)
    if qos is not None:
        await peer.exchange(mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter(topic_filter, qos)]), 4), 5)
    return peer


async def pipelined(port: int, seconds: float, receivers: int, topics: list[str]) -> float:
    """One publisher as fast as it can, never far ahead of the slowest receiver; deliveries per second."""
    sinks = [await connect(port, f"sink{n}", 0) for n in range(receivers)]
    source = await connect(port, "source")
    frames = [mqtt.encode(mqtt.Publish(topic, PAYLOAD), 4) for topic in topics]
    batch, size = b"".join(frames[n % len(frames)] for n in range(BATCH)), len(frames[0])
    ahead = AHEAD if receivers == 1 else AHEAD // 4
    sent = 0
    done = asyncio.get_running_loop().create_future()
    waiting = 0

    def fill() -> None:
        nonlocal sent, waiting
        waiting = 0
        slowest = min(sink.received for sink in sinks) // size
        if time.perf_counter() >= end:
            if not done.done():
                done.set_result(None)
            return
        while sent - slowest < ahead:
            source.transport.write(batch)
            sent += BATCH

    def taken(sink: Peer) -> Callable[[bytes], None]:
        def take(data: bytes) -> None:
            nonlocal waiting
            sink.received += len(data)
            if not waiting:
                waiting = 1
                asyncio.get_running_loop().call_soon(fill)

        return take

    for sink in sinks:
        sink.take = taken(sink)
    begin = time.perf_counter()
    end = begin + seconds
    fill()
    await asyncio.wait_for(done, seconds + 10)
    rate = sum(sink.received for sink in sinks) / size / (time.perf_counter() - begin)
    await _close([source, *sinks])
    return rate


async def shared(port: int, seconds: float, members: int = 10, sources: int = 10) -> float:
    """Many publishers into one shared subscription at QoS 0, as fast as it goes; messages through per second."""
    sinks = [await connect(port, f"member{n}", 0, f"$share/workers/{FILTER}") for n in range(members)]
    peers = [await connect(port, f"source{n}") for n in range(sources)]
    frame = mqtt.encode(mqtt.Publish(TOPIC, PAYLOAD), 4)
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
    await _close([*peers, *sinks])
    return rate


async def acknowledged(port: int, seconds: float) -> float:
    """QoS 1 from publisher to subscriber, 50 messages unacknowledged at any time; messages through per second."""
    sink, source = await connect(port, "sink", 1), await connect(port, "source")
    frame = mqtt.encode(mqtt.Publish(TOPIC, PAYLOAD, 1, packet_id=1), 4)
    at, size = frame.index(PAYLOAD) - 2, len(frame)
    head, tail = frame[:at], frame[at + 2 :]
    frames = [head + n.to_bytes(2, "big") + tail for n in range(1, 65_536)]
    state = {"sent": 0, "acked": 0, "arrived": 0, "rest": b"", "odd": 0}
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
        data = state["rest"] + data
        count = len(data) // size
        state["arrived"] += count
        state["rest"] = data[count * size :]
        sink.transport.write(b"".join([b"@\2" + data[n : n + 2] for n in range(at, count * size, size)]))

    source.take, sink.take = acks, deliveries
    begin = time.perf_counter()
    end = begin + seconds
    more(WINDOW)
    await asyncio.wait_for(done, seconds + 10)
    rate = min(state["acked"], state["arrived"]) / (time.perf_counter() - begin)
    await _close([source, sink])
    return rate


async def closed_loop(port: int, seconds: float, clients: int) -> float:
    """Each client sends the next message when it got the one before back; messages per second."""
    peers = [await connect(port, f"loop{n}", 0, f"loop/{n}/+") for n in range(clients)]
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
    for number, peer in enumerate(peers):
        frame = mqtt.encode(mqtt.Publish(f"loop/{number}/x", PAYLOAD), 4)
        peer.take = echo(frame, peer)
        peer.transport.write(frame)
    await asyncio.wait_for(done, seconds + 10)
    rate = total / (time.perf_counter() - begin)
    await _close(peers)
    return rate


async def durable(port: int, seconds: float, sessions: int = 10) -> float:
    """QoS 1 to sessions that are away, a thousand messages unacknowledged; messages acknowledged after the commit per second."""
    for number in range(sessions):
        _, peer = await asyncio.get_running_loop().create_connection(Peer, "127.0.0.1", port)
        await peer.exchange(mqtt.encode(mqtt.Connect(4, f"away{number}", clean_start=False), 4), 4)
        await peer.exchange(mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("away/+", 1)]), 4), 5)
        await _close([peer])
    source = await connect(port, "source")
    frames = [mqtt.encode(mqtt.Publish("away/x", PAYLOAD, 1, packet_id=n), 4) for n in range(1, 65_536)]
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
    await _close([source])
    return rate


async def _close(peers: list[Peer]) -> None:
    for peer in peers:
        peer.take = lambda data: None
        peer.transport.abort()
    await asyncio.sleep(0.1)


_MANY = [f"bench/r{n:03}/messages" for n in range(100)]
SCENARIOS: list[tuple[str, float | None, Callable[[int, float], Awaitable[float]]]] = [
    ("one to one, QoS 0, pipelined", 4.0, lambda port, s: pipelined(port, s, 1, [TOPIC])),
    ("  the same, 100 topics in turn", None, lambda port, s: pipelined(port, s, 1, _MANY)),
    ("fan-out 1 to 100, QoS 0", 12.0, lambda port, s: pipelined(port, s, 100, [TOPIC])),
    ("  the same, 100 topics in turn", None, lambda port, s: pipelined(port, s, 100, _MANY)),
    ("10 into a shared group of 10", None, shared),
    ("QoS 1, sliding window 50", 4.0, acknowledged),
    ("closed loop, 1 client", 0.9, lambda port, s: closed_loop(port, s, 1)),
    ("closed loop, 50 clients", 0.9, lambda port, s: closed_loop(port, s, 50)),
]
#: What Mosquitto does not do: it acknowledges before it has written.
DURABLE = "durable QoS 1 to offline sessions (acknowledged after sync)"


def run(seconds: float) -> list[Row]:
    """Measures each scenario on both brokers for that many seconds each, in turns; the median turn counts."""
    rows = []
    with folkmoot() as ours, mosquitto() as theirs:
        for name, budget, scenario in SCENARIOS:
            turns = [
                [uvloop.run(_measure(scenario, port, seconds / TURNS)) for port in (ours, theirs)] for _ in range(TURNS)
            ]
            rates = [statistics.median(turn[side] for turn in turns) for side in (0, 1)]
            rows.append(Row(name, rates[0], rates[1], budget))
        rows.append(Row(DURABLE, uvloop.run(_measure(durable, ours, seconds)), 0.0, None))
    return rows


async def _measure(scenario: Callable[[int, float], Awaitable[float]], port: int, seconds: float) -> float:
    return await scenario(port, seconds)


@contextlib.contextmanager
def mosquitto() -> Iterator[int]:
    """A Mosquitto on a free port."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
    if program is None:
        raise SystemExit("mosquitto is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "mosquitto.conf"
        config.write_text(MOSQUITTO.format(port=port))
        process = subprocess.Popen([program, "-c", str(config)])
        try:
            _await_port(port)
            yield port
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def folkmoot() -> Iterator[int]:
    """Our broker and stream in a process of its own, on a free port."""
    process = subprocess.Popen([sys.executable, "-m", "bench.mqtt", "serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.match(r"port (\d+)", process.stdout.readline())
        assert found is not None
        yield int(found[1])
    finally:
        process.terminate()
        process.wait()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise SystemExit("mosquitto does not answer")


async def _serve() -> None:
    from folkmoot.domain import broker
    from folkmoot.store import Database, SqliteEngine, migrate
    from folkmoot.surfaces.mqtt.forms.listeners import ListenerOptions
    from folkmoot.surfaces.mqtt.journal import StoredJournal
    from folkmoot.surfaces.mqtt.listener import Listener
    from folkmoot.surfaces.mqtt.stream import Stream

    class Rooms(broker.OpenGate):
        """A gate that really looks."""

        def judge(self, client: broker.Client, wish: broker.Wish) -> broker.Verdict:
            allowed = self.may_receive(client.identity, wish.topic)
            return broker.Verdict.ALLOW if allowed else broker.Verdict.DENY

        def may_receive(self, identity: broker.Identity, topic: str) -> bool:
            return identity.account_id == 1 and topic.partition("/")[0] in ("bench", "loop", "away")

    async def authenticate(client: broker.Client, packet: Connect) -> broker.Identity:
        return broker.Identity(1, "bench")

    # As Mosquitto above: no limit on what is in flight or waits.
    limits = broker.Limits(max_inflight=0xFFFF, max_mqueue_len=1_000_000)
    with tempfile.TemporaryDirectory() as directory:
        engine = SqliteEngine(Path(directory) / "broker.db")
        migrate(engine, "broker")
        database = Database(engine, logs_events=False)
        database.open()
        stream = Stream(broker.Broker(Rooms(), limits), authenticate, journal=StoredJournal(database))
        stream.start()
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        listener = Listener(stream, "tcp:default", ListenerOptions(bind="127.0.0.1:0"))
        await listener.start(listener.open())
        print("port", listener.address.rpartition(":")[2], flush=True)
        await stopped.wait()


def show(seconds: float) -> None:
    """Print the table."""
    print(f"{'':34}{'folkmoot':>12}{'mosquitto':>12}{'ratio':>8}{'budget':>8}")
    for row in run(seconds):
        if not row.mosquitto:
            print(f"{row.name}: {row.folkmoot:,.0f}")
            continue
        budget = f"{row.budget:g}x" if row.budget else ""
        print(f"{row.name:34}{row.folkmoot:12,.0f}{row.mosquitto:12,.0f}{row.ratio:7.1f}x{budget:>8}")


if __name__ == "__main__" and sys.argv[1:] == ["serve"]:
    # The broker under test, in a process of its own.
    uvloop.run(_serve())
