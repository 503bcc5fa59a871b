"""Chapter 3.1: wills."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain.broker import Broker, Limits
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop, Publish, Will

from ..domain.broker.ends import ALICE, End, Room
from . import V5, states
from .speaking import HOUR, bye, messages, payloads, stays, subscribe


def dying(room: Room, version: int, will: Will, delay: int = 0, clean: bool = True, **options: Any) -> End:
    """A client with a will."""
    if delay:
        will.properties = {**will.properties, Prop.WILL_DELAY: delay}
    return room.enter("me", version, will=will, clean=clean, **options)


def _keep_silent(room: Room, end: End) -> None:
    room.wait(16)


def _send_rubbish(room: Room, end: End) -> None:
    end.send_bytes(b"\x00\x00")


def _say_something_forbidden(room: Room, end: End) -> None:
    end.send(Publish("a/#", b""))


def _be_taken_over(room: Room, end: End) -> None:
    room.enter("me", end.version)


ENDINGS = {
    "lost": lambda room, end: end.lose(),
    "silent": _keep_silent,
    "malformed": _send_rubbish,
    "a protocol error": _say_something_forbidden,
    "taken over": _be_taken_over,
}


@states("MQTT-3.1.2-8 MQTT-3.1.2-10", v5="MQTT-3.1.2-7")
@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.parametrize("stays_on", [True, False])
def test_the_will_is_published_once_after_the_connection(version: int, how: str, stays_on: bool) -> None:
    room = Room()
    sink = room.subscriber("sink", "w", version=version)
    options = {"session_expiry": HOUR} if stays_on and version == V5 else {}
    end = dying(room, version, Will("w", b"gone"), clean=not stays_on, keepalive=10, **options)
    room.wait(5)
    assert sink.read() == []
    ENDINGS[how](room, end)
    assert payloads(sink) == [b"gone"]
    # Then there is none any more.
    room.enter("me", version, clean=False).lose()
    room.wait(2 * HOUR)
    assert sink.read() == []


@states("MQTT-3.14.4-3 MQTT-3.1.2-8 MQTT-3.1.2-10")
def test_a_farewell_takes_the_will_back(version: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "w", version=version)
    end = dying(room, version, Will("w", b"gone"))
    bye(end)
    assert end.link.ended
    end.lose()
    room.wait(HOUR)
    assert sink.read() == []


@states(v5="MQTT-3.14.4-3 MQTT-3.1.2-8 MQTT-3.1.2-10")
@pytest.mark.parametrize("code", [0x04, 0x80, 0x81, 0x98])
def test_a_farewell_with_another_code_does_not(code: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "w")
    bye(dying(room, V5, Will("w", b"gone")), code)
    assert payloads(sink) == [b"gone"]


@states(v3="MQTT-3.1.2-12")
def test_without_a_will_none_is_published(version: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "#", version=version)
    stays(room, "me", version, will=Will("w", b"gone"))
    # The next connection has none, and the session does not remember that of the last one.
    stays(room, "me", version)
    assert payloads(sink) == [b"gone"]
    room.broker.sessions["me"].link.end(None, room.clock.now)  # type: ignore[union-attr]
    room.wait(HOUR)
    assert sink.read() == []


@states(
    "MQTT-3.1.2-9",
    v5="MQTT-3.1.2-12 MQTT-3.1.2-14 MQTT-3.1.2-15",
    v3="MQTT-3.1.2-14 MQTT-3.1.2-16 MQTT-3.1.2-17",
)
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("retain", [False, True])
def test_the_will_has_its_quality_and_is_kept_if_it_says_so(version: int, qos: int, retain: bool) -> None:
    room = Room()
    sink = room.subscriber("sink", "w/1", 2, version)
    dying(room, version, Will("w/1", b"gone", qos, retain)).lose()
    assert messages(sink) == [Publish("w/1", b"gone", qos, packet_id=1 if qos else 0)]
    late = room.enter("late", version)
    kept = subscribe(late, "w/#", qos=2)[1:]
    assert kept == ([Publish("w/1", b"gone", qos, True, packet_id=1 if qos else 0)] if retain else [])


@states(v5="MQTT-3.1.2-8")
def test_a_delayed_will_waits() -> None:
    room = Room()
    sink = room.subscriber("sink", "w")
    dying(room, V5, Will("w", b"gone"), delay=10, session_expiry=HOUR).lose()
    room.wait(9)
    assert sink.read() == []
    room.wait(1)
    assert payloads(sink) == [b"gone"]


@states(v5="MQTT-3.1.2-8 MQTT-4.1.0-2")
@pytest.mark.parametrize("expiry", [0, 5])
def test_a_delayed_will_does_not_outlive_its_session(expiry: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "w")
    dying(room, V5, Will("w", b"gone"), delay=10, session_expiry=expiry).lose()
    assert payloads(sink) == ([] if expiry else [b"gone"])
    room.wait(expiry)
    assert payloads(sink) == ([b"gone"] if expiry else [])


@states(v5="MQTT-3.1.3-9 MQTT-3.1.2-8")
@pytest.mark.parametrize(
    ("seconds", "clean", "published"), [(9, False, 0), (9, True, 1), (10, False, 1), (10.5, False, 1)]
)
def test_a_connection_within_the_delay_stops_the_will(seconds: float, clean: bool, published: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "w")
    dying(room, V5, Will("w", b"gone"), delay=10, session_expiry=HOUR).lose()
    # Without a tick in between.
    room.clock.now += seconds
    room.enter("me", clean=clean, session_expiry=HOUR)
    # A clean start is not a connection to this session, but its end.
    assert payloads(sink) == [b"gone"] * published
    room.wait(20)
    assert sink.read() == []


@states(v5="MQTT-3.1.3-9")
def test_taking_over_within_the_delay_stops_the_will() -> None:
    room = Room()
    sink = room.subscriber("sink", "w")
    dying(room, V5, Will("w", b"gone"), delay=10, session_expiry=HOUR)
    room.enter("me", clean=False, session_expiry=HOUR)
    room.wait(20)
    assert sink.read() == []


@states(v5="MQTT-3.1.3-10 MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20")
def test_the_wills_properties() -> None:
    room = Room()
    sink = room.subscriber("sink", "w")
    properties: mqtt.Properties = {
        Prop.PAYLOAD_FORMAT: 1,
        Prop.CONTENT_TYPE: "text",
        Prop.RESPONSE_TOPIC: "answers",
        Prop.CORRELATION_DATA: b"\0\1",
        Prop.USER_PROPERTY: [("b", "2"), ("a", "1"), ("b", "1"), ("a", "1")],
    }
    dying(room, V5, Will("w", b"gone", properties=properties), delay=5, session_expiry=HOUR).lose()
    room.wait(5)
    assert messages(sink) == [Publish("w", b"gone", properties=properties)]


@states(v5="MQTT-3.3.2-6")
def test_a_wills_expiry_begins_when_it_is_published() -> None:
    room = Room()
    will = Will("w", b"gone", retain=True, properties={Prop.MESSAGE_EXPIRY: 10})
    dying(room, V5, will, delay=30, session_expiry=HOUR).lose()
    room.wait(30)
    room.wait(4)
    (message,) = subscribe(room.enter("late"), "w")[1:]
    assert message == Publish("w", b"gone", retain=True, properties={Prop.MESSAGE_EXPIRY: 6})


@states("MQTT-3.1.4-2", v5="MQTT-3.2.2-12", v3="MQTT-3.1.2-8")
def test_a_will_is_stored_only_when_the_client_is_let_in(version: int) -> None:
    room = Room(Broker(limits=Limits(idle_timeout=5)))
    sink = room.subscriber("sink", "#", version=version)
    for refused in (True, False):
        end = room.knock("me", version, will=Will("w", b"gone"))
        if refused:
            end.link.refuse(mqtt.Reason.NOT_AUTHORIZED, room.clock.now)
        end.lose()
        end.link.accept(ALICE, room.clock.now)
    room.wait(HOUR)
    assert sink.read() == []
