"""A broker with its management API on real sockets, with an administrator `admin`/`public` and a member `ann`/`secret`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
from msgspec.structs import replace

from folkmoot.app import Program
from folkmoot.app import broker as app
from folkmoot.app.program import lock_directory
from folkmoot.config import Config, Data, Limits, Listen
from folkmoot.domain import accounts
from folkmoot.errors import Invalid
from folkmoot.house import House, open_databases, utc_now
from folkmoot.net.errors import UnknownPath, WrongMethod
from folkmoot.net.routing import Router
from folkmoot.store import Announcements, Transaction
from folkmoot.surfaces.mqtt import Management, Stream, errors, make_app
from folkmoot.surfaces.mqtt.routes import OPERATIONS
from tests.databases import hashed, put_databases, quick_passwords
from tests.net.serving import serving

NODE = "emqx@127.0.0.1"
CALM = Config(limits=Limits(enabled=False))
_PORT_FREE = Listen(mqtt="127.0.0.1:0", mqtt_ws="")
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

    program: Program
    management: Management
    clock: Clock
    rest: httpx.AsyncClient
    port: int

    @property
    def house(self) -> House:
        return self.management.house

    @property
    def stream(self) -> Stream:
        return self.management.stream

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to `/api/v5` as the administrator, unless told otherwise."""
        options.setdefault("auth", ADMIN)
        return await self.rest.request(method, f"/api/v5{path}", **options)

    def client(self, name: str = "ann", password: str = "secret", **options: Any) -> aiomqtt.Client:
        """An MQTT client, to be entered."""
        return aiomqtt.Client("127.0.0.1", self.port, username=name, password=password, **options)


def _people(tx: Transaction, hashes: dict[str, str], now: datetime) -> None:
    if accounts.find_credential(tx, "admin") is not None:
        # Started again on the same data.
        return
    accounts.register(tx, "admin", hashes["public"], now, is_admin=True)
    accounts.register(tx, "ann", hashes["secret"], now)


_DOCUMENTED = Router[set[int]]()
for _each in OPERATIONS:
    _DOCUMENTED.add(_each.method, _each.path, {_each.status, *_each.answers, *errors.possible(_each)})


async def _is_documented(answer: httpx.Response) -> None:
    """Whatever a test provokes, its status stands in the OpenAPI document."""
    with suppress(UnknownPath, WrongMethod, Invalid):
        documented, _ = _DOCUMENTED.find(answer.request.method, answer.request.url.raw_path.decode().partition("?")[0])
        assert answer.status_code in documented, f"{answer.request.method} {answer.request.url}: {answer.status_code}"


@asynccontextmanager
async def running(directory: Path, config: Config = CALM) -> AsyncIterator[Running]:
    """Everything started, then stopped."""
    config = replace(config, data=Data(dir=str(directory)), listen=_PORT_FREE)
    put_databases(directory)
    db, broker_db = open_databases(config)
    db.open()
    broker_db.open()
    clock = Clock()
    house = House(config, db, broker_db, Announcements(db), quick_passwords(), now=clock)
    hashes = {password: hashed(password) for password in ("public", "secret")}
    await db.write(_people, hashes, house.now())
    program = Program(house, lock_directory(config))
    try:
        await house.announcements.start()
        program.keep_running("announcements", house.announcements.follow())
        management = await app.start(program)
        program.ready = True
        port = int(program.addresses.get("mqtt", ":0").rpartition(":")[2])
        async with (
            serving(make_app(management)) as address,
            httpx.AsyncClient(
                base_url=f"http://{address}", verify=False, event_hooks={"response": [_is_documented]}
            ) as rest,
        ):
            yield Running(program, management, clock, rest, port)
    finally:
        await program.stop()


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
