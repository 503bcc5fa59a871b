"""What an operator can set (contract §3.2), as clients see it; all of it holds at once."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain.broker import Broker, Limits, OpenGate
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Connack, Connect, Disconnect, Filter, Kind, Prop, Publish, Reason, Suback, Subscribe

from .ends import ALICE, End, Room


def room(**options: Any) -> Room:
    return Room(Broker(limits=Limits(**options)))


def enter(here: Room, client_id: str = "c", version: int = 5, **connect: Any) -> tuple[End, Connack]:
    """A client that came in with this CONNECT, and its CONNACK."""
    end = End(here.broker, here.clock, version)
    end.send(Connect(version, client_id, **connect))
    if end.link.waiting is not None:
        end.link.accept(ALICE, here.clock.now)
    answer = end.read_one()
    assert isinstance(answer, Connack)
    return end, answer


def sent(end: End) -> list[Publish]:
    return [packet for packet in end.read() if isinstance(packet, Publish)]


def test_connack_says_what_there_is() -> None:
    here = room()
    _, usual = enter(here)
    assert usual.properties[Prop.RETAIN_AVAILABLE] == usual.properties[Prop.WILDCARDS_AVAILABLE] == 1
    assert Prop.MAXIMUM_QOS not in usual.properties
    assert Prop.RESPONSE_INFORMATION not in usual.properties
    limits = here.broker.limits
    limits.max_qos_allowed, limits.retain_available, limits.wildcard_subscription = 1, False, False
    limits.shared_subscription, limits.response_information, limits.server_keepalive = False, "answers/", 7
    _, answer = enter(here, properties={Prop.REQUEST_RESPONSE_INFORMATION: 1}, keepalive=100)
    named = {prop: answer.properties.get(prop) for prop in answer.properties}
    assert named[Prop.MAXIMUM_QOS] == 1
    assert named[Prop.RETAIN_AVAILABLE] == named[Prop.WILDCARDS_AVAILABLE] == named[Prop.SHARED_AVAILABLE] == 0
    assert named[Prop.RESPONSE_INFORMATION] == "answers/"
    assert named[Prop.SERVER_KEEP_ALIVE] == 7
    assert Prop.RESPONSE_INFORMATION not in enter(here)[1].properties


@pytest.mark.parametrize(
    ("options", "packet", "reason"),
    [
        ({"max_qos_allowed": 1}, Publish("a", b"", 2, packet_id=1), Reason.QOS_NOT_SUPPORTED),
        ({"max_qos_allowed": 0}, Publish("a", b"", 1, packet_id=1), Reason.QOS_NOT_SUPPORTED),
        ({"retain_available": False}, Publish("a", b"", retain=True), Reason.RETAIN_NOT_SUPPORTED),
        ({"strict_mode": True}, Publish("a\x07", b""), Reason.MALFORMED_PACKET),
        ({"strict_mode": True}, Subscribe(1, [Filter("a\x7f")]), Reason.MALFORMED_PACKET),
    ],
)
def test_what_is_not_available_ends_the_connection(options: dict[str, Any], packet: Any, reason: Reason) -> None:
    here = room(**options)
    end, _ = enter(here)
    # The topic is known and allowed by now: the fast way obeys as well.
    end.send(Publish("a", b""), Publish("a", b""))
    end.send(packet)
    assert end.read() == [Disconnect(reason)]
    usual, _ = enter(room())
    usual.send(packet)
    assert not usual.link.ended


@pytest.mark.parametrize(
    ("options", "will", "reason"),
    [
        ({"max_qos_allowed": 0}, mqtt.Will("w", b"", 1), Reason.QOS_NOT_SUPPORTED),
        ({"retain_available": False}, mqtt.Will("w", b"", retain=True), Reason.RETAIN_NOT_SUPPORTED),
        ({"strict_mode": True}, mqtt.Will("\x01", b""), Reason.MALFORMED_PACKET),
    ],
)
def test_wills_ask_for_no_more(options: dict[str, Any], will: mqtt.Will, reason: Reason) -> None:
    assert enter(room(**options), will=will)[1].code == reason
    assert enter(room(), will=will)[1].code == 0


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize(
    ("options", "topic_filter", "code"),
    [
        ({"wildcard_subscription": False}, "a/+", Reason.WILDCARDS_NOT_SUPPORTED),
        ({"wildcard_subscription": False}, "$share/g/a/#", Reason.WILDCARDS_NOT_SUPPORTED),
        ({"shared_subscription": False}, "$share/g/a", Reason.SHARED_NOT_SUPPORTED),
        ({"shared_subscription": False}, "$queue/a", Reason.SHARED_NOT_SUPPORTED),
        ({}, "$exclusive/a", Reason.TOPIC_FILTER_INVALID),
        ({"max_topic_levels": 2}, "a/b/c", Reason.TOPIC_FILTER_INVALID),
        ({"max_subscriptions": 0}, "a", Reason.QUOTA_EXCEEDED),
        ({"max_qos_allowed": 1}, "a", 1),
    ],
)
def test_subscriptions_get_what_there_is(options: dict[str, Any], topic_filter: str, code: int, version: int) -> None:
    end, _ = enter(room(**options), version=version)
    end.send(Subscribe(1, [Filter(topic_filter, 2)]))
    assert end.read_one() == Suback(1, [0x80 if version == 4 and code >= 0x80 else code])


def test_an_exclusive_subscription_has_one_holder() -> None:
    here = room(exclusive_subscription=True)
    one, _ = enter(here, "one")
    other, _ = enter(here, "other")
    one.send(Subscribe(1, [Filter("$exclusive/a/b", 1)]))
    assert one.read_one() == Suback(1, [1])
    assert list(here.broker.sessions["one"].subscriptions) == ["a/b"]
    other.send(Subscribe(1, [Filter("$exclusive/a/b"), Filter("a/b")]))
    assert other.read_one() == Suback(1, [Reason.QUOTA_EXCEEDED, 0])
    one.send(Subscribe(1, [Filter("$exclusive/a/b", 0)]))
    assert one.read_one() == Suback(1, [0])
    other.send(Publish("a/b", b"x"))
    assert [len(sent(one)), len(sent(other))] == [1, 1]
    one.send(mqtt.Unsubscribe(2, ["$exclusive/a/b"]))
    assert one.read_one() == mqtt.Unsuback(2, [0])
    other.send(Subscribe(1, [Filter("$exclusive/a/b")]))
    assert other.read_one() == Suback(1, [0])
    other.lose()
    one.send(Subscribe(1, [Filter("$exclusive/a/b")]))
    assert one.read_one() == Suback(1, [0])
    one.send(Subscribe(1, [Filter("$exclusive/$share/g/a")]))
    assert one.read_one() == Disconnect(Reason.TOPIC_FILTER_INVALID)


def test_an_exclusive_subscription_lives_as_long_as_its_session() -> None:
    here = room(exclusive_subscription=True)
    one, _ = enter(here, "one", clean_start=False, properties={Prop.SESSION_EXPIRY: 100})
    one.send(Subscribe(1, [Filter("$exclusive/a")]))
    one.lose()
    other, _ = enter(here, "other")
    other.send(Subscribe(1, [Filter("$exclusive/a")]))
    assert other.read_one() == Suback(1, [Reason.QUOTA_EXCEEDED])
    here.wait(101)
    other.send(Subscribe(1, [Filter("$exclusive/a")]))
    assert other.read_one() == Suback(1, [0])


def test_a_loop_is_cut_for_older_clients() -> None:
    here = room(ignore_loop_deliver=True)
    old, _ = enter(here, "old", 4)
    new, _ = enter(here, "new", 5)
    for end in (old, new):
        end.send(Subscribe(1, [Filter("a")]))
        end.read()
    for end in (old, new):
        end.send(Publish("a", b"1"), Publish("a", b"2"))
    assert [len(sent(old)), len(sent(new))] == [2, 4]


@pytest.mark.parametrize("version", [3, 4])
def test_an_older_bridge_hears_nothing_of_itself_and_all_of_others_as_it_was(version: int) -> None:
    here = room()
    bridge, _ = enter(here, "bridge", version, is_bridge=True)
    bridge.send(Subscribe(1, [Filter("a")]), Publish("a", b"own"))
    assert bridge.read() == [Suback(1, [0])]
    enter(here, "other")[0].send(Publish("a", b"kept", retain=True), Publish("a", b"not"))
    assert [(each.payload, each.retain) for each in sent(bridge)] == [(b"kept", True), (b"not", False)]


def test_quality_can_be_raised_to_that_of_the_subscription() -> None:
    here = room()
    sinks = [here.subscriber(f"sink{qos}", "a", qos) for qos in range(3)]
    here.broker.options.mqtt.upgrade_qos = True
    here.broker.forget_routes()
    source, _ = enter(here)
    for qos in (0, 0, 1, 1, 2):
        source.send(Publish("a", b"x", qos, packet_id=qos and 1))
    assert [[packet.qos for packet in sent(sink)] for sink in sinks] == [[0, 0, 1, 1, 2], [1, 1, 1, 1, 2], [2] * 5]


def away(here: Room, *filters: Filter) -> None:
    end, _ = enter(here, "away", clean_start=False, properties={Prop.SESSION_EXPIRY: 1000})
    end.send(Subscribe(1, list(filters)))
    end.lose()


def back(here: Room) -> list[bytes]:
    end = here.knock("away", clean=False)
    end.link.accept(ALICE, here.clock.now)
    return [packet.payload for packet in sent(end)]


def test_priorities_order_the_queue_and_bound_it_each_by_its_own() -> None:
    here = room(mqueue_priorities={"high": 10, "low": 1}, max_mqueue_len=2)
    away(here, Filter("#", 1))
    source, _ = enter(here, "source")
    for number, topic in enumerate(["other", "low", "high", "low", "high", "high", "other", "low"]):
        source.send(Publish(topic, f"{topic}{number}".encode(), 1, packet_id=number + 1))
    assert here.broker.sessions["away"].dropped_full == 2
    assert back(here) == [b"high4", b"high5", b"low3", b"low7", b"other0", b"other6"]


def test_topics_without_a_priority_may_come_first() -> None:
    here = room(mqueue_priorities={"high": 10}, mqueue_default_priority="highest")
    away(here, Filter("#", 1))
    source, _ = enter(here, "source")
    source.send(Publish("high", b"1", 1, packet_id=1), Publish("other", b"2", 1, packet_id=2))
    assert back(here) == [b"2", b"1"]


def test_quality_0_may_not_wait() -> None:
    here = room(mqueue_store_qos0=False)
    away(here, Filter("#", 1))
    source, _ = enter(here, "source")
    source.send(Publish("a", b"0"), Publish("a", b"1", 1, packet_id=1))
    assert here.broker.sessions["away"].dropped_qos0 == 1
    assert back(here) == [b"1"]
    usual = room()
    away(usual, Filter("#", 1))
    enter(usual, "source")[0].send(Publish("a", b"0"))
    assert back(usual) == [b"0"]


def test_messages_may_have_an_expiry_they_do_not_speak_of() -> None:
    here = room(message_expiry_interval=10.0)
    away(here, Filter("#", 1))
    source, _ = enter(here, "source")
    source.send(Publish("a", b"1", 1, packet_id=1))
    here.clock.now += 5
    source.send(Publish("a", b"2", 1, packet_id=2))
    here.clock.now += 6
    end = here.knock("away", clean=False)
    end.link.accept(ALICE, here.clock.now)
    assert [(packet.payload, packet.properties) for packet in sent(end)] == [(b"2", {})]
    assert here.broker.sessions["away"].dropped_expired == 1


def test_identifiers_that_are_never_released_are_forgotten() -> None:
    here = room(await_rel_timeout=20.0, max_awaiting_rel=2)
    end, _ = enter(here)
    end.send(Publish("a", b"1", 2, packet_id=1))
    here.wait(15)
    end.send(Publish("a", b"2", 2, packet_id=2))
    here.wait(10)
    assert list(here.broker.sessions["c"].awaiting) == [2]
    assert here.broker.sessions["c"].dropped_unreleased == 1
    assert here.broker.count["messages.dropped.await_pubrel_timeout"] == 1


def test_older_clients_get_again_what_they_do_not_acknowledge() -> None:
    here = room(retry_interval=10.0)
    old, new = here.subscriber("old", "#", 2, 4), here.subscriber("new", "#", 2, 5)
    source, _ = enter(here, "source")
    source.send(*[Publish("a", b"%d" % n, min(n, 2), packet_id=n) for n in (1, 2, 3)])
    first = sent(old)
    old.send(Ack(Kind.PUBREC, first[1].packet_id))
    assert len(sent(new)) == 3
    here.wait(10)
    here.wait(10)
    again = old.read()
    # PUBREL is the answer to PUBREC, and then comes again.
    assert [p.kind if isinstance(p, Ack) else (p.payload, p.dup) for p in again] == [  # type: ignore[union-attr]
        Kind.PUBREL,
        (b"1", True),
        Kind.PUBREL,
        (b"3", True),
    ]
    assert new.read() == []


@pytest.mark.parametrize(
    ("options", "connect", "expected"),
    [
        ({"use_username_as_clientid": True}, {"username": "ann"}, "ann"),
        ({"use_username_as_clientid": True}, {}, "c"),
        ({"clientid_override": "concat(username, '-', clientid)"}, {"username": "ann"}, "ann-c"),
        ({"clientid_override": "${username}/${clientid}"}, {"username": "ann"}, "ann/c"),
        ({"clientid_override": "username"}, {}, "c"),
        ({"clientid_override": "no ( sense"}, {}, "c"),
    ],
)
def test_clients_are_called_what_the_options_make_of_them(
    options: dict[str, Any], connect: dict[str, Any], expected: str
) -> None:
    here = room(**options)
    _, answer = enter(here, **connect)
    assert list(here.broker.sessions) == [expected]
    assert Prop.ASSIGNED_CLIENT_ID not in answer.properties
    if connect and expected != "c":
        nameless, answer = enter(here, "", **connect)
        assert answer.properties[Prop.ASSIGNED_CLIENT_ID] == nameless.link.client_id


def test_attributes_are_made_of_what_a_client_says() -> None:
    here = room(
        client_attrs_init=[
            {"expression": "nth(1, tokens(clientid, '-'))", "set_as_attr": "site"},
            {"expression": "user_property.kind", "set_as_attr": "kind"},
            {"expression": "user_property.none", "set_as_attr": "none"},
        ],
        clientid_override="concat(client_attrs.site, '.', client_attrs.kind)",
    )
    end, _ = enter(here, "north-17", properties={Prop.USER_PROPERTY: [("kind", "pump")]})
    assert end.link.client.attrs == {"site": "north", "kind": "pump"}
    assert end.link.client_id == "north.pump"


def test_the_largest_packet_may_change() -> None:
    here = room()
    end, _ = enter(here)
    end.send(Publish("a", b"x" * 500), Publish("a", b"x" * 500))
    here.broker.limits.max_packet_size = 400
    end.send(Publish("a", b"x" * 500))
    assert end.read() == [Disconnect(Reason.PACKET_TOO_LARGE)]
    assert enter(here)[1].properties[Prop.MAXIMUM_PACKET_SIZE] == 400


def test_whose_unread_output_grows_too_large_is_gone() -> None:
    here = room(output_bytes=2 << 20)
    here.broker.options.force_shutdown.max_heap_size = 1 << 20
    reads, stuck = here.subscriber("reads", "a"), here.subscriber("stuck", "a")
    enter(here)[0].send(Publish("a", bytes(1_000_000)), Publish("a", bytes(100_000)))
    reads.read()
    here.broker.options.force_shutdown.enable = False
    here.wait(1)
    assert not stuck.link.ended
    here.broker.options.force_shutdown.enable = True
    here.wait(1)
    assert stuck.link.ended and not reads.link.ended


class Community(OpenGate):
    """Takes everything, when it has time for it."""

    def takes(self, topic: str) -> bool:
        return True


def test_nobody_is_silent_who_waits_for_an_answer() -> None:
    here = Room(Broker(Community(), Limits(keepalive_multiplier=2.0)))
    end, _ = enter(here, keepalive=10)
    here.wait(19)
    end.send(Publish("a", b"", 1, packet_id=1))
    here.wait(1000)
    end.link.taken(0, here.clock.now)
    here.wait(19)
    assert end.read() == [Ack(Kind.PUBACK, 1)]
    here.wait(2)
    assert end.read() == [Disconnect(Reason.KEEP_ALIVE_TIMEOUT)]


def test_keepalive_may_change_while_connected() -> None:
    here = room()
    end, _ = enter(here, keepalive=1000)
    end.link.keepalive = 10
    here.wait(16)
    assert end.read() == [Disconnect(Reason.KEEP_ALIVE_TIMEOUT)]
