"""Chapters 3.12 to 3.15, 4.12 and 4.13: PINGREQ, DISCONNECT, AUTH, and what ends a connection."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain.broker import Broker, Identity, Limits
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Auth, Connack, Disconnect, Filter, Kind, Prop, Publish, Reason, Subscribe

from ..domain.broker.ends import ALICE, End, Room
from . import V5, states
from .speaking import assert_ended, assert_refused, connect, has, knocking, messages, payloads, stays, subscribe

METHOD = "COUNTING"
#: The codes of DISCONNECT, and those of them a server may send (table 3-10).
DISCONNECT = {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, *range(0x93, 0xA3)}


@states("MQTT-3.12.4-1")
def test_pingreq_is_answered(version: int) -> None:
    end = Room().enter("me", version)
    end.send_bytes(b"\xc0\0")
    assert end.link.take_output() == b"\xd0\0"
    end.send_bytes(b"\xc0\0\xc0\0")
    assert end.link.take_output() == b"\xd0\0\xd0\0"
    end.send_bytes(b"\xc0\1x")
    assert_ended(end, Reason.MALFORMED_PACKET)


# --- DISCONNECT -------------------------------------------------------------------------------------------------------


@states(v5="MQTT-3.14.0-1 MQTT-3.1.4-1")
@pytest.mark.parametrize(
    "data",
    [
        connect(V5, b"me", flags=3),
        connect(V5, b"\xff"),
        b"\x10\xff\xff\xff\xff",
        b"\x10\xff\xff\xff\x7f",
        b"\xc0\0",
        b"\0\0",
    ],
)
def test_no_disconnect_before_connack(data: bytes) -> None:
    end = knocking(V5, data)
    assert end.link.ended
    assert all(isinstance(packet, Connack) for packet in end.read())


@states(v5="MQTT-3.14.0-1")
def test_no_disconnect_when_time_or_the_server_ends_it() -> None:
    room = Room(Broker(limits=Limits(idle_timeout=5)))
    silent, waiting = End(room.broker, room.clock), room.knock("me")
    room.wait(6)
    for end in (silent, waiting):
        assert end.link.ended
        assert end.read() == []
    waiting = room.knock("me")
    room.broker.stop(room.clock.now)
    assert waiting.read() == []
    assert waiting.link.ended


@states(v5="MQTT-3.14.2-1 MQTT-3.14.2-2 MQTT-3.14.4-2 MQTT-4.13.2-1")
@pytest.mark.parametrize("reason", [reason for reason in Reason if reason >= 0x80], ids=lambda reason: reason.name)
def test_codes_of_our_disconnect(reason: Reason) -> None:
    end = Room().enter("me", session_expiry=100)
    end.link.end(reason, 0)
    (packet,) = end.read()
    assert isinstance(packet, Disconnect)
    assert packet.code in DISCONNECT
    assert packet.code == reason or reason not in DISCONNECT
    assert not packet.properties
    assert end.link.ended


@states(v5="MQTT-3.14.4-1 MQTT-3.14.4-2 MQTT-4.13.1-1", v3="MQTT-4.8.0-1")
def test_nothing_comes_after_the_end(version: int) -> None:
    room = Room(Broker(durable=True))
    end = room.enter("me", version)
    subscribe(end, "a", qos=1)
    # An acknowledgement that waits for a commit, then an error, then more.
    end.send(
        Publish("a", b"kept", 1, True, packet_id=1), Publish("a/#", b""), mqtt.Pingreq(), Publish("a", b"", packet_id=0)
    )
    message, *farewell = end.read()
    assert message == Publish("a", b"kept", 1, packet_id=1)
    assert farewell == ([Disconnect(Reason.TOPIC_NAME_INVALID)] if version == V5 else [])
    ticket, _ = room.broker.ledger.take()
    room.broker.ledger.committed(ticket)
    room.enter("source", version).send(Publish("a", b"x"))
    end.send(mqtt.Pingreq())
    room.wait(1000)
    assert end.read() == []


@states(v5="MQTT-3.14.2-1")
def test_codes_of_the_clients_disconnect() -> None:
    for code in range(256):
        room = Room()
        end = room.enter("me")
        end.send(Disconnect(code))
        known = code in {int(reason) for reason in Reason}
        assert end.read() == ([] if known else [Disconnect(Reason.PROTOCOL_ERROR)])
        assert end.link.ended


@states(v5="MQTT-3.14.2-2 MQTT-3.1.2-23")
@pytest.mark.parametrize(("first", "later", "lasts"), [(100, 10, 10), (100, 0, 0), (10, 100, 100), (0, 0, 0)])
def test_the_client_may_change_its_expiry_at_the_end(first: int, later: int, lasts: int) -> None:
    room = Room()
    end = room.enter("me", clean=False, session_expiry=first)
    end.send(Disconnect(properties={Prop.SESSION_EXPIRY: later}))
    assert end.read() == []
    assert ("me" in room.broker.sessions) is bool(lasts)
    room.wait(max(0, lasts - 1))
    assert ("me" in room.broker.sessions) is bool(lasts)
    room.wait(1)
    assert room.broker.sessions == {}


@states(v5="MQTT-4.13.1-1 MQTT-3.1.2-23")
def test_an_expiry_cannot_begin_at_the_end() -> None:
    end = Room().enter("me")
    end.send(Disconnect(properties={Prop.SESSION_EXPIRY: 1}))
    assert_ended(end, Reason.PROTOCOL_ERROR)


# --- what nobody asked for --------------------------------------------------------------------------------------------


@states(
    v5="MQTT-3.1.2-29 MQTT-3.2.2-19 MQTT-3.2.2-20 MQTT-3.4.2-2 MQTT-3.4.2-3 MQTT-3.5.2-2 MQTT-3.5.2-3 MQTT-3.6.2-2"
    " MQTT-3.6.2-3 MQTT-3.7.2-2 MQTT-3.7.2-3 MQTT-3.9.2-1 MQTT-3.9.2-2 MQTT-3.11.2-1 MQTT-3.11.2-2 MQTT-3.14.2-3"
    " MQTT-3.14.2-4 MQTT-3.15.2-2 MQTT-3.15.2-3"
)
@pytest.mark.parametrize("properties", [{}, {"request_problem_information": 0}, {"maximum_packet_size": 30}])
def test_no_answer_has_a_reason_string_or_user_properties(properties: dict[str, Any]) -> None:
    room = Room(Broker(limits=Limits(max_topic_levels=2)))
    end = room.knock("me", auth_method=METHOD, **properties)
    end.link.challenge(b"?", room.clock.now)
    end.send(Auth(Reason.CONTINUE_AUTHENTICATION, {Prop.AUTH_METHOD: METHOD}))
    end.link.accept(ALICE, room.clock.now)
    # One of each, and something to complain about in each.
    end.send(Subscribe(1, [Filter("a", 2), Filter("a/b/c")]), mqtt.Unsubscribe(2, ["x"]))
    end.send(Publish("none", b"", 1, packet_id=3), Publish("none", b"", 2, packet_id=4), Ack(Kind.PUBREL, 9))
    end.send(Publish("a", b"", 2, packet_id=5), Ack(Kind.PUBREC, 9), Ack(Kind.PUBREC, 1))
    end.send(Publish("a/b/c", b""))
    packets = end.read()
    names = {packet.kind.name if isinstance(packet, Ack) else type(packet).__name__ for packet in packets}
    wanted = {"Auth", "Connack", "Suback", "Unsuback", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "Publish", "Disconnect"}
    assert names == wanted
    for packet in packets:
        assert not has(packet, Prop.REASON_STRING)
        assert not has(packet, Prop.USER_PROPERTY)
        assert len(mqtt.encode(packet, V5)) <= properties.get("maximum_packet_size", 100)


@states(v5="MQTT-3.1.2-29 MQTT-3.3.2-17")
def test_user_properties_of_messages_are_no_problem_information() -> None:
    room = Room()
    end = room.enter("me", request_problem_information=0)
    subscribe(end, "a")
    properties: mqtt.Properties = {Prop.USER_PROPERTY: [("a", "1")]}
    room.enter("source").send(Publish("a", b"x", properties=properties))
    assert messages(end) == [Publish("a", b"x", properties=properties)]


# --- AUTH -------------------------------------------------------------------------------------------------------------


def auth(code: int, method: str = METHOD, data: bytes = b"two") -> Auth:
    return Auth(code, {Prop.AUTH_METHOD: method, Prop.AUTH_DATA: data})


def challenged(room: Room) -> End:
    """A client that has been asked for more."""
    end = room.knock("me", auth_method=METHOD, auth_data=b"one")
    end.link.challenge(b"more", room.clock.now)
    return end


def inside(room: Room) -> End:
    """A client that came in this way."""
    end = challenged(room)
    end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    end.link.accept(ALICE, room.clock.now)
    end.read()
    return end


@states(v5="MQTT-4.12.0-1 MQTT-4.13.2-1")
def test_a_method_that_is_not_known() -> None:
    end = Room().knock("me", auth_method="UNKNOWN")
    end.link.refuse(Reason.BAD_AUTHENTICATION_METHOD, 0)
    assert_refused(end, Reason.BAD_AUTHENTICATION_METHOD)


@states(v5="MQTT-4.12.0-2 MQTT-4.12.0-3 MQTT-4.12.0-5 MQTT-3.15.2-1 MQTT-3.2.0-1")
def test_challenge_answer_and_in() -> None:
    room = Room()
    end = challenged(room)
    assert end.read() == [auth(Reason.CONTINUE_AUTHENTICATION, data=b"more")]
    end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    end.link.accept(ALICE, room.clock.now)
    (connack,) = end.read()
    assert isinstance(connack, Connack)
    assert (connack.code, connack.properties[Prop.AUTH_METHOD]) == (0, METHOD)


@states(v5="MQTT-4.12.0-3 MQTT-4.12.0-5 MQTT-3.15.2-1 MQTT-4.13.1-1")
@pytest.mark.parametrize(
    "packet",
    [
        auth(Reason.REAUTHENTICATE),
        auth(Reason.SUCCESS),
        auth(Reason.NOT_AUTHORIZED),
        auth(Reason.CONTINUE_AUTHENTICATION, "OTHER"),
        Auth(Reason.CONTINUE_AUTHENTICATION),
    ],
)
def test_an_answer_that_is_none(packet: Auth) -> None:
    end = challenged(Room())
    end.read()
    end.send(packet)
    assert_refused(end, Reason.PROTOCOL_ERROR)


@states(v5="MQTT-3.15.2-1 MQTT-4.13.1-1")
@pytest.mark.parametrize("code", [0x01, 0x04, 0x17, 0x1A, 0x7F, 0xA3, 0xFF])
def test_codes_of_auth_that_are_none(code: int) -> None:
    end = inside(Room())
    end.send(auth(code))
    assert_ended(end, Reason.PROTOCOL_ERROR)


@states(v5="MQTT-4.12.0-4 MQTT-4.13.2-1 MQTT-3.1.4-6")
@pytest.mark.parametrize("at", ["once", "the answer"])
def test_authentication_that_fails(at: str) -> None:
    room = Room()
    if at == "once":
        end = room.knock("me", auth_method=METHOD, auth_data=b"one")
    else:
        end = challenged(room)
        end.read()
        end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    end.link.refuse(Reason.NOT_AUTHORIZED, room.clock.now)
    end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    assert_refused(end, Reason.NOT_AUTHORIZED)


@states(v5="MQTT-4.12.0-6 MQTT-4.12.0-7 MQTT-4.13.1-1")
@pytest.mark.parametrize("code", [Reason.CONTINUE_AUTHENTICATION, Reason.REAUTHENTICATE, Reason.SUCCESS])
def test_no_method_no_auth(code: Reason) -> None:
    room = Room()
    end = room.knock("me")
    end.link.accept(ALICE, room.clock.now)
    (connack,) = end.read()
    assert not has(connack, Prop.AUTH_METHOD)
    end.send(auth(code))
    assert_ended(end, Reason.PROTOCOL_ERROR)


@states(v5="MQTT-4.12.1-1 MQTT-4.12.0-5 MQTT-3.15.2-1")
def test_again() -> None:
    room = Room()
    end = inside(room)
    end.send(auth(Reason.REAUTHENTICATE))
    end.link.challenge(b"more", room.clock.now)
    # Everything else goes on meanwhile.
    end.send(mqtt.Pingreq())
    assert end.read() == [auth(Reason.CONTINUE_AUTHENTICATION, data=b"more"), mqtt.Pingresp()]
    end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    end.link.accept(ALICE, room.clock.now)
    assert end.read() == [Auth(Reason.SUCCESS, {Prop.AUTH_METHOD: METHOD})]
    assert not end.link.ended


@states(v5="MQTT-4.12.1-1 MQTT-4.13.1-1")
@pytest.mark.parametrize("packet", [auth(Reason.REAUTHENTICATE, "OTHER"), Auth(Reason.REAUTHENTICATE)])
def test_again_with_another_method(packet: Auth) -> None:
    end = inside(Room())
    end.send(packet)
    assert_ended(end, Reason.PROTOCOL_ERROR)


@states(v5="MQTT-4.12.1-2 MQTT-3.14.2-1 MQTT-4.13.2-1")
@pytest.mark.parametrize("reason", [Reason.BAD_CREDENTIALS, Reason.NOT_AUTHORIZED, Reason.SERVER_UNAVAILABLE])
def test_again_and_wrong(reason: Reason) -> None:
    room = Room()
    end = inside(room)
    end.send(auth(Reason.REAUTHENTICATE))
    end.link.refuse(reason, room.clock.now)
    (packet,) = end.read()
    assert isinstance(packet, Disconnect)
    assert packet.code in DISCONNECT
    assert end.link.ended


@states(v5="MQTT-4.12.1-2")
def test_again_as_somebody_else() -> None:
    room = Room()
    end = inside(room)
    end.send(auth(Reason.REAUTHENTICATE))
    end.link.accept(Identity(2, "bob"), room.clock.now)
    assert_ended(end, Reason.NOT_AUTHORIZED)


# --- errors -----------------------------------------------------------------------------------------------------------

#: Bytes no client may send, whatever the version.
VIOLATIONS = {
    "type 0": b"\0\0",
    "CONNACK": b"\x20\2\0\0",
    "SUBACK": b"\x90\3\0\1\0",
    "UNSUBACK": b"\xb0\2\0\1",
    "PINGRESP": b"\xd0\0",
    "a length of five bytes": b"\x30\x80\x80\x80\x80\1",
    "PUBACK cut short": b"\x40\1\0",
    "more than the packet": b"\xe0\3\0\0\0",
}


@states(v5="MQTT-4.13.1-1 MQTT-4.13.2-1", v3="MQTT-4.8.0-1")
@pytest.mark.parametrize("data", VIOLATIONS.values(), ids=VIOLATIONS)
def test_violations_end_the_connection(version: int, data: bytes) -> None:
    room = Room()
    sink = room.subscriber("sink", "#", version=version)
    end = room.enter("me", version)
    end.send_bytes(data + mqtt.encode(Publish("a", b"x"), version))
    packets = end.read()
    assert end.link.ended
    assert [type(packet) for packet in packets] == ([Disconnect] if version == V5 else [])
    if version == V5:
        assert packets in ([Disconnect(Reason.MALFORMED_PACKET)], [Disconnect(Reason.PROTOCOL_ERROR)])
    assert sink.read() == []


@states(v3="MQTT-4.8.0-1")
def test_there_is_no_auth_before_mqtt_5(version: int) -> None:
    end = Room().enter("me", version)
    end.send_bytes(b"\xf0\0")
    assert_ended(end, Reason.MALFORMED_PACKET)


@states(v5="MQTT-4.13.1-1")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x30\x06\0\1a\2\x01\2", Reason.PROTOCOL_ERROR),
        (b"\x30\x08\0\1a\4\x01\1\x01\1", Reason.PROTOCOL_ERROR),
        (b"\x30\x06\0\1a\2\x17\1", Reason.MALFORMED_PACKET),
        (b"\x30\x06\0\1a\2\x7e\1", Reason.MALFORMED_PACKET),
        (b"\x30\x05\0\1a\2\x01", Reason.MALFORMED_PACKET),
        (b"\x82\x09\0\1\2\x0b\0\0\1a\0", Reason.PROTOCOL_ERROR),
        (b"\x30\x05\0\0\3\x23\0", Reason.MALFORMED_PACKET),
        (b"\x30\x06\0\0\3\x23\0\1", Reason.PROTOCOL_ERROR),
    ],
    ids=["value", "twice", "other packet", "unknown", "cut", "identifier 0", "cut alias", "unknown alias"],
)
def test_properties_that_do_not_fit(data: bytes, reason: Reason) -> None:
    end = Room().enter("me")
    end.send_bytes(data)
    assert_ended(end, reason)


@states("", v5="MQTT-4.13.1-1", v3="MQTT-4.8.0-1")
def test_what_was_before_the_violation_counts(version: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "a", version=version)
    end = stays(room, "me", version)
    end.send_bytes(mqtt.encode(Publish("a", b"x"), version) + b"\0\0")
    assert payloads(sink) == [b"x"]
    assert_ended(end, Reason.MALFORMED_PACKET)
