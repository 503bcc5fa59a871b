"""What lies on a message's way through the broker: rewriting, measuring, keeping, handing out; and automatic subscriptions."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from folkmoot.domain.broker import AutomaticSubscription, Limits, Message, RetainedSettings, RewriteRule
from folkmoot.domain.broker.broker import Broker
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Filter, Kind, Publish, Suback, Subscribe, Unsuback, Unsubscribe

from .ends import ALICE, START, End, Room


def topics(end: End) -> list[str]:
    return [packet.topic for packet in end.read() if isinstance(packet, Publish)]


def late_subscriber(room: Room, client_id: str) -> End:
    end = room.enter(client_id)
    end.send(Subscribe(1, [Filter("a")]))
    return end


def rewrite(room: Room, *rules: tuple[str, str, str, str]) -> None:
    room.broker.rewriting.replace([RewriteRule(*rule) for rule in rules])
    room.broker.forget_routes()


# --- rewriting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
def test_messages_go_where_the_rule_says_from_the_moment_it_is_there(version: int) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "#"), room.enter("me", version)
    # The second and third of these take the fast way.
    source.send(*[Publish("x/1", b"x")] * 3)
    assert topics(sink) == ["x/1"] * 3
    rewrite(room, ("publish", "x/#", "y/$1/${clientid}/${username}", "^x/(.+)$"))
    source.send(*[Publish("x/1", b"x")] * 3)
    source.send(*[Publish("x/2", b"x", 1, packet_id=number) for number in (1, 2, 3)])
    assert topics(sink) == ["y/1/me/undefined"] * 3 + ["y/2/me/undefined"] * 3
    rewrite(room)
    source.send(*[Publish("x/1", b"x")] * 3)
    assert topics(sink) == ["x/1"] * 3


def test_a_topic_others_are_rewritten_to_is_rewritten_itself() -> None:
    room = Room()
    rewrite(room, ("publish", "a", "b", "a"), ("publish", "b", "c", "b"))
    sink, source = room.subscriber("sink", "#"), room.enter("me")
    source.send(*[Publish("a", b"x")] * 2)
    source.send(*[Publish("b", b"x")] * 2)
    source.send(*[Publish("b", b"x")] * 2)
    assert topics(sink) == ["b"] * 2 + ["c"] * 4


def test_wills_and_messages_of_the_api_are_rewritten_and_retained_there() -> None:
    room = Room()
    rewrite(room, ("publish", "x", "y", "x"))
    room.enter("me", will=mqtt.Will("x", b"will", retain=True)).lose()
    assert [message.topic for message in room.broker.retained.messages.values()] == ["y"]
    sink = room.subscriber("sink", "y")
    sink.read()
    assert room.broker.publish(Message("x", b"1"), START) == 1
    assert topics(sink) == ["y"]


def test_a_rewritten_topic_may_be_postponed() -> None:
    room = Room()
    sink = room.subscriber("sink", "#")
    rewrite(room, ("publish", "later/#", "$delayed/$1/$2", "^later/([^/]+)/(.+)$"), ("publish", "a", "b", "a"))
    source = room.enter("me")
    source.send(Publish("later/5/a", b"x"), Publish("later/soon/a", b"x"))
    room.wait(5)
    # What is due is rewritten again; what cannot be postponed is lost.
    assert topics(sink) == ["b"]
    assert room.broker.count["messages.dropped"] == 1


def test_filters_are_rewritten_both_ways() -> None:
    room = Room()
    rewrite(room, ("subscribe", "x/#", "y/$1/${clientid}", "^x/(.+)$"))
    sink = room.enter("me")
    sink.send(Subscribe(1, [Filter("x/1"), Filter("$share/g/x/+"), Filter("z")]))
    assert sink.read() == [Suback(1, [0, 0, 0])]
    session = room.broker.sessions["me"]
    assert list(session.subscriptions) == ["y/1/me", "$share/g/y/+/me", "z"]
    room.enter("source").send(Publish("y/1/me", b"x"), Publish("x/1", b"x"))
    assert topics(sink) == ["y/1/me", "y/1/me"]
    sink.send(Unsubscribe(2, ["x/1", "$share/g/x/+", "y/1/me"]))
    assert sink.read() == [Unsuback(2, [0, 0, mqtt.Reason.NO_SUBSCRIPTION_EXISTED])]
    assert list(session.subscriptions) == ["z"]


# --- automatic subscriptions ------------------------------------------------------------------------------------------


def test_everybody_who_connects_is_subscribed() -> None:
    room = Room()
    room.broker.retained.keep(Message("c/me", b"kept", retain=True))
    room.broker.automatic.replace(
        [
            AutomaticSubscription("c/${clientid}", 1),
            AutomaticSubscription("u/${username}/${host}/${port}", 2, no_local=True),
        ]
    )
    end = room.knock("me")
    end.link.accept(ALICE, room.clock.now)
    assert topics(end) == ["c/me"]
    session = room.broker.sessions["me"]
    assert list(session.subscriptions) == ["c/me", "u/undefined/127.0.0.1/4711"]
    first, second = session.subscriptions.values()
    assert (first.qos, first.no_local, second.qos, second.no_local) == (1, False, 2, True)
    room.broker.automatic.replace([])
    room.enter("other")
    assert not room.broker.sessions["other"].subscriptions


def test_a_client_whose_name_makes_no_filter_gets_the_others() -> None:
    room = Room()
    room.broker.automatic.replace([AutomaticSubscription("c/${clientid}/x"), AutomaticSubscription("all")])
    room.enter("#")
    assert list(room.broker.sessions["#"].subscriptions) == ["all"]


def test_which_automatic_subscriptions_there_can_be() -> None:
    automatic = Room().broker.automatic
    for wrong in ("", "a/#/b", "$share/g", "$share//a"):
        with pytest.raises(Invalid):
            automatic.replace([AutomaticSubscription(wrong)])
    with pytest.raises(Invalid):
        automatic.replace([AutomaticSubscription("$share/g/a", no_local=True)])
    automatic.replace([AutomaticSubscription("a")] * 20)
    with pytest.raises(Conflict):
        automatic.replace([AutomaticSubscription("a")] * 21)
    assert len(automatic.subscriptions) == 20


# --- topic metrics ----------------------------------------------------------------------------------------------------


def test_counts_are_exact_and_nobody_else_goes_the_slow_way() -> None:
    room = Room()
    sink, weak = room.subscriber("sink", "a", 2), room.subscriber("weak", "#", 0)
    source = room.enter("source")
    source.send(*[Publish("a", b"before")] * 3)
    meter = room.broker.topic_metrics.add("a", START)
    source.send(*[Publish("a", b"0")] * 5, *[Publish("a", b"1", 1, packet_id=number) for number in (1, 2)])
    source.send(Publish("a", b"2", 2, packet_id=7))
    assert meter.received == [5, 2, 1]
    assert meter.sent == [5 + 8, 2, 1]
    source.send(*[Publish("b", b"x")] * 5)
    assert b"b" in room.broker.routes.cache and b"a" not in room.broker.routes.cache
    assert meter.counts() == [8, 16, 0, 5, 13, 2, 2, 1, 1]
    for end in (sink, weak):
        end.lose()
    source.send(Publish("a", b"nobody"))
    assert (meter.received, meter.dropped) == ([6, 2, 1], 1)


def test_rates_are_those_of_the_last_seconds() -> None:
    room = Room()
    metrics = room.broker.topic_metrics
    meter = metrics.add("a", START)
    source = room.enter("source")
    for _ in range(4):
        source.send(*[Publish("a", b"x")] * 10)
        room.wait(1)
    assert meter.rates(room.clock.now)[:3] == [10.0, 0.0, 10.0]
    for _ in range(10):
        room.wait(1)
    assert meter.rates(room.clock.now)[:3] == [0.0, 0.0, 0.0]
    meter.reset(room.clock.now)
    assert (meter.counts(), meter.reset_at) == ([0] * 9, room.clock.now)


def test_which_topics_can_be_measured() -> None:
    room = Room()
    metrics, happenings = room.broker.topic_metrics, room.broker.happenings
    watching = len(happenings.watchers)
    metrics.add("a", START)
    for wrong in ("", "a/#", "+", "a"):
        with pytest.raises(Invalid):
            metrics.add(wrong, START)
    for number in range(511):
        metrics.add(f"t/{number}", START)
    with pytest.raises(Conflict):
        metrics.add("one more", START)
    with pytest.raises(NotFound):
        metrics.remove("one more")
    for topic in list(metrics.meters):
        metrics.remove(topic)
    assert not happenings.hears_deliveries and not happenings.delivered and not happenings.of_watched
    assert len(happenings.watchers) == watching and room.broker.agenda.next_at() is None


# --- retained messages ------------------------------------------------------------------------------------------------


def test_what_is_not_kept_is_delivered_all_the_same() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "#"), room.enter("source")
    room.broker.retained.settings = RetainedSettings(max_payload_size=2, max_retained_messages=1)
    source.send(
        Publish("a", b"1", retain=True),
        Publish("a", b"22", retain=True),
        Publish("a", b"333", retain=True),
        Publish("b", b"1", retain=True),
    )
    assert topics(sink) == ["a", "a", "a", "b"]
    assert {topic: each.payload for topic, each in room.broker.retained.messages.items()} == {"a": b"22"}


def test_what_clears_may_go_no_further() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "#"), room.enter("source")
    source.send(Publish("a", b"1", retain=True), Publish("a", b"", retain=True))
    assert topics(sink) == ["a", "a"]
    room.broker.retained.settings.stop_publish_clear_msg = True
    source.send(Publish("a", b"1", retain=True), Publish("a", b"", retain=True), Publish("a", b""))
    assert [packet.payload for packet in sink.read() if isinstance(packet, Publish)] == [b"1", b""]
    assert not room.broker.retained.messages


def test_switched_off_nothing_is_kept_or_handed_out() -> None:
    room = Room()
    source = room.enter("source")
    source.send(Publish("a", b"1", retain=True))
    room.broker.retained.settings.enable = False
    source.send(Publish("b", b"1", retain=True))
    assert topics(room.subscriber("sink", "#")) == []
    assert list(room.broker.retained.messages) == ["a"]


def test_what_is_kept_expires_as_the_settings_say() -> None:
    room = Room()
    room.broker.retained.settings.msg_expiry_interval = 10
    sink = room.subscriber("sink", "a")
    room.enter("source").send(Publish("a", b"1", retain=True))
    (live,) = sink.read()
    assert isinstance(live, Publish) and not live.properties
    room.wait(9)
    assert len(topics(late_subscriber(room, "early"))) == 1
    room.wait(1)
    assert topics(late_subscriber(room, "late")) == []
    room.broker.retained.settings.msg_clear_interval = 5
    room.wait(5)
    assert not room.broker.retained.messages


def test_expired_messages_are_cleared_a_piece_at_a_time() -> None:
    room = Room()
    for number in range(5000):
        room.broker.retained.keep(Message(f"a/{number}", b"x", expires_at=START + 1))
    room.broker.retained.settings.msg_clear_interval, room.broker.retained.settings.msg_clear_limit = 10, 4500
    room.clock.now += 20
    room.broker._clearing.tick(room.clock.now)
    left = [len(room.broker.retained)]
    while room.broker.agenda.next_at() is not None:
        room.broker.agenda.run(room.clock.now)
        left.append(len(room.broker.retained))
    assert left == [4000, 3000, 2000, 1000, 500]


def test_they_come_at_the_pace_that_is_set() -> None:
    room = Room()
    for number in range(300):
        room.broker.retained.keep(Message(f"a/{number}", b"x", retain=True))
    room.broker.retained.settings.delivery_rate = 100.0
    end = room.enter("sink")
    end.send(Subscribe(1, [Filter("#")]))
    got = [len(topics(end))]
    while got[-1] < 300:
        room.clock.now = room.broker.agenda.next_at() or 0.0
        room.broker.agenda.run(room.clock.now)
        got.append(got[-1] + len(topics(end)))
        assert got[-1] <= 100 * (room.clock.now - START) + 11
    assert 2.5 < room.clock.now - START < 3.5


def test_a_subscription_that_ends_gets_no_more() -> None:
    room = Room()
    for number in range(3000):
        room.broker.retained.keep(Message(f"a/{number}", b"x", retain=True))
    end = room.enter("sink")
    end.send(Subscribe(1, [Filter("#")]), Subscribe(2, [Filter("a/2999")]), Unsubscribe(3, ["#"]))
    session = room.broker.sessions["sink"]
    room.broker.agenda.run(room.clock.now)
    found = end.read()
    while session.backlog:
        found += end.read()
    sent = [packet.topic for packet in found if isinstance(packet, Publish)]
    assert len(sent) < 1100 and sent[-1] == "a/2999"
    assert Unsuback(3, [0]) in found


def test_quality_one_waits_for_the_window_and_goes_on() -> None:
    room = Room(Broker(limits=Limits(max_inflight=10)))
    for number in range(100):
        room.broker.retained.keep(Message(f"a/{number}", b"x", 1, retain=True))
    end = room.enter("sink")
    end.send(Subscribe(1, [Filter("#", 1)]))
    got = 0
    for _ in range(200):
        packets = [packet for packet in end.read() if isinstance(packet, Publish)]
        got += len(packets)
        for packet in packets:
            end.send(Ack(Kind.PUBACK, packet.packet_id))
        if got == 100:
            break
    assert got == 100 and not room.broker.sessions["sink"].backlog


def test_many_subscribers_to_many_messages_hold_up_nobody_and_take_no_memory() -> None:
    room = Room()
    for number in range(50_000):
        room.broker.retained.keep(Message(f"plant/{number % 100}/{number}", b"x", retain=True))
    ends = [room.enter(f"sink{number}") for number in range(10)]
    tracemalloc.start()
    longest = 0.0
    for end in ends:
        began = time.perf_counter()
        end.send(Subscribe(1, [Filter("#")]))
        longest = max(longest, time.perf_counter() - began)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 5_000_000, "every subscription has a list of its own"
    assert longest < 0.5
    assert all(end.link.room > 0 for end in ends), "a socket was filled at once"
    assert len(topics(ends[0])) == 50_000
