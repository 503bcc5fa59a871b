"""What the broker tells: of deliveries and what becomes of them, of connections and sessions and why they end."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain.broker import Broker, Delivery, Identity, Limits, Message, OpenGate, Session
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Disconnect, Filter, Kind, Publish, Reason, Subscribe

from .ends import ALICE, End, Room


class Heard:
    """Everything a broker tells about deliveries, as words."""

    def __init__(self, broker: Broker) -> None:
        self.words: list[tuple[Any, ...]] = []
        happenings = broker.happenings
        happenings.unrouted.append(lambda message, reason, now: self._add("unrouted", message.payload, reason))
        happenings.delivered.append(lambda session, one, now: self._add("delivered", *self._of(session, one)))
        happenings.acked.append(lambda session, one, now: self._add("acked", *self._of(session, one)))
        happenings.dropped.append(lambda session, one, why, now: self._add("dropped", *self._of(session, one), why))
        broker.forget_routes()

    def _add(self, *words: Any) -> None:
        self.words.append(words)

    @staticmethod
    def _of(session: Session, delivery: Delivery) -> tuple[str, bytes]:
        return session.client_id, delivery.message.payload

    def take(self) -> list[tuple[Any, ...]]:
        words, self.words = self.words, []
        return words


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_each_delivery_is_told_of_and_its_acknowledgement(qos: int) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a", qos), room.enter("source")
    # Before anybody hears: the topic is remembered, and messages go the fast way.
    source.send(*[Publish("a", b"%d" % n, qos, packet_id=qos and n) for n in (1, 2)])
    for packet in sink.read():
        assert isinstance(packet, Publish)
        sink.send(Ack(Kind.PUBACK if qos == 1 else Kind.PUBREC, packet.packet_id)) if qos else None
    heard = Heard(room.broker)
    source.send(*[Publish("a", b"%d" % n, qos, packet_id=qos and n) for n in (3, 4)])
    assert heard.take() == [("delivered", "sink", b"3"), ("delivered", "sink", b"4")]
    packets = [packet for packet in sink.read() if isinstance(packet, Publish)]
    if not qos:
        return
    kinds = (Kind.PUBACK,) if qos == 1 else (Kind.PUBREC, Kind.PUBCOMP)
    sink.send(*[Ack(kind, packet.packet_id) for packet in packets for kind in kinds])
    assert heard.take() == [("acked", "sink", b"3"), ("acked", "sink", b"4")]


def test_why_deliveries_are_dropped() -> None:
    room = Room(Broker(limits=Limits(max_mqueue_len=1, mqueue_store_qos0=False)))
    heard = Heard(room.broker)
    source = room.enter("source")
    away = room.enter("away", clean=False, session_expiry=100)
    away.send(Subscribe(1, [Filter("a", 1)]))
    small = room.enter("small", maximum_packet_size=50)
    small.send(Subscribe(1, [Filter("b", 1)]))
    own = room.subscriber("own", "c", 1, no_local=True)
    away.lose()
    source.send(*[Publish("a", b"%d" % n, 1, packet_id=n) for n in (1, 2)], Publish("a", b"q0"))
    assert heard.take() == [("dropped", "away", b"1", "queue_full"), ("dropped", "away", b"q0", "qos0_msg")]
    source.send(Publish("b", b"x" * 100, 1, packet_id=3))
    assert heard.take() == [("dropped", "small", b"x" * 100, "too_large")]
    own.send(Publish("c", b"mine"))
    assert heard.take() == [("dropped", "own", b"mine", "no_local"), ("unrouted", b"mine", "no_subscribers")]
    source.send(Publish("a", b"3", 1, packet_id=4, properties={mqtt.Prop.MESSAGE_EXPIRY: 5}))
    room.wait(61)
    assert heard.take() == [("dropped", "away", b"2", "queue_full"), ("dropped", "away", b"3", "expired")]
    slow = room.subscriber("slow", "d")
    slow.link.room = 0
    source.send(Publish("d", b"late"))
    assert heard.take() == [("dropped", "slow", b"late", "qos0_msg")]


def test_what_reaches_nobody_is_told_of() -> None:
    room = Room(Broker(limits=Limits(max_awaiting_rel=1)))
    source = room.enter("source")
    source.send(Publish("nobody", b"1"), Publish("nobody", b"2"))
    heard = Heard(room.broker)
    source.send(Publish("nobody", b"3"), Publish("nobody", b"4"))
    assert heard.take() == [("unrouted", b"3", "no_subscribers"), ("unrouted", b"4", "no_subscribers")]
    source.send(Publish("nobody", b"5", 2, packet_id=1), Publish("nobody", b"6", 2, packet_id=2))
    assert heard.take()[1:] == [("unrouted", b"6", "receive_maximum_exceeded")]


def ended(room: Room) -> list[tuple[str, ...]]:
    """Why connections and sessions end, as it is told from now on."""
    words: list[tuple[str, ...]] = []
    happenings = room.broker.happenings
    happenings.disconnected.append(lambda session, link, why, now: words.append((session.client_id, why)))
    happenings.ended.append(lambda session, why, now: words.append((session.client_id, "session", why)))
    return words


def test_the_words_for_the_end_of_a_connection() -> None:
    room = Room()
    words = ended(room)

    def fresh(name: str) -> End:
        words.clear()
        return room.enter(name, keepalive=10)

    fresh("a").send(Disconnect())
    assert words == [("a", "normal"), ("a", "session", "terminated")]
    fresh("a").send(Disconnect(Reason.DISCONNECT_WITH_WILL))
    assert words[0] == ("a", "normal")
    fresh("a").send(Disconnect(Reason.IMPLEMENTATION_ERROR))
    assert words[0] == ("a", "internal_error")
    fresh("a").lose()
    assert words == [("a", "tcp_closed"), ("a", "session", "terminated")]
    fresh("a")
    room.broker.kick("a", room.clock.now)
    assert words == [("a", "kicked"), ("a", "session", "terminated")]
    fresh("a")
    room.wait(16)
    assert words[0] == ("a", "keepalive_timeout")
    fresh("a").link.client.expires_at = room.clock.now + 5
    room.wait(6)
    assert words[0] == ("a", "not_authorized")
    fresh("a").send_bytes(b"\x10\x00")
    assert words[0] == ("a", "malformed_packet")
    assert room.broker.count["session.terminated"] == 8


def test_the_words_for_a_takeover() -> None:
    room = Room()
    words = ended(room)
    room.enter("a", clean=False, session_expiry=100)
    room.enter("a", clean=False, session_expiry=100)
    assert words == [("a", "takenover")]
    words.clear()
    room.enter("a")
    assert words == [("a", "discarded"), ("a", "session", "discarded")]


def test_a_will_is_told_of_with_its_client() -> None:
    room = Room()
    found: list[tuple[Message, str]] = []
    room.broker.happenings.published.append(
        lambda message, client, now: found.append((message, client.client_id if client else ""))
    )
    room.broker.happenings.watchers.append(lambda topic: True)
    room.enter("a", identity=ALICE, will=mqtt.Will("gone", b"x")).lose()
    assert [(message.topic, client) for message, client in found] == [("gone", "a")]
    room.broker.publish(Message("b", b""), room.clock.now)
    assert found[1][1] == ""


class Chosen(OpenGate):
    """Keeps some topics from everybody."""

    def __init__(self) -> None:
        self.secret: set[str] = set()

    def may_receive(self, identity: Identity, topic: str) -> bool:
        return topic not in self.secret


def test_what_waits_is_not_delivered_to_whom_it_is_kept_from_meanwhile() -> None:
    gate = Chosen()
    room = Room(Broker(gate, Limits(max_inflight=1)))
    heard = Heard(room.broker)
    away = room.enter("away", clean=False, session_expiry=100)
    away.send(Subscribe(1, [Filter("#", 1)]))
    away.read()
    source = room.enter("source")
    source.send(*[Publish(topic, topic.encode(), 1, packet_id=1) for topic in ("a", "b", "a")])
    away.lose()
    source.send(*[Publish(topic, topic.encode(), 1, packet_id=1) for topic in ("b", "a")])
    gate.secret.add("a")
    heard.take()
    again = room.knock("away", clean=False, session_expiry=100)
    again.link.accept(ALICE, room.clock.now)
    assert [word[0] for word in heard.take()] == ["dropped", "dropped", "dropped", "delivered"]
    # While it is connected and its window is full:
    gate.secret.add("b")
    room.broker.forget_routes()
    assert heard.take() == [("dropped", "away", b"b", "not_authorized")]
    (packet,) = [each for each in again.read() if isinstance(each, Publish)]
    again.send(Ack(Kind.PUBACK, packet.packet_id))
    assert again.read() == []


def test_the_receivers_of_a_watched_topic_are_looked_for_once() -> None:
    room = Room()
    room.subscriber("sink", "a/+")
    room.broker.happenings.watchers.append(lambda topic: topic == "a/x")
    room.broker.forget_routes()
    routes = room.broker.routes
    first = routes.route("a/x")
    assert routes.route("a/x") is first and routes.route("a/x") is first
    assert b"a/x" not in routes.cache
    room.subscriber("other", "a/#")
    assert {each.client_id for each in routes.route("a/x").subscriptions} == {"sink", "other"}
    room.broker.happenings.watchers.pop()
    room.broker.forget_routes()
    assert routes.route("a/x") is routes.route("a/x")
    assert b"a/x" in routes.cache
