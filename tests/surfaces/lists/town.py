"""Lists that answer on real sockets, over HTTP and LMTP, with people to use them."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from folkmoot.config import Config, Mail
from folkmoot.domain import accounts, conversations, outbox, spaces
from folkmoot.domain.accounts import Actor
from folkmoot.domain.spaces import MailingList, Rights
from folkmoot.house import House
from folkmoot.net.listeners import open_socket
from folkmoot.net.smtp import MailServer, ServerOptions
from folkmoot.store import Announcements, Database, Engine, Transaction, migrate
from folkmoot.surfaces.lists import Mailroom, make_app
from folkmoot.text import mail
from tests.databases import quick_passwords
from tests.net.serving import serving

NOW = datetime(2026, 11, 21, 3, 0, 0, 5, tzinfo=UTC)
DOMAIN = "lists.example.org"


@dataclass
class Town:
    """The house behind the lists, a client without credentials, and the ports of the LMTP and the SMTP listener."""

    house: House
    client: httpx.AsyncClient
    port: int
    smtp_port: int
    mailroom: Mailroom

    async def person(self, name: str, **more: Any) -> Actor:
        """Somebody with the token `name` for everything and the address name@example.org."""

        def act(tx: Transaction) -> Actor:
            account_id = accounts.register(tx, name, None, NOW, address=f"{name}@example.org", **more)
            accounts.create_token(tx, account_id, "lists", name, NOW, name=name, scopes="*")
            return accounts.actor_of_account(tx, account_id, NOW)

        return await self.house.db.write(act)

    async def token(self, actor: Actor, secret: str, scopes: str, expires_at: datetime | None = None) -> None:
        """A token with fewer scopes."""
        assert actor.account_id is not None
        await self.house.db.write(
            accounts.create_token, actor.account_id, "lists", secret, NOW, scopes=scopes, expires_at=expires_at
        )

    async def list(self, owner: Actor, name: str) -> MailingList:
        """A list with nobody on it."""
        return await self.house.db.write(spaces.create_mailing_list, owner, name, None, NOW)

    async def close_to_others(self, owner: Actor, face: MailingList, rights: Rights = Rights.NONE) -> None:
        """Let everybody but the owner do only this."""
        await self.house.db.write(
            spaces.edit_list_audiences, owner, face.id, nonsubscriber=rights, subscriber=rights, account=rights, now=NOW
        )

    async def make_private(self, face: MailingList) -> None:
        """Show the list to nobody but those with rights in it."""
        change = "UPDATE list_faces SET visibility = 'PRIVATE' WHERE space_id = :id"
        await self.house.db.write(lambda tx: tx.run(change, id=face.id))

    async def post(self, actor: Actor, face: MailingList, title: str = "Hello", body: str = "text") -> int:
        """A post through another door; its id."""

        def act(tx: Transaction) -> int:
            return conversations.post(
                tx, actor, face.id, title, body, self.house.now(), origin="forum", mail_domain=DOMAIN
            ).id

        return await self.house.db.write(act)

    async def ask(self, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        """An answer of the API."""
        headers = {"Authorization": f"token {token}"} if token else {}
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, token: str) -> Any:
        """The JSON of an answer that must be 200."""
        answer = await self.ask("GET", path, token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(
        self, data: str | bytes, *recipients: str, sender: str = "ann@example.org"
    ) -> Sequence[tuple[int, bytes]]:
        """Hand a mail to the LMTP listener with a real client; one (code, text) for each recipient."""
        raw = data.encode() if isinstance(data, str) else data
        return await asyncio.to_thread(_send, self.port, raw, recipients, sender)

    async def send_smtp(self, data: str, *recipients: str, sender: str = "ann@example.org") -> tuple[int, bytes]:
        """Hand a mail to the SMTP listener with a real client; the one (code, text) after its end, or the first refusal."""
        return await asyncio.to_thread(_send_smtp, self.smtp_port, data, recipients, sender)

    async def letters(self) -> Sequence[tuple[str, mail.Mail]]:
        """What waits in the outbox, the oldest first: recipient and mail. It is taken out."""

        def act(tx: Transaction) -> list[tuple[str, mail.Mail]]:
            claimed = outbox.claim(tx, NOW + timedelta(days=9), 100)
            return [(each.recipient, mail.parse(outbox.get_body(tx, each.body_id))) for each in claimed]

        return await self.house.db.write(act)


def _send(port: int, data: bytes, recipients: Sequence[str], sender: str) -> list[tuple[int, bytes]]:
    with smtplib.LMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo()
        client.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"])
        refusals = {each: answer for each in recipients if (answer := client.rcpt(each))[0] != 250}
        if len(refusals) == len(recipients):
            return list(refusals.values())
        client.putcmd("data")
        assert client.getreply()[0] == 354
        lines = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").split(b"\r\n")
        client.send(b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines))
        client.send(b"\r\n.\r\n" if lines[-1] else b".\r\n")
        return [refusals.get(each) or client.getreply() for each in recipients]


def _send_smtp(port: int, data: str, recipients: Sequence[str], sender: str) -> tuple[int, bytes]:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo()
        client.mail(sender)
        answers = [client.rcpt(recipient) for recipient in recipients]
        return client.data(data) if any(code == 250 for code, _ in answers) else answers[0]


@asynccontextmanager
async def receiving(mailroom: Mailroom, *, lmtp: bool) -> AsyncIterator[int]:
    """A mail listener; its port."""
    server = MailServer(mailroom.deliver, options=ServerOptions(lmtp=lmtp, hostname=DOMAIN))
    listener = open_socket("127.0.0.1:0")
    assert listener is not None
    port = listener.getsockname()[1]
    await server.start(listener)
    try:
        yield port
    finally:
        await server.stop(1)


@asynccontextmanager
async def town_on(engine: Engine) -> AsyncIterator[Town]:
    """Lists over an empty database."""
    migrate(engine, "community")
    database = Database(engine)
    database.open()
    try:
        # A second passes between any two looks at the clock.
        ticks = iter(NOW + timedelta(seconds=n) for n in range(100_000))
        config = Config(mail=Mail(domain=DOMAIN))
        announcements = Announcements(database)
        house = House(config, database, database, announcements, quick_passwords(), now=lambda: next(ticks))
        house.origins["lists"] = "http://lists.example.org"
        house.origins["web"] = "http://web.example.org"
        mailroom = Mailroom(house)
        async with (
            receiving(mailroom, lmtp=True) as lmtp_port,
            receiving(mailroom, lmtp=False) as smtp_port,
            serving(make_app(house)) as address,
            httpx.AsyncClient(base_url=f"http://{address}", verify=False) as client,
        ):
            yield Town(house, client, lmtp_port, smtp_port, mailroom)
    finally:
        database.close()


def run(engine: Engine, scenario: Callable[[Town], Awaitable[None]]) -> None:
    """Play a scenario in a new town."""

    async def whole() -> None:
        async with town_on(engine) as town:
            await scenario(town)

    asyncio.run(whole())


def letter(
    subject: str = "Hello",
    body: str = "Hello all\n",
    *,
    to: str = f"~ann/engines@{DOMAIN}",
    sender: str = "Ann <ann@example.org>",
    mail_id: str = "<1@example.org>",
    **more: str,
) -> str:
    """A mail as people send it; `more` are further fields, `_` for `-`."""
    head = {"From": sender, "To": to, "Subject": subject, "Message-ID": mail_id}
    head.update({name.replace("_", "-"): value for name, value in more.items()})
    return "".join(f"{name}: {value}\n" for name, value in head.items() if value) + "\n" + body
