"""Samples: taken, kept, thinned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from folkmoot.domain.monitoring import (
    Counts,
    Gauges,
    Sample,
    Sampler,
    delete_samples,
    list_samples,
    save_samples,
    thin_samples,
)
from folkmoot.store import Database
from folkmoot.wire import mqtt
from tests.domain.broker.ends import START, Room

NOW = datetime.fromtimestamp(START, UTC)


def sample(age: timedelta, span: int = 10, *, number: int = 1, gauge: int = 1) -> Sample:
    return Sample(NOW - age, span, number, number, number, number, gauge, gauge, gauge, gauge)


def test_a_sample_counts_what_happened_and_how_many_there_were_at_most() -> None:
    room = Room()
    sampler = Sampler(room.broker, Gauges(room.broker), room.clock.now)
    ear = room.subscriber("ear", "t")
    other = room.enter("other")
    sampler.tick(START + 5)
    other.send(mqtt.Publish("t", b"1"), mqtt.Publish("t", b"2"), mqtt.Publish("nobody", b"3"))
    assert sampler.rates(START + 2) == Counts(1, 1, 0, 0)
    other.lose()
    assert sampler.take() == []
    sampler.tick(START + 10.2)
    (taken,) = sampler.take()
    assert taken == Sample(NOW + timedelta(seconds=10), 10, 3, 2, 1, 0, 2, 2, 1, 1)
    ear.lose()
    sampler.tick(START + 20.1)
    assert [(one.received, one.connections, one.subscriptions) for one in sampler.take()] == [(0, 1, 1)]
    sampler.tick(START + 30.1)
    assert [(one.received, one.connections) for one in sampler.take()] == [(0, 0)]
    # Set to another distance, the next one comes by that.
    for seconds, moments in ((2, [32, 34]), (30, [36, 60, 90])):
        room.broker.options.dashboard.sample_interval = seconds
        for at in range(moments[0] - 1, moments[-1] + 1):
            sampler.tick(START + at)
        assert [(one.taken_at - NOW).total_seconds() for one in sampler.take()] == moments


def test_samples_are_thinned_as_they_grow_old(broker_database: Database) -> None:
    minute = timedelta(minutes=1)
    fresh = [sample(timedelta(seconds=10 * at)) for at in range(3)]
    hour = [sample(timedelta(hours=2) - timedelta(seconds=10 * at), gauge=at) for at in range(12)]
    day = [sample(timedelta(days=2) - minute * at, 60, number=2) for at in range(5)]
    week = [sample(timedelta(days=5) - 5 * minute * at, 300, number=at, gauge=7) for at in range(4)]
    ancient = [sample(timedelta(days=7, seconds=1), 600)]
    broker_database.write_now(save_samples, fresh + hour + day + week + ancient)
    broker_database.write_now(thin_samples, NOW)
    found = broker_database.read_now(list_samples)
    assert [(NOW - one.taken_at, one.span, one.received, one.connections) for one in found] == [
        (timedelta(days=5), 600, 1, 7),
        (timedelta(days=5) - 10 * minute, 600, 5, 7),
        (timedelta(days=2), 300, 10, 1),
        (timedelta(hours=2), 60, 6, 5),
        (timedelta(hours=2) - minute, 60, 6, 11),
        (timedelta(seconds=20), 10, 1, 1),
        (timedelta(seconds=10), 10, 1, 1),
        (timedelta(0), 10, 1, 1),
    ]
    broker_database.write_now(thin_samples, NOW)
    assert broker_database.read_now(list_samples) == found
    assert len(broker_database.read_now(list_samples, NOW - timedelta(seconds=10))) == 2
    broker_database.write_now(delete_samples)
    assert broker_database.read_now(list_samples) == []


def test_a_week_of_samples_stays_small(broker_database: Database) -> None:
    """Thinned every minute, as the running program does, for as long as the finest kind lasts and a little more."""
    begin = NOW - timedelta(hours=2)
    for at in range(0, 7200, 60):
        moment = begin + timedelta(seconds=at)
        batch = [sample(NOW - moment - timedelta(seconds=10 * one)) for one in range(6)]
        broker_database.write_now(save_samples, batch)
        broker_database.write_now(thin_samples, moment + timedelta(seconds=60))
    found = broker_database.read_now(list_samples)
    assert sum(one.received for one in found) == 720
    assert len(found) == 360 + 60


def test_the_highest_values_are_those_that_were_not_those_that_were_asked_for() -> None:
    room = Room()
    gauges = Gauges(room.broker)
    room.subscriber("a", "t").lose()
    room.subscriber("b", "$share/g/t").lose()
    found = gauges.look()
    assert (found["connections"], found["subscribers"], found["subscriptions"], found["delayed"]) == (0, 0, 0, 0)
    highest = gauges.highest
    assert [highest[name] for name in ("connections", "subscribers", "subscriptions.shared", "topics")] == [1, 1, 1, 1]
