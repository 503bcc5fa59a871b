"""Chapters 1 and 2: texts, integers, flags, packet identifiers, the length of the properties."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from folkmoot.domain.broker import Message
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Kind, Prop, Publish, Reason

from ..domain.broker.ends import Room
from . import V5, states
from .speaking import (
    assert_ended,
    assert_refused,
    back,
    complete,
    connect,
    field,
    frame,
    knocking,
    messages,
    none,
    stays,
    subscribe,
)

BAD_TEXTS = {"surrogate": b"\xed\xa0\x80", "cut short": b"a\xc3", "too long": b"\xc0\xaf", "no byte": b"\xff"}


@states(v5="MQTT-1.5.4-1 MQTT-3.1.3-4", v3="MQTT-1.5.3-1 MQTT-3.1.3-4")
@pytest.mark.parametrize("bad", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_client_identifier_that_is_no_text(version: int, bad: bytes) -> None:
    assert_refused(knocking(version, connect(version, bad)), Reason.MALFORMED_PACKET)


@states(v5="MQTT-3.1.3-11 MQTT-3.1.3-12 MQTT-1.5.4-1", v3="MQTT-3.1.3-10 MQTT-3.1.3-11 MQTT-1.5.3-1")
@pytest.mark.parametrize("bad", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_will_topic_or_user_name_that_is_no_text(version: int, bad: bytes) -> None:
    will = connect(version, b"me", bad, b"payload", flags=0x06)
    assert_refused(knocking(version, will), Reason.MALFORMED_PACKET)
    name = connect(version, b"me", bad, flags=0x82)
    assert_refused(knocking(version, name), Reason.MALFORMED_PACKET)


@states(
    "MQTT-3.3.2-1 MQTT-3.8.3-1 MQTT-3.10.3-1",
    v5="MQTT-1.5.4-1 MQTT-4.13.1-1",
    v3="MQTT-1.5.3-1 MQTT-4.8.0-1",
)
@pytest.mark.parametrize("first", [0x30, 0x82, 0xA2], ids=["publish", "subscribe", "unsubscribe"])
@pytest.mark.parametrize("bad", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_topic_that_is_no_text(version: int, first: int, bad: bytes) -> None:
    end = Room().enter("me", version)
    head = b"" if first == 0x30 else b"\0\1" + none(version)
    tail = {0x30: none(version), 0x82: b"\0", 0xA2: b""}[first]
    end.send_bytes(frame(first, head, field(bad), tail))
    assert_ended(end, Reason.MALFORMED_PACKET)


@states(v5="MQTT-1.5.4-2 MQTT-4.7.3-2", v3="MQTT-1.5.3-2 MQTT-4.7.3-2")
def test_the_null_character(version: int) -> None:
    assert_refused(knocking(version, connect(version, b"a\0b")), Reason.MALFORMED_PACKET)
    for first, head, tail in ((0x30, b"", none(version)), (0x82, b"\0\1" + none(version), b"\0")):
        end = Room().enter("me", version)
        end.send_bytes(frame(first, head, field(b"a\0b"), tail))
        assert_ended(end, Reason.MALFORMED_PACKET)


@states(v5="MQTT-1.5.4-3 MQTT-4.7.3-4", v3="MQTT-1.5.3-3 MQTT-4.7.3-4")
def test_the_byte_order_mark_stays(version: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "\ufeffa", version=version)
    plain = room.subscriber("plain", "a", version=version)
    room.enter("\ufeffme", version).send_bytes(frame(0x30, field(b"\xef\xbb\xbfa"), none(version), b"x"))
    assert [message.topic for message in messages(sink)] == ["\ufeffa"]
    assert plain.read() == []
    assert "\ufeffme" in room.broker.sessions


@states(v5="MQTT-1.5.5-1 MQTT-4.13.1-1")
@pytest.mark.parametrize("data", [b"\x30\x85\x00\0\1a\0x", b"\x30\x06\0\1a\x80\0x"], ids=["length", "property length"])
def test_a_variable_byte_integer_longer_than_needed(data: bytes) -> None:
    end = Room().enter("me")
    end.send_bytes(data)
    assert_ended(end, Reason.MALFORMED_PACKET)


@states(v5="MQTT-1.5.5-1")
@pytest.mark.parametrize("size", [0, 100, 127, 128, 16_383, 16_384, 300_000])
def test_our_lengths_are_as_short_as_they_can_be(size: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "a")
    room.enter("source").send(Publish("a", b"x" * size))
    room.broker.publish(Message("a", b"x" * size), room.clock.now)
    sent = frame(0x30, field(b"a"), b"\0", b"x" * size)
    assert sink.link.take_output() == 2 * sent


@states(v5="MQTT-1.5.7-1")
@pytest.mark.parametrize("pair", [(b"\xff", b"v"), (b"n", b"\xff"), (b"n\0", b"v"), (b"n", b"v\0")])
def test_a_user_property_that_is_no_text(pair: tuple[bytes, bytes]) -> None:
    end = Room().enter("me")
    properties = b"\x26" + field(pair[0]) + field(pair[1])
    end.send_bytes(frame(0x30, field(b"a"), bytes((len(properties),)), properties))
    assert_ended(end, Reason.MALFORMED_PACKET)


#: First bytes with a flag that must not be, and a body that is right.
RESERVED = {
    "CONNECT": 0x11,
    "PUBACK": 0x41,
    "PUBREC": 0x52,
    "PUBREL": 0x60,
    "PUBCOMP": 0x74,
    "SUBSCRIBE": 0x80,
    "UNSUBSCRIBE": 0xA0,
    "PINGREQ": 0xC1,
    "DISCONNECT": 0xE8,
}


@states(
    "MQTT-3.6.1-1 MQTT-3.8.1-1 MQTT-3.10.1-1 MQTT-3.14.1-1",
    v5="MQTT-2.1.3-1 MQTT-4.13.1-1",
    v3="MQTT-2.2.2-1 MQTT-2.2.2-2 MQTT-4.8.0-1",
)
@pytest.mark.parametrize("kind", RESERVED)
def test_flags_that_are_reserved(version: int, kind: str) -> None:
    first = RESERVED[kind]
    if kind == "CONNECT":
        assert_refused(knocking(version, connect(version, b"me", first=first)), Reason.MALFORMED_PACKET)
        return
    body = {0x80: b"\0\1" + none(version) + b"\0\1a\0", 0xA0: b"\0\1" + none(version) + b"\0\1a"}.get(first & 0xF0)
    if body is None:
        body = b"" if first >= 0xC0 else b"\0\1"
    end = Room().enter("me", version)
    end.send_bytes(frame(first, body))
    assert_ended(end, Reason.MALFORMED_PACKET)


@states(v5="MQTT-3.15.1-1 MQTT-2.1.3-1")
@pytest.mark.parametrize("flags", range(1, 16))
def test_flags_of_auth(flags: int) -> None:
    end = Room().enter("me", auth_method="A")
    end.send_bytes(frame(0xF0 | flags, b"\x19\4\x15\0\1A"))
    assert_ended(end, Reason.MALFORMED_PACKET)


@states(v5="MQTT-2.1.3-1 MQTT-2.2.2-1 MQTT-3.2.2-1", v3="MQTT-2.2.2-1")
def test_flags_and_property_lengths_of_ours(version: int) -> None:
    room = Room()
    end = knocking(version, connect(version, b"me"), room)
    end.link.accept(room.enter("other").link.identity, 0)
    connack = end.link.take_output()
    assert (connack[0], connack[2] & 0xFE) == (0x20, 0)
    body = none(version)
    end.send_bytes(frame(0x82, b"\0\1" + body, field(b"a"), b"\2"))
    assert end.link.take_output() == frame(0x90, b"\0\1", body, b"\2")
    end.send_bytes(frame(0xA2, b"\0\2" + body, field(b"b")))
    assert end.link.take_output() == frame(0xB0, b"\0\2", body, b"\x11" if version == V5 else b"")
    end.send_bytes(b"\x34" + frame(0, field(b"a"), b"\0\3", body, b"x")[1:])
    assert end.link.take_output() == b"\x34" + frame(0, field(b"a"), b"\0\1", body, b"x")[1:] + b"\x50\2\0\3"
    end.send_bytes(b"\x62\2\0\3\x50\2\0\1\xc0\0")
    assert end.link.take_output() == b"\x70\2\0\3\x62\2\0\1\xd0\0"
    end.send_bytes(frame(0x32, field(b"none"), b"\0\4", body))
    assert end.link.take_output() == (b"\x40\3\0\4\x10" if version == V5 else b"\x40\2\0\4")


@states(v5="MQTT-2.2.1-2", v3="MQTT-2.3.1-5")
def test_quality_0_has_no_packet_identifier(version: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "a", 2, version)
    source = room.enter("source", version)
    # Two bytes that could be one belong to the payload.
    source.send_bytes(frame(0x30, field(b"a"), none(version), b"\0\7x"))
    source.send_bytes(frame(0x31, field(b"a"), none(version), b"\0\7x"))
    assert sink.link.take_output() == 2 * frame(0x30, field(b"a"), none(version), b"\0\7x")


@states(v5="MQTT-2.2.1-3", v3="MQTT-2.3.1-1")
@pytest.mark.parametrize("first", [0x32, 0x34, 0x82, 0xA2], ids=["qos1", "qos2", "subscribe", "unsubscribe"])
def test_packet_identifier_0(version: int, first: int) -> None:
    end = Room().enter("me", version)
    if first < 0x40:
        end.send_bytes(frame(first, field(b"a"), b"\0\0", none(version)))
    else:
        end.send_bytes(frame(first, b"\0\0", none(version), field(b"a"), b"\0" if first == 0x82 else b""))
    assert_ended(end, Reason.PROTOCOL_ERROR)


@states(v5="MQTT-2.2.1-4 MQTT-4.3.2-1 MQTT-4.3.3-1", v3="MQTT-2.3.1-4 MQTT-4.3.2-1 MQTT-4.3.3-1")
@pytest.mark.parametrize("qos", [1, 2])
def test_our_packet_identifiers_are_free_and_not_0(version: int, qos: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "a", qos, version)
    source = room.enter("source", version)
    session = room.broker.sessions["sink"]
    source.send(Publish("a", b"kept", qos, packet_id=1))
    assert messages(sink)[0].packet_id == 1
    session.last_id = 0xFFFE
    used = []
    for number in range(3):
        source.send(Publish("a", b"x", qos, packet_id=number + 2))
        used += [message.packet_id for message in messages(sink)]
    # 0 is none, and 1 is still on its way.
    assert used == [0xFFFF, 2, 3]
    complete(sink, 1, qos)
    session.last_id = 0xFFFF
    source.send(Publish("a", b"x", qos, packet_id=9))
    assert [message.packet_id for message in messages(sink)] == [1]


@states(v5="MQTT-2.2.1-5", v3="MQTT-2.3.1-6")
def test_acknowledgements_name_the_message(version: int) -> None:
    room = Room()
    end = room.subscriber("me", "a", 2, version)
    end.send(Publish("a", b"1", 1, packet_id=0x1234), Publish("a", b"2", 2, packet_id=0xFFFF))
    acks = [packet for packet in end.read() if isinstance(packet, Ack)]
    assert acks == [Ack(Kind.PUBACK, 0x1234), Ack(Kind.PUBREC, 0xFFFF)]
    end.send(Ack(Kind.PUBREL, 0xFFFF), Ack(Kind.PUBREC, 2))
    assert end.read() == [Ack(Kind.PUBCOMP, 0xFFFF), Ack(Kind.PUBREL, 2)]


@states(v5="MQTT-2.2.1-6", v3="MQTT-2.3.1-7")
def test_suback_and_unsuback_name_their_request(version: int) -> None:
    end = Room().enter("me", version)
    assert subscribe(end, "a", packet_id=0xBEEF) == [mqtt.Suback(0xBEEF, [0])]
    end.send(mqtt.Unsubscribe(0xCAFE, ["a"]))
    assert end.read() == [mqtt.Unsuback(0xCAFE, [0] if version == V5 else [])]


@states(v3="MQTT-2.3.1-4 MQTT-4.4.0-1", v5="MQTT-4.4.0-1")
@pytest.mark.parametrize("qos", [1, 2])
def test_what_is_sent_again_keeps_its_identifier(version: int, qos: int) -> None:
    room = Room()
    sink = stays(room, "sink", version)
    subscribe(sink, "a", qos=qos)
    room.enter("source", version).send(*[Publish("a", b"%d" % n, qos, packet_id=n) for n in (1, 2, 3)])
    first = messages(sink)
    sink.lose()
    _, again = back(room, "sink", version)
    assert [message.packet_id for message in first] == [1, 2, 3]
    assert again == [replace(message, dup=True) for message in first]


@states(v5="MQTT-2.2.2-1")
def test_a_property_length_is_needed() -> None:
    # CONNECT and SUBSCRIBE end before it.
    assert_refused(knocking(V5, frame(0x10, field(b"MQTT"), b"\5\2\0\0")), Reason.MALFORMED_PACKET)
    end = Room().enter("me")
    end.send_bytes(b"\x82\2\0\1")
    assert_ended(end, Reason.MALFORMED_PACKET)
    assert Prop.REASON_STRING not in end.connack.properties  # type: ignore[attr-defined]
