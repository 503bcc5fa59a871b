"""The web pages over a small town, on a real socket: in the test's own loop, or in a thread for a browser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from folkmoot.config import Config, Mail
from folkmoot.domain import accounts, conversations, outbox, spaces, subscriptions
from folkmoot.domain.accounts import Actor
from folkmoot.domain.subscriptions import LINK_SECRET
from folkmoot.house import House
from folkmoot.store import Announcements, Database, Engine, Transaction, migrate
from folkmoot.surfaces.web import make_app
from tests.databases import quick_passwords
from tests.net.serving import serving

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORIGINS = {
    "forum": "http://127.0.0.1:8536",
    "lists": "http://127.0.0.1:5006",
    "newsletter": "http://127.0.0.1:9000",
    "mqtt_api": "http://127.0.0.1:18083",
}
LISTENERS = {name: origin.removeprefix("http://") for name, origin in ORIGINS.items()} | {
    "mqtt": "127.0.0.1:1883",
    "mqtt_ws": "127.0.0.1:8083",
    "smtp": "127.0.0.1:2525",
    "lmtp": "127.0.0.1:8024",
}
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'


@dataclass
class Town:
    """The house and its pages; `reader` gets mail and the newsletter of the square."""

    house: House
    listeners: dict[str, str]
    is_ready: bool = True
    address: str = ""
    reader: int = 0
    square: int = 0
    secret: str = ""
    clock: list[datetime] = field(default_factory=lambda: [NOW])

    def build(self, tx: Transaction) -> None:
        """An owner, a reader, a square with every face, and a word."""
        owner_id = accounts.register(tx, "olive", None, NOW, address="olive@example.org", is_admin=True)
        owner: Actor = accounts.actor_of_account(tx, owner_id, NOW)
        spaces.create_site(tx, owner, "Little town", "Where everybody talks.", NOW)
        space = spaces.create_space(tx, owner, "square", "The square", "For all.", NOW)
        self.square = space.id
        spaces.add_forum_face(tx, space.id, "square", 1, False)
        spaces.add_list_face(tx, space.id, owner_id, "square")
        spaces.add_newsletter_face(tx, space.id, "The square", NOW, type="public")
        self.reader = accounts.sender(tx, "reader@example.org", "Reader", NOW).id
        subscriptions.start(tx, self.reader, space.id, "mail", NOW)
        subscriptions.start_membership(tx, self.reader, space.id, "confirmed", NOW)
        self.post(tx, "Hello town", "Is anybody here?")
        self.secret = accounts.keep_secret(tx, LINK_SECRET)

    def post(self, tx: Transaction, title: str, body: str) -> int:
        """A message of the owner in the square."""
        owner = accounts.get_account_named(tx, "olive")
        actor = accounts.actor_of_account(tx, owner.id, NOW)
        made = conversations.post(tx, actor, self.square, title, body, NOW, origin="forum", mail_domain="example.net")
        return made.id

    def channels(self, tx: Transaction) -> dict[str, bool]:
        """What the reader receives of the square."""
        choices = subscriptions.list_choices(tx, self.reader, NOW)
        return {each.channel: each.is_on for each in choices if each.space.space_id == self.square}

    def manage_path(self) -> str:
        return subscriptions.manage_url("", self.secret, self.reader)

    def unsubscribe_path(self, channel: str) -> str:
        return subscriptions.unsubscribe_url("", self.secret, self.reader, self.square, channel)


def catch_mail(tx: Transaction, subject: str, text: str, recipients: list[str]) -> None:
    """An outgoing mail, as it waits in the outbox."""
    data = (
        f"From: Little town <noreply@example.net>\r\nSubject: {subject}\r\nMessage-ID: <1@example.net>\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"
    )
    outbox.enqueue(tx, data.encode(), "bounces@example.net", recipients, NOW)


@asynccontextmanager
async def town_on(engine: Engine, config: Config | None = None, *, demo: bool = False) -> AsyncIterator[Town]:
    """The town, answering at `address`."""
    migrate(engine, "community")
    database = Database(engine)
    database.open()
    try:
        config = config or Config(mail=Mail(domain="example.net"))
        house = House(config, database, database, Announcements(database), quick_passwords())
        house.demo = demo
        town = Town(house, dict(LISTENERS))
        house.now = lambda: town.clock[0]
        await database.write(town.build)
        async with serving(make_app(house, town.listeners, lambda: town.is_ready)) as address:
            town.address = address
            house.origins.update({**ORIGINS, "web": f"http://{address}"})
            yield town
    finally:
        database.close()


@asynccontextmanager
async def visitor_of(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of sorts, with a cookie jar."""
    async with httpx.AsyncClient(base_url=f"http://{town.address}", verify=False) as client:
        yield client


@contextmanager
def town_in_thread(engine: Engine, *, demo: bool = False) -> Iterator[tuple[Town, asyncio.AbstractEventLoop]]:
    """The town, answering from a loop of its own, for a client that blocks."""
    loop = asyncio.new_event_loop()
    towns: list[Town] = []
    ready, failure = threading.Event(), list[BaseException]()
    done = asyncio.Event()

    async def run() -> None:
        try:
            async with town_on(engine, demo=demo) as town:
                towns.append(town)
                ready.set()
                await done.wait()
        except BaseException as error:
            failure.append(error)
            ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        assert ready.wait(20) and not failure, failure
        yield towns[0], loop
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)
        loop.close()
