"""Chapters 3.4 to 3.7 and 4.3 to 4.6: QoS 0, 1 and 2 both ways, sending again, order."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from folkmoot.domain.broker import Broker, Limits
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Kind, Publish, Reason

from ..domain.broker.ends import End, Room
from . import V5, states
from .speaking import back, bye, complete, messages, payloads, stays, subscribe


def started(version: int, qos: int, count: int = 1) -> tuple[Room, End, list[Publish]]:
    """A client in a session that stays, and the messages that are on their way to it."""
    room = Room()
    sink = stays(room, "sink", version)
    subscribe(sink, "a", qos=qos)
    room.enter("source", version).send(
        *[Publish("a", b"%d" % number, qos, packet_id=number) for number in range(1, count + 1)]
    )
    return room, sink, messages(sink)


# --- from us ----------------------------------------------------------------------------------------------------------


@states(v5="MQTT-4.3.1-1", v3="MQTT-4.3.1-1")
def test_quality_0_is_sent_once_without_dup(version: int) -> None:
    room = Room()
    sink = stays(room, "sink", version)
    subscribe(sink, "a", qos=2)
    room.enter("source", version).send(Publish("a", b"x"))
    assert sink.read() == [Publish("a", b"x")]
    sink.lose()
    assert back(room, "sink", version)[1] == []


@states(v5="MQTT-4.3.2-2 MQTT-4.3.2-3 MQTT-4.4.0-1", v3="MQTT-4.3.2-1 MQTT-4.4.0-1")
def test_quality_1_is_unacknowledged_until_puback(version: int) -> None:
    room, sink, sent = started(version, 1)
    assert sent == [Publish("a", b"1", 1, packet_id=1)]
    for _ in range(3):
        # Nothing else acknowledges it.
        for kind in (Kind.PUBREC, Kind.PUBCOMP):
            sink.send(Ack(kind, 1))
        sink.send(Ack(Kind.PUBACK, 2))
        sink.read()
        sink.lose()
        sink, again = back(room, "sink", version)
        assert again == [replace(sent[0], dup=True)]
    sink.send(Ack(Kind.PUBACK, 1))
    sink.lose()
    assert back(room, "sink", version)[1] == []


@states(
    v5="MQTT-4.3.3-2 MQTT-4.3.3-3 MQTT-4.3.3-4 MQTT-4.3.3-5 MQTT-4.3.3-6 MQTT-4.4.0-1",
    v3="MQTT-4.3.3-1 MQTT-4.4.0-1",
)
def test_quality_2_is_unacknowledged_until_pubrec_and_then_until_pubcomp(version: int) -> None:
    room, sink, sent = started(version, 2)
    assert sent == [Publish("a", b"1", 2, packet_id=1)]
    sink.send(Ack(Kind.PUBACK, 1))
    sink.lose()
    sink, again = back(room, "sink", version)
    assert again == [replace(sent[0], dup=True)]
    # PUBREC again is answered again.
    for _ in range(2):
        sink.send(Ack(Kind.PUBREC, 1))
        assert sink.read() == [Ack(Kind.PUBREL, 1)]
    for _ in range(2):
        sink.lose()
        sink, again = back(room, "sink", version)
        assert again == [Ack(Kind.PUBREL, 1)]
    sink.send(Ack(Kind.PUBCOMP, 1))
    sink.lose()
    assert back(room, "sink", version)[1] == []


@states(v5="MQTT-4.4.0-1", v3="MQTT-4.4.0-1")
@pytest.mark.parametrize("qos", [1, 2])
def test_nothing_is_sent_again_while_connected(version: int, qos: int) -> None:
    room, sink, _ = started(version, qos)
    if version == V5:
        # Whatever the operator has set for MQTT 3.
        room.broker.limits.retry_interval = 1.0
    for _ in range(10):
        room.wait(60)
    sink.send(mqtt.Pingreq())
    assert sink.read() == [mqtt.Pingresp()]


@states(v5="MQTT-4.4.0-2 MQTT-4.3.3-4 MQTT-3.3.4-9")
@pytest.mark.parametrize(("qos", "kind"), [(1, Kind.PUBACK), (2, Kind.PUBREC)])
@pytest.mark.parametrize("code", [0x80, 0x83, 0x87, 0x97, 0x99])
def test_what_the_client_refuses_is_not_sent_again(qos: int, kind: Kind, code: int) -> None:
    room, sink, _ = started(V5, qos)
    sink.send(Ack(kind, 1, code))
    # No PUBREL for it either.
    assert sink.read() == []
    sink.lose()
    assert back(room, "sink", V5)[1] == []


@states(v5="MQTT-4.4.0-1 MQTT-4.3.3-6", v3="MQTT-4.4.0-1 MQTT-4.6.0-1")
def test_everything_is_sent_again_in_order(version: int) -> None:
    room, sink, sent = started(version, 2, 6)
    for packet_id in (1, 2):
        sink.send(Ack(Kind.PUBREC, packet_id))
    sink.read()
    complete(sink, 4, 2)
    sink.lose()
    sink, again = back(room, "sink", version)
    rest = [replace(one, dup=True) for one in sent if one.packet_id in (3, 5, 6)]
    assert again == [Ack(Kind.PUBREL, 1), Ack(Kind.PUBREL, 2), *rest]
    # And everything ends.
    for packet_id in (1, 2):
        sink.send(Ack(Kind.PUBCOMP, packet_id))
    for packet_id in (3, 5, 6):
        complete(sink, packet_id, 2)
    assert not room.broker.sessions["sink"].inflight


@states(v3="MQTT-4.6.0-4", v5="MQTT-4.3.3-4")
def test_pubrel_comes_in_the_order_of_pubrec(version: int) -> None:
    _, sink, _ = started(version, 2, 4)
    sink.send(*[Ack(Kind.PUBREC, packet_id) for packet_id in (3, 1, 4, 2)])
    assert sink.read() == [Ack(Kind.PUBREL, packet_id) for packet_id in (3, 1, 4, 2)]


# --- to us ------------------------------------------------------------------------------------------------------------


@states(v5="MQTT-4.3.2-4 MQTT-4.3.2-5", v3="MQTT-4.3.2-2")
@pytest.mark.parametrize("dup", [False, True])
def test_after_puback_the_same_identifier_is_a_new_message(version: int, dup: bool) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a", 0, version), room.enter("source", version)
    source.send(Publish("a", b"x", 1, packet_id=1), Publish("a", b"x", 1, dup=dup, packet_id=1))
    assert source.read() == [Ack(Kind.PUBACK, 1)] * 2
    assert payloads(sink) == [b"x"] * 2


@states(v5="MQTT-4.3.3-8 MQTT-4.3.3-10 MQTT-4.3.3-11 MQTT-4.3.3-12", v3="MQTT-4.3.3-2")
@pytest.mark.parametrize("resumes", [False, True])
def test_exactly_once(version: int, resumes: bool) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a", 0, version), stays(room, "source", version)
    for _ in range(2):
        source.send(Publish("a", b"x", 2, packet_id=1))
        assert source.read() == [Ack(Kind.PUBREC, 1)]
        for _ in range(2):
            if resumes:
                source.lose()
                source, rest = back(room, "source", version)
                assert rest == []
            source.send(Publish("a", b"x", 2, dup=True, packet_id=1))
            assert source.read() == [Ack(Kind.PUBREC, 1)]
        source.send(Ack(Kind.PUBREL, 1))
        assert source.read() == [Ack(Kind.PUBCOMP, 1)]
        assert payloads(sink) == [b"x"]
    # A repeated PUBREL is answered as well.
    source.send(Ack(Kind.PUBREL, 1))
    assert source.read() == [Ack(Kind.PUBCOMP, 1, Reason.PACKET_ID_NOT_FOUND if version == V5 else 0)]


@states(v5="MQTT-4.3.3-10 MQTT-4.3.3-9 MQTT-3.5.2-1", v3="MQTT-4.3.3-2")
def test_an_identifier_that_is_used_before_it_is_released(version: int) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a", 0, version), room.enter("source", version)
    source.send(Publish("a", b"1", 2, packet_id=1))
    assert source.read() == [Ack(Kind.PUBREC, 1)]
    # Without DUP: the client does not think that it has sent this before.
    source.send(Publish("a", b"2", 2, packet_id=1))
    assert source.read() == [Ack(Kind.PUBREC, 1, Reason.PACKET_ID_IN_USE if version == V5 else 0)]
    assert payloads(sink) == [b"1"]
    source.send(Publish("a", b"3", 2, packet_id=1))
    assert source.read() == [Ack(Kind.PUBREC, 1)]
    # Only MQTT 5 can tell the client that its identifier is free again.
    assert payloads(sink) == ([b"3"] if version == V5 else [])


@states(v3="MQTT-4.6.0-2 MQTT-4.6.0-3", v5="MQTT-4.3.2-4 MQTT-4.3.3-8")
def test_acknowledgements_come_in_order(version: int) -> None:
    room = Room()
    room.subscriber("sink", "a", 2, version)
    source = room.enter("source", version)
    order = [5, 3, 9, 1, 65_535]
    source.send(*[Publish("ab"[number % 2], b"", 1, packet_id=number) for number in order])
    assert [one.packet_id for one in source.read() if isinstance(one, Ack)] == order
    source.send(*[Publish("ab"[number % 2], b"", 2, packet_id=number) for number in order])
    assert [one.packet_id for one in source.read() if isinstance(one, Ack)] == order


@states(v3="MQTT-4.6.0-2 MQTT-4.6.0-3", v5="MQTT-4.3.2-4")
def test_acknowledgements_come_in_order_though_some_wait_for_a_commit(version: int) -> None:
    room = Room(Broker(durable=True))
    source = room.enter("source", version)
    for number in range(1, 7):
        source.send(Publish("ab"[number % 2], b"x", 1, retain=number % 3 == 0, packet_id=number))
    early = [one.packet_id for one in source.read() if isinstance(one, Ack)]
    assert early == [1, 2]
    ticket, _ = room.broker.ledger.take()
    room.broker.ledger.committed(ticket)
    assert [one.packet_id for one in source.read() if isinstance(one, Ack)] == [3, 4, 5, 6]


# --- codes ------------------------------------------------------------------------------------------------------------


@states(v5="MQTT-3.4.2-1 MQTT-3.5.2-1 MQTT-3.6.2-1 MQTT-3.7.2-1")
def test_codes_of_acknowledgements() -> None:
    room = Room(Broker(limits=Limits(max_awaiting_rel=2)))
    end = room.enter("me")
    subscribe(end, "a", qos=2)
    end.send(
        Publish("a", b"", 1, packet_id=1),
        Publish("b", b"", 1, packet_id=2),
        Publish("b", b"", 2, packet_id=3),
        Publish("b", b"", 2, packet_id=3),
        Ack(Kind.PUBREL, 9),
        Ack(Kind.PUBREC, 9),
        Ack(Kind.PUBREC, 1),
    )
    acks = [one for one in end.read() if isinstance(one, Ack)]
    assert [(one.kind, one.code) for one in acks] == [
        (Kind.PUBACK, 0),
        (Kind.PUBACK, 0x10),
        (Kind.PUBREC, 0x10),
        (Kind.PUBREC, 0x91),
        (Kind.PUBCOMP, 0x92),
        (Kind.PUBREL, 0x92),
        (Kind.PUBREL, 0x92),
    ]


@states(v5="MQTT-3.4.2-1 MQTT-3.5.2-1 MQTT-3.6.2-1 MQTT-3.7.2-1 MQTT-4.13.1-1")
@pytest.mark.parametrize("kind", [Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP])
def test_codes_that_are_not_in_their_tables(kind: Kind) -> None:
    few = {0, 0x92}
    many = {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}
    for code in range(256):
        end = Room().enter("me")
        end.send(Ack(kind, 1, code))
        assert end.link.ended is (code not in (few if kind in (Kind.PUBREL, Kind.PUBCOMP) else many)), code


# --- who gets it, and in which order ----------------------------------------------------------------------------------


@states("MQTT-4.5.0-1", v3="MQTT-3.1.2-5")
@pytest.mark.parametrize("qos", [1, 2])
def test_a_message_goes_into_every_session_with_a_subscription(version: int, qos: int) -> None:
    room = Room()
    names = ["online", "lost", "gone", "full"]
    ends = {name: stays(room, name, version) for name in names}
    for end in ends.values():
        subscribe(end, "a", qos=qos)
    other = room.subscriber("other", "b", qos, version)
    ends["lost"].lose()
    bye(ends["gone"])
    ends["full"].link.room = 0
    source = room.enter("source", version)
    source.send(Publish("a", b"x", qos, packet_id=1))
    kind = Kind.PUBACK if qos == 1 else Kind.PUBREC
    assert source.read() == [Ack(kind, 1)]
    assert payloads(ends["online"]) == [b"x"]
    ends["full"].link.room = 1000
    room.broker.pump(ends["full"].link, room.clock.now)
    assert payloads(ends["full"]) == [b"x"]
    for name in ("lost", "gone"):
        packets = back(room, name, version)[1]
        assert [one.payload for one in packets if isinstance(one, Publish)] == [b"x"]
    assert other.read() == []


@states("MQTT-4.6.0-5 MQTT-4.6.0-6")
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("way", ["one by one", "at once", "window", "queued", "many topics"])
def test_messages_keep_their_order(version: int, qos: int, way: str) -> None:
    room = Room(Broker(limits=Limits(max_inflight=3 if way == "window" else 32)))
    sink = stays(room, "sink", version)
    subscribe(sink, "a/+", qos=qos)
    if way == "queued":
        sink.lose()
    source = room.enter("source", version)
    count = 20
    packets = [
        Publish(f"a/{number % 2 if way == 'many topics' else 0}", b"%d" % number, qos, packet_id=number if qos else 0)
        for number in range(1, count + 1)
    ]
    for chunk in [[packet] for packet in packets] if way == "one by one" else [packets]:
        source.send(*chunk)
    if way == "queued":
        sink, arrived = back(room, "sink", version)
    else:
        arrived = sink.read()
    got: list[bytes] = []
    while arrived:
        for message in arrived:
            assert isinstance(message, Publish)
            got.append(message.payload)
        following: list[mqtt.Packet] = []
        for message in arrived:
            if qos == 2:
                sink.send(Ack(Kind.PUBREC, message.packet_id))  # type: ignore[union-attr]
                following += [one for one in sink.read() if isinstance(one, Publish)]
            if qos:
                sink.send(Ack(Kind.PUBACK if qos == 1 else Kind.PUBCOMP, message.packet_id))  # type: ignore[union-attr]
                following += sink.read()
        arrived = following
    assert got == [b"%d" % number for number in range(1, count + 1)]


@states("MQTT-4.6.0-5")
def test_what_comes_while_older_messages_wait_does_not_overtake_them(version: int) -> None:
    room = Room(Broker(limits=Limits(max_inflight=2)))
    sink, source = room.subscriber("sink", "a", 1, version), room.enter("source", version)
    got: list[bytes] = []
    for number in range(1, 10):
        source.send(Publish("a", b"%d" % number, 1, packet_id=number))
        arrived = messages(sink)
        got += [one.payload for one in arrived]
        if number % 2:
            sink.send(Ack(Kind.PUBACK, next(iter(room.broker.sessions["sink"].inflight))))
    while room.broker.sessions["sink"].inflight:
        sink.send(Ack(Kind.PUBACK, next(iter(room.broker.sessions["sink"].inflight))))
        got += payloads(sink)
    assert got == [b"%d" % number for number in range(1, 10)]
