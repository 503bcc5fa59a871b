"""MQTT over real sockets: paho-mqtt and aiomqtt in ordinary use, hostile input, stopping."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from folkmoot.domain.broker import Broker, Changes, Identity, Limits, Message, OpenGate, Receipt
from folkmoot.errors import Forbidden, Unavailable
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Reason

from .serving import DEADLINE_SECONDS, Served, serve


class Client:
    """A paho client in its own thread, with everything that happens to it in queues."""

    def __init__(
        self, served: Served, client_id: str, version: Any = 4, transport: Any = "tcp", **options: Any
    ) -> None:
        self.connected: queue.Queue[tuple[Any, Any]] = queue.Queue()
        self.subscribed: queue.Queue[list[int]] = queue.Queue()
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.ended: queue.Queue[Any] = queue.Queue()
        properties: Properties | None = options.pop("properties", None)
        clean: bool = options.pop("clean", True)
        if version < 5:
            options["clean_session"] = clean
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=version, transport=transport, reconnect_on_failure=False,
            **{name: value for name, value in options.items() if name == "clean_session"},
        )  # fmt: skip
        if "username" in options:
            self.paho.username_pw_set(options["username"], "x")
        if "will" in options:
            self.paho.will_set("will", options["will"], 1)
        self.paho.on_connect = lambda c, u, flags, reason, p: self.connected.put((flags, reason))
        self.paho.on_subscribe = lambda c, u, mid, reasons, p: self.subscribed.put([reason.value for reason in reasons])
        self.paho.on_message = lambda c, u, message: self.messages.put(message)
        self.paho.on_disconnect = lambda c, u, flags, reason, p: self.ended.put(reason)
        port = served.ws_port if transport == "websockets" else served.port
        keywords: dict[str, Any] = {"clean_start": clean, "properties": properties} if version == 5 else {}
        self.paho.connect("127.0.0.1", port, keepalive=options.get("keepalive", 60), **keywords)
        self.paho.loop_start()
        self.flags, self.reason = self.connected.get(timeout=DEADLINE_SECONDS)

    def subscribe(self, *args: Any, **options: Any) -> list[int]:
        self.paho.subscribe(*args, **options)
        return self.subscribed.get(timeout=DEADLINE_SECONDS)

    def receive(self) -> paho.MQTTMessage:
        return self.messages.get(timeout=DEADLINE_SECONDS)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


@pytest.fixture
def served() -> Iterator[Served]:
    with serve() as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[Callable[..., Client]]:
    """Makes connected clients that are gone at the end."""
    made: list[Client] = []

    def make(*args: Any, **options: Any) -> Client:
        made.append(Client(served, *args, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
@pytest.mark.parametrize("version", [3, 4, 5])
def test_paho_publishes_and_receives_at_every_quality(
    client: Callable[..., Client], version: int, transport: str
) -> None:
    sink, source = client("sink", version, transport), client("source", version, transport)
    assert sink.subscribe([("a/+", 2), ("b/#", 1)]) == [2, 1]
    for qos in (0, 1, 2):
        for number in range(30):
            info = source.paho.publish("a/x", f"{qos} {number}", qos)
        info.wait_for_publish(DEADLINE_SECONDS)
        assert info.is_published()
    got = [sink.receive() for _ in range(90)]
    for qos in (0, 1, 2):
        mine = [message.payload.decode() for message in got if message.qos == qos]
        assert mine == [f"{qos} {number}" for number in range(30)]


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
def test_a_large_message_arrives_whole(client: Callable[..., Client], transport: str) -> None:
    sink, source = client("sink", 5, transport), client("source", 4, transport)
    sink.subscribe("big", 1)
    payload = bytes(range(256)) * 4000
    source.paho.publish("big", payload, 1)
    assert sink.receive().payload == payload


def test_paho_gets_retained_messages_and_options(client: Callable[..., Client]) -> None:
    source = client("source", 5)
    source.paho.publish("r/a", b"kept", 1, retain=True).wait_for_publish(DEADLINE_SECONDS)
    sink = client("sink", 5)
    sink.subscribe("r/#", options=SubscribeOptions(1, noLocal=True, retainAsPublished=True, retainHandling=0))
    message = sink.receive()
    assert (message.topic, message.payload, message.retain) == ("r/a", b"kept", True)
    sink.paho.publish("r/mine", b"own", 1).wait_for_publish(DEADLINE_SECONDS)
    source.paho.publish("r/theirs", b"other", 1)
    assert sink.receive().topic == "r/theirs"


def test_paho_sees_properties(client: Callable[..., Client]) -> None:
    sink, source = client("sink", 5), client("source", 5)
    sink.subscribe("a", 1)
    sent = Properties(PacketTypes.PUBLISH)
    sent.UserProperty = [("k", "v"), ("k", "w")]
    sent.ResponseTopic = "reply"
    sent.CorrelationData = b"\1\2"
    sent.ContentType = "text/plain"
    sent.MessageExpiryInterval = 100
    source.paho.publish("a", b"x", 1, properties=sent)
    got = sink.receive().properties
    assert got is not None
    assert got.UserProperty == [("k", "v"), ("k", "w")]
    assert (got.ResponseTopic, got.CorrelationData, got.ContentType) == ("reply", b"\1\2", "text/plain")
    assert 95 <= got.MessageExpiryInterval <= 100


@pytest.mark.parametrize("version", [4, 5])
def test_paho_resumes_its_session(client: Callable[..., Client], version: int) -> None:
    options: dict[str, Any] = {"clean": False}
    if version == 5:
        options["properties"] = Properties(PacketTypes.CONNECT)
        options["properties"].SessionExpiryInterval = 100
    first = client("me", version, **options)
    first.subscribe("a", 1)
    first.close()
    source = client("source", version)
    source.paho.publish("a", b"while away", 1).wait_for_publish(DEADLINE_SECONDS)
    second = client("me", version, **options)
    assert second.flags.session_present
    assert second.receive().payload == b"while away"


def test_a_second_connection_takes_over(client: Callable[..., Client]) -> None:
    first = client("me", 5)
    client("me", 5)
    assert first.ended.get(timeout=DEADLINE_SECONDS).value == Reason.SESSION_TAKEN_OVER


def test_a_will_is_sent_when_the_socket_breaks(client: Callable[..., Client]) -> None:
    watcher, frail = client("watcher"), client("frail", will="gone")
    watcher.subscribe("will", 1)
    sock: Any = frail.paho.socket()
    assert sock is not None
    sock.shutdown(socket.SHUT_RDWR)
    assert watcher.receive().payload == b"gone"


@pytest.mark.parametrize(("name", "v3", "v5"), [("nobody", 4, 0x86), ("banned", 5, 0x87)])
def test_refused_clients_learn_why(client: Callable[..., Client], name: str, v3: int, v5: int) -> None:
    assert client("a", 5, username=name).reason.value == v5
    # paho turns the codes of MQTT 3 into those of 5.
    assert client("b", 4, username=name).reason.value == {4: 0x86, 5: 0x87}[v3]


def test_aiomqtt_in_ordinary_use(served: Served) -> None:
    async def talk() -> list[str]:
        host, port = "127.0.0.1", served.port
        async with (
            aiomqtt.Client(host, port, identifier="one") as one,
            aiomqtt.Client(host, port, identifier="two", protocol=aiomqtt.ProtocolVersion.V5) as two,
        ):
            await one.subscribe("chat/+", qos=2)
            for number in range(10):
                await two.publish("chat/room", f"hello {number}", qos=number % 3)
            got = []
            async for message in one.messages:
                got.append(message.payload.decode())
                if len(got) == 10:
                    break
            await one.unsubscribe("chat/+")
        return got

    assert sorted(asyncio.run(asyncio.wait_for(talk(), DEADLINE_SECONDS))) == [f"hello {n}" for n in range(10)]


def test_a_websocket_needs_the_subprotocol_and_binary_frames(served: Served) -> None:
    import websockets.sync.client as ws
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    url = f"ws://127.0.0.1:{served.ws_port}/mqtt"
    with pytest.raises(InvalidStatus) as refused:
        ws.connect(url)
    assert refused.value.response.status_code == 400
    with pytest.raises(InvalidStatus):
        ws.connect(url, subprotocols=["chat"])  # type: ignore[list-item]
    with ws.connect(url, subprotocols=["mqtt"]) as connection:  # type: ignore[list-item]
        connect = mqtt.encode(mqtt.Connect(4, "bytewise"), 4)
        for byte in connect:
            connection.send(bytes((byte,)))
        assert connection.recv(DEADLINE_SECONDS) == b"\x20\2\0\0"
        connection.send(mqtt.PINGREQ + mqtt.PINGREQ)
        assert connection.recv(DEADLINE_SECONDS) == mqtt.PINGRESP * 2
        connection.send("text")
        with pytest.raises(ConnectionClosed):
            connection.recv(DEADLINE_SECONDS)


def test_a_frame_may_be_larger_than_a_packet() -> None:
    import websockets.sync.client as ws

    with serve(Broker(limits=Limits(max_packet_size=200))) as served:
        url = f"ws://127.0.0.1:{served.ws_port}/mqtt"
        with ws.connect(url, subprotocols=["mqtt"]) as connection:  # type: ignore[list-item]
            packets = mqtt.encode(mqtt.Publish("a", b"x" * 100), 5) * 50 + mqtt.PINGREQ
            connection.send(_hello())
            assert bytes(connection.recv(DEADLINE_SECONDS, decode=False))[0] == 0x20
            connection.send(packets)
            assert connection.recv(DEADLINE_SECONDS) == mqtt.PINGRESP
            connection.send(mqtt.encode(mqtt.Publish("a", b"x" * 1000), 5))
            assert connection.recv(DEADLINE_SECONDS) == mqtt.encode(mqtt.Disconnect(Reason.PACKET_TOO_LARGE), 5)


def _hello(version: int = 5, client_id: str = "raw", username: str | None = None) -> bytes:
    return mqtt.encode(mqtt.Connect(version, client_id, username=username), version)


def _until_closed(sock: socket.socket) -> bytes:
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    return data


HOSTILE = {
    "nothing of MQTT": b"\xde\xad\xbe\xef" * 100,
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length of five bytes": b"\x10\xff\xff\xff\xff\xff",
    "an oversized length": b"\x10\xff\xff\xff\x7f" + b"x" * 100,
    "a publish first": mqtt.encode(mqtt.Publish("a", b"x"), 4),
    "two connects": _hello() + _hello(),
    "an oversized packet after connect": _hello() + b"\x30\xff\xff\xff\x7f",
    "reserved flags": _hello() + b"\xc1\0",
    "a surrogate": _hello() + b"\x30\x06\0\3\xed\xa0\x80\0",
    "a wildcard topic": _hello() + mqtt.encode(mqtt.Publish("a/#", b""), 5),
    "a packet type of the server": _hello() + b"\xd0\0",
    "ten thousand levels": _hello() + mqtt.encode(mqtt.Publish("/" * 10_000, b""), 5),
    "packet identifier 0": _hello() + b"\x32\x06\0\1a\0\0\0",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_end_only_their_own_connection(
    served: Served, client: Callable[..., Client], data: bytes
) -> None:
    canary = client("canary", 4)
    canary.subscribe("canary", 1)
    with served.connect() as sock:
        sock.sendall(data)
        answer = _until_closed(sock)
    assert answer == b"" or answer[0] in (0x20, 0xE0)
    canary.paho.publish("canary", b"alive", 1)
    assert canary.receive().payload == b"alive"
    assert len(served.broker.links) == 1


def test_a_half_open_connection_and_a_slow_connect_are_closed_in_time() -> None:
    with serve(Broker(limits=Limits(idle_timeout=0.5))) as served:
        with served.connect() as silent, served.connect() as slow:
            slow.sendall(_hello()[:5])
            begin = time.monotonic()
            assert _until_closed(silent) == b""
            assert _until_closed(slow) == b""
            assert time.monotonic() - begin < 5
        assert served.broker.links == set()


def test_packets_sent_before_the_answer_to_connect_are_kept(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(_hello(4, username="slow") + mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("a", 0)]), 4))
        sock.sendall(mqtt.encode(mqtt.Publish("a", b"early"), 4))
        expected = b"\x20\2\0\0" + b"\x90\3\0\1\0" + mqtt.encode(mqtt.Publish("a", b"early"), 4)
        got = b""
        while len(got) < len(expected):
            got += sock.recv(100)
        assert got == expected


def test_a_peer_that_floods_while_it_is_asked_for_is_held_back(served: Served) -> None:
    with served.connect() as sock:
        sock.settimeout(0.05)
        sock.sendall(_hello(4, username="slow"))
        chunk, sent = mqtt.encode(mqtt.Publish("a", b"x" * 60_000), 4), 0
        with pytest.raises(TimeoutError):
            while sent < 64 << 20:
                sent += sock.send(chunk)
        link = next(iter(served.broker.links))
        assert len(link.rest) < 1 << 20


def test_a_subscriber_that_does_not_read_does_not_hold_up_others() -> None:
    with serve(Broker(limits=Limits(output_bytes=100_000))) as served, served.connect() as stuck:
        stuck.sendall(_hello(4, "stuck") + mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("flood", 1)]), 4))
        assert stuck.recv(4) == b"\x20\2\0\0"
        sink = Client(served, "sink")
        sink.subscribe("flood", 0)
        for number in range(400):
            served.run(served.stream.publish(Message("flood", b"x" * 50_000, number % 2)))
            assert len(sink.receive().payload) == 50_000
        session = served.broker.sessions["stuck"]
        assert session.link is not None
        assert len(session.queue) > 50
        assert session.link.dropped_slow > 50
        sink.close()


class Posts(OpenGate):
    """`post/…` is taken."""

    def takes(self, topic: str) -> bool:
        return topic.startswith("post/")


def test_a_post_is_acknowledged_when_it_was_taken(client: Callable[..., Client]) -> None:
    taken: list[tuple[str | None, str, bytes]] = []

    async def take(
        identity: Identity, topic: str, payload: bytes, properties: mqtt.Properties, receipt: Receipt | None
    ) -> int:
        await asyncio.sleep(0.05)
        if payload == b"no":
            raise Forbidden("space.closed", "No.")
        if payload == b"later":
            raise Unavailable("store.full", "Later.")
        taken.append((identity.name, topic, payload))
        return 0

    with serve(Broker(Posts()), take) as served:
        codes: queue.Queue[int] = queue.Queue()
        author, sink = Client(served, "author", 5, username="ada"), Client(served, "sink")
        author.paho.on_publish = lambda c, u, mid, reason, p: codes.put(reason.value)
        sink.subscribe("#", 0)
        for payload in (b"yes", b"no", b"later"):
            author.paho.publish("post/x", payload, 1)
        got = [codes.get(timeout=DEADLINE_SECONDS) for _ in range(3)]
        assert got == [0, Reason.NOT_AUTHORIZED, Reason.UNSPECIFIED_ERROR]
        assert taken == [("ada", "post/x", b"yes")]
        author.paho.publish("other", b"routed")
        assert sink.receive().topic == "other"
        old = Client(served, "old", 4, username="ada")
        old.paho.publish("post/x", b"later", 1)
        assert old.ended.get(timeout=DEADLINE_SECONDS) is not None
        for each in (author, sink, old):
            each.close()


class Slate:
    """A journal that commits when it is let."""

    def __init__(self) -> None:
        self.committed: list[Changes] = []
        self.open = asyncio.Event()
        self.begun = threading.Event()
        self.fails = False

    async def keep(self, changes: Changes) -> None:
        self.begun.set()
        await self.open.wait()
        if self.fails:
            raise Unavailable("store.full", "The disk is full.")
        self.committed.append(changes)


@pytest.mark.parametrize("fails", [False, True])
def test_a_retained_message_is_acknowledged_after_its_commit_or_not_at_all(fails: bool) -> None:
    journal = Slate()
    journal.fails = fails
    with serve(journal=journal) as served:
        source = Client(served, "source", 5)
        info = source.paho.publish("r", b"x", 1, retain=True)
        assert journal.begun.wait(DEADLINE_SECONDS)
        source.paho.publish("plain", b"x", 0)
        time.sleep(0.05)
        assert not info.is_published()
        served.call(journal.open.set)
        if fails:
            assert source.ended.get(timeout=DEADLINE_SECONDS).value == Reason.IMPLEMENTATION_ERROR
            assert not info.is_published()
        else:
            info.wait_for_publish(DEADLINE_SECONDS)
            assert [list(changes.retained) for changes in journal.committed] == [["r"]]
            message = Message("api", b"y", retain=True)
            assert served.run(served.stream.publish(message)) == 0
            assert journal.committed[-1].retained == {"api": message}
        source.close()


@pytest.mark.parametrize("fails", [False, True])
def test_whoever_starts_clean_hears_so_when_the_old_session_is_gone_for_good(fails: bool) -> None:
    journal = Slate()
    journal.fails = fails
    with serve(journal=journal) as served, served.connect() as old, served.connect() as new:
        old.sendall(mqtt.encode(mqtt.Connect(5, "c", properties={mqtt.Prop.SESSION_EXPIRY: 60}), 5))
        assert old.recv(1)
        assert journal.begun.wait(DEADLINE_SECONDS)
        new.sendall(mqtt.encode(mqtt.Connect(5, "c"), 5) + mqtt.encode(mqtt.Pingreq(), 5))
        new.settimeout(0.1)
        with pytest.raises(TimeoutError):
            new.recv(1)
        served.call(journal.open.set)
        new.settimeout(DEADLINE_SECONDS)
        if fails:
            assert _until_closed(new)[3] == Reason.SERVER_UNAVAILABLE
        else:
            data = new.recv(1000)
            assert data[3] == 0
            assert data.endswith(mqtt.PINGRESP)
            assert [set(changes.sessions.values()) for changes in journal.committed[1:]] == [{None}]


def test_it_is_said_once_that_nothing_can_be_kept_and_when_it_can(caplog: pytest.LogCaptureFixture) -> None:
    journal = Slate()
    journal.fails = True
    with serve(journal=journal) as served:
        served.call(journal.open.set)
        for number in range(3):
            with pytest.raises(Unavailable):
                served.run(served.stream.publish(Message(f"r/{number}", b"x", retain=True)))
        journal.fails = False
        served.run(served.stream.publish(Message("r", b"x", retain=True)))
    said = [record.getMessage() for record in caplog.records if record.name.endswith("mqtt.stream")]
    assert len(said) == 2
    assert said[0].endswith("The disk is full.") and said[1].endswith("kept again")
    assert not any(record.exc_info for record in caplog.records)


def test_ending_an_account_ends_its_connections_at_once(client: Callable[..., Client], served: Served) -> None:
    target, other = client("target", 5, username="ada"), client("other", 5, username="bertha")
    begin = time.monotonic()
    assert served.call(served.stream.end_sessions, 3) == 1
    assert target.ended.get(timeout=DEADLINE_SECONDS).value == Reason.ADMINISTRATIVE_ACTION
    assert time.monotonic() - begin < 1
    other.subscribe("a", 0)


def test_an_account_that_ends_while_it_comes_in_stays_out(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(_hello(5, username="slow"))
        while not any(link.waiting for link in served.broker.links):
            time.sleep(0.005)
        served.call(served.stream.end_sessions, 4)
        assert _until_closed(sock)[3] == Reason.NOT_AUTHORIZED


def test_nobody_comes_in_while_everything_is_late(served: Served, client: Callable[..., Client]) -> None:
    count, protection = served.broker.count, served.broker.options.overload_protection
    served.stream.tick_at -= 3600
    client("before").close()
    protection.enable = True
    try:
        with served.connect() as sock:
            assert _until_closed(sock) == b""
        assert count["overload_protection.new_conn"] == 1
        served.stream.tick_at += 3600
        client("after").close()
    finally:
        protection.enable = False


def test_stopping_tells_everybody() -> None:
    with serve() as served:
        tcp, web = Client(served, "tcp", 5), Client(served, "web", 5, "websockets")
        served.run(served.stop())
        for each in (tcp, web):
            assert each.ended.get(timeout=DEADLINE_SECONDS).value == Reason.SHUTTING_DOWN
            each.close()
        with pytest.raises(OSError):
            served.connect()
