"""Mail on its way out of a real database to a real server: retries, failures, kills, and mail that is caught."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from folkmoot.delivery.mail import Sender
from folkmoot.domain import outbox
from folkmoot.errors import Invalid
from folkmoot.net.smtp import Envelope, MailServer, Reply, ServerOptions
from folkmoot.store import Database, Engine, SqliteEngine, Transaction, engine_at, migrate

BODY = b"From: list@x\r\nSubject: news\r\n\r\nHello\r\n"


class Server:
    """A relay: `bad…` is refused, `late…` put off, `poison…` cut off; `slow` waits for `open`."""

    def __init__(self, lmtp: bool = False) -> None:
        self.lmtp = lmtp
        self.taken: list[Envelope] = []
        self.late = True
        self.open = asyncio.Event()
        self.port = 0
        self._machine: MailServer | None = None

    async def accept_recipient(self, sender: str, address: str) -> Reply | None:
        if address.startswith("bad"):
            return Reply(550, "5.1.1", "Nobody")
        if address.startswith("late") and self.late:
            return Reply(451, "4.2.0", "Later")
        if address.startswith("poison"):
            return Reply(421, "4.3.2", "Cut off")
        return None

    async def deliver(self, envelope: Envelope) -> Sequence[Reply]:
        if any(each.startswith("slow") for each in envelope.recipients):
            await self.open.wait()
        self.taken.append(envelope)
        return [Reply(250, "2.0.0", "Taken")] * len(envelope.recipients)

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._machine = MailServer(self.deliver, self.accept_recipient, ServerOptions(lmtp=self.lmtp))
        await self._machine.start(listener)

    async def stop(self) -> None:
        if self._machine is not None:
            await self._machine.stop(0.5)

    def arrived(self) -> Counter[str]:
        return Counter(each for envelope in self.taken for each in envelope.recipients)


class Clock:
    """The time, which can be moved forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@contextlib.asynccontextmanager
async def sending(engine: Engine, relay: str, clock: Callable[[], datetime] | None = None) -> AsyncIterator[Database]:
    migrate(engine, "community")
    database = Database(engine)
    database.open()
    sender = Sender(database, relay, "here", now=clock or Clock())
    task = asyncio.create_task(sender.run())
    try:
        yield database
    finally:
        await sender.stop()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        database.close()


async def enqueue(database: Database, *recipients: str, data: bytes = BODY, sender: str = "list@x") -> None:
    await database.write(outbox.enqueue, data, sender, recipients, datetime.now(UTC))


def enqueue_each(tx: Transaction, recipients: Sequence[str]) -> None:
    """A mail of his own for each."""
    for recipient in recipients:
        outbox.enqueue(tx, BODY, "list@x", [recipient], datetime.now(UTC))


def states(tx: Transaction) -> dict[str, tuple[str, str]]:
    return {view.recipient: (view.state, view.last_reply) for view in outbox.list_newest(tx, 10_000)}


async def until(database: Database, condition: Callable[[Counter[str]], bool], seconds: float = 20) -> None:
    """Wait until the numbers of copies in each state are so."""
    ends_at = asyncio.get_running_loop().time() + seconds
    while not condition(counts := Counter(await database.read(outbox.count_by_state))):
        assert asyncio.get_running_loop().time() < ends_at, counts
        await asyncio.sleep(0.01)


def settled(counts: Counter[str]) -> bool:
    return not counts["queued"] and not counts["claimed"]


def test_each_recipient_has_his_own_fate(engine: Engine) -> None:
    async def scenario() -> None:
        server, clock = Server(), Clock()
        await server.start()
        async with sending(engine, f"smtp://127.0.0.1:{server.port}", clock) as database:
            await enqueue(database, "a@x", "bad@x", "late@x", "no address", "b@x", data=b"line\n.dot\n")
            await until(database, lambda counts: counts["sent"] + counts["failed"] == 4 and counts["queued"] == 1)
            found = await database.read(states)
            assert found["a@x"] == found["b@x"] == ("sent", "250 2.0.0 Taken")
            assert found["bad@x"] == ("failed", "550 5.1.1 Nobody")
            assert found["late@x"] == ("queued", "451 4.2.0 Later")
            assert found["no address"][0] == "failed"
            # Not before its time; then again.
            due_at = await database.read(outbox.next_due_at)
            assert due_at is not None
            assert timedelta(seconds=50) < due_at - clock() < timedelta(seconds=70)
            server.late = False
            clock.ahead = timedelta(minutes=2)
            await until(database, settled)
            assert (await database.read(states))["late@x"] == ("sent", "250 2.0.0 Taken")
        await server.stop()
        assert server.arrived() == Counter({"a@x": 1, "b@x": 1, "late@x": 1})
        assert {(each.sender, each.data) for each in server.taken} == {("list@x", b"line\r\n.dot\r\n")}

    asyncio.run(scenario())


def test_giving_up_after_five_days(engine: Engine) -> None:
    async def scenario() -> None:
        server, clock = Server(), Clock()
        await server.start()
        async with sending(engine, f"smtp://127.0.0.1:{server.port}", clock) as database:
            await enqueue(database, "late@x")
            attempts = 0
            while not (await database.read(outbox.count_by_state)).get("failed"):
                await until(database, lambda counts: not counts["claimed"])
                clock.ahead += timedelta(hours=12)
                attempts += 1
                assert attempts < 1000
                await asyncio.sleep(0.01)
            assert clock.ahead >= timedelta(days=5)
            assert (await database.read(states))["late@x"] == ("failed", "451 4.2.0 Later")
        await server.stop()

    asyncio.run(scenario())


def test_one_body_for_many_recipients(engine: Engine) -> None:
    async def scenario() -> None:
        server = Server(lmtp=True)
        await server.start()
        recipients = [f"r{number}@x" for number in range(350)]
        async with sending(engine, f"lmtp://127.0.0.1:{server.port}") as database:
            await enqueue(database, *recipients)
            for number in range(150):
                await enqueue(database, "one@x", sender=f"bounce+{number}@x")
            await until(database, settled)
            assert await database.read(outbox.count_by_state) == {"sent": 500}
        await server.stop()
        assert server.arrived() == Counter([*recipients, *["one@x"] * 150])
        assert sum("one@x" not in each.recipients for each in server.taken) <= 5

    asyncio.run(scenario())


def test_a_slow_mail_keeps_up_nobody_else(engine: Engine) -> None:
    async def scenario() -> None:
        server = Server()
        await server.start()
        async with sending(engine, f"smtp://127.0.0.1:{server.port}") as database:
            await enqueue(database, "slow@x")
            await until(database, lambda counts: counts["claimed"] == 1)
            for number in range(5):
                await enqueue(database, f"quick{number}@x")
                await until(database, lambda counts, sent=number + 1: counts["sent"] == sent)  # type: ignore[misc]
            server.open.set()
            await until(database, settled)
        await server.stop()
        assert len(server.taken) == 6

    asyncio.run(scenario())


def test_a_mail_that_breaks_the_connection_does_not_stop_the_rest(engine: Engine) -> None:
    async def scenario() -> None:
        server = Server()
        await server.start()
        async with sending(engine, f"smtp://127.0.0.1:{server.port}") as database:
            await database.write(enqueue_each, ["a@x", "poison@x", "b@x", "c@x", "d@x"])
            await until(database, lambda counts: counts["sent"] == 4)
            assert (await database.read(states))["poison@x"] == ("queued", "421 4.3.2 Cut off")
        await server.stop()

    asyncio.run(scenario())


def test_an_absent_relay_costs_no_attempts(engine: Engine) -> None:
    async def scenario() -> None:
        server = Server()
        await server.start()
        await server.stop()
        async with sending(engine, f"smtp://127.0.0.1:{server.port}") as database:
            await enqueue(database, "a@x", "b@x")
            await asyncio.sleep(0.2)
            views = await database.read(outbox.list_newest, 10)
            assert [(view.state, view.attempts) for view in views] == [("queued", 0)] * 2
            await server.start()
            await until(database, settled)
        await server.stop()
        assert server.arrived() == Counter({"a@x": 1, "b@x": 1})

    asyncio.run(scenario())


def test_without_a_relay_mail_is_caught(engine: Engine) -> None:
    async def scenario() -> None:
        async with sending(engine, "") as database:
            await enqueue(database, *[f"r{number}@x" for number in range(250)])
            await until(database, settled)
            assert await database.read(outbox.count_by_state) == {"caught": 250}
            view = (await database.read(outbox.list_newest, 1))[0]
            assert await database.read(outbox.get_body, view.body_id) == BODY

    asyncio.run(scenario())


def test_another_relay_is_used_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        one, other = Server(), Server()
        await one.start()
        await other.start()
        migrate(engine, "community")
        database = Database(engine)
        database.open()
        sender = Sender(database, "", "here")
        task = asyncio.create_task(sender.run())
        try:
            await enqueue(database, "caught@y")
            await until(database, lambda found: found["caught"] == 1)
            for number, (server, name) in enumerate(((one, "first@y"), (other, "second@y"), (one, "third@y")), 1):
                sender.use(f"smtp://127.0.0.1:{server.port}")
                await enqueue(database, name)
                await until(database, lambda found, number=number: found["sent"] == number)  # type: ignore[misc]
            with pytest.raises(Invalid):
                sender.use("gopher://x")
            assert one.arrived() == {"first@y": 1, "third@y": 1} and other.arrived() == {"second@y": 1}
        finally:
            await sender.stop()
            await asyncio.gather(task, one.stop(), other.stop(), return_exceptions=True)
            database.close()

    engine = SqliteEngine(tmp_path / "community.db")
    asyncio.run(asyncio.wait_for(run(), 20))


def test_what_was_claimed_is_sent_after_a_new_start(engine: Engine) -> None:
    async def scenario() -> None:
        server = Server()
        await server.start()
        migrate(engine, "community")
        before = Database(engine)
        before.open()
        await enqueue(before, "a@x")
        assert len(await before.write(outbox.claim, datetime.now(UTC), 10)) == 1
        before.close()
        async with sending(engine, f"smtp://127.0.0.1:{server.port}") as database:
            await until(database, settled)
        await server.stop()
        assert server.arrived() == Counter({"a@x": 1})

    asyncio.run(scenario())


def test_stop_settles_what_was_sent(engine: Engine) -> None:
    async def scenario() -> None:
        server = Server()
        await server.start()
        async with sending(engine, f"smtp://127.0.0.1:{server.port}") as database:
            await database.write(enqueue_each, [f"r{number}@x" for number in range(300)])
            await until(database, lambda counts: counts["sent"] > 0)
        database.open()
        counts = await database.read(outbox.count_by_state)
        database.close()
        await server.stop()
        assert "claimed" not in counts
        assert counts["sent"] == len(server.taken)

    asyncio.run(scenario())


def test_a_bad_relay_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        Sender(Database(SqliteEngine(tmp_path / "community.db")), "mail.example.org:25", "here")


CHILD = """
import asyncio, sys
from folkmoot.delivery.mail import Sender
from pathlib import Path
from folkmoot.store import Database, engine_at

async def main(url, directory, relay):
    database = Database(engine_at(url, Path(directory), "community"))
    database.open()
    await Sender(database, relay, "here").run()

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_kill_skips_nobody(data_url: str, tmp_path: Path) -> None:
    engine = engine_at(data_url, tmp_path, "community")
    total = 1500

    async def scenario() -> int:
        server = Server()
        await server.start()
        relay = f"smtp://127.0.0.1:{server.port}"
        migrate(engine, "community")
        database = Database(engine)
        database.open()
        await database.write(enqueue_each, [f"r{number}@x" for number in range(total)])
        kills = 0
        for goal in (100, 500, 900):
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, data_url, str(tmp_path), relay)
            try:
                while len(server.arrived()) < goal:
                    assert child.returncode is None
                    await asyncio.sleep(0.002)
            finally:
                child.kill()
                await child.wait()
            kills += 1
        database.close()
        async with sending(engine, relay) as database:
            await until(database, settled)
            assert await database.read(outbox.count_by_state) == {"sent": total}
        await server.stop()
        arrived = server.arrived()
        assert len(arrived) == total
        repeated = sum(arrived.values()) - total
        # Four connections with a hundred copies each.
        assert repeated <= kills * 400
        assert max(arrived.values()) <= kills + 1
        return kills

    assert asyncio.run(asyncio.wait_for(scenario(), 100)) == 3
