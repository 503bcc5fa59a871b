"""The three doors: group commit, failing jobs, order of events, reads that do not wait."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from folkmoot.errors import Conflict, Unavailable
from folkmoot.events import AccountCreated, Recorded
from folkmoot.store import Announcements, Database, Engine, Reader, SqliteEngine, Transaction, log, migrate

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def keep(tx: Transaction, name: str) -> str:
    tx.run("INSERT INTO secrets (name, value) VALUES (:name, 'x')", name=name)
    return name


def keep_and_fail(tx: Transaction, name: str) -> None:
    keep(tx, name)
    raise RuntimeError(name)


def names(tx: Transaction) -> list[str]:
    return sorted(tx.column("SELECT name FROM secrets"))


def test_a_failing_job_in_a_group_leaves_the_others_committed(engine: Engine) -> None:
    async def scenario() -> list[Any]:
        migrate(engine, "community")
        database = Database(engine)
        database.open()
        # Handed over without a pause in between, they wait together and share commits.
        jobs = [database.write(keep_and_fail if n % 3 == 1 else keep, f"job {n}") for n in range(30)]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert await database.read(names) == sorted(f"job {n}" for n in range(30) if n % 3 != 1)
        database.close()
        return results

    results = asyncio.run(scenario())
    for n, result in enumerate(results):
        if n % 3 == 1:
            assert isinstance(result, RuntimeError) and str(result) == f"job {n}"
        else:
            assert result == f"job {n}"


def test_a_broken_constraint_is_a_conflict_and_reaches_only_its_caller(engine: Engine) -> None:
    async def scenario() -> None:
        migrate(engine, "community")
        database = Database(engine)
        database.open()
        results = await asyncio.gather(
            *(database.write(keep, name) for name in ("a", "a", "b")), return_exceptions=True
        )
        assert results[0] == "a" and results[2] == "b"
        assert isinstance(results[1], Conflict)
        assert await database.read(names) == ["a", "b"]
        database.close()

    asyncio.run(scenario())


def test_a_full_disk_is_said_and_is_over_when_there_is_room(tmp_path: Path) -> None:
    def keep_much(tx: Transaction, most: int) -> None:
        tx.run(f"PRAGMA max_page_count = {most}")
        for number in range(100):
            tx.run("INSERT INTO secrets (name, value) VALUES (:name, :value)", name=str(number), value="x" * 5000)

    async def scenario() -> None:
        engine = SqliteEngine(tmp_path / "community.db")
        migrate(engine, "community")
        database = Database(engine)
        database.open()
        with pytest.raises(Unavailable, match="no room left on the database's disk"):
            await database.write(keep_much, 1)
        assert await database.read(names) == []
        await database.write(keep_much, 1_000_000)
        assert len(await database.read(names)) == 100
        database.close()

    asyncio.run(scenario())


def test_values_come_back_as_they_went_in(database: Database) -> None:
    def round_trip(tx: Transaction) -> None:
        tx.run("INSERT INTO secrets (name, value) VALUES ('100%', ':not a parameter')")
        assert tx.rows("SELECT name, value FROM secrets WHERE name LIKE '100%'") == [("100%", ":not a parameter")]
        recorded = log.append(tx, [(AccountCreated(7), "somewhere")], NOW)
        assert recorded[0].source == "somewhere"
        assert log.after(tx, 0) == [Recorded(recorded[0].id, NOW, AccountCreated(7))]

    database.write_now(round_trip)


def test_events_are_announced_after_commit_in_order_and_never_for_a_failure(engine: Engine) -> None:
    def act(tx: Transaction, number: int) -> None:
        tx.record(AccountCreated(number))
        if number % 5 == 0:
            raise RuntimeError

    async def scenario() -> None:
        migrate(engine, "community")
        database, other = Database(engine), Database(engine)
        database.open()
        announcements = Announcements(database)
        heard: list[Recorded] = []
        committed_when_heard: list[bool] = []

        def listen(recorded: Recorded) -> None:
            heard.append(recorded)
            seen = other.read_now(log.after, recorded.id - 1, 1)
            committed_when_heard.append(bool(seen) and seen[0].id == recorded.id)

        expected = [n for n in range(1, 60) if n % 5 != 0]
        all_heard = asyncio.Event()
        announcements.listen(listen)
        announcements.listen(lambda recorded: all_heard.set() if len(heard) >= len(expected) else None)
        await announcements.start()
        following = asyncio.create_task(announcements.follow())
        other.open()
        await asyncio.gather(*(database.write(act, n) for n in range(1, 40)), return_exceptions=True)
        # Another process writes beside us: its event comes in its place.
        await asyncio.to_thread(other.write_now, act, 41)
        await asyncio.gather(*(database.write(act, n) for n in range(42, 60)), return_exceptions=True)
        await asyncio.wait_for(all_heard.wait(), 5)
        assert sorted(recorded.event.account_id for recorded in heard) == expected  # type: ignore[union-attr]
        ids = [recorded.id for recorded in heard]
        assert ids == sorted(ids) and len(set(ids)) == len(ids)
        assert ids == [recorded.id for recorded in await database.read(log.after, 0)]
        assert all(committed_when_heard)
        following.cancel()
        database.close()
        other.close()

    asyncio.run(scenario())


def test_a_reader_sees_again_what_it_has_not_dealt_with(engine: Engine) -> None:
    async def scenario() -> None:
        migrate(engine, "community")
        database = Database(engine)
        database.open()
        for number in range(5):
            await database.write(lambda tx, n: tx.record(AccountCreated(n)), number)
        reader = Reader(database, "mail")
        first = await reader.waiting()
        assert [r.event for r in first] == [AccountCreated(n) for n in range(5)]
        await database.write(log.advance, "mail", first[2].id)
        again = await Reader(database, "mail").waiting()
        assert [r.event for r in again] == [AccountCreated(3), AccountCreated(4)]
        # Nothing is forgotten that a reader still needs.
        await database.write(log.forget, datetime(2100, 1, 1, tzinfo=UTC))
        assert [r.id for r in await database.read(log.after, 0)] == [r.id for r in again]
        database.close()

    asyncio.run(scenario())


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000000) SELECT sum(i) FROM n",
    "postgresql": "SELECT pg_sleep(3)",
}


def test_a_slow_scan_delays_neither_read_nor_write(engine: Engine) -> None:
    async def scenario() -> None:
        migrate(engine, "community")
        database = Database(engine)
        database.open()
        await database.write(keep, "warm")
        await database.read(names)
        scan = asyncio.create_task(database.scan(lambda tx: tx.value(SLOW[tx.dialect])))
        loop = asyncio.get_running_loop()
        gaps: list[float] = []

        async def tick() -> None:
            # What a connection of the broker would feel: how long the loop keeps others waiting.
            before = loop.time()
            while not scan.done():
                await asyncio.sleep(0.005)
                gaps.append(loop.time() - before)
                before = loop.time()

        ticking = asyncio.create_task(tick())
        await asyncio.sleep(0.01)
        done = 0
        while not scan.done() and done < 20:
            await database.read(names)
            await database.write(keep, f"meanwhile {done}")
            done += 1
        assert done == 20 and not scan.done(), "reads and writes waited for the scan"
        await scan
        await ticking
        assert max(gaps) < 1.0, "the loop waited for the scan"
        database.close()

    asyncio.run(scenario())


def test_a_lost_writer_connection_fails_what_was_in_hand_and_no_more(postgresql_url: str) -> None:
    from folkmoot.store.postgresql import PostgresqlEngine

    def kill_me(tx: Transaction) -> None:
        tx.rows("SELECT pg_terminate_backend(pg_backend_pid())")

    async def scenario() -> None:
        engine = PostgresqlEngine(postgresql_url, "community")
        migrate(engine, "community")
        database = Database(engine)
        database.open()
        await database.write(keep, "before")
        with pytest.raises(Unavailable):
            await database.write(kill_me)
        await database.write(keep, "after")
        assert await database.read(names) == ["after", "before"]
        database.close()

    asyncio.run(scenario())
