"""A broker with its management API on real sockets, with an administrator `admin`/`public` and a member `ann`/`secret`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import httpx

from folkmoot.config import Config, Limits
from folkmoot.domain import accounts
from folkmoot.domain.broker import Broker, CommunityGate, Identity
from folkmoot.house import House, utc_now
from folkmoot.store import Announcements, Database, SqliteEngine, Transaction, migrate
from folkmoot.surfaces.mqtt import Push, StoredJournal, Stream, authenticate_client, make_app
from tests.net.serving import serving

NODE = "emqx@127.0.0.1"
CALM = Config(limits=Limits(enabled=False))
ADMIN = httpx.BasicAuth("admin", "public")


@dataclass(slots=True)
class Clock:
    """The house's clock, which tests may put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass(slots=True)
class Running:
    """What tests talk to."""

    house: House
    stream: Stream
    push: Push
    gate: CommunityGate
    clock: Clock
    rest: httpx.AsyncClient
    port: int
    ready: bool = True

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to `/api/v5` as the administrator, unless told otherwise."""
        options.setdefault("auth", ADMIN)
        return await self.rest.request(method, f"/api/v5{path}", **options)

    def client(self, name: str = "ann", password: str = "secret", **options: Any) -> aiomqtt.Client:
        """An MQTT client, to be entered."""
        return aiomqtt.Client("127.0.0.1", self.port, username=name, password=password, **options)


def _open(directory: Path, chain: str, **options: Any) -> Database:
    engine = SqliteEngine(directory / f"{chain}.db")
    migrate(engine, chain)
    database = Database(engine, **options)
    database.open()
    return database


def _people(tx: Transaction, hashes: dict[str, str], now: datetime) -> None:
    accounts.register(tx, "admin", hashes["public"], now, is_admin=True)
    accounts.register(tx, "ann", hashes["secret"], now)


@asynccontextmanager
async def running(directory: Path, config: Config = CALM) -> AsyncIterator[Running]:
    """Everything started, then stopped."""
    db, broker_db = _open(directory, "community"), _open(directory, "broker", logs_events=False)
    clock = Clock()
    house = House(config, db, broker_db, Announcements(db), now=clock)
    hashes = {password: house.passwords.hash(password) for password in ("public", "secret")}
    await db.write(_people, hashes, house.now())
    gate = CommunityGate()
    journal = StoredJournal(broker_db)

    async def admit(name: str | None, password: bytes | None, address: str) -> Identity:
        identity = await authenticate_client(house, name, password)
        await push.admit(identity)
        return identity

    stream = Stream(Broker(gate), admit, lambda *args: push.take(*args), journal)
    push = Push(house, stream, gate)
    await house.announcements.start()
    tasks = [asyncio.create_task(house.announcements.follow())]
    await push.start()
    stream.start()
    tasks.append(asyncio.create_task(push.run()))
    port = await stream.listen("127.0.0.1", 0)
    app = make_app(house, stream, lambda: found.ready)
    try:
        async with serving(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as rest:
            found = Running(house, stream, push, gate, clock, rest, port)
            yield found
    finally:
        await stream.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        db.close()
        broker_db.close()


def scenario(directory: Path, play: Callable[[Running], Awaitable[None]], config: Config = CALM) -> None:
    """Play one story against a broker of its own."""

    async def run() -> None:
        async with running(directory, config) as found, asyncio.timeout(30):
            await play(found)

    asyncio.run(run())


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    """An error in the API's shape."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["message"] and body["reason"] == body["message"]
