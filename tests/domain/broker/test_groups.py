"""Shared subscriptions (contract §3.5): who gets which message, by every way a message may come, and what is passed on."""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise
from typing import Any

import pytest

from folkmoot.domain.broker import Broker, Limits, Message
from folkmoot.domain.broker.options import Strategy
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Disconnect, Filter, Kind, Publish, Subscribe

from .ends import END_OF_TIME, End, Room

FILTER = "$share/g/a/+"


def room(strategy: str, **options: Any) -> Room:
    return Room(Broker(limits=Limits(shared_subscription_strategy=strategy, max_inflight=1000, **options)))


def member(here: Room, client_id: str, qos: int = 0, version: int = 5, **properties: Any) -> End:
    lasting: dict[str, Any] = {"session_expiry": END_OF_TIME} if version == 5 else {}
    end = here.enter(client_id, version, clean=False, **lasting, **properties)
    end.send(Subscribe(1, [Filter(FILTER, qos)]))
    end.read()
    return end


def members(here: Room, count: int, qos: int = 0, version: int = 5) -> list[End]:
    return [member(here, f"m{number}", qos, version) for number in range(count)]


def payloads(end: End) -> list[int]:
    return [int(packet.payload) for packet in end.read() if isinstance(packet, Publish)]


def publish(source: End, count: int, qos: int, at_once: bool, topic: str = "a/b", first: int = 0) -> None:
    packets = [Publish(topic, b"%d" % n, qos, packet_id=qos and n % 60_000 + 1) for n in range(first, first + count)]
    for chunk in [packets] if at_once else [[packet] for packet in packets]:
        source.send(*chunk)
    source.read()


@pytest.mark.parametrize("strategy", ["round_robin", "round_robin_per_group"])
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", [4, 5])
def test_members_take_turns(strategy: str, at_once: bool, qos: int, version: int) -> None:
    here = room(strategy)
    ends = [*members(here, 2, qos, version), member(here, "other", qos, 9 - version)]
    source = here.enter("source", version)
    publish(source, 1, qos, True)
    publish(source, 60, qos, at_once, first=1)
    got = [payloads(end) for end in ends]
    assert sorted(chain.from_iterable(got)) == list(range(61))
    for numbers in got:
        assert len(numbers) in (20, 21)
        assert {after - before for before, after in pairwise(numbers)} == {3}


def test_each_publisher_has_its_own_turn_or_the_group_has_one() -> None:
    for strategy, expected in (("round_robin", 1), ("round_robin_per_group", 2)):
        here = room(strategy)
        ends = members(here, 2)
        sources = [here.enter("one"), here.enter("two")]
        shares = []
        for number in range(20):
            for source in sources:
                publish(source, 1, 0, True, first=number)
            shares.append(tuple(len(payloads(end)) for end in ends))
        # Publishing in turns, with a group's cursor each publisher has its member; with one's own each has both.
        assert (len(set(shares)) == 1) if expected == 2 else set(shares) <= {(1, 1), (2, 0), (0, 2)}


@pytest.mark.parametrize("strategy", ["random", "local"])
@pytest.mark.parametrize("at_once", [False, True])
def test_chance(strategy: str, at_once: bool) -> None:
    here = room(strategy)
    ends = members(here, 2)
    publish(here.enter("source"), 200, 0, at_once)
    got = [payloads(end) for end in ends]
    assert sorted(chain.from_iterable(got)) == list(range(200))
    assert all(len(numbers) > 60 and numbers == sorted(numbers) for numbers in got)
    assert len({after - before for before, after in pairwise(got[0])}) > 1


@pytest.mark.parametrize("strategy", ["hash_topic", "hash_clientid", "sticky"])
@pytest.mark.parametrize("qos", [0, 1])
def test_one_member_for_one_topic_or_one_publisher(strategy: str, qos: int) -> None:
    here = room(strategy)
    ends = members(here, 5, qos)
    sources = [here.enter(f"s{number}") for number in range(20)]
    where: dict[tuple[str, str], Counter[int]] = {}
    for source in sources:
        for topic in [f"a/{number}" for number in range(20)]:
            publish(source, 3, qos, True, topic)
            publish(source, 1, qos, True, topic)
            found = where.setdefault((source.link.client_id, topic), Counter())
            found.update({at: len(numbers) for at, end in enumerate(ends) if (numbers := payloads(end))})
            for end in ends:
                end.link.session.inflight.clear()  # type: ignore[union-attr]
    assert all(len(found) == 1 and found.total() == 4 for found in where.values())
    by = 1 if strategy == "hash_topic" else 0
    places: dict[str, set[int]] = {}
    for key, found in where.items():
        places.setdefault(key[by], set()).update(found)
    assert all(len(found) == 1 for found in places.values()), "one topic (one publisher), one member"
    assert len(set.union(*places.values())) > 1


@pytest.mark.parametrize("pick", ["random", "local", "hash_topic", "hash_clientid"])
def test_who_sticks_goes_elsewhere_when_the_member_leaves(pick: str) -> None:
    here = room("sticky", shared_subscription_initial_sticky_pick=pick)
    ends = members(here, 3)
    source = here.enter("source")
    publish(source, 5, 0, True)
    (at,) = [at for at, end in enumerate(ends) if payloads(end)]
    ends[at].send(mqtt.Unsubscribe(1, [FILTER]))
    publish(source, 5, 0, True)
    assert sorted(len(payloads(end)) for end in ends) == [0, 0, 5]


def test_a_group_may_have_a_strategy_of_its_own() -> None:
    here = room("round_robin")
    here.broker.options.shared_subscription_group["g"] = Strategy("hash_topic")
    ends = members(here, 3)
    publish(here.enter("source"), 30, 0, True)
    assert sorted(len(payloads(end)) for end in ends) == [0, 0, 30]
    del here.broker.options.shared_subscription_group["g"]
    publish(here.enter("source"), 30, 0, True)
    assert sorted(len(payloads(end)) for end in ends) == [10, 10, 10]


def test_a_member_that_is_away_keeps_its_share() -> None:
    here = room("round_robin")
    here_one, away = members(here, 2, 1)
    away.lose()
    source = here.enter("source")
    publish(source, 10, 1, True)
    publish(source, 10, 0, True, first=10)
    assert len(payloads(here_one)) == 10
    assert len(here.broker.sessions["m1"].queue) == 10


def test_messages_of_nobodys_connection_are_shared_as_well() -> None:
    here = room("round_robin")
    ends = members(here, 2)
    for number in range(10):
        here.broker.publish(Message("a/b", b"%d" % number), here.clock.now)
    assert [len(payloads(end)) for end in ends] == [5, 5]


@pytest.mark.parametrize("how", ["disconnect", "expiry", "discard"])
def test_what_an_ended_session_owed_goes_to_others(how: str) -> None:
    here = room("round_robin")
    leaving = member(here, "leaving", 2, receive_maximum=2)
    source = here.enter("source")
    publish(source, 1, 2, True)
    publish(source, 3, 1, True, first=1)
    # On their way: 0 (QoS 2) and 1; waiting: 2 and 3.
    staying = member(here, "staying", 2)
    if how == "disconnect":
        leaving.send(Disconnect(0, {mqtt.Prop.SESSION_EXPIRY: 0}))
    elif how == "discard":
        here.enter("leaving")
    else:
        leaving.send(Disconnect(0, {mqtt.Prop.SESSION_EXPIRY: 5}))
        assert payloads(staying) == []
        here.wait(6)
    assert payloads(staying) == [1, 2, 3]


def test_what_a_kicked_or_taken_over_member_owed_goes_nowhere() -> None:
    here = room("round_robin")
    member(here, "kicked", 1)
    publish(here.enter("source"), 3, 1, True)
    staying = member(here, "staying", 1)
    again = here.knock("kicked", clean=False, session_expiry=100)
    again.link.accept(again.broker.sessions["kicked"].identity, here.clock.now)
    assert payloads(staying) == []
    assert payloads(again) == [0, 1, 2]
    here.broker.kick("kicked", here.clock.now)
    assert payloads(staying) == []


def test_acknowledgements_work_for_shares_given_as_bytes() -> None:
    here = room("round_robin")
    ends = members(here, 2, 1)
    source = here.enter("source")
    publish(source, 2, 1, True)
    publish(source, 40, 1, True, first=2)
    for end in ends:
        packets = [packet for packet in end.read() if isinstance(packet, Publish)]
        assert len({packet.packet_id for packet in packets}) == 21
        end.send(*[Ack(Kind.PUBACK, packet.packet_id) for packet in packets])
        assert end.link.session is not None
        assert not end.link.session.inflight
