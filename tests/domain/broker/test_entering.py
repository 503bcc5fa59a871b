"""CONNECT, what is no good beginning, and what ends a connection. No sockets; time moves by hand."""

from __future__ import annotations

import pytest

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Disconnect, Filter, Packet, Prop, Publish, Reason, Subscribe

from .ends import ALICE, End, Room, payloads

V311, V5 = 4, 5


def test_what_comes_while_the_client_is_being_asked_for_is_kept_in_order() -> None:
    room = Room()
    sink = room.subscriber("sink", "a", 1)
    end = room.knock("me")
    end.send(Publish("a", b"1"))
    end.send(Publish("a", b"2"), Subscribe(3, [Filter("b", 0)]))
    assert end.read() == []
    assert payloads(sink) == []
    end.link.accept(ALICE, room.clock.now)
    kinds = [type(packet).__name__ for packet in end.read()]
    assert kinds == ["Connack", "Suback"]
    assert payloads(sink) == [b"1", b"2"]


def test_a_refused_client_is_told_in_its_own_words() -> None:
    room = Room()
    end = room.knock("me")
    end.link.refuse(Reason.BAD_CREDENTIALS, room.clock.now)
    assert end.read_one() == mqtt.Connack(False, Reason.BAD_CREDENTIALS)
    old = room.knock("me", V311)
    old.link.refuse(Reason.NOT_AUTHORIZED, room.clock.now)
    assert old.read_one() == mqtt.Connack(False, 5)
    assert old.link.ended


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (mqtt.encode(mqtt.Connect(V311, "", clean_start=False), V311), b"\x20\2\0\2"),
        (mqtt.encode(mqtt.Connect(3, "", clean_start=True), 3), b"\x20\2\0\2"),
        (b"\x10\x0c\0\4MQTT\x09\2\0\0\0\0", b"\x20\2\0\1"),
        (b"\x10\x0d\0\4MQTT\5\3\0\0\0\0\0", b"\x20\3\0\x81\0"),
        (b"\x10\x0c\0\4MQTT\4\3\0\0\0\0", b""),
        (b"GET / HTTP/1.1\r\n", b""),
        (b"\xc0\0", b""),
        (b"\x30\x03\0\1a", b""),
    ],
    ids=["no id 3.1.1", "no id 3.1", "level 9", "malformed 5", "malformed 3.1.1", "http", "ping", "publish"],
)
def test_what_is_no_good_connect_ends_the_connection(data: bytes, answer: bytes) -> None:
    room = Room()
    end = End(room.broker, room.clock)
    end.send_bytes(data)
    assert end.link.ended
    assert end.link.take_output() == answer


def test_an_assigned_client_identifier_is_told() -> None:
    room = Room()
    end = room.enter("")
    name = end.connack.properties[Prop.ASSIGNED_CLIENT_ID]  # type: ignore[attr-defined]
    assert room.broker.sessions[name].link is end.link
    assert len(name) == 16


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (mqtt.Connect(V5, "again"), Reason.PROTOCOL_ERROR),
        (mqtt.Pingresp(), Reason.PROTOCOL_ERROR),
        (mqtt.Auth(Reason.REAUTHENTICATE), Reason.PROTOCOL_ERROR),
        (Publish("a/+", b""), Reason.TOPIC_NAME_INVALID),
        (Publish("", b""), Reason.PROTOCOL_ERROR),
        (Publish("a/" * 200, b""), Reason.TOPIC_NAME_INVALID),
        (Publish("a", b"", properties={Prop.SUBSCRIPTION_ID: [1]}), Reason.PROTOCOL_ERROR),
        (Publish("a", b"", properties={Prop.RESPONSE_TOPIC: "a/#"}), Reason.PROTOCOL_ERROR),
        (Subscribe(1, [Filter("a/#/b")]), Reason.TOPIC_FILTER_INVALID),
        (Subscribe(1, [Filter("")]), Reason.TOPIC_FILTER_INVALID),
        (mqtt.Unsubscribe(1, ["a#"]), Reason.TOPIC_FILTER_INVALID),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, Reason) else value.name,
)
def test_what_ends_a_connection(packet: Packet, reason: Reason) -> None:
    end = Room().enter("me")
    end.send(packet)
    assert end.read() == [Disconnect(reason)]
    assert end.link.ended
    old = Room().enter("me", V311)
    if not isinstance(packet, mqtt.Auth) and not getattr(packet, "properties", None):
        old.send(packet)
        assert old.read() == []
        assert old.link.ended


def test_a_packet_larger_than_allowed_is_refused_while_it_is_being_read() -> None:
    end = Room().enter("me")
    end.send_bytes(b"\x30\xff\xff\xff\x7f\0\1a")
    assert end.read() == [Disconnect(Reason.PACKET_TOO_LARGE)]


def test_large_packets_in_small_pieces_cost_no_more_than_their_size() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a"), room.enter("source")
    data = mqtt.encode(Publish("a", b"x" * 1_000_000), V5)
    for at in range(0, len(data), 1000):
        source.send_bytes(data[at : at + 1000])
    assert payloads(sink) == [b"x" * 1_000_000]
    assert not source.link.rest
