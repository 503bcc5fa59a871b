"""Retained messages in the database, on both of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from folkmoot.domain.broker import Broker, Message, RetainedChange, keep_retained, list_retained
from folkmoot.store import Database, PostgresqlEngine, SqliteEngine, migrate
from folkmoot.surfaces.mqtt.stream import StoredJournal


@pytest.fixture
def broker_database(data_url: str, tmp_path: Path) -> Database:
    engine = PostgresqlEngine(data_url, "broker") if data_url else SqliteEngine(tmp_path / "broker.db")
    migrate(engine, "broker")
    return Database(engine, logs_events=False)


def test_the_last_of_several_changes_to_a_topic_counts(broker_database: Database) -> None:
    first = Message("a/ü", b"\0\xff", 1, True, b"\x26\0\1k\0\1v", 1_800_000_100.5, 1_800_000_000.25, "c", "ada")
    other = Message("b", b"x", 0, True, published_at=1_800_000_000.0)
    broker_database.open()
    try:
        older = Message("a/ü", b"older", retain=True)
        changes = [RetainedChange("a/ü", older), RetainedChange("a/ü", first), RetainedChange("b", other)]
        broker_database.write_now(keep_retained, changes)
        found = broker_database.read_now(list_retained)
        for message, expected in zip(found, [first, other], strict=True):
            message.number = expected.number
            assert message == expected
        broker_database.write_now(keep_retained, [RetainedChange("b", other), RetainedChange("b", None)])
        broker_database.write_now(keep_retained, [RetainedChange("a/ü", older)])
        assert [message.payload for message in broker_database.read_now(list_retained)] == [b"older"]
    finally:
        broker_database.close()


def test_a_topic_may_be_as_long_as_mqtt_lets_it(broker_database: Database) -> None:
    topics = ["x" * 65_535, "x" * 65_534 + "y"]
    broker_database.open()
    try:
        broker_database.write_now(keep_retained, [RetainedChange(topic, Message(topic, b"1")) for topic in topics])
        assert [message.topic for message in broker_database.read_now(list_retained)] == topics
    finally:
        broker_database.close()


def test_a_new_broker_has_what_the_old_one_kept(broker_database: Database) -> None:
    async def life() -> list[str]:
        broker_database.open()
        try:
            journal = StoredJournal(broker_database)
            await journal.keep_retained([RetainedChange("a/b", Message("a/b", b"1", 1, True))])
            broker = Broker()
            await journal.load(broker)
            return broker.retained.match("a/+")
        finally:
            broker_database.close()

    assert asyncio.run(life()) == ["a/b"]
