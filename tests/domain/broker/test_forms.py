"""Links with a form of their own: topic aliases towards clients that take them, and mountpoints."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker import Broker
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Filter, Kind, Prop, Publish, Suback, Subscribe, Unsuback, Unsubscribe

from .ends import End, Room

TOPIC = "a/long/topic"


def alias(number: int) -> dict[Prop, mqtt.PropertyValue]:
    return {Prop.TOPIC_ALIAS: number}


def taker(room: Room, most: int, topic_filter: str = "#", qos: int = 0) -> End:
    end = room.enter("taker", topic_alias_maximum=most)
    end.send(Subscribe(1, [Filter(topic_filter, qos)]))
    end.read()
    return end


def told(end: End) -> list[tuple[str, object]]:
    """Topic and alias of what has come."""
    return [(p.topic, p.properties.get(Prop.TOPIC_ALIAS)) for p in end.read() if isinstance(p, Publish)]


def test_topics_are_sent_once_and_then_as_aliases() -> None:
    room = Room()
    sink, plain = taker(room, 2), room.subscriber("plain", "#")
    source = room.enter("source")
    topics = [TOPIC, TOPIC, "second/topic", "third/topic", TOPIC, "second/topic", "a", "a"]
    source.send(*[Publish(topic, b"x") for topic in topics])
    assert told(sink) == [
        (TOPIC, 1),
        ("", 1),
        ("second/topic", 2),
        ("third/topic", None),
        ("", 1),
        ("", 2),
        ("a", None),
        ("a", None),
    ]
    assert told(plain) == [(topic, None) for topic in topics]


def test_aliases_end_with_the_connection_and_older_clients_have_none() -> None:
    room = Room()
    sink = taker(room, 5, qos=1)
    source = room.enter("source")
    source.send(Publish(TOPIC, b"x", 1, packet_id=1))
    assert told(sink) == [(TOPIC, 1)]
    sink.lose()
    assert told(taker(room, 5)) == []
    source.send(Publish(TOPIC, b"x", 1, packet_id=2))
    old = room.subscriber("old", "#", 0, 4)
    source.send(Publish(TOPIC, b"y"))
    assert told(old) == [(TOPIC, None)]


def test_what_waits_for_a_commit_makes_no_alias_known() -> None:
    room = Room(Broker(durable=True))
    sink = room.enter("sink", clean=False, session_expiry=100, topic_alias_maximum=5)
    sink.send(Subscribe(1, [Filter("#", 2)]))
    source = room.enter("source")
    source.send(Publish(TOPIC, b"held", 2, packet_id=1), Publish(TOPIC, b"free"))
    # The second overtakes the first.
    assert told(sink) == [(TOPIC, 1)]
    ticket, _ = room.broker.ledger.take()
    room.broker.ledger.committed(ticket)
    assert told(sink) == [(TOPIC, None)]


def test_an_alias_never_makes_a_message_too_large() -> None:
    room = Room()
    sink = room.enter("sink", topic_alias_maximum=5, maximum_packet_size=40)
    sink.send(Subscribe(1, [Filter("#", 0)]))
    sink.read()
    fits = 40 - 2 - 2 - len(TOPIC) - 1
    source = room.enter("source")
    source.send(Publish(TOPIC, b"x" * fits), Publish(TOPIC, b"x" * (fits - 3)), Publish(TOPIC, b"x" * fits))
    assert told(sink) == [(TOPIC, None), (TOPIC, 1), ("", 1)]


def mounted(room: Room, client_id: str, mountpoint: str, version: int = 5, will: mqtt.Will | None = None) -> End:
    end = room.knock(client_id, version, will=will)
    end.link.client.mountpoint = mountpoint
    end.link.accept(end.link.identity, room.clock.now)
    end.read()
    return end


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_mountpoint_goes_before_every_topic_and_never_reaches_the_client(version: int, qos: int) -> None:
    room = Room()
    outside = room.subscriber("outside", "#", qos)
    inside = mounted(room, "inside", "${clientid}/${username}/", version)
    inside.send(Subscribe(1, [Filter("a/#", qos), Filter("$share/g/b", qos)]))
    assert inside.read() == [Suback(1, [qos, qos])]
    assert sorted(room.broker.sessions["inside"].subscriptions) == ["$share/g/inside//b", "inside//a/#"]
    for number in range(1, 4):
        inside.send(Publish("a/b", b"x", qos, packet_id=qos and number))
        inside.send(Publish("b", b"y", qos, packet_id=qos and 10 + number))
    topics = [packet.topic for packet in inside.read() if isinstance(packet, Publish)]
    assert topics == ["a/b", "b"] * 3
    assert [p.topic for p in outside.read() if isinstance(p, Publish)] == ["inside//a/b", "inside//b"] * 3
    room.enter("source").send(Publish("a/b", b"not inside"))
    assert inside.read() == []
    inside.send(Unsubscribe(2, ["a/#", "$share/g/b", "c"]))
    assert inside.read() == [Unsuback(2, [0, 0, 0x11] if version == 5 else [])]


def test_a_mountpoint_holds_for_retained_messages_and_wills() -> None:
    room = Room()
    outside = room.subscriber("outside", "#")
    inside = mounted(room, "inside", "in/", will=mqtt.Will("will", b"gone"))
    inside.send(Publish("kept", b"x", 1, retain=True, packet_id=1), Publish("kept", b"x"))
    inside.send(Subscribe(1, [Filter("kept")]))
    answers = inside.read()
    assert [p.topic for p in answers if isinstance(p, Publish)] == ["kept"]
    assert Ack(Kind.PUBACK, 1) in answers
    inside.lose()
    assert [p.topic for p in outside.read() if isinstance(p, Publish)] == ["in/kept", "in/kept", "in/will"]
