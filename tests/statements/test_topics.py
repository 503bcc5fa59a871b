"""Chapters 4.7 and 4.8: topic names, filters, and shared subscriptions."""

from __future__ import annotations

import pytest

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Filter, Kind, Publish, Reason, Suback, Subscribe

from ..domain.broker.ends import Room
from . import V5, states
from .speaking import (
    HOUR,
    assert_ended,
    back,
    bye,
    complete,
    field,
    frame,
    messages,
    none,
    payloads,
    subscribe,
)

#: Filters, what they match, and what they do not.
MATCHES = {
    "sport/tennis/player1/#": (
        ["sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/wimbledon"],
        ["sport/tennis/player10", "sport/tennis", "/sport/tennis/player1"],
    ),
    "sport/#": (["sport", "sport/", "sport//x"], ["sports", "Sport", "/sport"]),
    "#": (["a", "/", "a/b/c", "/a"], ["$SYS", "$SYS/a", "$", "$a/b"]),
    "sport/tennis/+": (["sport/tennis/player1", "sport/tennis/"], ["sport/tennis/player1/x", "sport/tennis"]),
    "sport/+": (["sport/", "sport/x"], ["sport", "sport/x/y"]),
    "+": (["finance", "a"], ["/finance", "a/", "$SYS"]),
    "+/+": (["/finance", "a/b", "/"], ["finance", "a/b/c", "$SYS/a"]),
    "/+": (["/finance"], ["finance", "/a/b"]),
    "+/tennis/#": (["sport/tennis", "x/tennis/y/z", "/tennis"], ["tennis", "$SYS/tennis", "a/b/tennis"]),
    "sport/+/player1": (["sport/x/player1", "sport//player1"], ["sport/player1", "sport/x/y/player1"]),
    "+/monitor/Clients": (["a/monitor/Clients"], ["$SYS/monitor/Clients"]),
    "$SYS/#": (["$SYS", "$SYS/monitor/Clients"], ["SYS", "$SYSTEM"]),
    "$SYS/monitor/+": (["$SYS/monitor/Clients"], ["$SYS/monitor"]),
    "$": (["$"], ["$/", "a"]),
    "a/$b/+": (["a/$b/c"], ["a/b/c"]),
    "a/#": (["a/$b"], ["$a/b"]),
}


@states("MQTT-4.7.2-1 MQTT-3.3.2-3", v5="MQTT-4.7.1-1 MQTT-4.7.1-2", v3="MQTT-4.7.1-2 MQTT-4.7.1-3")
@pytest.mark.parametrize("topic_filter", MATCHES)
@pytest.mark.parametrize("way", ["at once", "retained", "shared"])
def test_what_filters_match(version: int, topic_filter: str, way: str) -> None:
    inside, outside = MATCHES[topic_filter]
    room = Room()
    source, sink = room.enter("source", version), room.enter("sink", version)
    packets = [Publish(topic, b"x", retain=way == "retained") for topic in (*inside, *outside)]
    if way == "retained":
        source.send(*packets)
        found = [one for one in subscribe(sink, topic_filter) if isinstance(one, Publish)]
    else:
        subscribe(sink, f"$share/g/{topic_filter}" if way == "shared" else topic_filter)
        source.send(*packets)
        found = messages(sink)
    assert sorted(one.topic for one in found) == sorted(inside)


@states(v5="MQTT-4.7.1-1 MQTT-4.7.1-2", v3="MQTT-4.7.1-2 MQTT-4.7.1-3")
@pytest.mark.parametrize(
    "topic_filter", ["sport/tennis#", "sport/tennis/#/ranking", "#/a", "a/b#", "##", "sport+", "+a/b", "a/++", "#+"]
)
@pytest.mark.parametrize("prefix", ["", "$share/g/"])
def test_wildcards_in_the_wrong_place(version: int, topic_filter: str, prefix: str) -> None:
    end = Room().enter("me", version)
    end.send(Subscribe(1, [Filter(prefix + topic_filter)]))
    assert_ended(end, Reason.TOPIC_FILTER_INVALID)


@states("MQTT-4.7.3-1", v5="MQTT-4.13.1-1", v3="MQTT-4.8.0-1")
def test_topics_and_filters_are_not_empty(version: int) -> None:
    end = Room().enter("me", version)
    end.send(Publish("", b"x"))
    assert_ended(end, Reason.PROTOCOL_ERROR)
    for packet in (Subscribe(1, [Filter("")]), mqtt.Unsubscribe(1, [""])):
        end = Room().enter("me", version)
        end.send(packet)
        assert_ended(end, Reason.TOPIC_FILTER_INVALID)
    assert Room().knock("me", version, will=mqtt.Will("", b"x")).link.ended


@states("MQTT-4.7.3-2", v5="MQTT-4.13.1-1", v3="MQTT-4.8.0-1")
@pytest.mark.parametrize("first", [0x30, 0x82, 0xA2])
def test_topics_and_filters_have_no_null_character(version: int, first: int) -> None:
    end = Room().enter("me", version)
    head = b"" if first == 0x30 else b"\0\1" + none(version)
    end.send_bytes(frame(first, head, field(b"a/\0/b"), b"\0"))
    assert_ended(end, Reason.MALFORMED_PACKET)


@states("MQTT-4.7.3-3")
def test_topics_and_filters_may_have_65_535_bytes(version: int) -> None:
    room = Room()
    longest = "\N{SNOWMAN}" * (65_535 // 3)
    sink = room.enter("sink", version)
    assert subscribe(sink, longest) == [Suback(1, [0])]
    room.enter("source", version).send(Publish(longest, b"x"))
    assert messages(sink) == [Publish(longest, b"x")]
    # There is no way to say more: the length has two bytes.
    with pytest.raises(mqtt.PacketError):
        mqtt.encode(Publish("x" * 65_536, b""), version)


@states("MQTT-4.7.3-4")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("ACCOUNTS", "Accounts"),
        ("a/b", "a/b/"),
        ("a//b", "a/b"),
        ("a", " a"),
        ("a", "a "),
        ("\u2126", "\u03a9"),
        ("\ufb01", "fi"),
        ("a/./b", "a/b"),
        ("%61", "a"),
        ("\U000e0001a", "a"),
        ("\x01", "\x02"),
    ],
)
def test_topics_are_not_normalised(version: int, one: str, other: str) -> None:
    room = Room()
    sinks = {topic: room.subscriber(f"sink {topic}", topic, version=version) for topic in (one, other)}
    source = room.enter("source", version)
    for topic in (one, other, one):
        source.send(Publish(topic, topic.encode()))
    assert [message.topic for message in messages(sinks[one])] == [one, one]
    assert [message.topic for message in messages(sinks[other])] == [other]


# --- shared subscriptions ---------------------------------------------------------------------------------------------


@states(v5="MQTT-4.8.2-1 MQTT-4.8.2-2")
@pytest.mark.parametrize(
    "topic_filter",
    ["$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a", "$share/a+b/c", "$share/#"],
)
def test_what_is_no_shared_subscription(topic_filter: str) -> None:
    for packet in (Subscribe(1, [Filter(topic_filter)]), mqtt.Unsubscribe(1, [topic_filter])):
        end = Room().enter("me")
        end.send(packet)
        assert_ended(end, Reason.TOPIC_FILTER_INVALID)


@states(v5="MQTT-4.8.2-1 MQTT-4.8.2-2")
@pytest.mark.parametrize("name", ["g", "$g", "a b", "\N{SNOWMAN}"])
def test_a_share_name_and_its_filter(name: str) -> None:
    room = Room()
    ends = [room.enter(each) for each in ("one", "two")]
    for end in ends:
        assert subscribe(end, f"$share/{name}//a/+", qos=1) == [Suback(1, [1])]
    source = room.enter("source")
    source.send(*[Publish("/a/b", b"%d" % number, 1, packet_id=number) for number in range(1, 11)], Publish("a/b", b""))
    got = [payloads(end) for end in ends]
    assert sorted(got[0] + got[1], key=int) == [b"%d" % number for number in range(1, 11)]
    # Neither another share nor an ordinary subscription is the same.
    other = room.subscriber("other", f"$share/{name}x//a/+", 0)
    plain = room.subscriber("plain", f"{name}//a/+", 0)
    source.send(Publish("/a/b", b"x"))
    assert payloads(other) == [b"x"]
    assert plain.read() == []


@states(v5="MQTT-4.8.2-3")
def test_each_members_quality_is_kept() -> None:
    room = Room()
    ends = [room.enter(f"member {qos}") for qos in (0, 1, 2)]
    for qos, end in enumerate(ends):
        assert subscribe(end, "$share/g/a", qos=qos) == [Suback(1, [qos])]
    source = room.enter("source")
    source.send(*[Publish("a", b"x", 2, packet_id=number) for number in range(1, 31)])
    for qos, end in enumerate(ends):
        assert [one.qos for one in messages(end)] == [qos] * 10
    for end in ends:
        bye(end)
    assert room.broker.routes.table.count == 0


def _begun(qos: int, expiry: int = HOUR) -> tuple[Room, list[object]]:
    room = Room()
    one = room.enter("one", clean=False, session_expiry=expiry)
    subscribe(one, "$share/g/a", qos=2)
    room.enter("source").send(Publish("a", b"x", qos, packet_id=1))
    assert payloads(one) == [b"x"]
    two = room.enter("two")
    subscribe(two, "$share/g/a", qos=2)
    return room, [one, two]


@states(v5="MQTT-4.8.2-4 MQTT-4.8.2-5")
@pytest.mark.parametrize("received", [False, True])
def test_quality_2_ends_with_whom_it_has_begun(received: bool) -> None:
    room, (one, two) = _begun(2)
    if received:
        one.send(Ack(Kind.PUBREC, 1))  # type: ignore[attr-defined]
        one.read()  # type: ignore[attr-defined]
    one.lose()  # type: ignore[attr-defined]
    room.wait(10)
    assert two.read() == []  # type: ignore[attr-defined]
    end, again = back(room, "one", V5)
    assert again == [Ack(Kind.PUBREL, 1) if received else Publish("a", b"x", 2, dup=True, packet_id=1)]
    if received:
        end.send(Ack(Kind.PUBCOMP, 1))
    else:
        complete(end, 1, 2)
    assert not room.broker.sessions["one"].inflight


@states(v5="MQTT-4.8.2-5")
@pytest.mark.parametrize("how", ["expires", "clean start", "ends at once"])
def test_quality_2_goes_to_nobody_else_when_the_session_ends(how: str) -> None:
    room, (one, two) = _begun(2, 0 if how == "ends at once" else 60)
    one.lose()  # type: ignore[attr-defined]
    room.wait(100) if how == "expires" else None
    room.enter("one")
    assert "a" not in room.broker.sessions["one"].subscriptions
    assert two.read() == []  # type: ignore[attr-defined]


@states(v5="MQTT-4.8.2-6 MQTT-4.4.0-2")
@pytest.mark.parametrize(("qos", "kind"), [(1, Kind.PUBACK), (2, Kind.PUBREC)])
@pytest.mark.parametrize("ends", [False, True])
def test_what_a_member_refuses_goes_to_nobody_else(qos: int, kind: Kind, ends: bool) -> None:
    room, (one, two) = _begun(qos, 0 if ends else HOUR)
    one.send(Ack(kind, 1, Reason.UNSPECIFIED_ERROR))  # type: ignore[attr-defined]
    assert one.read() == []  # type: ignore[attr-defined]
    one.lose()  # type: ignore[attr-defined]
    if not ends:
        assert back(room, "one", V5)[1] == []
    assert two.read() == []  # type: ignore[attr-defined]
