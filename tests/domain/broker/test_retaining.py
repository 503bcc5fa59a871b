"""Retained messages as subscribers get them. No sockets; time moves by hand."""

from __future__ import annotations

from folkmoot.domain.broker import Broker, Limits, Message
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Disconnect, Filter, Kind, Publish, Reason, Suback, Subscribe

from .ends import Room


def test_retained_messages_and_how_subscriptions_ask_for_them() -> None:
    room = Room()
    source = room.enter("source")
    source.send(
        Publish("r/1", b"one", 1, True, packet_id=1), Publish("r/2", b"two", 0, True), Publish("$r", b"x", 0, True)
    )
    sink = room.enter("sink")
    sink.send(Subscribe(1, [Filter("r/#", 1)]))
    suback, one, two = sink.read()
    assert suback == Suback(1, [1])
    assert (one, two) == (
        Publish("r/1", b"one", 1, True, packet_id=1),
        Publish("r/2", b"two", 0, True),
    )
    # Live: the flag only for those who asked to see it as published.
    keeper = room.subscriber("keeper", "r/#", 0, retain_as_published=True, retain_handling=2)
    source.send(Publish("r/1", b"three", 0, True))
    live, kept = sink.read_one(), keeper.read_one()
    assert isinstance(live, Publish)
    assert isinstance(kept, Publish)
    assert (live.retain, kept.retain) == (False, True)
    # rh 1: only for a new subscription; 0: always; 2: never.
    for handling, expected in ((1, 0), (0, 2), (2, 0)):
        sink.send(Subscribe(2, [Filter("r/#", 0, retain_handling=handling)]))
        assert len(sink.read()) - 1 == expected
    source.send(Publish("r/1", b"", 0, True))
    sink.read()
    sink.send(Subscribe(3, [Filter("#", 0)]))
    assert [packet.topic for packet in sink.read() if isinstance(packet, Publish)] == ["r/2"]


def test_many_retained_messages_come_as_the_socket_takes_them() -> None:
    room = Room(Broker(limits=Limits(output_bytes=2000)))
    for number in range(500):
        room.broker.publish(Message(f"r/{number}", b"x" * 50, retain=True), room.clock.now)
    sink = room.enter("sink")
    sink.send(Subscribe(1, [Filter("#", 0)]))
    assert sum(len(frame) for frame in sink.link.out) < 2100
    assert len(sink.read()) == 501


def test_who_asks_for_retained_messages_again_and_again_is_owed_them_once() -> None:
    room = Room(Broker(limits=Limits(max_inflight=2)))
    for number in range(10):
        room.broker.publish(Message(f"r/{number}", b"x", 1, retain=True), room.clock.now)
    sink = room.enter("sink")
    session = room.broker.sessions["sink"]
    for number in range(1, 200):
        sink.send(Subscribe(number, [Filter("r/+", 1)]), mqtt.Unsubscribe(number, ["x/+"] if number % 3 else ["r/+"]))
        sink.send(Subscribe(number, [Filter("+/1", 1)]))
    sink.send(Subscribe(1, [Filter("r/+", 1)]))
    assert len(session.backlog) == 2
    came = set()
    while new := [packet for packet in sink.read() if isinstance(packet, Publish)]:
        came |= {packet.topic for packet in new}
        sink.send(*[Ack(Kind.PUBACK, packet.packet_id) for packet in new])
    assert len(came) == 10 and not session.backlog


def test_a_retained_message_is_acknowledged_after_its_commit_and_later_ones_wait_behind_it() -> None:
    room = Room(Broker(durable=True))
    source = room.enter("source")
    source.send(Publish("plain", b"x", 1, packet_id=1))
    assert source.read_one() == Ack(Kind.PUBACK, 1, Reason.NO_MATCHING_SUBSCRIBERS)
    source.send(Publish("kept", b"x", 1, True, packet_id=2), Publish("plain", b"x", 1, packet_id=3))
    assert source.read() == []
    ticket, changes = room.broker.ledger.take()
    source.send(Publish("kept", b"y", 2, True, packet_id=4))
    room.broker.ledger.committed(ticket)
    assert list(changes.retained) == ["kept"]
    assert [packet.packet_id for packet in source.read() if isinstance(packet, Ack)] == [2, 3]
    room.broker.ledger.failed(*room.broker.ledger.take(), room.clock.now)
    assert source.read() == [Disconnect(Reason.IMPLEMENTATION_ERROR)]
