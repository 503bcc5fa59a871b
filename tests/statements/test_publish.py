"""Chapter 3.3: PUBLISH: flags, retained messages, topics, answers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from folkmoot.domain.broker import Broker, Limits, OpenGate, Verdict
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Kind, Publish, Reason

from ..domain.broker.ends import Room
from . import V5, states
from .speaking import assert_ended, back, field, frame, messages, none, stays, subscribe

QUALITIES = pytest.mark.parametrize("qos", [0, 1, 2])


def kept(room: Room, topic_filter: str, version: int, **options: object) -> list[Publish]:
    """What a new subscription gets at once."""
    return [one for one in subscribe(room.enter("late", version), topic_filter, **options) if isinstance(one, Publish)]  # type: ignore[arg-type]


# --- flags ------------------------------------------------------------------------------------------------------------


@states("MQTT-3.3.1-1 MQTT-3.3.1-3")
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("dup", [False, True])
def test_dup_says_whether_we_send_again(version: int, qos: int, dup: bool) -> None:
    room = Room()
    sink = stays(room, "sink", version)
    subscribe(sink, "a", qos=qos)
    room.enter("source", version).send(Publish("a", b"x", qos, dup=dup, packet_id=7))
    message = Publish("a", b"x", qos, packet_id=1)
    assert sink.read() == [message]
    sink.lose()
    _, again = back(room, "sink", version)
    assert again == [replace(message, dup=True)]


@states("MQTT-3.3.1-2", v5="MQTT-4.3.1-1", v3="MQTT-4.3.1-1")
def test_no_dup_with_quality_0(version: int) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a", version=version), room.enter("source", version)
    # Published at 1, delivered at 0.
    source.send(Publish("a", b"x", 1, dup=True, packet_id=1))
    assert sink.link.take_output() == frame(0x30, field(b"a"), none(version), b"x")
    source.read()
    source.send_bytes(frame(0x38, field(b"a"), none(version), b"x"))
    assert_ended(source, Reason.MALFORMED_PACKET)


@states("MQTT-3.3.1-4", v5="MQTT-4.13.1-1", v3="MQTT-4.8.0-1")
@pytest.mark.parametrize("first", [0x36, 0x37, 0x3E, 0x3F])
def test_there_is_no_quality_3(version: int, first: int) -> None:
    end = Room().enter("me", version)
    end.send_bytes(frame(first, field(b"a"), b"\0\1", none(version), b"x"))
    assert_ended(end, Reason.MALFORMED_PACKET)


# --- retained messages ------------------------------------------------------------------------------------------------


@states("MQTT-3.3.1-5", v3="MQTT-3.3.1-6 MQTT-3.3.1-7 MQTT-3.3.1-8")
@QUALITIES
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_retained_message_replaces_the_one_before(version: int, qos: int, before: int) -> None:
    room = Room()
    source = room.enter("source", version)
    source.send(Publish("a", b"old", before, True, packet_id=1 if before else 0))
    source.send(Publish("a", b"new", qos, True, packet_id=2 if qos else 0))
    assert kept(room, "a", version, qos=2) == [Publish("a", b"new", qos, True, packet_id=1 if qos else 0)]


@states(v5="MQTT-3.3.1-6 MQTT-3.3.1-7", v3="MQTT-3.3.1-10 MQTT-3.3.1-11")
@QUALITIES
def test_an_empty_retained_message_removes_the_one_before(version: int, qos: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "a", 2, version)
    source = room.enter("source", version)
    source.send(Publish("a", b"old", retain=True))
    source.send(Publish("a", b"", qos, True, packet_id=1 if qos else 0))
    # It is delivered as any other.
    assert [(one.payload, one.qos, one.retain) for one in messages(sink)] == [(b"old", 0, False), (b"", qos, False)]
    assert kept(room, "a", version) == []
    assert not room.broker.retained.messages


@states(v5="MQTT-3.3.1-8", v3="MQTT-3.3.1-12")
@pytest.mark.parametrize("payload", [b"new", b""])
def test_other_messages_leave_the_retained_one_alone(version: int, payload: bytes) -> None:
    room = Room()
    source = room.enter("source", version)
    source.send(Publish("a", b"old", retain=True))
    source.send(Publish("a", payload), Publish("b", b"x", 1, packet_id=1))
    assert kept(room, "#", version) == [Publish("a", b"old", retain=True)]


@states(v5="MQTT-3.3.1-9", v3="MQTT-3.3.1-6 MQTT-3.3.1-8 MQTT-3.3.1-9")
def test_a_new_subscription_gets_all_retained_messages_inside_it(version: int) -> None:
    room = Room()
    source = room.enter("source", version)
    topics = ["a", "a/b", "a/b/c", "a//c", "b", "/a", "$a/b"]
    source.send(*[Publish(topic, topic.encode(), retain=True) for topic in topics])
    found = {
        "a": ["a"],
        "a/#": ["a", "a/b", "a/b/c", "a//c"],
        "a/+/c": ["a/b/c", "a//c"],
        "+": ["a", "b"],
        "+/+": ["a/b", "/a"],
        "#": ["a", "a/b", "a/b/c", "a//c", "b", "/a"],
        "$a/#": ["$a/b"],
        "c": [],
    }
    for topic_filter, expected in found.items():
        got = kept(room, topic_filter, version)
        assert sorted(one.topic for one in got) == sorted(expected)
        assert all(one.retain and one.payload == one.topic.encode() for one in got)
    sink = room.subscriber("sink", "n", version=version)
    source.send(Publish("n", b"x", retain=True))
    assert messages(sink) == [Publish("n", b"x")]


@states(v5="MQTT-3.3.1-9 MQTT-3.3.1-10 MQTT-3.3.1-11 MQTT-3.8.4-4")
@pytest.mark.parametrize(("handling", "first", "again"), [(0, 1, 1), (1, 1, 0), (2, 0, 0)])
def test_retain_handling(handling: int, first: int, again: int) -> None:
    room = Room()
    room.enter("source").send(Publish("a", b"x", retain=True))
    end = stays(room, "me", V5)
    message = Publish("a", b"x", retain=True)
    assert subscribe(end, "a", retain_handling=handling)[1:] == [message] * first
    assert subscribe(end, "a", retain_handling=handling)[1:] == [message] * again
    # A resumed subscription is not made again, and one that was ended is.
    end.lose()
    end, rest = back(room, "me", V5)
    assert rest == []
    assert subscribe(end, "a", retain_handling=handling)[1:] == [message] * again
    end.send(mqtt.Unsubscribe(1, ["a"]))
    end.read()
    assert subscribe(end, "a", retain_handling=handling)[1:] == [message] * first


@states(v5="MQTT-3.3.1-12 MQTT-3.3.1-13")
@QUALITIES
def test_retain_as_published(qos: int) -> None:
    room = Room()
    plain, same = room.enter("plain"), room.enter("same")
    subscribe(plain, "a", qos=qos)
    subscribe(same, "a", qos=qos, retain_as_published=True)
    source = room.enter("source")
    for retain in (True, False):
        source.send(Publish("a", b"x", qos, retain, packet_id=1 if qos else 0))
        source.send(Ack(Kind.PUBREL, 1)) if qos == 2 else None
    assert [one.retain for one in messages(plain)] == [False, False]
    assert [one.retain for one in messages(same)] == [True, False]


# --- topics -----------------------------------------------------------------------------------------------------------


@states("MQTT-3.3.2-2", v5="MQTT-4.7.0-1 MQTT-4.13.1-1", v3="MQTT-4.7.1-1 MQTT-4.8.0-1")
@pytest.mark.parametrize("topic", ["#", "+", "a/#", "a/+", "+/a", "a+", "a#b"])
@QUALITIES
def test_a_topic_has_no_wildcards(version: int, topic: str, qos: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "#", version=version)
    end = room.enter("me", version)
    end.send(Publish(topic, b"x", qos, packet_id=1 if qos else 0))
    assert_ended(end, Reason.TOPIC_NAME_INVALID)
    assert sink.read() == []
    will = room.knock("other", version, will=mqtt.Will(topic, b""))
    assert will.link.ended


@states("MQTT-3.3.2-1")
@pytest.mark.parametrize("body", [b"", b"\0", b"\0\5abc"], ids=["nothing", "half a length", "cut short"])
def test_the_topic_comes_first(version: int, body: bytes) -> None:
    end = Room().enter("me", version)
    end.send_bytes(frame(0x30, body))
    assert_ended(end, Reason.MALFORMED_PACKET)


@states("MQTT-3.3.2-3")
def test_what_we_send_matches_the_filter(version: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "a/+/c", version=version)
    source = room.enter("source", version)
    topics = ["a/b/c", "a//c", "a/b", "a/b/c/d", "A/b/c", "b/b/c", "a/b/c/"]
    for _ in range(2):
        source.send(*[Publish(topic, b"x") for topic in topics])
        assert [one.topic for one in messages(sink)] == ["a/b/c", "a//c"]


@states("MQTT-3.3.4-1", v5="MQTT-4.3.2-4 MQTT-4.3.3-8", v3="MQTT-4.3.2-2 MQTT-4.3.3-2")
@pytest.mark.parametrize("subscribed", [True, False])
@pytest.mark.parametrize("retain", [True, False])
def test_publish_is_answered_as_its_quality_asks(version: int, subscribed: bool, retain: bool) -> None:
    room = Room()
    if subscribed:
        room.subscriber("sink", "a", version=version)
    code = 0 if subscribed or version < V5 else Reason.NO_MATCHING_SUBSCRIBERS
    end = room.enter("me", version)
    end.send(Publish("a", b"x", 0, retain))
    assert end.read() == []
    end.send(Publish("a", b"x", 1, retain, packet_id=8))
    assert end.read() == [Ack(Kind.PUBACK, 8, code)]
    end.send(Publish("a", b"x", 2, retain, packet_id=9))
    assert end.read() == [Ack(Kind.PUBREC, 9, code)]


class _Closed(OpenGate):
    def judge(self, client: object, wish: object) -> Verdict:
        return Verdict.DENY


@states(v3="MQTT-3.3.5-2", v5="MQTT-3.4.2-1 MQTT-3.5.2-1 MQTT-4.3.3-9")
@QUALITIES
@pytest.mark.parametrize("disconnects", [False, True])
def test_what_is_not_allowed(version: int, qos: int, disconnects: bool) -> None:
    room = Room(Broker(gate=_Closed(), limits=Limits(deny_disconnects=disconnects)))
    end = room.enter("me", version)
    kind, code = (Kind.PUBACK, Kind.PUBREC)[qos - 1], Reason.NOT_AUTHORIZED if version == V5 else 0
    for _ in range(1 if disconnects else 3):
        end.send(Publish("a", b"x", qos, packet_id=1 if qos else 0))
        answers = [Ack(kind, 1, code)] if qos else []
        if disconnects:
            assert end.read() == answers + [mqtt.Disconnect(Reason.NOT_AUTHORIZED)] * (version == V5)
        else:
            assert end.read() == answers
    assert end.link.ended is disconnects
