"""Runs of QoS 1 messages: whatever is sent, and in whatever pieces, all is as if each message came alone in the slow way."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from folkmoot.domain.broker import Message
from folkmoot.domain.broker.broker import Broker
from folkmoot.domain.broker.runs import Run, Sent
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Kind, Publish

from .ends import End, Room

TOPIC = "a/b"


def messages(sizes: list[int], first: int = 1) -> list[Publish]:
    return [Publish(TOPIC, bytes([at % 256]) * size, 1, packet_id=at) for at, size in enumerate(sizes, first)]


def warm(source: End) -> None:
    """The topic is known to the hot path afterwards."""
    source.send(*[Publish(TOPIC, b"")] * 3)


def acked(end: End) -> list[int]:
    """Acknowledges what has come; its identifiers."""
    ids = [packet.packet_id for packet in end.read() if isinstance(packet, Publish) and packet.qos]
    end.send(*[Ack(Kind.PUBACK, packet_id) for packet_id in ids])
    return ids


def sent_runs(end: End) -> list[Run]:
    assert end.link.session is not None
    return [entry.run for entry in end.link.session.inflight.values() if isinstance(entry, Sent)]


# --- one by one or together -------------------------------------------------------------------------------------------


class Story:
    """What some clients get of what another one sends, in a broker that may know the fast way or not."""

    def __init__(self, version: int, fast: bool, window: int) -> None:
        self.room = Room()
        if not fast:
            self.room.broker.happenings.watchers.append(lambda topic: True)
        self.room.broker.limits.max_inflight = window
        self.room.broker.limits.shared_subscription_strategy = "round_robin_per_group"
        filters = {"same": "a/+", "other": "#", "qos0": TOPIC, "left": f"$share/g/{TOPIC}", "right": "$share/g/a/b"}
        self.sinks = [
            self.room.subscriber(name, wanted, int(name != "qos0"), 9 - version if name == "other" else version)
            for name, wanted in filters.items()
        ]
        self.source = self.room.enter("source", version)
        warm(self.source)
        self.told: list[Any] = []

    def send(self, data: bytes) -> None:
        self.source.send_bytes(data)
        self.told.append(self.source.read() if not self.source.link.ended else "ended")
        self.told += [sink.read() for sink in self.sinks]

    def ack(self, sink: int, ids: list[int], extra: bytes) -> None:
        self.sinks[sink].send_bytes(b"".join(mqtt.encode(Ack(Kind.PUBACK, one), 4) for one in ids) + extra)
        self.told += [each.read() for each in self.sinks]

    def end(self) -> list[Any]:
        states: list[Any] = []
        for sink in self.sinks:
            session = sink.link.session
            assert session is not None
            flying = {one: (each.message.payload, each.qos, each.share) for one, each in session.on_its_way().items()}
            states.append((flying, [each.message.payload for each in session.queue], session.last_id, sink.link.sent))
            states.append((sink.link.received_acks, sink.link.missed_acks))
        source = self.source.link
        answers = self.room.broker.count["packets.puback.sent"] + source.sent_acks
        return [*self.told, *states, source.received, answers]


FLAWS = ["", "", "dup", "properties", "retain", "qos2", "topic"]


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("window", [3, 32, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_the_fast_way_is_the_slow_way(version: int, window: int, seed: int) -> None:
    chance, number = random.Random(seed), 1
    stories = [Story(version, fast, window) for fast in (True, False)]
    for _ in range(4):
        some = [0, 5, 119, 120, 300] if chance.random() < 0.5 else [chance.randrange(200)]
        packets = messages(chance.choices(some, k=chance.randrange(200)), number)
        number += len(packets)
        frames = [mqtt.encode(packet, version) for packet in packets]
        for place in chance.sample(range(len(packets)), len(packets) // 20):
            frames[place] = flawed(packets[place], chance.choice(FLAWS), version)
        data, cut = b"".join(frames), chance.choice([7, 100, 5000])
        sink = chance.randrange(len(stories[0].sinks))
        for story in stories:
            for begin in range(0, len(data), cut):
                story.send(data[begin : begin + cut])
        session = stories[1].sinks[sink].link.session
        assert session is not None
        ids = [*chance.sample(list(session.inflight), len(session.inflight) // 2), 1, 60001]
        extra = chance.choice([b"", b"@", b"@\2\0", b"\xc0\0"])
        for story in stories:
            story.ack(sink, ids, extra)
            if extra in (b"@", b"@\2\0"):
                story.ack(sink, [], b"@\2\0\1"[len(extra) :])
    fast, slow = (story.end() for story in stories)
    for one, other in zip(fast, slow, strict=True):
        assert one == other


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("place", [0, 5, 15])
def test_the_identifier_zero_ends_the_connection_where_it_stands(place: int, version: int) -> None:
    room = Room()
    sink, source = room.subscriber("sink", TOPIC, 1, version), room.enter("source", version)
    warm(source)
    sink.read()
    frames = [mqtt.encode(packet, version) for packet in messages([9] * 20)]
    frames[place] = flawed(messages([9])[0], "zero", version)
    source.send_bytes(b"".join(frames))
    assert source.link.ended
    assert len(sink.read()) == place


def flawed(packet: Publish, flaw: str, version: int) -> bytes:
    """A packet the fast way may not take."""
    match flaw:
        case "dup":
            packet.dup = True
        case "properties":
            packet.properties = {mqtt.Prop.USER_PROPERTY: [("a", "b")]}
        case "retain":
            packet.retain = True
        case "qos2":
            packet.qos = 2
        case "topic":
            packet.topic = "a/c"
        case "zero":
            packet.packet_id = 0
    return mqtt.encode(packet, version)


# --- what a run is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("sizes", [[9] * 20, [9, 8, 7] * 7, [200] * 9, [200], [5] * 3])
def test_messages_of_one_read_are_one_run(sizes: list[int], version: int) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a/+", 1, version), room.enter("source", version)
    warm(source)
    source.send(*messages(sizes))
    assert [run.count for run in sent_runs(sink)] == [len(sizes)] * len(sizes)
    assert [len(packet.payload) for packet in sink.read() if isinstance(packet, Publish) and packet.qos] == sizes
    assert [packet.packet_id for packet in source.read()] == list(range(1, len(sizes) + 1))  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [10, 1000])
def test_a_run_is_short_so_that_one_message_does_not_keep_many(size: int) -> None:
    room = Room()
    room.broker.limits.max_inflight = 1000
    sink, source = room.subscriber("sink", "#", 1), room.enter("source")
    warm(source)
    source.send(*messages([size] * 500))
    runs = sent_runs(sink)
    assert len(runs) == 500
    assert max(run.count for run in runs) == min(128, 16_384 // (size + 11))


def test_who_came_in_together_shares_the_bytes() -> None:
    room = Room()
    sinks = [room.subscriber(f"sink{number}", TOPIC, 1) for number in range(3)]
    source = room.enter("source")
    warm(source)
    sinks[2].read()
    room.broker.sessions["sink2"].last_id = 7
    source.send(*messages([5] * 10))
    assert sinks[0].link.out[-1] is sinks[1].link.out[-1]
    assert acked(sinks[2]) == list(range(8, 18))
    assert acked(sinks[0]) == acked(sinks[1]) == list(range(1, 11))


@pytest.mark.parametrize("taken", [[], [0xFFFF], [3]])
def test_identifiers_go_round_and_pass_those_in_use(taken: list[int]) -> None:
    room = Room()
    room.broker.limits.max_inflight = 1000
    sink, source = room.subscriber("sink", TOPIC, 1), room.enter("source")
    warm(source)
    session = room.broker.sessions["sink"]
    for packet_id in taken:
        session.last_id = packet_id - 1
        source.send(Publish(TOPIC, b"x", 1, packet_id=1))
    session.last_id = 0xFFFC
    sink.read()
    source.send(*messages([5] * 10))
    wanted = [one for one in (0xFFFD, 0xFFFE, 0xFFFF, *range(1, 20)) if one not in taken][:10]
    assert acked(sink) == wanted


def test_what_is_on_its_way_comes_again_in_order() -> None:
    room = Room()
    sink, source = room.enter("sink", session_expiry=60), room.enter("source")
    sink.send(mqtt.Subscribe(1, [mqtt.Filter(TOPIC, 1)]))
    warm(source)
    source.send(*messages([4] * 10))
    sink.read()
    sink.send(*[Ack(Kind.PUBACK, packet_id) for packet_id in (1, 2, 5)])
    sink.lose()
    again = room.knock("sink", clean=False, session_expiry=60)
    again.link.accept(sink.link.identity, room.clock.now)
    _, *packets = again.read()
    assert [(one.packet_id, one.payload, one.dup) for one in packets if isinstance(one, Publish)] == [
        (number, bytes([number]) * 4, True) for number in (3, 4, 6, 7, 8, 9, 10)
    ]


def test_of_a_member_that_leaves_the_others_get_what_it_owes() -> None:
    room = Room()
    room.broker.limits.shared_subscription_strategy = "round_robin_per_group"
    ends = [room.subscriber(f"member{number}", f"$share/g/{TOPIC}", 1) for number in range(2)]
    source = room.enter("source")
    warm(source)
    source.send(*messages([4] * 10))
    owed = [one.payload for one in ends[0].read() if isinstance(one, Publish) and one.qos]
    assert len(owed) == 5
    ends[1].read()
    ends[0].lose()
    assert [one.payload for one in ends[1].read() if isinstance(one, Publish)] == owed


@pytest.mark.parametrize("named", ["from_client", "from_name", "topic", "qos", "published_at"])
def test_a_message_of_a_run_says_where_it_came_from(named: str) -> None:
    def ask(prepare: Callable[[Broker], None]) -> Message:
        room = Room()
        prepare(room.broker)
        room.subscriber("sink", TOPIC, 1)
        source = room.enter("source")
        warm(source)
        source.send(*messages([4] * 10))
        return room.broker.sessions["sink"].on_its_way()[3].message

    fast = ask(lambda broker: None)
    slow = ask(lambda broker: broker.happenings.watchers.append(lambda topic: True))
    assert getattr(fast, named) == getattr(slow, named)
