"""The MQTT codec by named cases (bytes, version, value or error) and by round trip."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Kind, Packet, PacketError, Prop, Reason

V31, V311, V5 = 3, 4, 5

CASES: list[tuple[str, int, bytes, Packet]] = [
    (
        "connect 3.1",
        V31,
        b"\x10\x0f\0\6MQIsdp\3\2\0\x3c\0\1a",
        mqtt.Connect(V31, "a", keepalive=60),
    ),
    (
        "connect 3.1.1 with everything",
        V311,
        b"\x10\x1a\0\4MQTT\4\xf4\0\x0a\0\1c\0\1w\0\2hi\0\1u\0\1p",
        mqtt.Connect(V311, "c", False, 10, "u", b"p", mqtt.Will("w", b"hi", 2, True)),
    ),
    ("connect of a bridge", V311, b"\x10\x0d\0\4MQTT\x84\2\0\0\0\1b", mqtt.Connect(V311, "b", is_bridge=True)),
    (
        "connect 5 with properties",
        V5,
        b"\x10\x13\0\4MQTT\5\2\0\0\5\x11\0\0\0\x0a\0\1c",
        mqtt.Connect(V5, "c", properties={Prop.SESSION_EXPIRY: 10}),
    ),
    ("connack 3.1.1", V311, b"\x20\2\1\0", mqtt.Connack(True, 0)),
    ("connack 5", V5, b"\x20\3\0\x87\0", mqtt.Connack(False, 0x87)),
    ("publish QoS 0", V311, b"\x30\5\0\1aXY", mqtt.Publish("a", b"XY")),
    ("publish QoS 0 empty payload", V311, b"\x31\3\0\1a", mqtt.Publish("a", b"", retain=True)),
    ("publish QoS 2 again", V311, b"\x3c\6\0\1a\0\x07Z", mqtt.Publish("a", b"Z", 2, dup=True, packet_id=7)),
    ("publish 5", V5, b"\x30\5\0\1a\0X", mqtt.Publish("a", b"X")),
    (
        "publish 5 with properties",
        V5,
        b"\x32\x15\0\1a\0\1\x0f\2\0\0\0\x05\x26\0\1k\0\1v\x23\0\2",
        mqtt.Publish(
            "a",
            b"",
            1,
            packet_id=1,
            properties={Prop.MESSAGE_EXPIRY: 5, Prop.USER_PROPERTY: [("k", "v")], Prop.TOPIC_ALIAS: 2},
        ),
    ),
    ("puback", V311, b"\x40\2\0\1", mqtt.Ack(Kind.PUBACK, 1)),
    ("puback 5 with code", V5, b"\x40\3\0\1\x10", mqtt.Ack(Kind.PUBACK, 1, 0x10)),
    ("pubrec", V5, b"\x50\2\1\0", mqtt.Ack(Kind.PUBREC, 256)),
    ("pubrel", V311, b"\x62\2\0\1", mqtt.Ack(Kind.PUBREL, 1)),
    ("pubcomp 5 not found", V5, b"\x70\3\0\1\x92", mqtt.Ack(Kind.PUBCOMP, 1, 0x92)),
    ("subscribe", V311, b"\x82\6\0\1\0\1a\1", mqtt.Subscribe(1, [mqtt.Filter("a", 1)])),
    (
        "subscribe 5 with options and identifier",
        V5,
        b"\x82\x09\0\1\2\x0b\x05\0\1a\x2e",
        mqtt.Subscribe(1, [mqtt.Filter("a", 2, True, True, 2)], {Prop.SUBSCRIPTION_ID: [5]}),
    ),
    ("suback", V311, b"\x90\4\0\1\x02\x80", mqtt.Suback(1, [2, 0x80])),
    ("unsubscribe", V311, b"\xa2\5\0\1\0\1a", mqtt.Unsubscribe(1, ["a"])),
    ("unsuback 3.1.1", V311, b"\xb0\2\0\1", mqtt.Unsuback(1)),
    ("unsuback 5", V5, b"\xb0\4\0\1\0\x11", mqtt.Unsuback(1, [0x11])),
    ("pingreq", V311, b"\xc0\0", mqtt.Pingreq()),
    ("pingresp", V311, b"\xd0\0", mqtt.Pingresp()),
    ("disconnect", V311, b"\xe0\0", mqtt.Disconnect()),
    ("disconnect 5 with will", V5, b"\xe0\1\4", mqtt.Disconnect(4)),
    ("auth", V5, b"\xf0\6\x18\4\x15\0\1x", mqtt.Auth(0x18, {Prop.AUTH_METHOD: "x"})),
]


@pytest.mark.parametrize(("version", "data", "packet"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_packet_and_its_bytes(version: int, data: bytes, packet: Packet) -> None:
    assert mqtt.parse(data, version) == (packet, len(data))
    assert mqtt.encode(packet, version) == data


M, P = Reason.MALFORMED_PACKET, Reason.PROTOCOL_ERROR
ERRORS: list[tuple[str, int, bytes, Reason]] = [
    ("type 0", V311, b"\0\0", M),
    ("auth in 3.1.1", V311, b"\xf0\0", M),
    ("five length bytes", V311, b"\x30\x80\x80\x80\x80\1", M),
    ("length longer than needed", V311, b"\xc0\x80\0", M),
    ("pingreq with flags", V311, b"\xc1\0", M),
    ("pubrel with wrong flags", V311, b"\x60\2\0\1", M),
    ("subscribe with wrong flags", V311, b"\x80\6\0\1\0\1a\1", M),
    ("publish QoS 3", V311, b"\x36\5\0\1a\0\1", M),
    ("publish QoS 0 with dup", V311, b"\x38\3\0\1a", M),
    ("publish with packet id 0", V311, b"\x32\5\0\1a\0\0", P),
    ("publish shorter than its topic", V311, b"\x30\3\0\5a", M),
    ("topic not UTF-8", V311, b"\x30\4\0\2\xc3\x28", M),
    ("topic with a surrogate", V311, b"\x30\5\0\3\xed\xa0\x80", M),
    ("topic with NUL", V311, b"\x30\3\0\1\0", M),
    ("pingreq with a body", V311, b"\xc0\1x", M),
    ("puback 3.1.1 with a code", V311, b"\x40\3\0\1\0", M),
    ("puback with a code of another packet", V5, b"\x40\3\0\1\x92", P),
    ("subscribe without filters", V311, b"\x82\2\0\1", P),
    ("subscribe QoS 3", V311, b"\x82\6\0\1\0\1a\3", P),
    ("subscribe reserved bits 3.1.1", V311, b"\x82\6\0\1\0\1a\4", M),
    ("subscribe reserved bits 5", V5, b"\x82\7\0\1\0\0\1a\x40", M),
    ("subscribe retain handling 3", V5, b"\x82\7\0\1\0\0\1a\x30", P),
    ("subscription identifier 0", V5, b"\x82\x09\0\1\2\x0b\0\0\1a\0", P),
    ("unsubscribe without filters", V311, b"\xa2\2\0\1", P),
    ("property of another packet", V5, b"\x30\x09\0\1a\5\x11\0\0\0\1", M),
    ("unknown property", V5, b"\x30\6\0\1a\2\x7f\0", M),
    ("property twice", V5, b"\x30\x08\0\1a\4\1\0\1\0", P),
    ("property list longer than the packet", V5, b"\x30\4\0\1a\x05", M),
    ("property ends inside a value", V5, b"\x30\6\0\1a\2\x02\0", M),
    ("payload format 2", V5, b"\x30\6\0\1a\2\1\2", P),
    ("topic alias 0", V5, b"\x30\7\0\1a\3\x23\0\0", Reason.TOPIC_ALIAS_INVALID),
    ("receive maximum 0", V5, b"\x10\x11\0\4MQTT\5\2\0\0\3\x21\0\0\0\1c", P),
    ("connect with the reserved flag", V311, b"\x10\x0d\0\4MQTT\4\3\0\0\0\1a", M),
    ("connect with will QoS but no will", V311, b"\x10\x0d\0\4MQTT\4\x0a\0\0\0\1a", M),
    ("connect with will QoS 3", V311, b"\x10\x11\0\4MQTT\4\x1e\0\0\0\1a\0\0\0\0", M),
    ("connect with a password alone", V311, b"\x10\x10\0\4MQTT\4\x42\0\0\0\1a\0\1p", M),
    ("connect with more behind", V311, b"\x10\x0e\0\4MQTT\4\2\0\0\0\1ax", M),
    ("unknown level", V311, b"\x10\x0d\0\4MQTT\6\2\0\0\0\1a", Reason.UNSUPPORTED_VERSION),
    ("unknown name", V311, b"\x10\x0d\0\4HTTP\4\2\0\0\0\1a", Reason.UNSUPPORTED_VERSION),
    ("3.1 name with the level of 3.1.1", V311, b"\x10\x0f\0\6MQIsdp\4\2\0\0\0\1a", Reason.UNSUPPORTED_VERSION),
    ("disconnect with a code nobody knows", V5, b"\xe0\1\x05", P),
]


@pytest.mark.parametrize(("version", "data", "reason"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_bytes_that_are_no_packet(version: int, data: bytes, reason: Reason) -> None:
    with pytest.raises(PacketError) as caught:
        mqtt.parse(data, version)
    assert (caught.value.reason, caught.value.fault) == (reason, "peer")


@pytest.mark.parametrize(
    "packet",
    [
        mqtt.Publish("a" * 65_536, b""),
        mqtt.Publish("a\0b", b""),
        mqtt.Publish("\ud800", b""),
        mqtt.Connect(V5, "c", password=b"x" * 65_536),
    ],
    ids=["topic too long", "NUL", "surrogate", "password too long"],
)
def test_a_value_that_has_no_bytes_is_our_fault(packet: Packet) -> None:
    with pytest.raises(PacketError) as caught:
        mqtt.encode(packet, V5)
    assert caught.value.fault == "ours"


def test_every_prefix_of_a_packet_is_incomplete() -> None:
    data = mqtt.encode(mqtt.Publish("a/b", b"x" * 300, 1, packet_id=9), V5)
    for size in range(len(data)):
        length = mqtt.parse_length(data[:size], 0)
        assert length is None or length[0] + length[1] == len(data)
        with pytest.raises(PacketError):
            mqtt.parse(data[:size], V5)


def test_parts_of_a_publish_stand_around_its_packet_identifier() -> None:
    head, tail = mqtt.publish_parts(b"a/b", b"x", 1, True, V5, mqtt.encode_fields({Prop.CONTENT_TYPE: "t"}))
    packet, _ = mqtt.parse(head + b"\0\x09" + tail, V5)
    assert packet == mqtt.Publish("a/b", b"x", 1, True, packet_id=9, properties={Prop.CONTENT_TYPE: "t"})


def test_the_version_is_found_in_any_bytes() -> None:
    assert mqtt.parse_version(b"\0\4MQTT\5", 0, 7) == V5
    assert mqtt.parse_version(b"\0\4MQTT\x84", 0, 7) == V311
    assert mqtt.parse_version(b"\0\4MQTT\7", 0, 7) is None
    assert mqtt.parse_version(b"\0", 0, 1) is None


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
packet_ids = st.integers(1, 0xFFFF)
_VALUES: dict[str, st.SearchStrategy[object]] = {
    "text": text,
    "binary": st.binary(max_size=20),
    "u8": st.integers(0, 1),
    "u16": st.integers(1, 0xFFFF),
    "u32": st.integers(1, 0xFFFF_FFFF),
}


def properties(place: int) -> st.SearchStrategy[mqtt.Properties]:
    """Properties that may stand in a packet of that kind."""
    from folkmoot.wire.mqtt.properties import TABLE

    choices: dict[Prop, st.SearchStrategy[object]] = {}
    for prop, (shape, places) in TABLE.items():
        if place in places:
            if shape == "pair":
                choices[prop] = st.lists(st.tuples(text, text), min_size=1, max_size=3)
            elif shape == "varint":
                most = 3 if place == Kind.PUBLISH else 1
                choices[prop] = st.lists(st.integers(1, mqtt.VARINT_MAX), min_size=1, max_size=most)
            else:
                choices[prop] = _VALUES[shape]
    return st.fixed_dictionaries({}, optional=choices)  # type: ignore[arg-type]


def _filters(version: int) -> st.SearchStrategy[mqtt.Filter]:
    if version < V5:
        return st.builds(mqtt.Filter, text, st.integers(0, 2))
    return st.builds(mqtt.Filter, text, st.integers(0, 2), st.booleans(), st.booleans(), st.integers(0, 2))


@st.composite
def packets(draw: st.DrawFn) -> tuple[Packet, int]:
    """Any packet, with a version it can be sent in."""
    version = draw(st.sampled_from([V31, V311, V5]))

    def props(place: int) -> mqtt.Properties:
        return draw(properties(place)) if version == V5 else {}

    kind = draw(st.sampled_from(list(Kind)))
    packet_id = draw(packet_ids)
    if kind is Kind.CONNECT:
        will = None
        if draw(st.booleans()):
            will = mqtt.Will(
                draw(text), draw(st.binary(max_size=9)), draw(st.integers(0, 2)), draw(st.booleans()), props(0)
            )
        username = draw(st.none() | text)
        password = draw(st.none() | st.binary(max_size=9)) if version == V5 or username is not None else None
        bridge = version < V5 and draw(st.booleans())
        return (
            mqtt.Connect(
                version,
                draw(text),
                draw(st.booleans()),
                draw(st.integers(0, 0xFFFF)),
                username,
                password,
                will,
                props(kind),
                bridge,
            ),
            version,
        )
    if kind is Kind.CONNACK:
        return mqtt.Connack(draw(st.booleans()), draw(st.integers(0, 255)), props(kind)), version
    if kind is Kind.PUBLISH:
        qos = draw(st.integers(0, 2))
        dup = bool(qos) and draw(st.booleans())
        payload = draw(st.binary(max_size=300))
        return (
            mqtt.Publish(draw(text), payload, qos, draw(st.booleans()), dup, packet_id if qos else 0, props(kind)),
            version,
        )
    if kind in (Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP):
        codes = [0, 0x92] if kind in (Kind.PUBREL, Kind.PUBCOMP) else [0, 0x10, 0x87, 0x97]
        return mqtt.Ack(kind, packet_id, draw(st.sampled_from(codes)) if version == V5 else 0, props(kind)), version
    if kind is Kind.SUBSCRIBE:
        return mqtt.Subscribe(
            packet_id, draw(st.lists(_filters(version), min_size=1, max_size=4)), props(kind)
        ), version
    if kind is Kind.SUBACK:
        return mqtt.Suback(packet_id, draw(st.lists(st.integers(0, 255), max_size=4)), props(kind)), version
    if kind is Kind.UNSUBSCRIBE:
        return mqtt.Unsubscribe(packet_id, draw(st.lists(text, min_size=1, max_size=4)), props(kind)), version
    if kind is Kind.UNSUBACK:
        codes = draw(st.lists(st.integers(0, 255), max_size=4)) if version == V5 else []
        return mqtt.Unsuback(packet_id, codes, props(kind)), version
    if kind is Kind.PINGREQ:
        return mqtt.Pingreq(), version
    if kind is Kind.PINGRESP:
        return mqtt.Pingresp(), version
    code = draw(st.sampled_from([0, 4, 0x81, 0x8E])) if version == V5 else 0
    if kind is Kind.DISCONNECT or version < V5:
        return mqtt.Disconnect(code, props(Kind.DISCONNECT)), version
    return mqtt.Auth(draw(st.sampled_from([0, 0x18, 0x19])), props(kind)), version


@settings(max_examples=400, deadline=None)
@given(packets(), st.binary(max_size=3))
def test_what_is_encoded_is_parsed_back(drawn: tuple[Packet, int], behind: bytes) -> None:
    packet, version = drawn
    data = mqtt.encode(packet, version)
    assert mqtt.parse(data + behind, version) == (packet, len(data))


@settings(max_examples=400, deadline=None)
@given(packets(), st.data())
def test_a_damaged_packet_is_refused_or_a_packet(drawn: tuple[Packet, int], data: st.DataObject) -> None:
    packet, version = drawn
    raw = bytearray(mqtt.encode(packet, version))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        again, end = mqtt.parse(bytes(raw), version)
    except PacketError as error:
        assert error.fault == "peer"
    else:
        encoded = mqtt.encode(again, version if not isinstance(again, mqtt.Connect) else again.version)
        assert mqtt.parse(encoded, version)[0] == again
        assert end <= len(raw)
