"""Chapters 3.1 and 3.2: CONNECT and its answer; sessions that go on; wills have a file of their own."""

from __future__ import annotations

from typing import cast

import pytest

from folkmoot.domain.broker import Broker, Limits
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Connack, Filter, Prop, Publish, Reason, Subscribe

from ..domain.broker.ends import ALICE, Room
from . import V5, V31, V311, states
from .speaking import (
    assert_ended,
    assert_refused,
    back,
    connect,
    field,
    frame,
    has,
    knocking,
    messages,
    none,
    payloads,
    stays,
    subscribe,
)

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@states("MQTT-3.1.0-1", v5="MQTT-3.14.0-1 MQTT-4.13.1-1", v3="MQTT-4.8.0-1")
@pytest.mark.parametrize("kind", [kind for kind in mqtt.Kind if kind != mqtt.Kind.CONNECT])
def test_the_first_packet_is_connect(version: int, kind: mqtt.Kind) -> None:
    end = knocking(version, frame(kind << 4 | (2 if kind in (6, 8, 10) else 0), b"\0\1a", none(version)))
    assert end.read() == []
    assert end.link.ended


@states("MQTT-3.1.0-2", v5="MQTT-4.13.1-1", v3="MQTT-4.8.0-1")
def test_a_second_connect(version: int) -> None:
    room = Room()
    end = room.enter("me", version)
    end.send_bytes(connect(version, b"me"))
    assert_ended(end, Reason.PROTOCOL_ERROR)
    # Nor one that could not even be the first.
    end = room.enter("me", version)
    end.send_bytes(connect(version, b"me", level=9))
    assert_ended(end, Reason.PROTOCOL_ERROR)
    # Nor one right behind the first.
    end = knocking(version, 2 * connect(version, b"me"))
    end.link.accept(ALICE, 0)
    connack, *rest = end.read()
    assert isinstance(connack, Connack)
    assert rest == ([mqtt.Disconnect(Reason.PROTOCOL_ERROR)] if version == V5 else [])
    assert end.link.ended


@states("MQTT-3.1.2-1")
@pytest.mark.parametrize("name", [b"MQTt", b"mqtt", b"MQTTX", b"MQT", b"MQIsdP", b"AMQP"])
def test_another_protocol_name(version: int, name: bytes) -> None:
    end = knocking(version, connect(version, b"me", name=name))
    # Not known to be MQTT 5, so told as everybody understands it.
    assert end.link.take_output() == b"\x20\2\0\1"
    assert end.link.ended


@states("MQTT-3.1.2-2", v5="MQTT-4.13.2-1")
@pytest.mark.parametrize("level", [0x06, 0x03, 0x80, 0xFF, 0x02])
def test_another_protocol_version(version: int, level: int) -> None:
    if version == V31 and level == V31:
        level = V311
    end = knocking(version, connect(version, b"me", level=level))
    assert end.link.take_output() == b"\x20\2\0\1"
    assert end.link.ended


@states("MQTT-3.1.2-3 MQTT-3.1.4-1", v5="MQTT-4.13.1-1")
def test_the_reserved_connect_flag(version: int) -> None:
    assert_refused(knocking(version, connect(version, b"me", flags=3)), Reason.MALFORMED_PACKET)


#: What CONNECT cannot look like: flags and the fields that come with them.
IMPOSSIBLE = {
    "will QoS without a will": (0x0A, b"me"),
    "will retain without a will": (0x22, b"me"),
    "will fields without a will": (0x02, b"me", b"topic", b"payload"),
    "a will without fields": (0x06, b"me"),
    "a will without a payload": (0x06, b"me", b"topic"),
    "will QoS 3": (0x1E, b"me", b"topic", b"payload"),
    "a user name without its flag": (0x02, b"me", b"name"),
    "a flag without its user name": (0x82, b"me"),
    "a password without its flag": (0x82, b"me", b"name", b"secret"),
    "a flag without its password": (0xC2, b"me", b"name"),
    "no client identifier": (0x02,),
}


@states(
    "MQTT-3.1.2-9 MQTT-3.1.2-11 MQTT-3.1.2-13 MQTT-3.1.2-18 MQTT-3.1.2-19 MQTT-3.1.3-3 MQTT-3.1.4-1",
    v5="MQTT-3.1.2-12 MQTT-3.1.2-16 MQTT-3.1.2-17",
    v3="MQTT-3.1.2-14 MQTT-3.1.2-15 MQTT-3.1.2-20 MQTT-3.1.2-21",
)
@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_flags_and_fields_that_do_not_fit(version: int, case: str) -> None:
    flags, *fields = cast("tuple[int, ...]", IMPOSSIBLE[case])
    data = connect(version, *cast("list[bytes]", fields), flags=flags)
    assert_refused(knocking(version, data), Reason.MALFORMED_PACKET)


@states(v3="MQTT-3.1.2-22 MQTT-3.1.4-1")
def test_a_password_without_a_user_name(version: int) -> None:
    assert_refused(knocking(version, connect(version, b"me", b"secret", flags=0x42)), Reason.MALFORMED_PACKET)


@states("MQTT-3.1.3-1 MQTT-3.1.2-9")
def test_the_order_of_the_fields(version: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "topic", 2, version)
    end = knocking(version, connect(version, b"me", b"topic", b"payload", b"name", b"secret", flags=0xF6), room)
    waiting = end.link.waiting
    assert isinstance(waiting, mqtt.Connect)
    assert (waiting.client_id, waiting.username, waiting.password) == ("me", "name", b"secret")
    end.link.accept(ALICE, room.clock.now)
    end.lose()
    assert messages(sink) == [Publish("topic", b"payload", 2, packet_id=1)]


@states(v5="MQTT-3.1.2-16 MQTT-3.1.2-18")
def test_a_password_alone_is_one() -> None:
    waiting = knocking(V5, connect(V5, b"me", b"secret", flags=0x42)).link.waiting
    assert isinstance(waiting, mqtt.Connect)
    assert (waiting.username, waiting.password) == (None, b"secret")


# --- the client identifier --------------------------------------------------------------------------------------------


@states("MQTT-3.1.3-2")
def test_the_client_identifier_names_the_session(version: int) -> None:
    room = Room()
    one, other = stays(room, "one", version), stays(room, "One", version)
    subscribe(one, "a")
    subscribe(other, "b")
    one.lose()
    other.lose()
    again = stays(room, "one", version)
    room.enter("source", version).send(Publish("a", b"a"), Publish("b", b"b"))
    assert payloads(again) == [b"a"]


@states("MQTT-3.1.3-5")
@pytest.mark.parametrize("name", ["0", ALPHABET[:23], ALPHABET[23:46], ALPHABET[-23:]])
def test_ordinary_client_identifiers(version: int, name: str) -> None:
    room = Room()
    room.enter(name, version)
    assert list(room.broker.sessions) == [name]


@states("MQTT-3.1.3-6", v5="MQTT-3.1.3-7 MQTT-3.2.2-16", mqisdp=False)
def test_an_empty_client_identifier(version: int) -> None:
    room = Room()
    ends = [room.enter("", version) for _ in range(50)]
    names = [end.link.client_id for end in ends]
    assert len(set(names)) == 50
    assert list(room.broker.sessions) == names
    if version == V5:
        assert [end.connack.properties[Prop.ASSIGNED_CLIENT_ID] for end in ends] == names  # type: ignore[attr-defined]
        # It is as good as one of its own.
        assert room.knock(names[0]).link.waiting is not None
        room.enter(names[0])
        assert ends[0].link.ended


@states(v5="MQTT-3.1.3-7")
def test_an_assigned_identifier_is_told_to_nobody_else() -> None:
    assert not has(Room().enter("mine").connack, Prop.ASSIGNED_CLIENT_ID)  # type: ignore[attr-defined]


@states(v3="MQTT-3.1.3-7 MQTT-3.1.3-8 MQTT-3.2.2-4 MQTT-3.2.2-5")
def test_an_empty_client_identifier_without_a_clean_session(version: int) -> None:
    end = knocking(version, connect(version, b"", flags=0))
    assert end.link.take_output() == b"\x20\2\0\2"
    assert end.link.ended


@states(v5="MQTT-3.1.3-8 MQTT-3.2.2-7", v3="MQTT-3.1.3-9 MQTT-3.2.2-5")
def test_a_client_identifier_that_is_too_long(version: int) -> None:
    room = Room(Broker(limits=Limits(max_clientid_len=30)))
    room.enter("x" * 30, version)
    assert_refused(knocking(version, connect(version, b"x" * 31), room), Reason.CLIENT_ID_NOT_VALID, 2)


# --- what CONNECT is answered -----------------------------------------------------------------------------------------


@states("MQTT-3.1.4-1", v3="MQTT-3.2.2-6")
def test_what_does_not_conform_is_closed(version: int) -> None:
    behind = knocking(version, connect(version, b"me", rest=b"\0"))
    assert_refused(behind, Reason.MALFORMED_PACKET)
    cut = knocking(version, frame(0x10, connect(version, b"me")[2:-1]))
    assert_refused(cut, Reason.MALFORMED_PACKET)


@states(v5="MQTT-3.1.4-1 MQTT-4.13.1-1 MQTT-3.3.2-14 MQTT-4.13.2-1")
@pytest.mark.parametrize(
    ("properties", "will", "reason"),
    [
        (b"\x21\0\0", b"", Reason.PROTOCOL_ERROR),
        (b"\x27\0\0\0\0", b"", Reason.PROTOCOL_ERROR),
        (b"\x17\2", b"", Reason.PROTOCOL_ERROR),
        (b"\x19\2", b"", Reason.PROTOCOL_ERROR),
        (b"\x11\0\0\0\1\x11\0\0\0\1", b"", Reason.PROTOCOL_ERROR),
        (b"\x16\0\1x", b"", Reason.PROTOCOL_ERROR),
        (b"\x01\0", b"", Reason.MALFORMED_PACKET),
        (b"\x7f\0", b"", Reason.MALFORMED_PACKET),
        (b"", b"\x01\2", Reason.PROTOCOL_ERROR),
        (b"", b"\x23\0\1", Reason.MALFORMED_PACKET),
        (b"", b"\x08\0\3a/#", Reason.PROTOCOL_ERROR),
        (b"", b"\x08\0\0", Reason.PROTOCOL_ERROR),
    ],
)
def test_properties_that_do_not_fit(properties: bytes, will: bytes, reason: Reason) -> None:
    head = field(b"MQTT") + bytes((5, 6, 0, 0, len(properties))) + properties
    end = knocking(V5, frame(0x10, head, field(b"me"), bytes((len(will),)), will, field(b"w"), field(b"")))
    assert_refused(end, reason)


@states("MQTT-3.1.4-2", v5="MQTT-3.2.2-6 MQTT-3.2.2-7 MQTT-3.2.2-8 MQTT-4.13.2-1", v3="MQTT-3.2.2-4 MQTT-3.2.2-5")
@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.BAD_CREDENTIALS, 4),
        (Reason.NOT_AUTHORIZED, 5),
        (Reason.BANNED, 5),
        (Reason.SERVER_UNAVAILABLE, 3),
        (Reason.CONNECTION_RATE_EXCEEDED, 3),
    ],
)
def test_a_client_that_is_refused(version: int, reason: Reason, code: int) -> None:
    room = Room()
    stays(room, "me", version).lose()
    end = room.knock("me", version, clean=False)
    end.link.refuse(reason, room.clock.now)
    # Session present is 0 although there is one.
    assert_refused(end, reason, code)
    assert "me" in room.broker.sessions


@states(v5="MQTT-3.2.2-8")
@pytest.mark.parametrize("reason", [reason for reason in Reason if reason >= 0x80])
def test_codes_of_connack(reason: Reason) -> None:
    end = Room().knock("me")
    end.link.refuse(reason, 0)
    answer = end.read_one()
    assert isinstance(answer, Connack)
    table = {*range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F}
    assert answer.code in table
    assert answer.code == reason or reason not in table
    assert end.link.ended


@states(v5="MQTT-3.1.4-3 MQTT-3.14.4-1 MQTT-3.14.4-2", v3="MQTT-3.1.4-2")
@pytest.mark.parametrize("clean", [True, False])
def test_the_older_connection_is_closed(version: int, clean: bool) -> None:
    room = Room()
    old = stays(room, "me", version)
    subscribe(old, "a")
    new = room.enter("me", version, clean=clean)
    assert_ended(old, Reason.SESSION_TAKEN_OVER)
    room.enter("source", version).send(Publish("a", b"x"))
    assert old.read() == []
    assert payloads(new) == ([] if clean else [b"x"])
    assert room.broker.sessions["me"].link is new.link


@states(v5="MQTT-3.1.4-5 MQTT-3.2.0-1 MQTT-3.2.0-2", v3="MQTT-3.1.4-4 MQTT-3.2.0-1")
def test_connack_comes_first_and_once(version: int) -> None:
    room = Room()
    stays(room, "me", version)
    end = room.knock("me", version, clean=False)
    end.send(Subscribe(1, [Filter("a", 1)]), Publish("a", b"x", 1, packet_id=1), mqtt.Pingreq())
    assert end.read() == []
    end.link.accept(ALICE, room.clock.now)
    end.link.accept(ALICE, room.clock.now)
    kinds = [type(packet).__name__ for packet in end.read()]
    assert kinds == ["Connack", "Suback", "Publish", "Ack", "Pingresp"]


@states(v5="MQTT-3.1.4-6", v3="MQTT-3.1.4-5")
@pytest.mark.parametrize("at_once", [True, False])
def test_nothing_behind_a_refused_connect_is_looked_at(version: int, at_once: bool) -> None:
    room = Room()
    sink = room.subscriber("sink", "a", version=version)
    early = mqtt.encode(Publish("a", b"x", retain=True), version) + mqtt.PINGREQ
    end = knocking(version, connect(version, b"me") + (early if at_once else b""), room)
    if not at_once:
        end.send_bytes(early)
    end.link.refuse(Reason.NOT_AUTHORIZED, room.clock.now)
    assert_refused(end, Reason.NOT_AUTHORIZED, 5)
    end.send_bytes(early)
    assert sink.read() == end.read() == []
    assert room.broker.retained.messages == {} or not room.broker.retained.messages


@states("MQTT-3.1.2-2", v5="MQTT-3.2.2-3", mqisdp=False)
def test_versions_share_a_session(version: int) -> None:
    room = Room()
    stays(room, "me", version)
    other = V311 if version == V5 else V5
    end, _ = back(room, "me", other)
    assert end.link.version == other
