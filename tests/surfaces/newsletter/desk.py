"""A newsletter that answers on a real socket, with API users to ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from folkmoot.config import Config
from folkmoot.domain import accounts
from folkmoot.domain.accounts import Actor
from folkmoot.domain.spaces import NewsletterChange, create_newsletter
from folkmoot.house import House
from folkmoot.store import Announcements, Database, Engine, Transaction, migrate
from folkmoot.surfaces.newsletter import make_app
from tests.databases import quick_passwords
from tests.net.serving import serving

NOW = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)


@dataclass
class Desk:
    """The house behind a newsletter, where it answers, and a client without credentials."""

    house: House
    address: str
    client: httpx.AsyncClient

    async def hire(self, name: str, token: str, scopes: str = "*", **more: Any) -> Actor:
        """An API user."""

        def act(tx: Transaction) -> Actor:
            account_id = accounts.register(tx, name, None, NOW, is_program=True)
            accounts.create_token(tx, account_id, "newsletter", token, NOW, name=name, scopes=scopes, **more)
            return accounts.actor_of_account(tx, account_id, NOW)

        return await self.house.db.write(act)

    async def make(self, actor: Actor, name: str, at: datetime = NOW, **more: Any) -> int:
        """A list; its id."""
        made = await self.house.db.write(create_newsletter, actor, NewsletterChange(name=name, **more), at)
        return made.face.space_id

    async def ask(self, method: str, path: str, user: str = "api_user", token: str = "token", **more: Any) -> Any:
        """The answer, asked with a Basic credential."""
        return await self.client.request(method, path, auth=(user, token), **more)

    async def data(self, method: str, path: str, **more: Any) -> Any:
        """What is under `data` of an answer that must be 200."""
        answer = await self.ask(method, path, **more)
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["data"]
        return answer.json()["data"]


@asynccontextmanager
async def desk_on(engine: Engine) -> AsyncIterator[Desk]:
    """A newsletter over an empty database, with the super admin `api_user`/`token`."""
    migrate(engine, "community")
    database = Database(engine)
    database.open()
    try:
        # A minute passes between any two looks at the clock, so that changes can be told apart.
        ticks = iter(NOW + timedelta(minutes=n) for n in range(10_000))
        announcements = Announcements(database)
        house = House(Config(), database, database, announcements, quick_passwords(), now=lambda: next(ticks))
        async with (
            serving(make_app(house)) as address,
            httpx.AsyncClient(base_url=f"http://{address}", verify=False) as client,
        ):
            desk = Desk(house, address, client)
            await desk.hire("api_user", "token")
            yield desk
    finally:
        database.close()
