"""Chapters 3.1 and 4.1: sessions that are made, kept, resumed, discarded, and that end."""

from __future__ import annotations

import pytest

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Connack, Publish

from ..domain.broker.ends import ALICE, Room
from . import V5, V31, states
from .speaking import (
    back,
    payloads,
    stays,
    subscribe,
)


@states(
    "MQTT-3.1.2-4 MQTT-3.1.4-4 MQTT-3.2.2-2",
    v3="MQTT-3.1.2-6 MQTT-3.1.4-3 MQTT-3.2.2-1",
)
@pytest.mark.parametrize("is_online", [True, False])
def test_a_clean_start_discards_the_session(version: int, is_online: bool) -> None:
    room = Room()
    old = stays(room, "me", version)
    subscribe(old, "a", qos=1)
    source = room.enter("source", version)
    source.send(Publish("a", b"1", 1, packet_id=1))
    if not is_online:
        old.lose()
        source.send(Publish("a", b"2", 1, packet_id=2))
    new = room.knock("me", version, clean=True)
    new.link.accept(ALICE, room.clock.now)
    connack, *rest = new.read()
    assert isinstance(connack, Connack)
    assert (connack.code, connack.session_present, rest) == (0, False, [])
    source.send(Publish("a", b"3", 1, packet_id=3))
    assert new.read() == []


@states(v3="MQTT-3.1.2-6", v5="MQTT-4.1.0-2")
def test_a_session_without_an_expiry_ends_with_its_connection(version: int) -> None:
    room = Room()
    end = room.enter("me", version)
    subscribe(end, "a", qos=1)
    end.lose()
    assert room.broker.sessions == {}
    again = room.enter("me", version, clean=False)
    assert again.connack.session_present is False  # type: ignore[attr-defined]


@states(
    "MQTT-3.2.2-3",
    v5="MQTT-3.1.2-5 MQTT-3.1.2-6 MQTT-3.1.2-23",
    v3="MQTT-3.1.2-4 MQTT-3.1.2-5 MQTT-3.2.2-2",
)
def test_a_session_is_made_kept_and_resumed(version: int) -> None:
    room = Room()
    end = stays(room, "me", version)
    assert end.connack.session_present is False  # type: ignore[attr-defined]
    assert subscribe(end, "a", qos=2) == [mqtt.Suback(1, [2])]
    end.lose()
    source = room.enter("source", version)
    source.send(*[Publish("a", b"%d" % qos, qos, packet_id=qos) for qos in (1, 2)])
    again = stays(room, "me", version)
    # MQTT 3.1 has no such flag.
    assert again.connack.session_present is (version != V31)  # type: ignore[attr-defined]
    again.lose()
    _, rest = back(room, "me", version)
    assert [(message.payload, message.qos) for message in rest if isinstance(message, Publish)] == [
        (b"1", 1),
        (b"2", 2),
    ]


@states(v5="MQTT-3.1.2-23 MQTT-4.1.0-2 MQTT-3.2.2-3")
@pytest.mark.parametrize(("seconds", "present"), [(9.5, True), (10, False), (10.5, False)])
@pytest.mark.parametrize("ticks", [True, False])
def test_a_session_ends_when_its_expiry_has_passed(seconds: float, present: bool, ticks: bool) -> None:
    room = Room()
    end = room.enter("me", clean=False, session_expiry=10)
    subscribe(end, "a")
    end.lose()
    if ticks:
        room.wait(seconds)
        assert ("me" in room.broker.sessions) is present
    else:
        room.clock.now += seconds
    again = room.enter("me", clean=False, session_expiry=10)
    assert again.connack.session_present is present  # type: ignore[attr-defined]
    room.enter("source").send(Publish("a", b"x"))
    assert payloads(again) == ([b"x"] if present else [])


@states(v5="MQTT-3.1.2-23 MQTT-4.1.0-2")
def test_a_session_that_never_ends() -> None:
    room = Room()
    room.enter("me", clean=False, session_expiry=0xFFFFFFFF).lose()
    room.wait(0xFFFFFFFF + 10)
    assert room.enter("me", clean=False).connack.session_present  # type: ignore[attr-defined]


@states("MQTT-4.1.0-1", v3="MQTT-4.1.0-2")
def test_a_session_stays_while_its_connection_is_open(version: int) -> None:
    room = Room()
    end = room.enter("me", V5, session_expiry=1) if version == V5 else room.enter("me", version, clean=False)
    subscribe(end, "a")
    room.wait(1_000_000)
    room.enter("source", version).send(Publish("a", b"x"))
    assert payloads(end) == [b"x"]


@states(v3="MQTT-3.1.2-7")
def test_retained_messages_are_not_the_sessions(version: int) -> None:
    room = Room()
    end = room.enter("me", version)
    end.send(Publish("a", b"kept", retain=True))
    end.lose()
    assert room.broker.sessions == {}
    late = room.enter("late", version)
    assert subscribe(late, "a")[1:] == [Publish("a", b"kept", retain=True)]
