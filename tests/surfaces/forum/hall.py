"""A forum that answers on a real socket, with a clock that stands still until it is moved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket

from folkmoot.config import Config, Limits
from folkmoot.house import House
from folkmoot.store import Announcements, Database, Engine, migrate
from folkmoot.surfaces.forum import make_app
from tests.databases import quick_passwords
from tests.net.serving import serving
from tests.surfaces.forum import shapes

NOW = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)


@dataclass
class Clock:
    """What the house reads the time from; `wait` lets it pass."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def wait(self, **much: float) -> None:
        self.at += timedelta(**much)


@dataclass
class Peer:
    """A WebSocket client."""

    socket: ClientConnection

    async def ask(self, op: str, **data: Any) -> Any:
        """The next frame after asking."""
        await self.socket.send(json.dumps({"op": op, "data": data}))
        return await self.hear()

    async def data(self, op: str, **data: Any) -> Any:
        """What an operation that must succeed replies."""
        reply = await self.ask(op, **data)
        assert list(reply) == ["op", "data"] and reply["op"] == op, reply
        return reply["data"]

    async def hear(self) -> Any:
        """The next frame, in its shape."""
        async with asyncio.timeout(5):
            frame = json.loads(await self.socket.recv())
        if "error" in frame:
            shapes.check_error(frame)
        else:
            assert list(frame) == ["op", "data"], frame
            shapes.check(frame["op"], frame["data"])
        return frame

    async def hears_nothing(self) -> None:
        """Fails if anything was sent before the reply to a question asked now."""
        reply = await self.ask("ListCategories")
        assert reply["op"] == "ListCategories", reply


@dataclass
class Hall:
    """The house behind a forum, where it answers, and a client."""

    house: House
    clock: Clock
    address: str
    client: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, by: str = "", **query: Any) -> Any:
        """The data of a GET that must be answered with 200."""
        if by:
            query["auth"] = self.tokens[by]
        answer = await self.client.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, path: str, by: str = "", method: str = "POST", **data: Any) -> Any:
        """The data of a POST or PUT that must be answered with 200."""
        answer = await self.answer(path, by, method, **data)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def answer(self, path: str, by: str = "", method: str = "POST", **data: Any) -> httpx.Response:
        """The answer to a POST or PUT."""
        if by:
            data["auth"] = self.tokens[by]
        return await self.client.request(method, f"/api/v1{path}", json=data)

    async def refused(self, path: str, by: str = "", method: str = "POST", **data: Any) -> str:
        """The code of an answer that must be an error, in its exact shape."""
        answer = await self.answer(path, by, method, **data)
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/json"
        error = answer.json()
        assert list(error) == ["op", "message", "error"] and error["message"] == error["error"]
        return str(error["error"])

    async def enrol(self, name: str, admin: bool = False, **more: Any) -> int:
        """Register somebody; his id."""
        data = {"username": name, "password": "pw", "password_verify": "pw", "admin": admin, **more}
        self.tokens[name] = (await self.send("/user/register", **data))["jwt"]
        async with self.peer() as peer:
            return int((await peer.data("UserJoin", auth=self.tokens[name]))["user_id"])

    async def post(self, by: str, name: str = "Hello", community: str = "main", **more: Any) -> int:
        """Start a thread; its id."""
        found = await self.get("/community", name=community)
        data = await self.send("/post", by, name=name, community_id=found["community"]["id"], **more)
        return int(data["post"]["id"])

    async def comment(self, by: str, post_id: int, content: str = "well", **more: Any) -> int:
        """Answer; the comment's id."""
        data = await self.send("/comment", by, content=content, post_id=post_id, **more)
        return int(data["comment"]["id"])

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Peer]:
        """A WebSocket client for the time of a block."""
        async with open_websocket(f"ws://{self.address}/api/v1/ws", max_size=None) as socket:
            yield Peer(socket)


async def check_shape(answer: httpx.Response) -> None:
    """Fails when an answer of the API is not in its shape."""
    if not answer.url.path.startswith("/api/v1"):
        return
    await answer.aread()
    operation = shapes.PATHS.get((answer.request.method, answer.url.path))
    assert answer.headers["content-type"] == "application/json"
    if answer.status_code == 200 and operation is not None:
        shapes.check(operation, answer.json())
    else:
        shapes.check_error(answer.json())


@asynccontextmanager
async def hall_on(engine: Engine, limits: Limits | None = None) -> AsyncIterator[Hall]:
    """A forum over an empty database; without rate limits unless given some."""
    migrate(engine, "community")
    database = Database(engine)
    database.open()
    announcements = Announcements(database)
    await announcements.start()
    following = asyncio.create_task(announcements.follow())
    try:
        clock = Clock()
        config = Config(limits=limits or Limits(enabled=False))
        house = House(config, database, database, announcements, quick_passwords(), now=clock)
        async with (
            serving(make_app(house)) as address,
            httpx.AsyncClient(base_url=f"http://{address}", verify=False) as client,
        ):
            yield Hall(house, clock, address, client)
    finally:
        following.cancel()
        database.close()


def run_in_hall(engine: Engine, act: Callable[[Hall], Awaitable[None]], limits: Limits | None = None) -> None:
    """Run a test in a forum where `admin` has set things up and `ann` and `bob` are registered."""

    async def run() -> None:
        async with hall_on(engine, limits) as hall:
            await hall.enrol("admin", admin=True)
            await hall.send("/site", "admin", name="Town")
            await hall.enrol("ann")
            await hall.enrol("bob")
            await act(hall)

    asyncio.run(run())
