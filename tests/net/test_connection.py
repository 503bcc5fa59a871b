from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed

from folkmoot.net.connection import Bounds
from folkmoot.net.listeners import WebSocketSettings
from tests.net.serving import connect, exchange, serving

BOUNDS = Bounds(head_seconds=0.3, keep_alive_seconds=1, linger_seconds=0.2, write_stall_seconds=0.3, max_connections=8)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers without reading the body; /large with more than any buffer holds; an echo over WebSocket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    body = b"x" * 100_000_000 if scope["path"] == "/large" else scope["path"].encode()
    await PlainTextResponse(body)(scope, receive, send)


def answers(data: bytes, **settings: Any) -> bytes:
    async def run() -> bytes:
        async with serving(app, bounds=BOUNDS, **settings) as address:
            answer = await exchange(address, data)
            # Nobody else is disturbed.
            assert (await exchange(address, GET + b"GET / HTTP/1.0\r\n\r\n")).count(b"200 OK") == 2
            return answer

    return asyncio.run(run())


def head_of(size: int) -> bytes:
    lines = b"".join(b"X-%05d: %s\r\n" % (n, b"v" * 990) for n in range(size // 1001))
    return b"GET / HTTP/1.0\r\n" + lines + b"\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (GET.replace(b"1.1", b"1.0"), b"200"),
        (b"GET /" + b"a" * 16_000 + b" HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /" + b"a" * 16_384 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /" + b"a" * 500_000, b"414"),
        (head_of(60_000), b"200"),
        (head_of(70_000), b"431"),
        (b"GET / HTTP/1.1\r\nX: " + b"v" * 500_000, b"431"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"400"),
        (b"\xe1\0garbage\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x", b"408"),
    ],
)
def test_heads(data: bytes, status: bytes) -> None:
    answer = answers(data)
    assert answer.split(b"\r\n")[0].split(b" ")[1] == status
    assert b"connection: close" in answer


def test_a_peer_that_says_nothing_is_closed() -> None:
    for data in (b"", b"\r\n\r\n"):
        started = time.monotonic()
        assert answers(data) == b""
        assert time.monotonic() - started < 3


async def seconds_until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, drip: bytes) -> float:
    """Send one byte after the other until the server ends the connection."""
    started = time.monotonic()
    reading = asyncio.create_task(reader.read())
    for byte in drip:
        writer.write(bytes([byte]))
        await asyncio.wait([reading], timeout=0.05)
        if reading.done():
            break
    reading.cancel()
    writer.close()
    return time.monotonic() - started


def test_a_head_that_drips_has_one_deadline() -> None:
    async def run() -> None:
        async with serving(app, bounds=BOUNDS) as address:
            assert 0.2 < await seconds_until_closed(*await connect(address), drip=GET * 10) < 1

    asyncio.run(run())


def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    async def run() -> None:
        async with serving(app, bounds=BOUNDS) as address:
            reader, writer = await connect(address)
            for _ in range(3):
                writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b"200" in await reader.readuntil(b"/slow")
                await asyncio.sleep(0.4)
            started = time.monotonic()
            assert await reader.read() == b""
            assert time.monotonic() - started < 3
            writer.close()

    asyncio.run(run())


def test_garbage_behind_a_request_does_not_cost_its_answer() -> None:
    answer = answers(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n\0\0\0\0")
    assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"/slow")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_body_that_nobody_reads_ends_with_the_answer() -> None:
    async def run() -> None:
        async with serving(app, bounds=BOUNDS) as address:
            reader, writer = await connect(address)
            writer.write(b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            assert await reader.readuntil(b"/p")
            assert await seconds_until_closed(reader, writer, drip=b"x" * 100) < 1
            # A body that does arrive leaves the connection usable.
            answer = await exchange(address, b"POST /q HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + GET * 2)
            assert answer.count(b"200 OK") == 3

    asyncio.run(run())


def test_a_peer_that_stops_reading_is_dropped() -> None:
    async def run() -> int:
        loop = asyncio.get_running_loop()
        async with serving(app, bounds=BOUNDS) as address:
            host, _, port = address.rpartition(":")
            with socket.socket() as peer:
                peer.setblocking(False)
                await loop.sock_connect(peer, (host, int(port)))
                await loop.sock_sendall(peer, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
                # Much longer than the server waits, even on a busy machine.
                await asyncio.sleep(3.0)
                received = 0
                try:
                    while chunk := await loop.sock_recv(peer, 1_000_000):
                        received += len(chunk)
                except ConnectionError:
                    pass
                return received

    assert 0 < asyncio.run(run()) < 100_000_000


def test_too_many_connections() -> None:
    async def run() -> None:
        async with serving(app, bounds=Bounds(max_connections=2)) as address:
            first, second = await connect(address), await connect(address)
            await asyncio.sleep(0.05)
            assert b"503" in await exchange(address, b"")
            first[1].close()
            await asyncio.sleep(0.05)
            assert b"200" in await exchange(address, GET.replace(b"1.1", b"1.0"))
            second[1].close()

    asyncio.run(run())


def test_websockets_outlive_the_head_deadline_and_have_a_message_limit() -> None:
    async def run() -> None:
        settings = WebSocketSettings(max_message_bytes=1000)
        async with (
            serving(app, bounds=BOUNDS, websockets=settings) as address,
            open_websocket(f"ws://{address}/") as websocket,
        ):
            await asyncio.sleep(0.6)
            await websocket.send("x" * 1000)
            assert await websocket.recv() == "x" * 1000
            await websocket.send("x" * 1001)
            with pytest.raises(ConnectionClosed) as caught:
                await websocket.recv()
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1009

    asyncio.run(run())


def test_a_websocket_peer_that_does_not_answer_pings_is_dropped() -> None:
    # lemmy §1.2: a ping every 5 s, and 10 s of silence are the end; here sooner.
    assert (WebSocketSettings().ping_interval_seconds, WebSocketSettings().ping_timeout_seconds) == (5, 5)

    handshake = (
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )

    async def run() -> None:
        settings = WebSocketSettings(ping_interval_seconds=0.2, ping_timeout_seconds=0.2)
        async with serving(app, websockets=settings) as address:
            started = time.monotonic()
            assert b"101" in await exchange(address, handshake)
            assert time.monotonic() - started < 2
            async with open_websocket(f"ws://{address}/") as websocket:
                await asyncio.sleep(0.8)
                await websocket.send("still here")
                assert await websocket.recv() == "still here"

    asyncio.run(run())
