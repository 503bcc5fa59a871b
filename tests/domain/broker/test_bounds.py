"""The broker's file stays small whatever goes through it: what is over leaves its tables, and the room is used again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from folkmoot.domain.broker import Broker, keep
from folkmoot.domain.monitoring import Sample, save_samples, thin_samples
from folkmoot.store import Database, SqliteEngine, migrate
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Filter, Prop, Publish, Subscribe

from .ends import START, Room

MESSAGES = 300
ROUNDS = 6
KEPT: mqtt.Properties = {Prop.MESSAGE_EXPIRY: 30}
TABLES = (
    *("retained", "sessions", "session_wills", "session_clients", "session_filters"),
    *("queued_messages", "deliveries", "received_ids", "delayed_messages", "damaged_rows"),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    engine = SqliteEngine(tmp_path / "broker.db")
    migrate(engine, "broker")
    found = Database(engine, logs_events=False)
    found.open()
    yield found
    found.close()


def size(database: Database) -> int:
    """Of the file, with all that is committed in it."""
    connection = database.engine.connect(read_only=False)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = Path(database.engine.describe())
    assert path.with_name("broker.db-wal").stat().st_size == 0
    return path.stat().st_size


def save(database: Database, room: Room) -> None:
    ticket, changes = room.broker.ledger.take()
    database.write_now(keep, changes)
    room.broker.ledger.committed(ticket)


def rows(database: Database) -> dict[str, int]:
    return {
        table: int(database.read_now(lambda tx, table=table: tx.value(f"SELECT COUNT(*) FROM {table}")))  # type: ignore[misc]
        for table in TABLES
    }


def fill(room: Room, number: int) -> None:
    """Everything that is kept, for half a minute: a session of its own each time, with a will."""
    will = mqtt.Will("will", b"gone" * 100, properties={Prop.WILL_DELAY: 1000})
    sink = room.enter(f"sink{number}", clean=False, session_expiry=40, will=will)
    sink.send(Subscribe(1, [Filter("#", 1)]), Publish("x", b"1", 2, packet_id=9))
    sink.lose()
    source = room.enter("source")
    for count in range(MESSAGES):
        payload = bytes(500)
        source.send(
            Publish(f"{number}/{count}", payload, 1, True, packet_id=1, properties=KEPT),
            Publish(f"$delayed/20/{number}/{count}", payload, 1, packet_id=2, properties=KEPT),
        )


def test_what_is_over_leaves_the_file(database: Database) -> None:
    room, sizes = Room(Broker(durable=True)), list[int]()
    for number in range(ROUNDS):
        fill(room, number)
        save(database, room)
        full = rows(database)
        assert full["retained"] == full["delayed_messages"] == MESSAGES <= full["queued_messages"]
        assert all(full[table] for table in TABLES if table != "damaged_rows")
        room.wait(25)
        # They are published in pieces.
        room.wait(1)
        save(database, room)
        assert not rows(database)["delayed_messages"]
        for _ in range(3):
            room.wait(70)
        save(database, room)
        assert not any(rows(database).values()), rows(database)
        sizes.append(size(database))
    assert max(sizes[1:]) <= sizes[0] * 1.2, sizes


def test_a_queue_no_one_fetches_is_bounded(database: Database) -> None:
    room = Room(Broker(durable=True))
    room.broker.limits.max_mqueue_len = 50
    sink = room.enter("sink", clean=False, session_expiry=0xFFFFFFFF)
    sink.send(Subscribe(1, [Filter("#", 1)]))
    sink.lose()
    source, sizes = room.enter("source"), list[int]()
    for _ in range(ROUNDS):
        for _ in range(MESSAGES):
            source.send(Publish("a", bytes(500), 1, packet_id=1))
        save(database, room)
        assert rows(database)["queued_messages"] == rows(database)["deliveries"] == 50
        sizes.append(size(database))
    assert max(sizes[1:]) <= sizes[0] * 1.2, sizes


def test_samples_of_years_are_those_of_a_week(database: Database) -> None:
    now, counts = datetime.fromtimestamp(START, UTC), list[int]()
    for _ in range(40):
        hours = [now + timedelta(hours=number) for number in range(1, 101)]
        database.write_now(save_samples, [Sample(at, 10, 1, 1, 0, 0, 1, 1, 1, 1) for at in hours])
        now = hours[-1]
        database.write_now(thin_samples, now)
        counts.append(int(database.read_now(lambda tx: tx.value("SELECT COUNT(*) FROM monitor_samples"))))
    assert max(counts) <= 7 * 24 + 1
