"""The client on real sockets: against somebody else's server, our own, and servers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from folkmoot.net.smtp import (
    ClientOptions,
    ConnectError,
    Envelope,
    Mail,
    MailServer,
    Outcome,
    Relay,
    Reply,
    ServerOptions,
    connect,
)
from folkmoot.wire.smtp import Login

Runner = Callable[[Coroutine[Any, Any, None]], None]
BODY = "From: a@example.org\r\nSubject: x\r\n\r\n.hello\r\n..\r\ngrüße\r\n".encode()


def mail(*recipients: str, data: bytes = BODY) -> Mail:
    return Mail("a@example.org", recipients, data)


class Handler:
    """Takes mail for everybody but `no…`, in aiosmtpd's words."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address.startswith("no"):
            return "550 5.1.1 Nobody"
        if address.startswith("later"):
            return "451 4.2.0 Later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 Taken"


@contextlib.asynccontextmanager
async def listening(
    protocol: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def saying(
    script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> AsyncIterator[int]:
    """A server that does as the script says, then ends the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await script(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def summarize(results: list[list[Outcome]]) -> list[list[tuple[str, int]]]:
    return [[(each.recipient, each.reply.code) for each in outcomes] for outcomes in results]


def test_aiosmtpd(run: Runner) -> None:
    async def scenario() -> None:
        handler = Handler()
        async with listening(lambda: SMTP(handler, enable_SMTPUTF8=True)) as port:
            connection = await connect(Relay("127.0.0.1", port))
            mails = [mail("b@x", "no@x", "later@x"), mail("no@x"), Mail("", ("ü@x",), b"x\r\n"), mail("c@x\r\nQUIT")]
            results = await connection.send(mails)
            more = await connection.send([mail("d@x")] * 50)
            await connection.close()
        assert summarize(results) == [
            [("b@x", 250), ("no@x", 550), ("later@x", 451)],
            [("no@x", 550)],
            [("ü@x", 250)],
            [("c@x\r\nQUIT", 550)],
        ]
        assert summarize(more) == [[("d@x", 250)]] * 50
        # The null path is "<>" to aiosmtpd.
        assert handler.taken[:2] == [("a@example.org", ["b@x"], BODY), ("<>", ["ü@x"], b"x\r\n")]
        assert len(handler.taken) == 52

    run(scenario())


def test_aiosmtpd_lmtp(run: Runner) -> None:
    async def scenario() -> None:
        handler = Handler()
        async with listening(lambda: LMTP(handler)) as port:
            connection = await connect(Relay("127.0.0.1", port, lmtp=True))
            results = await connection.send([mail("b@x")])
            await connection.close()
        assert summarize(results) == [[("b@x", 250)]]
        assert handler.taken == [("a@example.org", ["b@x"], BODY)]

    run(scenario())


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"me", "sécret".encode()), handled=False)


def contexts(certificate: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    return server, ssl.create_default_context(cafile=f"{certificate}.crt")


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_tls_and_login(security: str, mechanism: str, certificate: Path, run: Runner) -> None:
    async def scenario() -> None:
        handler = Handler()
        server, client = contexts(certificate)
        other = {"PLAIN": "LOGIN", "LOGIN": "PLAIN"}[mechanism]

        def protocol() -> SMTP:
            return SMTP(
                handler,
                tls_context=server if security == "starttls" else None,
                require_starttls=security == "starttls",
                auth_required=True,
                auth_require_tls=security == "starttls",
                authenticator=authenticate,
                auth_exclude_mechanism=[other],
            )

        async with listening(protocol, server if security == "tls" else None) as port:
            options = ClientOptions(tls=client)
            relay = Relay("127.0.0.1", port, security, Login("me", "sécret"))  # type: ignore[arg-type]
            connection = await connect(relay, options)
            assert summarize(await connection.send([mail("b@x")])) == [[("b@x", 250)]]
            await connection.close()
            with pytest.raises(ConnectError) as refused:
                await connect(Relay("127.0.0.1", port, security, Login("me", "wrong")), options)  # type: ignore[arg-type]
            assert (refused.value.reply.code, refused.value.ours) == (535, True)
            assert "wrong" not in str(refused.value)
            # Without the authority that signed it, the certificate is nobody's.
            with pytest.raises(ConnectError) as distrusted:
                await connect(relay)
            assert distrusted.value.reply.code == 454
        assert len(handler.taken) == 1

    run(scenario())


def test_starttls_with_our_own_server(certificate: Path, run: Runner) -> None:
    async def scenario() -> None:
        taken: list[Envelope] = []

        async def deliver(envelope: Envelope) -> Sequence[Reply]:
            taken.append(envelope)
            return [Reply(250, "2.0.0", "Stored")] * len(envelope.recipients)

        server_tls, client_tls = contexts(certificate)
        listener = socket.create_server(("127.0.0.1", 0))
        server = MailServer(deliver, options=ServerOptions(tls=server_tls))
        await server.start(listener)
        connection = await connect(
            Relay("127.0.0.1", listener.getsockname()[1], "starttls"), ClientOptions(tls=client_tls)
        )
        big = b"x" * 70 + b"\r\n"
        results = await connection.send([mail("b@x", data=big * 20_000), *[mail("c@x")] * 200])
        await connection.close()
        await server.stop(2)
        assert summarize(results) == [[("b@x", 250)], *[[("c@x", 250)]] * 200]
        assert (len(taken), len(taken[0].data), taken[0].protocol) == (201, 72 * 20_000, "ESMTPS")

    run(scenario())


def test_no_starttls_is_no_connection(run: Runner) -> None:
    async def scenario() -> None:
        async with listening(lambda: SMTP(Handler())) as port:
            with pytest.raises(ConnectError) as refused:
                await connect(Relay("127.0.0.1", port, "starttls"))
        assert (refused.value.reply.code, refused.value.ours) == (454, True)

    run(scenario())


def test_nobody_listens(run: Runner) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(ConnectError) as refused:
            await connect(Relay("127.0.0.1", port))
        assert refused.value.reply.temporary

    run(scenario())


@pytest.mark.parametrize(
    "greeting", [b"", b"554 5.7.1 Not you\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"220 half", b"\x00" * 5000]
)
def test_servers_that_do_not_let_us_in(greeting: bytes, run: Runner) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()

    async def scenario() -> None:
        async with saying(script) as port:
            with pytest.raises(ConnectError):
                await connect(Relay("127.0.0.1", port))

    run(scenario())


def test_a_silent_server_is_given_up(run: Runner) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scenario() -> None:
        async with saying(script) as port:
            with pytest.raises(ConnectError) as silent:
                await connect(Relay("127.0.0.1", port), ClientOptions(reply_seconds=0.1))
        assert "in time" in silent.value.reply.text

    run(scenario())


@pytest.mark.parametrize("ending", ["close", "silence", "garbage", "421"])
def test_a_connection_that_breaks_in_the_middle(ending: str, run: Runner) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        await reader.readuntil(b"EHLO localhost\r\n")
        writer.write(b"250-x\r\n250-8BITMIME\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 first is here\r\n")
        await reader.readuntil(b"DATA\r\n")
        if ending == "silence":
            await reader.read()
        writer.write({"garbage": b"\xff\xff\r\n", "421": b"421 4.3.2 Going\r\n"}.get(ending, b""))

    async def scenario() -> None:
        async with saying(script) as port:
            connection = await connect(Relay("127.0.0.1", port), ClientOptions(reply_seconds=0.2))
            results = await connection.send([mail("b@x"), mail("c@x"), mail("d@x")])
            assert not connection.usable
            await connection.close()
        assert [[each.reply.temporary for each in outcomes] for outcomes in results] == [[False], [True], [True]]
        assert results[0][0].reply.text == "first is here"

    run(scenario())


def test_after_an_end_everything_is_to_be_tried_again(run: Runner) -> None:
    async def scenario() -> None:
        async with listening(lambda: SMTP(Handler())) as port:
            connection = await connect(Relay("127.0.0.1", port))
            await connection.close()
            results = await connection.send([mail("b@x")])
        assert [[each.reply.temporary for each in outcomes] for outcomes in results] == [[True]]

    run(scenario())
