"""The mail server on real sockets: other people's clients, hostile ones, and one that must not notice them."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import aiosmtplib
import pytest

from folkmoot.net.smtp import Envelope, MailServer, Reply, ServerOptions

TAKEN = Reply(250, "2.0.0", "Stored")
MESSAGE = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMessage-ID: <1@x>\r\n\r\n.hello\r\n..\r\n"
T = TypeVar("T")
Runner = Callable[[Coroutine[Any, Any, None]], None]


class Mailbox:
    """Takes what arrives; recipients in the domain `full` fail for now, those in `gone` for good."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.open = asyncio.Event()
        self.open.set()

    async def deliver(self, envelope: Envelope) -> Sequence[Reply]:
        await self.open.wait()
        self.taken.append(envelope)
        answers = {"full": Reply(452, "4.2.2", "Full"), "gone": Reply(550, "5.1.1", "Gone")}
        return [answers.get(each.rpartition("@")[2], TAKEN) for each in envelope.recipients]

    async def accept_recipient(self, sender: str, address: str) -> Reply | None:
        return Reply(550, "5.7.1", "No relaying") if address.endswith("@elsewhere") else None


@contextlib.asynccontextmanager
async def serving(
    mailbox: Mailbox,
    options: ServerOptions | None = None,
    *,
    deliver: Callable[..., Awaitable[Sequence[Reply]]] | None = None,
) -> AsyncIterator[tuple[MailServer, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = MailServer(deliver or mailbox.deliver, mailbox.accept_recipient, options)
    await server.start(listener)
    try:
        yield server, listener.getsockname()[1]
    finally:
        await server.stop(2)


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    ends_at = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < ends_at
        await asyncio.sleep(0.005)


async def in_thread(work: Callable[[], T]) -> T:
    async with asyncio.timeout(60):
        return await asyncio.to_thread(work)


class Raw:
    """A client that says exactly what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int) -> Raw:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def reply(self) -> str:
        """The next reply's last line, "" at the end."""
        async with asyncio.timeout(10):
            while True:
                line = (await self.reader.readline()).decode()
                if line[3:4] != "-":
                    return line.rstrip("\r\n")

    async def say(self, data: bytes) -> str:
        self.writer.write(data)
        return await self.reply()

    async def rest(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.read()

    def close(self) -> None:
        self.writer.close()


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "Grüße"
    message.set_content("Line\n.dot\n..\n\nlast")
    return message


def test_smtplib(run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        async with serving(mailbox) as (_, port):

            def send() -> list[object]:
                with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                    first = client.sendmail("a@x", ["b@x", "c@elsewhere"], MESSAGE, ["BODY=8BITMIME"])
                    second = client.send_message(letter())
                    third = client.sendmail("ä@x", ["ö@x"], MESSAGE, ["SMTPUTF8"])
                    return [first, second, third, client.vrfy("b@x")[0], client.noop()[0]]

            results = await in_thread(send)
        assert results == [{"c@elsewhere": (550, b"5.7.1 No relaying")}, {}, {}, 252, 250]
        assert [each.recipients for each in mailbox.taken] == [("b@x",), ("b@example.org",), ("ö@x",)]
        assert mailbox.taken[0].data == MESSAGE
        assert mailbox.taken[0].peer == "127.0.0.1"
        assert mailbox.taken[2].smtputf8

    run(scenario())


def test_smtplib_lmtp_has_a_reply_per_recipient(run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        async with serving(mailbox, ServerOptions(lmtp=True)) as (_, port):

            def send() -> list[tuple[int, bytes]]:
                with smtplib.LMTP("127.0.0.1", port, timeout=20) as client:
                    client.ehlo_or_helo_if_needed()
                    client.mail("a@x")
                    for each in ("b@x", "c@full", "d@gone"):
                        client.rcpt(each)
                    replies = [client.data(MESSAGE), client.getreply(), client.getreply()]
                    client.sendmail("a@x", ["~owner/name@x"], MESSAGE)
                    return replies

            replies = await in_thread(send)
        assert replies == [(250, b"2.0.0 Stored"), (452, b"4.2.2 Full"), (550, b"5.1.1 Gone")]
        assert mailbox.taken[1].recipients == ("~owner/name@x",)

    run(scenario())


def test_aiosmtplib(run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        async with serving(mailbox) as (_, port):  # noqa: SIM117
            async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
                errors, _ = await client.sendmail("a@x", ["b@x", "c@elsewhere"], MESSAGE)
                with pytest.raises(aiosmtplib.SMTPDataError) as refused:
                    await client.sendmail("a@x", ["b@gone"], MESSAGE)
                await client.send_message(letter())
        assert (list(errors), refused.value.code) == (["c@elsewhere"], 550)
        assert [each.recipients for each in mailbox.taken] == [("b@x",), ("b@gone",), ("b@example.org",)]

    run(scenario())


@pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")
@pytest.mark.parametrize("flags", [[], ["--pipeline"], ["--protocol", "LMTP"], ["--protocol", "LMTP", "--pipeline"]])
def test_swaks(flags: list[str], run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        async with serving(mailbox, ServerOptions(lmtp="LMTP" in flags)) as (_, port):
            command = [
                "swaks",
                "--server",
                "127.0.0.1",
                "--port",
                str(port),
                "--from",
                "a@x",
                "--to",
                "b@x,c@x",
                *flags,
            ]
            run = await in_thread(
                lambda: subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
            )
        assert run.returncode == 0, run.stdout + run.stderr
        assert [each.recipients for each in mailbox.taken] == [("b@x", "c@x")]
        assert mailbox.taken[0].protocol == ("LMTP" if "LMTP" in flags else "ESMTP")

    run(scenario())


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def client_tls(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=f"{certificate}.crt")


def test_starttls(certificate: Path, run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        async with serving(mailbox, ServerOptions(tls=server_tls(certificate))) as (_, port):

            def send() -> None:
                with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                    client.starttls(context=client_tls(certificate))
                    client.sendmail("a@x", ["b@x"], MESSAGE + b"x" * 300_000)

            await in_thread(send)
            # What was sent in the clear behind STARTTLS is not obeyed inside TLS.
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            raw = Raw(reader, writer)
            assert (await raw.reply())[:3] == "220"
            assert (await raw.say(b"EHLO me\r\n"))[:3] == "250"
            assert (await raw.say(b"STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@x>\r\n"))[:3] == "220"
            await writer.start_tls(client_tls(certificate), server_hostname="127.0.0.1")
            assert (await raw.say(b"RCPT TO:<b@x>\r\n"))[:3] == "503"
            raw.close()
        assert [(each.protocol, len(each.data)) for each in mailbox.taken] == [("ESMTPS", len(MESSAGE) + 300_002)]

    run(scenario())


def test_garbage_instead_of_a_handshake(certificate: Path, run: Runner) -> None:
    async def scenario() -> None:
        async with serving(Mailbox(), ServerOptions(tls=server_tls(certificate))) as (server, port):
            raw = await Raw.connect(port)
            await raw.reply()
            await raw.say(b"EHLO me\r\n")
            await raw.say(b"STARTTLS\r\n")
            raw.writer.write(b"\x16\x03\x01garbage" * 50)
            with contextlib.suppress(ConnectionError):
                await raw.rest()
            await until(lambda: server.connections == 0)
            raw.close()

    run(scenario())


def test_a_message_is_acknowledged_only_after_it_was_taken(run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        mailbox.open.clear()
        async with serving(mailbox) as (_, port):
            raw = await Raw.connect(port)
            await raw.reply()
            raw.writer.write(b"EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n" + MESSAGE + b".\r\n")
            assert [(await raw.reply())[:3] for _ in range(4)] == ["250", "250", "250", "354"]
            waiting = asyncio.ensure_future(raw.reply())
            await asyncio.sleep(0.05)
            assert not waiting.done()
            mailbox.open.set()
            assert await waiting == "250 2.0.0 Stored"
            raw.close()

    run(scenario())


@pytest.mark.parametrize("wrong", ["raises", "too few"])
def test_a_failing_delivery_is_tried_again_by_the_peer(wrong: str, run: Runner) -> None:
    async def deliver(envelope: Envelope) -> Sequence[Reply]:
        if wrong == "raises":
            raise RuntimeError("broken")
        return []

    async def scenario() -> None:
        async with serving(Mailbox(), ServerOptions(lmtp=True), deliver=deliver) as (_, port):
            raw = await Raw.connect(port)
            await raw.reply()
            raw.writer.write(
                b"LHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n"
            )
            replies = [(await raw.reply())[:9] for _ in range(8)]
            assert replies[5:] == ["451 4.3.0", "451 4.3.0", "250 2.0.0"]
            raw.close()

    run(scenario())


def test_strangers_are_sent_away(run: Runner) -> None:
    async def scenario() -> None:
        options = ServerOptions(peers=[ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("::1/128")])
        async with serving(Mailbox(), options) as (_, port):
            raw = await Raw.connect(port)
            assert (await raw.rest())[:9] == b"554 5.7.1"
            raw.close()
        async with serving(Mailbox(), ServerOptions(peers=[ipaddress.ip_network("127.0.0.0/8")])) as (_, port):
            raw = await Raw.connect(port)
            assert (await raw.reply())[:3] == "220"
            raw.close()

    run(scenario())


def test_connections_are_bounded(run: Runner) -> None:
    async def scenario() -> None:
        async with serving(Mailbox(), ServerOptions(connections=3)) as (server, port):
            served = [await Raw.connect(port) for _ in range(3)]
            assert [(await raw.reply())[:3] for raw in served] == ["220"] * 3
            refused = await Raw.connect(port)
            assert (await refused.rest())[:9] == b"421 4.3.2"
            served[0].close()
            await until(lambda: server.connections == 2)
            late = await Raw.connect(port)
            assert (await late.reply())[:3] == "220"
            for raw in [*served, refused, late]:
                raw.close()

    run(scenario())


@pytest.mark.parametrize(
    "said", [b"", b"EHLO me\r\n", b"EHL", b"EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nhalf"]
)
def test_silence_ends_a_connection(said: bytes, run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        async with serving(mailbox, ServerOptions(read_seconds=0.1)) as (server, port):
            raw = await Raw.connect(port)
            raw.writer.write(said)
            assert (await raw.rest()).splitlines()[-1][:9] == b"421 4.4.2"
            raw.close()
            await until(lambda: server.connections == 0)
        assert mailbox.taken == []

    run(scenario())


def test_dripping_bytes_does_not_keep_a_connection(run: Runner) -> None:
    async def scenario() -> None:
        async with serving(Mailbox(), ServerOptions(read_seconds=5, lifetime_seconds=0.3)) as (server, port):
            raw = await Raw.connect(port)
            assert (await raw.reply())[:3] == "220"
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(5):
                    while server.connections:
                        raw.writer.write(b"N")
                        await asyncio.sleep(0.02)
            assert server.connections == 0
            raw.close()

    run(scenario())


async def flood_without_reading(port: int) -> None:
    """Pipelines commands for ever and never reads an answer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    raw = Raw(*await asyncio.open_connection(sock=sock, limit=1024))
    with contextlib.suppress(ConnectionError):
        while True:
            raw.writer.write(b"NOOP\r\n" * 2000)
            await raw.writer.drain()


async def throw_garbage(port: int) -> None:
    raw = await Raw.connect(port)
    with contextlib.suppress(ConnectionError):
        raw.writer.write(bytes(range(256)) * 2000)
        await raw.rest()
    raw.close()


async def vanish_in_the_middle(port: int) -> None:
    raw = await Raw.connect(port)
    await raw.reply()
    await raw.say(b"EHLO me\r\n")
    raw.writer.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nhalf a mess")
    await raw.writer.drain()
    raw.writer.transport.abort()


async def send_too_much(port: int) -> None:
    raw = await Raw.connect(port)
    await raw.reply()
    await raw.say(b"EHLO me\r\n")
    raw.writer.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n")
    assert [(await raw.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
    raw.writer.write((b"x" * 998 + b"\r\n") * 10_000)
    assert (await raw.say(b".\r\n"))[:9] == "552 5.3.4"
    assert (await raw.say(b"NOOP\r\n"))[:3] == "250"
    raw.close()


async def name_ten_thousand_recipients(port: int) -> None:
    raw = await Raw.connect(port)
    await raw.reply()
    await raw.say(b"EHLO me\r\n")
    raw.writer.write(b"MAIL FROM:<a@x>\r\n" + b"".join(b"RCPT TO:<r%d@x>\r\n" % number for number in range(10_000)))
    answers = [(await raw.reply())[:3] for _ in range(10_001)]
    assert (answers.count("250"), answers.count("452")) == (1001, 9000)
    raw.close()


def test_hostile_peers_disturb_nobody(run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        options = ServerOptions(read_seconds=1, write_seconds=1)
        async with serving(mailbox, options) as (server, port):
            canary = await Raw.connect(port)
            await canary.reply()
            await canary.say(b"EHLO canary\r\n")
            attacks = [
                flood_without_reading,
                throw_garbage,
                vanish_in_the_middle,
                send_too_much,
                name_ten_thousand_recipients,
            ]
            half_open = [await Raw.connect(port) for _ in range(50)]
            hostile = [asyncio.ensure_future(attack(port)) for attack in attacks]
            sent, slowest, clock = 0, 0.0, asyncio.get_running_loop().time
            # Until the last one is done, but some rounds at least.
            while sent < 20 or not all(task.done() for task in hostile):
                began = clock()
                canary.writer.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n" + MESSAGE + b".\r\n")
                assert [(await canary.reply())[:3] for _ in range(4)] == ["250", "250", "354", "250"]
                sent += 1
                slowest = max(slowest, clock() - began)
                if sent > 20_000:
                    break
            await asyncio.gather(*hostile)
            canary.close()
            for raw in half_open:
                raw.close()
            await until(lambda: server.connections == 0)
        assert len(mailbox.taken) == sent
        assert slowest < 2

    run(scenario())


def test_stop_finishes_what_is_in_hand(run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        mailbox.open.clear()
        async with serving(mailbox) as (server, port):
            idle, busy, halfway = [await Raw.connect(port) for _ in range(3)]
            for raw in (idle, busy, halfway):
                await raw.reply()
                await raw.say(b"EHLO me\r\n")
            busy.writer.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nbusy\r\n.\r\n")
            halfway.writer.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nhalf")
            for raw in (busy, halfway):
                assert [(await raw.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
            stopping = asyncio.ensure_future(server.stop(5))
            assert await idle.rest() == b"421 4.3.2 Shutting down\r\n"
            halfway.writer.write(b"way\r\n.\r\n")
            mailbox.open.set()
            for raw in (busy, halfway):
                assert await raw.rest() == b"250 2.0.0 Stored\r\n421 4.3.2 Shutting down\r\n"
            async with asyncio.timeout(5):
                await stopping
            with pytest.raises(OSError):
                await Raw.connect(port)
            for raw in (idle, busy, halfway):
                raw.close()
        assert sorted(each.data for each in mailbox.taken) == [b"busy\r\n", b"halfway\r\n"]

    run(scenario())


def test_stop_cuts_off_who_does_not_come_to_an_end(run: Runner) -> None:
    async def scenario() -> None:
        mailbox = Mailbox()
        async with serving(mailbox) as (server, port):
            raw = await Raw.connect(port)
            await raw.reply()
            raw.writer.write(b"EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nhalf")
            assert [(await raw.reply())[:3] for _ in range(4)] == ["250", "250", "250", "354"]
            async with asyncio.timeout(5):
                await server.stop(0.1)
            assert server.connections == 0
            raw.close()
        assert mailbox.taken == []

    run(scenario())


def test_deliveries_at_once_are_bounded(run: Runner) -> None:
    running, most = 0, 0

    async def deliver(envelope: Envelope) -> Sequence[Reply]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return [TAKEN]

    async def send(port: int) -> str:
        raw = await Raw.connect(port)
        raw.writer.write(b"EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nx\r\n.\r\n")
        replies = [(await raw.reply())[:3] for _ in range(6)]
        raw.close()
        return replies[-1]

    async def scenario() -> None:
        async with serving(Mailbox(), ServerOptions(deliveries=2), deliver=deliver) as (_, port):
            assert await asyncio.gather(*(send(port) for _ in range(10))) == ["250"] * 10

    run(scenario())
    assert most == 2
