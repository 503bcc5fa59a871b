"""Hostile MQTT clients at the running program, in every state: a canary keeps its latency, memory does not grow."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Kind, Prop
from tests.whole.program import Program, running, until

LATENCY_SECONDS = 1.0
MOST_GROWTH_KIB = 60 * 1024
HANDSHAKE = (
    b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
)


class Peer:
    """A bare connection that speaks MQTT as badly as it likes."""

    def __init__(self, program: Program, door: str = "mqtt", seconds: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", program.port(door)), seconds)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def connect(self, name: str, version: int = 5, **options: object) -> Peer:
        self.send(mqtt.encode(mqtt.Connect(version, name, **options), version))  # type: ignore[arg-type]
        assert self.socket.recv(2000)[0] == 0x20
        return self

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def end(self) -> bytes:
        """What comes until the other side ends the connection."""
        received = b""
        with suppress(ConnectionError):
            while piece := self.socket.recv(65536):
                received += piece
        return received


class Canary:
    """A client that sends itself a message and knows how long that may take."""

    def __init__(self, program: Program) -> None:
        self._peer = Peer(program).connect("canary", 4, keepalive=0)
        self._peer.send(mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("canary", 0)]), 4))
        assert self._peer.socket.recv(5)[0] == 0x90
        self._message = mqtt.encode(mqtt.Publish("canary", b"tweet"), 4)

    def sing(self) -> None:
        began = time.monotonic()
        self._peer.send(self._message)
        assert self._peer.socket.recv(100) == self._message
        assert time.monotonic() - began < LATENCY_SECONDS


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("hostile")) as made:
        yield made


def memory_kib(program: Program) -> int:
    assert program.process is not None
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{program.process.pid}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.fixture
def canary(program: Program) -> Iterator[Canary]:
    """Sings in between; afterwards nobody is left and nothing unforeseen stands in the log."""
    made = Canary(program)
    made.sing()
    yield made
    made.sing()
    made._peer.socket.close()
    assert "Traceback" not in program.log()


def publish(topic: str, payload: bytes = b"x", qos: int = 0, number: int = 0, **properties: object) -> bytes:
    """A PUBLISH of MQTT 5."""
    found = {Prop[name]: value for name, value in properties.items()}
    return mqtt.encode(mqtt.Publish(topic, payload, qos, packet_id=number, properties=found), 5)  # type: ignore[arg-type]


def test_many_who_connect_slowly(program: Program, canary: Canary) -> None:
    """Byte by byte, in the middle of a CONNECT and of a WebSocket's handshake."""
    greeting = mqtt.encode(mqtt.Connect(5, "slow"), 5)
    with ExitStack() as stack:
        slow = [stack.enter_context(Peer(program, door)) for door in ("mqtt", "mqtt_ws") for _ in range(200)]
        for at in range(6):
            for each in slow[:200]:
                each.send(greeting[at : at + 1])
            for each in slow[200:]:
                each.send(HANDSHAKE[at * 10 : at * 10 + 10])
            canary.sing()


@pytest.mark.parametrize("first", [0x10, 0x30, 0x32, 0x82, 0xF0], ids=hex)
@pytest.mark.parametrize("connected", [False, True])
def test_a_length_beyond_all_bounds(program: Program, canary: Canary, first: int, connected: bool) -> None:
    with Peer(program) as peer:
        if connected:
            peer.connect("large")
        peer.send(bytes([first, 0xFF, 0xFF, 0xFF, 0x7F]))
        answer = peer.end()
        if connected:
            assert answer[:1] == bytes([Kind.DISCONNECT << 4]) and answer[2] in (0x81, 0x82, 0x95)


def test_a_hundred_thousand_filters_with_wildcards(program: Program, canary: Canary) -> None:
    def subscribe(peer: Peer, packets: range) -> None:
        peer.connect("filters", 4, keepalive=0)
        for packet in packets:
            filters = [mqtt.Filter(f"w/{packet}/{number}/+/#", 0) for number in range(1000)]
            peer.send(mqtt.encode(mqtt.Subscribe(packet + 1, filters), 4))
            answer = b""
            while len(answer) < 1005:
                answer += peer.socket.recv(65536)
            canary.sing()

    with Peer(program) as peer:
        subscribe(peer, range(100))
        peer.send(mqtt.encode(mqtt.Publish("w/99/999/x/y", b"found"), 4))
        assert b"found" in peer.socket.recv(1000)
    canary.sing()
    # Much of the same again must not need more than there was.
    between = memory_kib(program)
    with Peer(program) as peer:
        subscribe(peer, range(30))
    assert memory_kib(program) - between < MOST_GROWTH_KIB


def test_topics_as_long_and_as_deep_as_they_get(program: Program, canary: Canary) -> None:
    long, deep = "t" * 65_535, "/".join("d" * 10_000)
    for text in (long, deep, "/" * 65_535, "+/" * 30_000 + "#"):
        for packet in (
            publish(text),
            mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter(text, 0)]), 5),
            mqtt.encode(mqtt.Unsubscribe(2, [text]), 5),
        ):
            with Peer(program) as peer:
                peer.connect("long")
                for _ in range(10):
                    with suppress(ConnectionError):
                        peer.send(packet)
                with suppress(ConnectionError):
                    peer.socket.shutdown(socket.SHUT_WR)
                peer.end()
            canary.sing()


@pytest.mark.parametrize(
    "packets",
    [
        [publish("", TOPIC_ALIAS=1)],
        [publish("a", TOPIC_ALIAS=0)],
        [publish("a", TOPIC_ALIAS=65_535), publish("", TOPIC_ALIAS=65_534)],
        [publish("")],
    ],
    ids=["unknown", "zero", "another", "none"],
)
def test_aliases_that_stand_for_nothing(program: Program, canary: Canary, packets: list[bytes]) -> None:
    with Peer(program) as peer:
        peer.connect("alias")
        for each in packets:
            peer.send(each)
        answer = peer.end()
        assert answer[:1] == bytes([Kind.DISCONNECT << 4]) and answer[2] in (0x82, 0x81, 0x90, 0x94), answer


def test_all_aliases_with_long_topics_are_forgotten_with_the_connection(program: Program, canary: Canary) -> None:
    def fill() -> None:
        with Peer(program) as peer:
            peer.connect("aliases", keepalive=0)
            with suppress(ConnectionError):
                for alias in range(1, 2000):
                    peer.send(publish(f"{alias}/" + "x" * 10_000, TOPIC_ALIAS=alias))
                peer.socket.shutdown(socket.SHUT_WR)
            peer.end()
        canary.sing()

    fill()
    before = memory_kib(program)
    fill()
    assert memory_kib(program) - before < MOST_GROWTH_KIB


def test_packet_identifiers_run_out(program: Program, canary: Canary) -> None:
    """A QoS 2 that is begun with every number and never finished: the receive maximum ends it."""
    with Peer(program) as peer:
        peer.connect("exhausting", 4, keepalive=0, clean_start=True)
        with suppress(ConnectionError):
            for number in range(1, 65_536):
                peer.send(mqtt.encode(mqtt.Publish("ids", b"x", 2, packet_id=number), 4))
                if number % 5000 == 0:
                    canary.sing()
            peer.socket.shutdown(socket.SHUT_WR)
        peer.end()


def test_a_subscriber_that_never_acknowledges(program: Program, canary: Canary) -> None:
    before = memory_kib(program)
    with Peer(program) as mute, Peer(program) as source:
        mute.connect("mute", 4, keepalive=0)
        mute.send(mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("mute", 2)]), 4))
        assert mute.socket.recv(5)[0] == 0x90
        source.connect("source", 4, keepalive=0)
        for number in range(20_000):
            source.send(mqtt.encode(mqtt.Publish("mute", b"x" * 2000, 0), 4))
            if number % 5000 == 0:
                canary.sing()
        source.send(mqtt.PINGREQ)
        assert source.socket.recv(2) == mqtt.PINGRESP
        assert memory_kib(program) - before < MOST_GROWTH_KIB


def test_bad_words_while_it_is_looked_up_who_comes(program: Program, canary: Canary) -> None:
    """Everything at once behind CONNECT, while the password is checked and while the community is asked."""
    greeting = mqtt.encode(mqtt.Connect(5, "eager", username="ada", password=b"public"), 5)
    post = publish("spaces/town_square/post", b'{"title": "hostile", "body": "x"}', 1, 1)
    for behind in (
        greeting,
        b"\xff" * 100,
        publish("a/#"),
        publish("a") * 20_000,
        mqtt.encode(mqtt.Auth(0x18), 5),
        post * 3,
        post + greeting,
        post + b"\x00" * 50,
        bytes([0x30, 0xFF, 0xFF, 0xFF, 0x7F]),
    ):
        with Peer(program) as peer, suppress(ConnectionError):
            peer.send(greeting + behind)
            peer.socket.shutdown(socket.SHUT_WR)
            peer.end()
        canary.sing()


@pytest.mark.parametrize(
    "garbage",
    [
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
        b"PROXY " + b"x" * 200,
        b"PROXY UNKNOWN" + b" " * 94 + b"\r\n",
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff" + b"\0" * 70_000,
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\0" * 12,
    ],
    ids=["header", "long", "unknown", "huge", "second"],
)
def test_proxy_headers_where_they_are_expected_and_where_not(program: Program, canary: Canary, garbage: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        expecting = free.getsockname()[1]
    with program.http("mqtt_api", auth=("admin", "public")) as rest:
        listener = {"type": "tcp", "name": "proxied", "bind": f"127.0.0.1:{expecting}", "proxy_protocol": True}
        assert rest.post("/api/v5/listeners", json=listener).status_code == 200
        for port in (program.port("mqtt"), expecting):
            with socket.create_connection(("127.0.0.1", port), 10) as connection, suppress(OSError):
                connection.sendall(garbage + b"\x10\xff\xff\xff\x7f")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        assert rest.delete("/api/v5/listeners/tcp:proxied").status_code == 204
    canary.sing()


def test_garbage_inside_a_websocket(program: Program, canary: Canary) -> None:
    for frame in (
        b"\x82\xff" + b"\xff" * 8 + b"\0" * 4,
        b"\x81\x85\0\0\0\0hello",
        b"\xff" * 50,
        b"\x89\x80\0\0\0\0" * 2000,
    ):
        with Peer(program, "mqtt_ws") as peer, suppress(ConnectionError):
            peer.send(HANDSHAKE)
            assert peer.socket.recv(2000).startswith(b"HTTP/1.1 101")
            peer.send(frame)
            peer.socket.shutdown(socket.SHUT_WR)
            peer.end()
        canary.sing()


def test_nobody_is_left(program: Program) -> None:
    def clients() -> int:
        with program.http("mqtt_api", auth=("admin", "public")) as rest:
            return int(rest.get("/api/v5/clients?conn_state=connected").json()["meta"]["count"])

    until(lambda: clients() == 0, what="the end of all connections")
