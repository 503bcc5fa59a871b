"""What is published and how it arrives: qualities of service, order, bounds. No sockets; time moves by hand."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker import Broker, Limits
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Disconnect, Filter, Kind, Packet, Prop, Publish, Reason, Subscribe

from .ends import ALICE, Room, payloads, published

V311, V5 = 4, 5


@pytest.mark.parametrize("from_version", [3, 4, 5])
@pytest.mark.parametrize("to_version", [3, 4, 5])
@pytest.mark.parametrize("publish_qos", [0, 1, 2])
@pytest.mark.parametrize("subscribe_qos", [0, 1, 2])
def test_delivery_at_the_lower_quality(
    from_version: int, to_version: int, publish_qos: int, subscribe_qos: int
) -> None:
    room = Room()
    sink = room.subscriber("sink", "a/+", subscribe_qos, to_version)
    source = room.enter("source", from_version)
    qos = min(publish_qos, subscribe_qos)
    # Twice one by one, then as one chunk: the first goes the slow way, the rest the fast one.
    for number in range(4):
        source.send(Publish("a/b", b"%d" % number, publish_qos, packet_id=bool(publish_qos) * (number + 1)))
    source.send(*[Publish("a/b", b"x" * size, publish_qos, packet_id=bool(publish_qos) * 9) for size in (1, 200)][:1])
    assert published(sink)[:5] == [
        ("a/b", b"0", qos),
        ("a/b", b"1", qos),
        ("a/b", b"2", qos),
        ("a/b", b"3", qos),
        ("a/b", b"x", qos),
    ]
    kinds = [packet.kind for packet in source.read() if isinstance(packet, Ack)]
    assert kinds == {0: [], 1: [Kind.PUBACK] * 5, 2: [Kind.PUBREC] * 5}[publish_qos]


@pytest.mark.parametrize("version", [V311, V5])
def test_a_run_of_messages_arrives_whole_and_in_order(version: int) -> None:
    room = Room()
    same = room.subscriber("same", "a", 1, version)
    other = room.subscriber("other", "#", 0, V311 if version == V5 else V5)
    source = room.enter("source", version)
    sizes = [0, 1, 100, 127, 128, 5000, 3, 20_000, 1]
    packets: list[Packet] = [Publish("a", bytes([n]) * size) for n, size in enumerate(sizes)]
    packets.insert(4, Publish("b", b"another topic"))
    data = b"".join(mqtt.encode(packet, version) for packet in packets)
    expected = [bytes([n]) * size for n, size in enumerate(sizes)]
    source.send_bytes(data)
    source.send_bytes(data)
    assert payloads(same) == expected * 2
    assert [p for p in payloads(other) if p != b"another topic"] == expected * 2
    # In pieces it is the same.
    for at in range(0, len(data), 777):
        source.send_bytes(data[at : at + 777])
    assert payloads(same) == expected


def test_exactly_once_from_the_publisher() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a"), room.enter("source")
    source.send(Publish("a", b"x", 2, packet_id=5))
    assert source.read_one() == Ack(Kind.PUBREC, 5)
    source.send(Publish("a", b"x", 2, dup=True, packet_id=5))
    assert source.read_one() == Ack(Kind.PUBREC, 5)
    source.send(Ack(Kind.PUBREL, 5))
    assert source.read_one() == Ack(Kind.PUBCOMP, 5)
    source.send(Ack(Kind.PUBREL, 5))
    assert source.read_one() == Ack(Kind.PUBCOMP, 5, Reason.PACKET_ID_NOT_FOUND)
    assert payloads(sink) == [b"x"]


def test_exactly_once_to_the_subscriber_over_two_connections() -> None:
    room = Room()
    sink = room.enter("sink", clean=False, session_expiry=100)
    sink.send(Subscribe(1, [Filter("a", 2)]))
    sink.read()
    room.enter("source").send(Publish("a", b"1", 2, packet_id=1), Publish("a", b"2", 2, packet_id=2))
    first, second = sink.read()
    assert isinstance(first, Publish)
    assert isinstance(second, Publish)
    sink.send(Ack(Kind.PUBREC, first.packet_id))
    assert sink.read_one() == Ack(Kind.PUBREL, first.packet_id)
    sink.lose()
    again = room.knock("sink", clean=False, session_expiry=100)
    again.link.accept(ALICE, room.clock.now)
    connack, release, message = again.read()
    assert connack == mqtt.Connack(True, 0, connack.properties)  # type: ignore[union-attr]
    assert release == Ack(Kind.PUBREL, first.packet_id)
    assert message == Publish("a", b"2", 2, dup=True, packet_id=second.packet_id)
    again.send(Ack(Kind.PUBCOMP, first.packet_id))
    assert list(again.link.session.inflight) == [second.packet_id]  # type: ignore[union-attr]


def test_an_unacknowledged_message_comes_again_only_on_a_new_connection() -> None:
    room = Room()
    sink = room.enter("sink", V311, clean=False)
    sink.send(Subscribe(1, [Filter("a", 1)]))
    sink.read()
    source = room.enter("source")
    source.send(Publish("a", b"x", 1, packet_id=1))
    message = sink.read_one()
    room.wait(60)
    assert sink.read() == []
    sink.lose()
    source.send(Publish("a", b"y", 1, packet_id=2), Publish("a", b"z", 0))
    again = room.enter("sink", V311, clean=False)
    assert again.connack.session_present  # type: ignore[attr-defined]
    # The first packets of the session were read with CONNACK by `enter`; nothing is lost in the queue behind them.
    assert isinstance(message, Publish)
    session = room.broker.sessions["sink"]
    assert [delivery.message.payload for delivery in session.on_its_way().values()] == [b"x", b"y"]


def test_the_queue_of_an_absent_client_drops_the_oldest() -> None:
    room = Room(Broker(limits=Limits(max_mqueue_len=3)))
    sink = room.enter("sink", clean=False, session_expiry=100)
    sink.send(Subscribe(1, [Filter("a", 1)]))
    sink.lose()
    source = room.enter("source")
    for number in range(5):
        source.send(Publish("a", b"%d" % number, 1, packet_id=number + 1))
    again = room.knock("sink", clean=False, session_expiry=100)
    again.link.accept(ALICE, room.clock.now)
    assert [packet.payload for packet in again.read()[1:] if isinstance(packet, Publish)] == [b"2", b"3", b"4"]
    assert room.broker.sessions["sink"].dropped_full == 2


def test_receive_maximum_bounds_what_is_on_its_way() -> None:
    room = Room()
    sink = room.enter("sink", receive_maximum=2)
    sink.send(Subscribe(1, [Filter("a", 1)]))
    sink.read()
    source = room.enter("source")
    source.send(*[Publish("a", b"%d" % n, 1, packet_id=n + 1) for n in range(5)])
    first, second = sink.read()
    assert isinstance(first, Publish)
    sink.send(Ack(Kind.PUBACK, first.packet_id))
    third = sink.read_one()
    assert isinstance(third, Publish)
    assert third.payload == b"2"
    assert isinstance(second, Publish)


def test_too_many_unreleased_messages_end_the_connection() -> None:
    room = Room(Broker(limits=Limits(max_awaiting_rel=2)))
    source = room.enter("source")
    source.send(*[Publish("a", b"", 2, packet_id=n) for n in (1, 2, 3)])
    assert source.read()[-1] == Disconnect(Reason.RECEIVE_MAXIMUM_EXCEEDED)
    assert source.link.ended


def test_a_client_that_takes_only_small_packets_gets_only_those() -> None:
    room = Room()
    sink = room.enter("sink", maximum_packet_size=30)
    sink.send(Subscribe(1, [Filter("a", 1)]))
    sink.read()
    source = room.enter("source")
    source.send(*[Publish("a", b"x" * size, qos, packet_id=qos) for size in (5, 50) for qos in (0, 1)])
    assert published(sink) == [("a", b"xxxxx", 0), ("a", b"xxxxx", 1)]
    assert room.broker.sessions["sink"].dropped_too_large == 2


def test_a_slow_consumer_loses_quality_0_and_keeps_quality_1() -> None:
    room = Room(Broker(limits=Limits(output_bytes=1000)))
    slow = room.subscriber("slow", "a", 1)
    source = room.enter("source")
    for n in range(20):
        source.send(
            Publish("a", b"q0" + b"x" * 98, 0), Publish("a", b"q1" + b"%02d" % n + b"x" * 96, 1, packet_id=n + 1)
        )
    assert sum(len(frame) for frame in slow.link.out) < 1200
    assert slow.link.dropped_slow > 10
    seen = []
    while got := published(slow):
        seen += [payload[2:4] for _, payload, qos in got if qos == 1]
    assert seen == [b"%02d" % n for n in range(20)]


def test_properties_travel_unchanged_and_expiry_counts_down() -> None:
    room = Room()
    sink = room.enter("sink", clean=False, session_expiry=1000)
    sink.send(Subscribe(1, [Filter("a", 1)]))
    sink.lose()
    kept: mqtt.Properties = {
        Prop.PAYLOAD_FORMAT: 1,
        Prop.CONTENT_TYPE: "text/plain",
        Prop.RESPONSE_TOPIC: "answer/here",
        Prop.CORRELATION_DATA: b"\0\1",
        Prop.USER_PROPERTY: [("b", "2"), ("a", "1"), ("b", "3")],
    }
    source = room.enter("source")
    source.send(Publish("a", b"x", 1, packet_id=1, properties={**kept, Prop.MESSAGE_EXPIRY: 50, Prop.TOPIC_ALIAS: 3}))
    source.send(Publish("a", b"short", 1, packet_id=2, properties={Prop.MESSAGE_EXPIRY: 5}))
    room.wait(20)
    again = room.knock("sink", clean=False, session_expiry=1000)
    again.link.accept(ALICE, room.clock.now)
    _, message = again.read()
    assert message == Publish("a", b"x", 1, packet_id=1, properties={**kept, Prop.MESSAGE_EXPIRY: 30})


def test_topic_aliases() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "long/topic"), room.enter("source")
    source.send(Publish("long/topic", b"1", properties={Prop.TOPIC_ALIAS: 7}))
    source.send(Publish("", b"2", properties={Prop.TOPIC_ALIAS: 7}))
    assert payloads(sink) == [b"1", b"2"]
    source.send(Publish("", b"3", properties={Prop.TOPIC_ALIAS: 8}))
    assert source.read_one() == Disconnect(Reason.PROTOCOL_ERROR)


def test_overlapping_subscriptions_get_a_copy_each_with_its_identifier() -> None:
    room = Room()
    sink = room.enter("sink")
    sink.send(Subscribe(1, [Filter("a/+", 0)], {Prop.SUBSCRIPTION_ID: [1]}))
    sink.send(Subscribe(2, [Filter("a/#", 1)], {Prop.SUBSCRIPTION_ID: [2]}))
    sink.send(Subscribe(3, [Filter("a/b", 0)]))
    sink.read()
    room.enter("source").send(Publish("a/b", b"x"))
    identifiers = [packet.properties.get(Prop.SUBSCRIPTION_ID) for packet in sink.read() if isinstance(packet, Publish)]
    assert sorted(identifiers, key=str) == [None, [1], [2]]


def test_no_local_keeps_a_clients_own_messages_from_it() -> None:
    room = Room()
    end = room.enter("me")
    end.send(Subscribe(1, [Filter("a", 0, no_local=True), Filter("b", 0)]))
    end.read()
    end.send(Publish("a", b"x"), Publish("b", b"y"), Publish("a", b"x", 1, packet_id=1))
    assert [packet.topic for packet in end.read() if isinstance(packet, Publish)] == ["b"]
    room.enter("other").send(Publish("a", b"z"))
    assert payloads(end) == [b"z"]


def test_shared_subscriptions_take_turns_and_pass_on_what_an_ended_member_owed() -> None:
    room = Room()
    members = [room.subscriber(name, "$share/g/a/#", 1) for name in ("m1", "m2")]
    source = room.enter("source")
    source.send(*[Publish("a/b", b"%d" % n, 1, packet_id=n + 1) for n in range(6)])
    got = [[packet.payload for packet in member.read() if isinstance(packet, Publish)] for member in members]
    assert sorted(got[0] + got[1]) == [b"%d" % n for n in range(6)]
    assert [len(each) for each in got] == [3, 3]
    # m1 acknowledged nothing and leaves for good.
    members[0].send(Disconnect())
    assert sorted(payloads(members[1])) == sorted(got[0])


def test_no_local_on_a_shared_subscription_is_a_protocol_error() -> None:
    end = Room().enter("me")
    end.send(Subscribe(1, [Filter("$share/g/a", 0, no_local=True)]))
    assert end.read_one() == Disconnect(Reason.PROTOCOL_ERROR)


def test_unsubscribing() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a"), room.enter("source")
    source.send(Publish("a", b"1"))
    sink.send(mqtt.Unsubscribe(2, ["a", "b"]))
    assert sink.read()[-1] == mqtt.Unsuback(2, [0, Reason.NO_SUBSCRIPTION_EXISTED])
    source.send(Publish("a", b"2"))
    assert sink.read() == []
    assert room.broker.routes.table.filters == {}


@pytest.mark.parametrize("version", [V311, V5])
def test_what_follows_a_message_in_the_same_chunk_is_not_taken_for_a_part_of_it(version: int) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a", version=version), room.enter("source", version)
    for payload in (b"1", b"2", b"3"):
        source.send(Publish("a", payload), mqtt.Pingreq())
        assert source.read() == [mqtt.Pingresp()]
        assert payloads(sink) == [payload]
