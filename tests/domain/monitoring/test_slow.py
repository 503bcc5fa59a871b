"""Slow subscriptions: what each kind measures, and what is forgotten."""

from __future__ import annotations

import pytest

from folkmoot.domain.monitoring import SlowSettings, SlowSubscriptions
from folkmoot.wire import mqtt
from tests.domain.broker.ends import End, Room


def publish(source: End, topic: str, qos: int) -> None:
    source.send(mqtt.Publish(topic, b"x", qos, packet_id=1 if qos else 0))


def acknowledge(ear: End) -> None:
    for packet in ear.read():
        if isinstance(packet, mqtt.Publish) and packet.qos:
            ear.send(mqtt.Ack(mqtt.Kind.PUBACK, packet.packet_id))


def found(slow: SlowSubscriptions, room: Room) -> list[tuple[str, str, float]]:
    return [(one.client_id, one.topic, round(one.seconds, 3)) for one in slow.list(room.clock.now)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # Two seconds away, then one until the acknowledgement.
        ("whole", [("ear", "t", 3.0)]),
        ("internal", [("ear", "t", 2.0)]),
        ("response", [("ear", "t", 1.0)]),
    ],
)
def test_each_kind_measures_its_part_of_the_way(kind: str, expected: list[tuple[str, str, float]]) -> None:
    room = Room()
    slow = SlowSubscriptions(room.broker)
    slow.set(SlowSettings(enable=True, stats_type=kind))  # type: ignore[arg-type]
    ear = room.enter("ear", session_expiry=100)
    ear.send(mqtt.Subscribe(1, [mqtt.Filter("t", 1)]))
    ear.lose()
    source = room.enter("source")
    publish(source, "t", 1)
    room.clock.now += 2
    back = room.knock("ear", 5, False, session_expiry=100)
    back.link.accept(room.broker.sessions["ear"].identity, room.clock.now)
    packets = back.read()
    room.clock.now += 1
    for packet in packets:
        if isinstance(packet, mqtt.Publish):
            back.send(mqtt.Ack(mqtt.Kind.PUBACK, packet.packet_id))
    assert found(slow, room) == expected


def test_the_slowest_are_kept_and_forgotten_in_time() -> None:
    room = Room()
    slow = SlowSubscriptions(room.broker)
    slow.set(SlowSettings(enable=True, top_k_num=2, expire_interval=60))
    ear, source = room.subscriber("ear", "#", 1), room.enter("source")
    for at in range(8):
        publish(source, f"t/{at}", 1)
        room.clock.now += at
        acknowledge(ear)
    assert found(slow, room) == [("ear", "t/7", 7.0), ("ear", "t/6", 6.0)]
    assert len(slow._slowest) <= 4
    publish(source, "t/0", 0)
    room.clock.now += 55
    assert found(slow, room) == [("ear", "t/7", 7.0)]
    room.clock.now += 60
    assert found(slow, room) == []


def test_while_it_is_off_messages_take_the_short_way() -> None:
    room = Room()
    slow = SlowSubscriptions(room.broker)
    ear, source = room.subscriber("ear", "t", 1), room.enter("source")

    def is_remembered() -> bool:
        for _ in range(2):
            publish(source, "t", 1)
            acknowledge(ear)
            source.read()
        return b"t" in room.broker.routes.cache

    assert is_remembered()
    slow.set(SlowSettings(enable=True))
    assert not is_remembered()
    slow.set(SlowSettings(enable=True, threshold=1.0))
    slow.set(SlowSettings(enable=False))
    assert is_remembered()
