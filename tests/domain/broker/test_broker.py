"""The broker as clients see it: sessions, deliveries, wills, limits. No sockets; time moves by hand."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain.broker import Broker, Client, Identity, Limits, Message, OpenGate, Verdict, Wish
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Disconnect, Filter, Kind, Packet, Prop, Publish, Reason, Suback, Subscribe

from .ends import ALICE, START, End, Room

BOB = Identity(2, "bob")
V311, V5 = 4, 5


def published(end: End) -> list[tuple[str, bytes, int]]:
    """Topic, payload and QoS of what has come, acknowledged by the client."""
    found = []
    for packet in end.read():
        assert isinstance(packet, Publish), packet
        found.append((packet.topic, packet.payload, packet.qos))
        if packet.qos == 1:
            end.send(Ack(Kind.PUBACK, packet.packet_id))
    return found


def payloads(end: End) -> list[bytes]:
    return [payload for _, payload, _ in published(end)]


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


def test_takeover_resumes_or_replaces_the_session() -> None:
    room = Room()
    old = room.enter("me", clean=False, session_expiry=100)
    old.send(Subscribe(1, [Filter("a", 0)]))
    old.read()
    new = room.enter("me", clean=False, session_expiry=100)
    assert new.connack.session_present  # type: ignore[attr-defined]
    assert old.read_one() == Disconnect(Reason.SESSION_TAKEN_OVER)
    assert old.link.ended
    room.enter("source").send(Publish("a", b"x"))
    assert payloads(new) == [b"x"]
    fresh = room.enter("me")
    assert not fresh.connack.session_present  # type: ignore[attr-defined]
    room.enter("source").send(Publish("a", b"y"))
    assert payloads(fresh) == []


def test_nobody_resumes_the_session_of_another_account() -> None:
    room = Room()
    old = room.enter("me", clean=False, session_expiry=100)
    old.send(Subscribe(1, [Filter("secret", 1)]))
    old.lose()
    room.enter("source").send(Publish("secret", b"x", 1, packet_id=1))
    thief = room.enter("me", identity=BOB, clean=False, session_expiry=100)
    assert not thief.connack.session_present  # type: ignore[attr-defined]
    assert thief.read() == []


def test_a_session_ends_when_its_time_is_over() -> None:
    room = Room()
    room.enter("me", clean=False, session_expiry=10).lose()
    room.wait(9)
    assert "me" in room.broker.sessions
    room.wait(2)
    assert "me" not in room.broker.sessions
    room.enter("clean").lose()
    assert "clean" not in room.broker.sessions


def test_a_session_that_was_to_end_cannot_be_kept_at_the_last_moment() -> None:
    end = Room().enter("me")
    end.send(Disconnect(0, {Prop.SESSION_EXPIRY: 5}))
    assert end.read_one() == Disconnect(Reason.PROTOCOL_ERROR)


WILL = mqtt.Will("will", b"gone", 1)


def test_a_will_is_published_unless_the_client_says_good_bye() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    room.enter("a", will=WILL).lose()
    assert payloads(watcher) == [b"gone"]
    room.enter("b", will=WILL).send(Disconnect())
    assert payloads(watcher) == []
    room.enter("c", will=WILL).send(Disconnect(Reason.DISCONNECT_WITH_WILL))
    assert payloads(watcher) == [b"gone"]
    room.enter("d", V311, will=WILL).send_bytes(b"\xff\0")
    assert payloads(watcher) == [b"gone"]


def test_a_delayed_will_waits_for_the_client_or_the_end_of_its_session() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    delayed = mqtt.Will("will", b"gone", properties={Prop.WILL_DELAY: 10})
    room.enter("a", will=delayed, clean=False, session_expiry=100).lose()
    room.wait(9)
    assert payloads(watcher) == []
    room.wait(2)
    assert payloads(watcher) == [b"gone"]
    room.enter("b", will=delayed, clean=False, session_expiry=100).lose()
    room.enter("b", clean=False, session_expiry=100)
    room.wait(20)
    assert payloads(watcher) == []
    room.enter("c", will=delayed, clean=False, session_expiry=3).lose()
    room.wait(4)
    assert payloads(watcher) == [b"gone"]


def test_keepalive_times_out_at_one_and_a_half() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    end = room.enter("me", keepalive=10, will=WILL)
    room.wait(14)
    end.send(mqtt.Pingreq())
    assert end.read_one() == mqtt.Pingresp()
    room.wait(14)
    assert not end.link.ended
    room.wait(2)
    assert end.read_one() == Disconnect(Reason.KEEP_ALIVE_TIMEOUT)
    assert payloads(watcher) == [b"gone"]


def test_a_connection_without_connect_is_closed_after_the_idle_timeout() -> None:
    room = Room()
    silent, slow = End(room.broker, room.clock), End(room.broker, room.clock)
    slow.send_bytes(b"\x10\x20\0\4MQ")
    room.wait(14)
    slow.send_bytes(b"T")
    assert not silent.link.ended
    room.wait(2)
    assert silent.link.ended
    assert slow.link.ended
    assert room.broker.links == set()


def test_what_comes_while_the_client_is_being_asked_for_is_kept_in_order() -> None:
    room = Room()
    sink = room.subscriber("sink", "a", 1)
    end = room.knock("me")
    end.send(Publish("a", b"1"))
    end.send(Publish("a", b"2"), Subscribe(3, [Filter("b", 0)]))
    assert end.read() == []
    assert payloads(sink) == []
    end.link.accept(ALICE, room.clock.now)
    kinds = [type(packet).__name__ for packet in end.read()]
    assert kinds == ["Connack", "Suback"]
    assert payloads(sink) == [b"1", b"2"]


def test_a_refused_client_is_told_in_its_own_words() -> None:
    room = Room()
    end = room.knock("me")
    end.link.refuse(Reason.BAD_CREDENTIALS, room.clock.now)
    assert end.read_one() == mqtt.Connack(False, Reason.BAD_CREDENTIALS)
    old = room.knock("me", V311)
    old.link.refuse(Reason.NOT_AUTHORIZED, room.clock.now)
    assert old.read_one() == mqtt.Connack(False, 5)
    assert old.link.ended


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (mqtt.encode(mqtt.Connect(V311, "", clean_start=False), V311), b"\x20\2\0\2"),
        (mqtt.encode(mqtt.Connect(3, "", clean_start=True), 3), b"\x20\2\0\2"),
        (b"\x10\x0c\0\4MQTT\x09\2\0\0\0\0", b"\x20\2\0\1"),
        (b"\x10\x0d\0\4MQTT\5\3\0\0\0\0\0", b"\x20\3\0\x81\0"),
        (b"\x10\x0c\0\4MQTT\4\3\0\0\0\0", b""),
        (b"GET / HTTP/1.1\r\n", b""),
        (b"\xc0\0", b""),
        (b"\x30\x03\0\1a", b""),
    ],
    ids=["no id 3.1.1", "no id 3.1", "level 9", "malformed 5", "malformed 3.1.1", "http", "ping", "publish"],
)
def test_what_is_no_good_connect_ends_the_connection(data: bytes, answer: bytes) -> None:
    room = Room()
    end = End(room.broker, room.clock)
    end.send_bytes(data)
    assert end.link.ended
    assert end.link.take_output() == answer


def test_an_assigned_client_identifier_is_told() -> None:
    room = Room()
    end = room.enter("")
    name = end.connack.properties[Prop.ASSIGNED_CLIENT_ID]  # type: ignore[attr-defined]
    assert room.broker.sessions[name].link is end.link
    assert len(name) == 16


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (mqtt.Connect(V5, "again"), Reason.PROTOCOL_ERROR),
        (mqtt.Pingresp(), Reason.PROTOCOL_ERROR),
        (mqtt.Auth(Reason.REAUTHENTICATE), Reason.PROTOCOL_ERROR),
        (Publish("a/+", b""), Reason.TOPIC_NAME_INVALID),
        (Publish("", b""), Reason.PROTOCOL_ERROR),
        (Publish("a/" * 200, b""), Reason.TOPIC_NAME_INVALID),
        (Publish("a", b"", properties={Prop.SUBSCRIPTION_ID: [1]}), Reason.PROTOCOL_ERROR),
        (Publish("a", b"", properties={Prop.RESPONSE_TOPIC: "a/#"}), Reason.PROTOCOL_ERROR),
        (Subscribe(1, [Filter("a/#/b")]), Reason.TOPIC_FILTER_INVALID),
        (Subscribe(1, [Filter("")]), Reason.TOPIC_FILTER_INVALID),
        (mqtt.Unsubscribe(1, ["a#"]), Reason.TOPIC_FILTER_INVALID),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, Reason) else value.name,
)
def test_what_ends_a_connection(packet: Packet, reason: Reason) -> None:
    end = Room().enter("me")
    end.send(packet)
    assert end.read() == [Disconnect(reason)]
    assert end.link.ended
    old = Room().enter("me", V311)
    if not isinstance(packet, mqtt.Auth) and not getattr(packet, "properties", None):
        old.send(packet)
        assert old.read() == []
        assert old.link.ended


def test_a_packet_larger_than_allowed_is_refused_while_it_is_being_read() -> None:
    end = Room().enter("me")
    end.send_bytes(b"\x30\xff\xff\xff\x7f\0\1a")
    assert end.read() == [Disconnect(Reason.PACKET_TOO_LARGE)]


def test_large_packets_in_small_pieces_cost_no_more_than_their_size() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a"), room.enter("source")
    data = mqtt.encode(Publish("a", b"x" * 1_000_000), V5)
    for at in range(0, len(data), 1000):
        source.send_bytes(data[at : at + 1000])
    assert payloads(sink) == [b"x" * 1_000_000]
    assert not source.link.rest


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
@pytest.mark.parametrize("qos", [0, 1])
def test_a_message_like_the_last_one_still_goes_where_it_should(version: int, qos: int) -> None:
    rules = Rules()
    room = Room(Broker(rules))
    sink, late, source = room.enter("sink", version), room.enter("late", V5), room.enter("source", version)
    sink.send(Subscribe(1, [Filter("secret/a", 1)]))
    sink.read()

    def say(payload: bytes) -> tuple[list[bytes], list[bytes]]:
        source.send(Publish("secret/a", payload, qos, packet_id=qos))
        source.read()
        return payloads(sink), payloads(late)

    for payload in (b"1", b"2", b"3", b"4"):
        assert say(payload) == ([payload], [])
    late.send(Subscribe(1, [Filter("secret/+", 0)]))
    late.read()
    assert say(b"5") == say(b"5") == ([b"5"], [b"5"])
    sink.send(mqtt.Unsubscribe(2, ["secret/a"]))
    sink.read()
    assert say(b"6") == say(b"6") == ([], [b"6"])
    rules.readers.clear()
    room.broker.forget_routes()
    assert say(b"7") == say(b"7") == ([], [])


@pytest.mark.parametrize("version", [V311, V5])
def test_what_follows_a_message_in_the_same_chunk_is_not_taken_for_a_part_of_it(version: int) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a", version=version), room.enter("source", version)
    for payload in (b"1", b"2", b"3"):
        source.send(Publish("a", payload), mqtt.Pingreq())
        assert source.read() == [mqtt.Pingresp()]
        assert payloads(sink) == [payload]


class Rules(OpenGate):
    """`secret/…` is for account 1 only; nobody publishes to `locked`; `box` is taken."""

    def __init__(self) -> None:
        self.readers = {1}

    def judge(self, client: Client, wish: Wish) -> Verdict:
        return Verdict.DENY if wish.topic == "locked" else Verdict.ALLOW

    def may_receive(self, identity: Identity, topic: str) -> bool:
        return not topic.startswith("secret/") or identity.account_id in self.readers

    def takes(self, topic: str) -> bool:
        return topic == "box"


def test_the_gate_is_asked_and_its_changes_take_effect() -> None:
    rules = Rules()
    room = Room(Broker(rules))
    alice, bob = room.enter("alice"), room.enter("bob", identity=BOB)
    for end in (alice, bob):
        end.send(Subscribe(1, [Filter("#", 1), Filter("locked", 0), Filter("$share/g/locked", 0)]))
        assert end.read_one() == Suback(1, [1, Reason.NOT_AUTHORIZED, Reason.NOT_AUTHORIZED])
    source = room.enter("source")
    source.send(Publish("secret/x", b"1"), Publish("secret/x", b"2", 1, True, packet_id=1))
    assert (payloads(alice), payloads(bob)) == ([b"1", b"2"], [])
    bob.send(Subscribe(2, [Filter("secret/+", 1)]))
    assert bob.read_one() == Suback(2, [1])
    rules.readers.add(2)
    room.broker.forget_routes()
    source.send(Publish("secret/x", b"3"))
    assert (payloads(alice), payloads(bob)) == ([b"3"], [b"3", b"3"])
    source.read()
    source.send(
        Publish("locked", b"", 0), Publish("locked", b"", 1, packet_id=2), Publish("locked", b"", 2, packet_id=3)
    )
    assert source.read() == [
        Ack(Kind.PUBACK, 2, Reason.NOT_AUTHORIZED),
        Ack(Kind.PUBREC, 3, Reason.NOT_AUTHORIZED),
    ]
    assert not source.link.session.awaiting  # type: ignore[union-attr]


def test_retained_messages_obey_the_gate_too() -> None:
    room = Room(Broker(Rules()))
    room.enter("source").send(Publish("secret/x", b"1", 0, True), Publish("open", b"2", 0, True))
    bob = room.enter("bob", identity=BOB)
    bob.send(Subscribe(1, [Filter("#", 1)]))
    assert [packet.topic for packet in bob.read() if isinstance(packet, Publish)] == ["open"]


def test_what_the_community_takes_is_not_routed_and_keeps_its_place() -> None:
    room = Room(Broker(Rules()))
    sink, source = room.subscriber("sink", "#"), room.enter("source")
    source.send(Publish("a", b"1"), Publish("box", b"post", 1, packet_id=7), Publish("a", b"2", 1, packet_id=8))
    assert payloads(sink) == [b"1"]
    assert source.read() == []
    assert source.link.waiting is not None
    source.link.taken(Reason.QUOTA_EXCEEDED, room.clock.now)
    assert source.read() == [Ack(Kind.PUBACK, 7, Reason.QUOTA_EXCEEDED), Ack(Kind.PUBACK, 8)]
    assert payloads(sink) == [b"2"]


@pytest.mark.parametrize(("code", "taken_again"), [(Reason.UNSPECIFIED_ERROR, True), (0, False)])
@pytest.mark.parametrize("version", [4, 5])
def test_a_post_whose_author_left_is_taken_once(version: int, code: int, taken_again: bool) -> None:
    room = Room(Broker(Rules()))
    post = Publish("box", b"post", 2, packet_id=7)
    kept: dict[str, Any] = {"session_expiry": 100} if version == V5 else {}
    first = room.enter("source", version, clean=False, **kept)
    first.send(post)
    first.lose()
    first.link.taken(code, room.clock.now)
    second = room.enter("source", version, clean=False, **kept)
    second.send(Publish("box", b"post", 2, dup=True, packet_id=7))
    assert (second.link.waiting is not None) is taken_again
    if taken_again:
        second.link.taken(0, room.clock.now)
    assert second.read() == [Ack(Kind.PUBREC, 7)]


def test_ending_all_of_an_account() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    watcher.link.session.identity = BOB  # type: ignore[union-attr]
    live = room.enter("live", will=WILL)
    room.enter("absent", clean=False, session_expiry=100).lose()
    assert room.broker.end_sessions(1, room.clock.now) == 2
    assert live.read_one() == Disconnect(Reason.ADMINISTRATIVE_ACTION)
    assert list(room.broker.sessions) == ["watcher"]
    assert watcher.read() == []


def test_kicking_publishes_the_will() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    end = room.enter("me", will=WILL, clean=False, session_expiry=100)
    assert room.broker.kick("me", room.clock.now)
    assert not room.broker.kick("me", room.clock.now)
    assert end.read_one() == Disconnect(Reason.ADMINISTRATIVE_ACTION)
    assert payloads(watcher) == [b"gone"]


def test_stopping_says_so_and_keeps_sessions() -> None:
    room = Room()
    end, old, strange = (
        room.enter("a", clean=False, session_expiry=9),
        room.enter("b", V311),
        End(room.broker, room.clock),
    )
    room.broker.stop(START)
    assert end.read_one() == Disconnect(Reason.SHUTTING_DOWN)
    assert old.read() == []
    assert old.link.ended
    assert strange.link.ended
    assert list(room.broker.sessions) == ["a"]
