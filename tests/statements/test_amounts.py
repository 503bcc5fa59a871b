"""Chapters 3.1, 3.3 and 4.9: how large packets are, and how many messages are on their way."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker import Broker, Limits
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Filter, Kind, Prop, Publish, Reason, Subscribe

from ..domain.broker.ends import Room
from . import V5, states
from .speaking import assert_ended, back, messages, payloads, stays, subscribe

QUALITIES = pytest.mark.parametrize("qos", [0, 1, 2])


@states(v5="MQTT-3.1.2-24 MQTT-3.1.2-25")
@QUALITIES
@pytest.mark.parametrize("way", ["at once", "queued", "retained", "translated"])
def test_a_message_larger_than_the_client_takes_is_dropped_as_if_sent(qos: int, way: str) -> None:
    room = Room()
    sink = stays(room, "sink", V5, maximum_packet_size=100)
    if way != "retained":
        subscribe(sink, "a", qos=2)
    if way == "queued":
        sink.lose()
    version = 4 if way == "translated" else V5
    source = room.enter("source", version)
    head = len(mqtt.encode(Publish("a", b"", qos, packet_id=1 if qos else 0), V5))
    for number, size in enumerate((100 - head, 101 - head, 1), 1):
        topic = "a" if way != "retained" else "bca"[number - 1]
        source.send(Publish(topic, b"x" * size, qos, way == "retained", packet_id=number if qos else 0))
    if way == "queued":
        _, packets = back(room, "sink", V5, maximum_packet_size=100)
    else:
        packets = subscribe(sink, "+", qos=2)[1:] if way == "retained" else sink.read()
    assert sorted(len(mqtt.encode(packet, V5)) for packet in packets) == [head + 1, 100]
    # Nothing of it is left behind.
    session = room.broker.sessions["sink"]
    assert len(session.inflight) == (2 if qos else 0)
    assert not session.queue


@states(v5="MQTT-3.1.2-24")
@pytest.mark.parametrize("payload", [993, 994])
def test_a_message_that_grows_on_its_way_does_not_get_too_large(payload: int) -> None:
    room = Room(Broker(limits=Limits(max_packet_size=1000)))
    sink = room.enter("sink", maximum_packet_size=1000)
    subscribe(sink, "a")
    source = room.enter("source", 4)
    # As large as it may be in MQTT 3, and one byte longer in MQTT 5.
    source.send(Publish("a", b"x" * payload))
    assert [len(one) for one in payloads(sink)] == ([payload] if payload == 993 else [])


@states(v5="MQTT-3.1.2-24 MQTT-3.1.2-25")
def test_answers_larger_than_the_client_takes_are_dropped_as_if_sent() -> None:
    room = Room()
    end = room.enter("me", maximum_packet_size=40)
    end.send(Subscribe(1, [Filter(f"{number}") for number in range(40)]))
    assert end.read() == []
    end.send(mqtt.Unsubscribe(2, [f"{number}" for number in range(1, 40)]))
    assert end.read() == []
    end.send(mqtt.Pingreq())
    assert end.read() == [mqtt.Pingresp()]
    source = room.enter("source")
    source.send(Publish("0", b"x"), Publish("1", b"x"))
    assert [one.topic for one in messages(end)] == ["0"]


@states(v5="MQTT-3.1.2-24 MQTT-3.2.0-1")
@pytest.mark.parametrize("most", range(1, 40))
def test_connack_fits_into_what_the_client_takes(most: int) -> None:
    room = Room()
    end = room.knock("me", maximum_packet_size=most)
    end.link.accept(room.enter("other").link.identity, room.clock.now)
    data = end.link.take_output()
    assert len(data) <= most
    if not data:
        assert most < 5
    elif end.link.ended:
        assert data == b"\x20\3\0\x95\0"
    else:
        connack, _ = mqtt.parse(data, V5)
        assert isinstance(connack, mqtt.Connack)
        # What limits the client is told in any case; the rest is what it takes for granted.
        assert connack.properties[Prop.RECEIVE_MAXIMUM] == 100
        assert connack.properties[Prop.MAXIMUM_PACKET_SIZE] == 1_048_576
        assert most >= 13
    assert end.link.ended is (most < 13)


@states(v5="MQTT-3.3.4-7 MQTT-4.13.1-1")
def test_a_client_that_does_not_keep_to_our_receive_maximum() -> None:
    room = Room(Broker(limits=Limits(max_awaiting_rel=3)))
    end = room.enter("me")
    assert end.connack.properties[Prop.RECEIVE_MAXIMUM] == 3  # type: ignore[attr-defined]
    end.send(*[Publish("a", b"x", 2, packet_id=number) for number in (1, 2, 3)])
    end.send(Ack(Kind.PUBREL, 2), Publish("a", b"x", 2, packet_id=4))
    assert len(end.read()) == 5
    end.send(Publish("a", b"x", 2, packet_id=5))
    assert_ended(end, Reason.RECEIVE_MAXIMUM_EXCEEDED)


@states(v5="MQTT-3.3.4-9 MQTT-4.9.0-1 MQTT-4.9.0-2")
@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("at_once", [True, False])
def test_we_keep_to_the_clients_receive_maximum(most: int, qos: int, at_once: bool) -> None:
    room = Room()
    end = room.enter("me", receive_maximum=most)
    subscribe(end, "a", qos=qos)
    source = room.enter("source")
    packets = [Publish("a", b"%d" % number, qos, packet_id=number) for number in range(1, 8)]
    for chunk in [packets] if at_once else [[packet] for packet in packets]:
        source.send(*chunk)
    on_their_way = messages(end)
    assert len(on_their_way) == most
    got = [one.payload for one in on_their_way]
    while on_their_way:
        oldest = on_their_way.pop(0)
        if qos == 2:
            # PUBREC gives nothing back yet.
            end.send(Ack(Kind.PUBREC, oldest.packet_id))
            assert end.read() == [Ack(Kind.PUBREL, oldest.packet_id)]
        end.send(Ack(Kind.PUBACK if qos == 1 else Kind.PUBCOMP, oldest.packet_id))
        following = messages(end)
        assert len(following) == (1 if len(got) < 7 else 0)
        on_their_way += following
        got += [one.payload for one in following]
    assert got == [b"%d" % number for number in range(1, 8)]


@states(v5="MQTT-3.3.4-9 MQTT-4.9.0-1 MQTT-4.9.0-2 MQTT-4.4.0-1")
@pytest.mark.parametrize("qos", [1, 2])
def test_we_keep_to_a_lower_receive_maximum_of_a_later_connection(qos: int) -> None:
    room = Room()
    end = stays(room, "me", V5)
    subscribe(end, "a", qos=qos)
    source = room.enter("source")
    source.send(*[Publish("a", b"%d" % number, qos, packet_id=number) for number in range(1, 6)])
    assert len(messages(end)) == 5
    end.lose()
    end, first = back(room, "me", V5, receive_maximum=2)
    source.send(Publish("a", b"6", qos, packet_id=6))
    end.send(mqtt.Pingreq())
    assert end.read() == [mqtt.Pingresp()]
    on_their_way = [one for one in first if isinstance(one, Publish)]
    assert [(one.packet_id, one.dup) for one in on_their_way] == [(1, True), (2, True)]
    got = []
    while on_their_way:
        oldest = on_their_way.pop(0)
        got.append((oldest.packet_id, oldest.payload, oldest.dup))
        if qos == 2:
            end.send(Ack(Kind.PUBREC, oldest.packet_id))
            assert end.read() == [Ack(Kind.PUBREL, oldest.packet_id)]
        end.send(Ack(Kind.PUBACK if qos == 1 else Kind.PUBCOMP, oldest.packet_id))
        on_their_way += messages(end)
        assert len(on_their_way) <= 2
    assert got == [(number, b"%d" % number, number < 6) for number in range(1, 7)]


@states(v5="MQTT-3.3.4-9 MQTT-4.4.0-2 MQTT-4.8.2-6")
@pytest.mark.parametrize("qos", [1, 2])
def test_a_refusal_gives_the_quota_back(qos: int) -> None:
    room = Room()
    end = stays(room, "me", V5, receive_maximum=1)
    subscribe(end, "a", qos=qos)
    room.enter("source").send(*[Publish("a", b"%d" % number, qos, packet_id=number) for number in (1, 2)])
    assert payloads(end) == [b"1"]
    end.send(Ack(Kind.PUBACK if qos == 1 else Kind.PUBREC, 1, Reason.QUOTA_EXCEEDED))
    # It is over, and is not sent again.
    assert payloads(end) == [b"2"]
    end.lose()
    _, again = back(room, "me", V5)
    assert [one.payload for one in again if isinstance(one, Publish)] == [b"2"]


@states(v5="MQTT-3.3.4-10 MQTT-4.9.0-3")
def test_all_else_is_answered_without_a_quota() -> None:
    room = Room()
    end = room.enter("me", receive_maximum=1)
    subscribe(end, "a", qos=2)
    source = room.enter("source")
    source.send(*[Publish("a", b"%d" % number, 2, packet_id=number) for number in (1, 2)])
    assert payloads(end) == [b"1"]
    end.send(
        mqtt.Pingreq(),
        Subscribe(2, [Filter("b", 1)]),
        mqtt.Unsubscribe(3, ["b"]),
        Publish("c", b"", 1, packet_id=4),
        Publish("c", b"", 2, packet_id=5),
        Ack(Kind.PUBREL, 5),
    )
    nobody = Reason.NO_MATCHING_SUBSCRIBERS
    assert end.read() == [
        mqtt.Pingresp(),
        mqtt.Suback(2, [1]),
        mqtt.Unsuback(3, [0]),
        Ack(Kind.PUBACK, 4, nobody),
        Ack(Kind.PUBREC, 5, nobody),
        Ack(Kind.PUBCOMP, 5),
    ]
    # QoS 0 needs none.
    source.send(Publish("a", b"0"))
    assert payloads(end) == [b"0"]
