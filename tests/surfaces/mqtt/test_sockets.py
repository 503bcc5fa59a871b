"""Lone messages, which are written as they come: counted like others, in their order, and not to whom does not read."""

from __future__ import annotations

import gc
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from folkmoot.domain.broker import Broker, Limits, Link
from folkmoot.wire import mqtt

from .serving import DEADLINE_SECONDS, Served, serve

OUTPUT_BYTES = 100_000


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(Broker(limits=Limits(output_bytes=OUTPUT_BYTES))) as running:
        yield running


def _send(sock: socket.socket, packet: mqtt.Packet) -> None:
    sock.sendall(mqtt.encode(packet, 4))


def _receive(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = sock.recv(size - len(data))
        assert piece
        data += piece
    return bytes(data)


def _connect(served: Served, name: str, *filters: str, qos: int = 0) -> socket.socket:
    sock = served.connect()
    _send(sock, mqtt.Connect(4, name))
    _receive(sock, 4)
    if filters:
        _send(sock, mqtt.Subscribe(1, [mqtt.Filter(each, qos) for each in filters]))
        _receive(sock, 4 + len(filters))
    return sock


def _settle(sock: socket.socket) -> None:
    """Waits until what it has sent has been dealt with."""
    sock.sendall(mqtt.PINGREQ)
    assert _receive(sock, 2) == mqtt.PINGRESP


def test_lone_messages_come_as_they_are_and_count(served: Served) -> None:
    sink, source = _connect(served, "sink", "a/+"), _connect(served, "source")
    for number in range(10):
        frame = mqtt.encode(mqtt.Publish("a/x", b"%03d" % number), 4)
        source.sendall(frame)
        assert _receive(sink, len(frame)) == frame
    _settle(source)
    sessions = served.broker.sessions
    giving, taking = sessions["source"].link, sessions["sink"].link
    assert giving is not None and taking is not None
    assert giving.received == [10, 0, 0] and taking.sent == [10, 0, 0]
    # CONNACK and SUBACK were sent before.
    assert taking.sent_bytes == 10 * len(frame) + 4 + 5


def test_messages_keep_their_order_whatever_way_they_go(served: Served) -> None:
    sink, source = _connect(served, "sink", "a/+", qos=1), _connect(served, "source")
    expected = b""
    for number in range(40):
        qos = int(number % 4 == 3)
        sent = mqtt.Publish("a/x", b"%03d" % number, qos, packet_id=qos * (number + 1))
        _send(source, sent)
        if qos:
            _receive(source, 4)
        expected += mqtt.encode(mqtt.Publish("a/x", sent.payload, qos, packet_id=qos * (number // 4 + 1)), 4)
    assert _receive(sink, len(expected)) == expected


def test_who_does_not_read_gets_no_lone_messages_beyond_its_share(served: Served) -> None:
    sink, source = _connect(served, "sink", "a/+"), _connect(served, "source")
    frame = mqtt.encode(mqtt.Publish("a/x", bytes(20_000)), 4)
    other = _connect(served, "other")
    for _ in range(600):
        source.sendall(frame)
        _settle(other)
    _settle(source)
    link = served.broker.sessions["sink"].link
    assert link is not None
    assert link.dropped_slow and link.sent[0] + link.dropped_slow == 600
    kept = link.sent[0]
    assert _receive(sink, kept * len(frame)) == kept * frame
    # And when it has read, they come again.
    frame = mqtt.encode(mqtt.Publish("a/x", b"now"), 4)
    for _ in range(3):
        source.sendall(frame)
        assert _receive(sink, len(frame)) == frame


def test_nobody_gets_them_who_has_gone(served: Served) -> None:
    sink, source = _connect(served, "sink", "a/+"), _connect(served, "source")
    frame = mqtt.encode(mqtt.Publish("a/x", b"1"), 4)
    for _ in range(3):
        source.sendall(frame)
        assert _receive(sink, len(frame)) == frame
    other = _connect(served, "other", "a/#")
    sink.close()
    for _ in range(3):
        source.sendall(frame)
        assert _receive(other, len(frame)) == frame


def test_a_connection_that_is_over_leaves_nothing_to_the_collector_of_cycles() -> None:
    def links() -> int:
        return sum(isinstance(one, Link) for one in gc.get_objects())

    hello = mqtt.encode(mqtt.Connect(5, "c"), 5)
    gc.collect()
    before = links()
    gc.disable()
    try:
        with serve() as served:
            for farewell in (mqtt.encode(mqtt.Disconnect(), 5), b""):
                with served.connect() as client:
                    client.sendall(hello)
                    assert client.recv(100)
                    client.sendall(farewell)
            deadline = time.monotonic() + DEADLINE_SECONDS
            while served.call(links) > before:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    finally:
        gc.enable()


def test_who_is_not_let_in_yet_is_not_read() -> None:
    hello = mqtt.encode(mqtt.Connect(5, "c", username="slow"), 5)
    with serve() as served, served.connect() as client:
        client.setblocking(False)
        client.send(hello)
        waiting, deadline = 0, time.monotonic() + DEADLINE_SECONDS
        while not served.broker.sessions:
            assert time.monotonic() < deadline
            with suppress(BlockingIOError):
                client.send(mqtt.PINGREQ * 50_000)
            waiting = max([waiting, *served.call(lambda: [len(link.rest) for link in served.broker.links])])
        assert 0 < waiting <= 600_000
