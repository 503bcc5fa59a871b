"""A client for SMTP and LMTP: the sender's machine on a real socket, with deadlines.

It sends what it is given and says what became of it. What to send when, and again, is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from folkmoot.net.smtp.link import Link
from folkmoot.net.smtp.relay import Relay
from folkmoot.wire.smtp import Broken, Connected, Mail, MailSettled, Outcome, Reply, Sender, SenderEvent, TlsWanted


class ConnectError(Exception):
    """No connection for mail; `ours` when our configuration is at fault, and the reply is 4xx if it may pass by itself."""

    def __init__(self, relay: Relay, reply: Reply, *, ours: bool = False) -> None:
        super().__init__(f"{relay}: {reply}")
        self.reply = reply
        self.ours = ours


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How a client behaves; `tls` replaces the system's own trust; times in seconds."""

    hostname: str = "localhost"
    tls: ssl.SSLContext | None = None
    connect_seconds: float = 15.0
    # RFC 5321 §4.5.3.2: a server may think for minutes, above all about a message.
    reply_seconds: float = 300.0
    write_seconds: float = 60.0


class Connection:
    """One connection to a relay, ready for mails; made by `connect`. One task at a time uses it."""

    def __init__(self, relay: Relay, options: ClientOptions, link: Link) -> None:
        self._relay = relay
        self._options = options
        self._link = link
        self._machine = Sender(
            lmtp=relay.lmtp,
            hostname=options.hostname,
            starttls=relay.security == "starttls",
            login=relay.login,
        )

    @property
    def usable(self) -> bool:
        """Whether more mails can be sent, as far as is known between two `send`; if not, close it and make another."""
        return not self._machine.broken and self._link.silent

    async def send(self, mails: Iterable[Mail]) -> list[list[Outcome]]:
        """Send mails, pipelined as far as the server allows; per mail one outcome for each recipient, in order.

        Does not raise for a connection that breaks: what was not settled then is to be tried again, and `usable` is
        False. A mail whose last reply was lost may have arrived.
        """
        results: list[list[Outcome]] = []
        for mail in mails:
            self._machine.submit(mail)
        await self._settle(results)
        return results

    async def close(self) -> None:
        """Say goodbye and end."""
        if not self._machine.broken:
            self._machine.quit()
            try:
                async with asyncio.timeout(min(2.0, self._options.reply_seconds)):
                    while not self._machine.broken:
                        await self._exchange()
            except TimeoutError:
                pass
        await self._link.close(1.0)

    def abort(self) -> None:
        """End now."""
        self._link.abort()

    async def _settle(self, results: list[list[Outcome]]) -> None:
        while True:
            for event in self._machine.take_events():
                if isinstance(event, MailSettled):
                    results.append(event.outcomes)
            if self._machine.idle:
                return
            await self._exchange()

    async def _open(self) -> None:
        """Get from the greeting to where mails can be sent. Raises ConnectError."""
        while True:
            for event in self._machine.take_events():
                if isinstance(event, Connected):
                    return
                await self._open_further(event)
            await self._exchange()

    async def _open_further(self, event: SenderEvent) -> None:
        if isinstance(event, Broken):
            raise ConnectError(self._relay, event.reply, ours=event.ours)
        if isinstance(event, TlsWanted):
            context = self._options.tls or _system_trust()
            words, seconds = self._machine.take_output(), self._options.connect_seconds
            await self._link.start_tls(context, words, seconds, server_hostname=self._relay.host)
            self._machine.tls_started()

    async def _exchange(self) -> None:
        """Write what is to be written and read something; the machine learns what goes wrong."""
        try:
            await self._link.write(self._machine.take_output(), self._options.write_seconds)
            data = await self._link.read(self._options.reply_seconds)
        except TimeoutError:
            self._machine.fail("The server did not answer in time")
            return
        if data:
            self._machine.receive(data)
        else:
            self._machine.fail("The server closed the connection")


@cache
def _system_trust() -> ssl.SSLContext:
    # Reading the system's certificates takes a while.
    return ssl.create_default_context()


async def connect(relay: Relay, options: ClientOptions | None = None) -> Connection:
    """Connect, protect the connection and log in as the relay asks. Raises ConnectError."""
    options = options or ClientOptions()
    tls = (options.tls or _system_trust()) if relay.security == "tls" else None
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(options.connect_seconds):
            _, link = await loop.create_connection(Link, relay.host, relay.port, ssl=tls)
    except ssl.SSLError as error:
        raise ConnectError(relay, Reply(454, "4.7.0", f"TLS failed: {error}")) from error
    except (OSError, TimeoutError, UnicodeError) as error:
        raise ConnectError(relay, Reply(451, "4.4.1", f"No connection: {error or 'no answer in time'}")) from error
    connection = Connection(relay, options, link)
    try:
        async with asyncio.timeout(options.connect_seconds + options.reply_seconds):
            await connection._open()
    except BaseException as error:
        link.abort()
        if isinstance(error, OSError | TimeoutError):
            raise ConnectError(relay, Reply(454, "4.7.0", f"TLS failed: {error or 'no answer in time'}")) from error
        raise
    return connection
