"""Chapters 3.8 to 3.11: SUBSCRIBE and UNSUBSCRIBE, and what they are answered."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker import Broker, Client, Limits, OpenGate, Verdict, Wish
from folkmoot.wire.mqtt import Ack, Filter, Kind, Prop, Publish, Reason, Suback, Subscribe, Unsuback, Unsubscribe

from ..domain.broker.ends import Room
from . import V5, states
from .speaking import assert_ended, back, complete, field, frame, messages, none, payloads, stays, subscribe

DELETED, NONE = Reason.SUCCESS, Reason.NO_SUBSCRIPTION_EXISTED


def unsuback(version: int, packet_id: int, *codes: int) -> Unsuback:
    """Only MQTT 5 has codes in it."""
    return Unsuback(packet_id, list(codes) if version == V5 else [])


class _Picky(OpenGate):
    """Nobody may subscribe to what begins with `no`."""

    def judge(self, client: Client, wish: Wish) -> Verdict:
        return Verdict.DENY if wish.topic.startswith("no") else Verdict.ALLOW


@states("MQTT-3.8.4-1 MQTT-3.8.4-2 MQTT-3.8.4-5 MQTT-3.9.3-1 MQTT-3.9.3-2", v5="MQTT-3.8.4-6 MQTT-3.8.4-7")
def test_suback_has_a_code_for_each_filter_in_order(version: int) -> None:
    room = Room(Broker(gate=_Picky(), limits=Limits(max_topic_levels=3, max_subscriptions=4)))
    end = room.enter("me", version)
    filters = [("a", 2), ("no", 0), ("b", 0), ("a/b/c/d", 1), ("c", 1), ("no/2", 2), ("a", 0), ("d", 0), ("e", 0)]
    end.send(Subscribe(77, [Filter(*each) for each in filters]))
    denied, invalid, quota = Reason.NOT_AUTHORIZED, Reason.TOPIC_FILTER_INVALID, Reason.QUOTA_EXCEEDED
    codes: list[int] = [2, denied, 0, invalid, 1, denied, 0, 0, quota]
    if version < V5:
        codes = [code if code < 0x80 else 0x80 for code in codes]
    assert end.read() == [Suback(77, codes)]
    source = room.enter("source", version)
    for topic, expected in (("a", 1), ("no", 0), ("d", 1), ("e", 0)):
        source.send(Publish(topic, b"x"))
        assert len(messages(end)) == expected


@states("MQTT-3.9.3-2", v5="MQTT-3.8.4-7", v3="MQTT-3.8.3-2 MQTT-3.8.4-5")
def test_what_there_is_not_is_refused(version: int) -> None:
    limits = Limits(wildcard_subscription=False, shared_subscription=False)
    end = Room(Broker(limits=limits)).enter("me", version)
    codes = [0, Reason.WILDCARDS_NOT_SUPPORTED, Reason.WILDCARDS_NOT_SUPPORTED, Reason.SHARED_NOT_SUPPORTED]
    if version < V5:
        codes = [0, 0x80, 0x80, 0x80]
    assert subscribe(end, "a", "a/+", "#", "$share/g/a") == [Suback(1, codes)]


@states(v5="MQTT-3.8.3-2 MQTT-4.13.1-1 MQTT-3.10.3-2", v3="MQTT-3.8.3-3 MQTT-3.10.3-2 MQTT-4.8.0-1")
@pytest.mark.parametrize("first", [0x82, 0xA2], ids=["subscribe", "unsubscribe"])
def test_a_request_without_a_filter(version: int, first: int) -> None:
    end = Room().enter("me", version)
    end.send_bytes(frame(first, b"\0\1", none(version)))
    assert_ended(end, Reason.PROTOCOL_ERROR)


@states(v5="MQTT-3.8.3-5 MQTT-4.13.1-1", v3="MQTT-3-8.3-4 MQTT-4.8.0-1")
@pytest.mark.parametrize("options", [0x40, 0x80, 0xC0, 0x41, 0x82, 0x04, 0x08, 0x10, 0x20, 0x30, 0x03])
def test_reserved_options(version: int, options: int) -> None:
    room = Room()
    end = room.enter("me", version)
    end.send_bytes(frame(0x82, b"\0\1", none(version), field(b"first"), b"\0", field(b"a"), bytes((options,))))
    if version == V5 and options in (0x04, 0x08, 0x10, 0x20):
        assert end.read() == [Suback(1, [0, 0])]
        return
    assert_ended(end, Reason.PROTOCOL_ERROR if version == V5 and options in (3, 0x30) else Reason.MALFORMED_PACKET)
    # Nothing of it was done.
    assert room.broker.routes.table.count == 0


@states(v5="MQTT-3.8.3-3")
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_no_local(qos: int) -> None:
    room = Room()
    me, other = stays(room, "me", V5), room.enter("other")
    for end in (me, other):
        end.send(Subscribe(1, [Filter("a", qos, no_local=True)]))
        end.read()
    for end, payload in ((me, b"mine"), (other, b"theirs")):
        for _ in range(2):
            end.send(Publish("a", payload, qos, packet_id=7 if qos else 0))
            end.send(Ack(Kind.PUBREL, 7)) if qos == 2 else None
    assert payloads(me) == [b"theirs"] * 2
    assert payloads(other) == [b"mine"] * 2
    # Nor its own retained message, nor its own will, is its own any more when it comes to another.
    me.send(Subscribe(2, [Filter("a", qos, no_local=False)]))
    me.read()
    me.send(Publish("a", b"mine"))
    assert payloads(me) == [b"mine"]


@states(v5="MQTT-3.8.3-4 MQTT-4.13.1-1")
@pytest.mark.parametrize("topic_filter", ["$share/g/a", "$share/g/#"])
def test_no_local_on_a_shared_subscription(topic_filter: str) -> None:
    room = Room()
    end = room.enter("me")
    end.send(Subscribe(1, [Filter("b"), Filter(topic_filter, no_local=True)]))
    assert_ended(end, Reason.PROTOCOL_ERROR)
    assert room.broker.routes.table.count == 0


@states("MQTT-3.8.4-3", v5="MQTT-3.8.4-4")
@pytest.mark.parametrize("topic_filter", ["a", "+", "#"])
def test_the_same_filter_replaces_the_subscription(version: int, topic_filter: str) -> None:
    room = Room()
    room.enter("keeper", version).send(Publish("a", b"kept", retain=True))
    end, source = room.enter("me", version), room.enter("source", version)
    for number, qos in enumerate((0, 2, 1), 1):
        suback, kept = subscribe(end, topic_filter, qos=qos)
        assert (suback, kept) == (Suback(1, [qos]), Publish("a", b"kept", retain=True))
        source.send(Publish("a", b"x", 2, packet_id=number))
        assert [one.qos for one in messages(end)] == [qos]
    assert room.broker.routes.table.count == 1


@states(v5="MQTT-3.8.4-4")
def test_replacing_loses_nothing() -> None:
    room = Room()
    end = room.enter("me", receive_maximum=1)
    subscribe(end, "a", qos=1)
    source = room.enter("source")
    source.send(*[Publish("a", b"%d" % number, 1, packet_id=number) for number in (1, 2, 3)])
    got = payloads(end)
    subscribe(end, "a", qos=0)
    source.send(Publish("a", b"4", 1, packet_id=4))
    for packet_id in (1, 2, 3):
        complete(end, packet_id, 1)
        got += payloads(end)
    # The last one came under the new subscription, at QoS 0, and need not wait.
    assert got == [b"1", b"4", b"2", b"3"]


@states(v5="MQTT-3.8.4-5", v3="MQTT-3.8.4-4")
def test_many_filters_are_as_many_requests(version: int) -> None:
    room = Room()
    room.enter("keeper", version).send(Publish("a", b"kept", retain=True))
    end = room.enter("me", version)
    end.send(Subscribe(9, [Filter("a", 1), Filter("b", 0), Filter("a", 0), Filter("#", 2)]))
    suback, *kept = end.read()
    assert suback == Suback(9, [1, 0, 0, 2])
    # Twice for `a`, which was asked for twice, and once for `#`.
    assert kept == [Publish("a", b"kept", retain=True)] * 3
    source = room.enter("source", version)
    source.send(Publish("a", b"x", 2, packet_id=1))
    assert sorted(one.qos for one in messages(end)) == [0, 2]
    end.send(Unsubscribe(10, ["a", "c", "#", "a"]))
    assert end.read() == [unsuback(version, 10, DELETED, NONE, DELETED, NONE)]
    source.send(Publish("a", b"x"), Publish("b", b"y"))
    assert payloads(end) == [b"y"]


@states(v5="MQTT-3.8.4-8", v3="MQTT-3.8.4-6")
@pytest.mark.parametrize("published", [0, 1, 2])
@pytest.mark.parametrize("granted", [0, 1, 2])
@pytest.mark.parametrize("way", ["at once", "queued", "retained"])
def test_the_lower_one_of_both_qualities(version: int, published: int, granted: int, way: str) -> None:
    room = Room()
    source = room.enter("source", version)
    message = Publish("a", b"x", published, way == "retained", packet_id=1 if published else 0)
    if way == "retained":
        source.send(message)
    end = stays(room, "me", version)
    packets = subscribe(end, "a", qos=granted)[1:]
    if way == "queued":
        end.lose()
    if way != "retained":
        source.send(message)
        packets = end.read() if way == "at once" else back(room, "me", version)[1]
    assert [one.qos for one in packets if isinstance(one, Publish)] == [min(published, granted)]


# --- UNSUBSCRIBE ------------------------------------------------------------------------------------------------------


@states("MQTT-3.10.4-4 MQTT-3.10.4-5", v5="MQTT-3.11.3-2")
def test_unsuback_comes_even_if_there_was_nothing(version: int) -> None:
    end = Room().enter("me", version)
    end.send(Unsubscribe(0xABCD, ["a"]))
    assert end.read() == [unsuback(version, 0xABCD, NONE)]
    subscribe(end, "a")
    end.send(Unsubscribe(0xABCD, ["a"]))
    assert end.read() == [unsuback(version, 0xABCD, DELETED)]


@states("MQTT-3.10.4-6", v5="MQTT-3.11.3-1 MQTT-3.11.3-2")
def test_unsuback_has_a_code_for_each_filter_in_order(version: int) -> None:
    room = Room()
    end = room.enter("me", version)
    subscribe(end, "a", "b", "c/#")
    end.send(Unsubscribe(5, ["x", "b", "y", "c/#", "b"]))
    assert end.read() == [unsuback(version, 5, NONE, DELETED, NONE, DELETED, NONE)]
    assert list(room.broker.sessions["me"].subscriptions) == ["a"]


@states("MQTT-3.10.4-1")
@pytest.mark.parametrize("other", ["A/b", "a/+", "a/b/", "/a/b", "a/b/#", "#", "a//b", "a/ b", "a/\u0062\u0301"])
def test_filters_are_compared_character_by_character(version: int, other: str) -> None:
    room = Room()
    end, source = room.enter("me", version), room.enter("source", version)
    subscribe(end, "a/b")
    end.send(Unsubscribe(1, [other]))
    assert end.read() == [unsuback(version, 1, NONE)]
    source.send(Publish("a/b", b"x"))
    assert payloads(end) == [b"x"]
    subscribe(end, other)
    end.send(Unsubscribe(1, [other]))
    assert end.read() == [unsuback(version, 1, DELETED)]
    assert list(room.broker.sessions["me"].subscriptions) == ["a/b"]


@states("MQTT-3.10.4-2 MQTT-3.10.4-3")
@pytest.mark.parametrize("qos", [1, 2])
def test_unsubscribing_adds_nothing_and_completes_what_has_begun(version: int, qos: int) -> None:
    room = Room()
    end = stays(room, "me", version)
    subscribe(end, "a", qos=qos)
    source = room.enter("source", version)
    source.send(Publish("a", b"1", qos, packet_id=1))
    (first,) = messages(end)
    end.send(Unsubscribe(2, ["a"]))
    assert end.read() == [unsuback(version, 2, DELETED)]
    source.send(Publish("a", b"2", qos, packet_id=2), Publish("a", b"3"))
    assert end.read() == []
    end.lose()
    end, again = back(room, "me", version)
    assert [(one.packet_id, one.payload, one.dup) for one in again if isinstance(one, Publish)] == [(1, b"1", True)]
    complete(end, first.packet_id, qos)
    assert end.read() == []
    assert not room.broker.sessions["me"].inflight


@states(v5="MQTT-3.10.4-2")
def test_retained_messages_stop_with_the_subscription() -> None:
    room = Room()
    source = room.enter("source")
    source.send(*[Publish(f"a/{number}", b"x", retain=True) for number in range(1000)])
    end = room.enter("me")
    # All in one chunk: it is not handed out before it is no more wanted.
    end.send(Subscribe(1, [Filter("a/#")], {Prop.SUBSCRIPTION_ID: [1]}), Unsubscribe(2, ["a/#"]))
    at_once = [one for one in end.read() if not isinstance(one, Publish)]
    assert at_once == [Suback(1, [0]), Unsuback(2, [0])]
    room.wait(1)
    assert end.read() == []


@states("MQTT-3.9.3-2", v5="MQTT-3.11.3-2")
@pytest.mark.parametrize("topic_filter", ["a/#/b", "a#", "+a", "", "a/b+"])
def test_what_is_no_filter_ends_the_connection(version: int, topic_filter: str) -> None:
    for packet in (Subscribe(1, [Filter("ok"), Filter(topic_filter)]), Unsubscribe(1, [topic_filter])):
        room = Room()
        end = room.enter("me", version)
        end.send(packet)
        assert_ended(end, Reason.TOPIC_FILTER_INVALID)
        assert room.broker.routes.table.count == 0
