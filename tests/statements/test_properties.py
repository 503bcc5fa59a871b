"""Chapter 3.3: the properties of PUBLISH, topic aliases, subscription identifiers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Filter, Kind, Prop, Publish, Reason, Subscribe

from ..domain.broker.ends import Room
from . import V5, states
from .speaking import assert_ended, back, field, frame, messages, stays, subscribe

QUALITIES = pytest.mark.parametrize("qos", [0, 1, 2])


def kept(room: Room, topic_filter: str, version: int, **options: object) -> list[Publish]:
    """What a new subscription gets at once."""
    return [one for one in subscribe(room.enter("late", version), topic_filter, **options) if isinstance(one, Publish)]  # type: ignore[arg-type]


# --- properties -------------------------------------------------------------------------------------------------------

PROPERTIES: mqtt.Properties = {
    Prop.PAYLOAD_FORMAT: 1,
    Prop.CONTENT_TYPE: "text/plain; charset=utf-8",
    Prop.RESPONSE_TOPIC: "answers/\N{SNOWMAN}",
    Prop.CORRELATION_DATA: bytes(range(256)),
    Prop.USER_PROPERTY: [("z", "1"), ("a", ""), ("z", "1"), ("", "x"), ("a", "0")],
}


@states("", v5="MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20")
@QUALITIES
@pytest.mark.parametrize("way", ["at once", "queued", "retained", "shared", "alias"])
def test_properties_go_on_as_they_are(qos: int, way: str) -> None:
    room = Room()
    sink = stays(room, "sink", V5, topic_alias_maximum=5) if way == "alias" else stays(room, "sink", V5)
    if way != "retained":
        subscribe(sink, "$share/g/topic" if way == "shared" else "topic", qos=2)
    if way == "queued":
        sink.lose()
    source = room.enter("source")
    source.send(Publish("topic", b"x", qos, way == "retained", packet_id=1 if qos else 0, properties=PROPERTIES))
    if way == "queued":
        _, packets = back(room, "sink", V5)
    elif way == "retained":
        packets = subscribe(sink, "topic", qos=2)[1:]
    else:
        packets = sink.read()
    (message,) = packets
    assert isinstance(message, Publish)
    assert {**message.properties, Prop.TOPIC_ALIAS: 1} == {**PROPERTIES, Prop.TOPIC_ALIAS: 1}


@states(v5="MQTT-3.3.2-13 MQTT-3.3.2-19")
@pytest.mark.parametrize("prop", [0x08, 0x03], ids=["response topic", "content type"])
def test_properties_that_are_no_text(prop: int) -> None:
    end = Room().enter("me")
    properties = bytes((prop,)) + field(b"\xc3")
    end.send_bytes(frame(0x30, field(b"a"), bytes((len(properties),)), properties, b"x"))
    assert_ended(end, Reason.MALFORMED_PACKET)


@states(v5="MQTT-3.3.2-14 MQTT-4.13.1-1")
@pytest.mark.parametrize("topic", ["#", "a/+", "a#"])
def test_a_response_topic_has_no_wildcards(topic: str) -> None:
    room = Room()
    sink, end = room.subscriber("sink", "a"), room.enter("me")
    end.send(Publish("a", b"x", properties={Prop.RESPONSE_TOPIC: topic}))
    assert_ended(end, Reason.PROTOCOL_ERROR)
    assert sink.read() == []


@states(v5="MQTT-3.3.2-5 MQTT-3.3.2-6")
@pytest.mark.parametrize("qos", [1, 2])
def test_what_expires_while_it_waits_is_deleted(qos: int) -> None:
    room = Room()
    sink = stays(room, "sink", V5, receive_maximum=1)
    subscribe(sink, "a", qos=qos)
    source = room.enter("source")
    for number, expiry in enumerate((100, 5, 10), 1):
        source.send(
            Publish("a", b"%d" % number, qos, packet_id=number, properties={Prop.MESSAGE_EXPIRY: expiry}),
            Ack(Kind.PUBREL, number),
        )
    first = messages(sink)
    assert [one.payload for one in first] == [b"1"]
    room.clock.now += 7
    sink.lose()
    end, again = back(room, "sink", V5)
    assert [(one.payload, one.properties[Prop.MESSAGE_EXPIRY]) for one in again] == [(b"1", 93), (b"3", 3)]  # type: ignore[union-attr]
    assert end.read() == []


@states(v5="MQTT-3.3.2-5 MQTT-3.3.2-6")
def test_a_retained_message_expires() -> None:
    room = Room()
    source = room.enter("source")
    source.send(Publish("a", b"x", retain=True, properties={Prop.MESSAGE_EXPIRY: 10}))
    room.clock.now += 4
    assert kept(room, "a", V5) == [Publish("a", b"x", retain=True, properties={Prop.MESSAGE_EXPIRY: 6})]
    room.clock.now += 6
    assert kept(room, "a", V5) == []


@states(v5="MQTT-4.3.3-7 MQTT-4.4.0-1")
@pytest.mark.parametrize("qos", [1, 2])
def test_what_was_sent_does_not_expire(qos: int) -> None:
    room = Room()
    sink = stays(room, "sink", V5)
    subscribe(sink, "a", qos=qos)
    room.enter("source").send(Publish("a", b"x", qos, packet_id=1, properties={Prop.MESSAGE_EXPIRY: 5}))
    (first,) = messages(sink)
    room.wait(3)
    sink.lose()
    room.wait(100)
    _, again = back(room, "sink", V5)
    assert again == [replace(first, dup=True, properties={Prop.MESSAGE_EXPIRY: 0})]


@states(v5="MQTT-4.3.3-13")
def test_the_handshake_goes_on_for_what_has_expired() -> None:
    room = Room()
    sink = stays(room, "sink", V5)
    subscribe(sink, "a", qos=2)
    sink.lose()
    source = room.enter("source")
    source.send(Publish("a", b"x", 2, packet_id=1, properties={Prop.MESSAGE_EXPIRY: 5}))
    assert source.read() == [Ack(Kind.PUBREC, 1)]
    room.wait(10)
    source.send(Publish("a", b"x", 2, dup=True, packet_id=1, properties={Prop.MESSAGE_EXPIRY: 5}), Ack(Kind.PUBREL, 1))
    assert source.read() == [Ack(Kind.PUBREC, 1), Ack(Kind.PUBCOMP, 1)]
    assert back(room, "sink", V5)[1] == []


# --- topic aliases ----------------------------------------------------------------------------------------------------


@states(v5="MQTT-3.3.2-7")
def test_aliases_end_with_their_connection() -> None:
    room = Room()
    end = stays(room, "me", V5, topic_alias_maximum=5)
    subscribe(end, "topic")
    end.send(*[Publish("topic", b"x", properties={Prop.TOPIC_ALIAS: 1})] * 2)
    assert [(one.topic, one.properties) for one in messages(end)] == [
        ("topic", {Prop.TOPIC_ALIAS: 1}),
        ("", {Prop.TOPIC_ALIAS: 1}),
    ]
    end.lose()
    end, _ = back(room, "me", V5, topic_alias_maximum=5)
    room.enter("source").send(Publish("topic", b"x"))
    assert [one.topic for one in messages(end)] == ["topic"]
    end.send(Publish("", b"x", properties={Prop.TOPIC_ALIAS: 1}))
    assert_ended(end, Reason.PROTOCOL_ERROR)


@states(v5="MQTT-3.3.2-8 MQTT-4.13.1-1")
def test_there_is_no_alias_0() -> None:
    end = Room().enter("me")
    end.send_bytes(frame(0x30, field(b"a"), b"\3\x23\0\0x"))
    assert_ended(end, Reason.TOPIC_ALIAS_INVALID)


@states(v5="MQTT-3.1.2-26 MQTT-3.1.2-27 MQTT-3.3.2-8 MQTT-3.3.2-11")
@QUALITIES
@pytest.mark.parametrize("most", [None, 0, 1, 3])
def test_our_aliases_keep_to_the_clients_maximum(qos: int, most: int | None) -> None:
    room = Room()
    sink = room.enter("sink") if most is None else room.enter("sink", topic_alias_maximum=most)
    subscribe(sink, "#", qos=qos)
    source = room.enter("source")
    named: dict[int, str] = {}
    topics = []
    for number in range(18):
        topic = f"some/topic/{number % 6}"
        source.send(Publish(topic, b"x", qos, packet_id=number + 1 if qos else 0))
        for message in messages(sink):
            alias = message.properties.get(Prop.TOPIC_ALIAS)
            if alias is not None:
                assert isinstance(alias, int)
                assert 1 <= alias <= (most or 0)
                named[alias] = message.topic or named[alias]
            topics.append(message.topic or named[alias])  # type: ignore[index]
    assert topics == [f"some/topic/{number % 6}" for number in range(18)]
    assert len(named) == (most or 0)


# --- subscription identifiers -----------------------------------------------------------------------------------------


@states(v5="MQTT-3.3.4-6 MQTT-4.13.1-1")
def test_a_client_sends_no_subscription_identifier() -> None:
    room = Room()
    sink, end = room.subscriber("sink", "a"), room.enter("me")
    end.send(Publish("a", b"x", properties={Prop.SUBSCRIPTION_ID: [1]}))
    assert_ended(end, Reason.PROTOCOL_ERROR)
    assert sink.read() == []


@states(v5="MQTT-3.3.4-2", v3="MQTT-3.3.5-1")
@QUALITIES
def test_overlapping_subscriptions_get_the_highest_of_their_qualities(version: int, qos: int) -> None:
    room = Room()
    end = room.enter("me", version)
    for at, topic_filter in enumerate(("a/b", "a/+", "a/#")):
        subscribe(end, topic_filter, qos=at)
    room.enter("source", version).send(Publish("a/b", b"x", qos, packet_id=1 if qos else 0))
    # One for each, none above what was published.
    assert sorted(one.qos for one in messages(end)) == sorted(min(qos, granted) for granted in (0, 1, 2))


@states(v5="MQTT-3.3.4-3 MQTT-3.3.4-5")
@pytest.mark.parametrize("way", ["at once", "queued", "retained"])
def test_each_copy_has_the_identifier_of_its_subscription(way: str) -> None:
    room = Room()
    end = stays(room, "me", V5)
    source = room.enter("source")
    message = Publish("a/b", b"x", 1, packet_id=1, retain=way == "retained")
    if way == "retained":
        source.send(message)
    packets: list[mqtt.Packet] = []
    for identifier, topic_filter in ((1, "a/b"), (268_435_455, "a/+"), (0, "#"), (128, "$share/g/a/b")):
        properties: mqtt.Properties = {Prop.SUBSCRIPTION_ID: [identifier]} if identifier else {}
        end.send(Subscribe(1, [Filter(topic_filter, 1)], properties))
        packets += end.read()[1:]
    if way == "queued":
        end.lose()
    if way != "retained":
        source.send(message)
        packets = back(room, "me", V5)[1] if way == "queued" else end.read()
    found = [packet.properties.get(Prop.SUBSCRIPTION_ID) for packet in packets if isinstance(packet, Publish)]
    # Shared subscriptions get no retained messages.
    expected = [None, [1], [268_435_455]] + ([[128]] if way != "retained" else [])
    assert sorted(found, key=str) == sorted(expected, key=str)


@states(v5="MQTT-3.3.4-3 MQTT-3.8.4-3")
def test_the_identifier_of_a_subscription_that_was_replaced() -> None:
    room = Room()
    end, source = room.enter("me"), room.enter("source")
    for properties in ({Prop.SUBSCRIPTION_ID: [1]}, {Prop.SUBSCRIPTION_ID: [2]}, {}):
        end.send(Subscribe(1, [Filter("a")], properties))  # type: ignore[arg-type]
        end.read()
        source.send(Publish("a", b"x"))
        assert [one.properties for one in messages(end)] == [properties]
