from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed

from folkmoot.net import http
from folkmoot.net.connection import Bounds
from folkmoot.net.framing import text_frame
from folkmoot.net.websocket import POLICY_VIOLATION, Connection, Connections
from tests.net.serving import PlainDialect, connect, serving, until

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Room:
    """An application with one WebSocket route that keeps its connections."""

    def __init__(self, receive: Callable[[Connection, str], Awaitable[None]] | None = None) -> None:
        self.connections = Connections()
        self.seen: list[str] = []
        self._receive = receive or self._echo

    async def _echo(self, connection: Connection, text: str) -> None:
        self.seen.append(text)
        connection.push(f"echo {text}")

    async def route(self, websocket: WebSocket) -> None:
        connection = Connection(websocket, self.connections, max_outgoing=50)

        async def receive(text: str) -> None:
            await self._receive(connection, text)

        await connection.serve(receive)

    @asynccontextmanager
    async def open(self, stall_seconds: float = 30.0) -> AsyncIterator[str]:
        app = http.bind([], PlainDialect(), None, extra_routes=[WebSocketRoute("/ws", self.route)])
        async with serving(app, bounds=Bounds(write_stall_seconds=stall_seconds)) as address:
            yield address

    async def until(self, count: int) -> list[Connection]:
        await until(lambda: len(self.connections) == count)
        return list(self.connections)


async def close_code(client: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            await client.recv()
    return caught.value.rcvd.code if caught.value.rcvd else 1006


def test_frames_are_answered_in_order_and_binary_is_ignored() -> None:
    async def run() -> None:
        room = Room()
        async with room.open() as address, open_websocket(f"ws://{address}/ws") as client:
            await client.send(b"binary")
            for each in range(100):
                await client.send(str(each))
            assert [await client.recv() for _ in range(100)] == [f"echo {each}" for each in range(100)]
        assert len(room.connections) == 0

    asyncio.run(run())


def test_what_was_sent_before_leaving_is_worked_off() -> None:
    async def run() -> None:
        async def slow(connection: Connection, text: str) -> None:
            await asyncio.sleep(0.05)
            room.seen.append(text)

        room = Room(slow)
        async with room.open() as address:
            async with open_websocket(f"ws://{address}/ws") as client:
                for each in "abc":
                    await client.send(each)
            await room.until(0)
            assert room.seen == ["a", "b", "c"]

    asyncio.run(run())


def test_pushes_reach_everybody_and_one_can_be_ended() -> None:
    async def run() -> None:
        room = Room()
        async with (
            room.open() as address,
            open_websocket(f"ws://{address}/ws") as ann,
            open_websocket(f"ws://{address}/ws") as other,
        ):
            await room.until(2)
            for each in room.connections:
                assert each.push("news")
            assert (await ann.recv(), await other.recv()) == ("news", "news")
            await ann.send("x")
            await ann.recv()
            mine = next(each for each in room.connections if each.websocket.client == ann.local_address)
            mine.end(POLICY_VIOLATION, "signed out")
            assert await close_code(ann) == 1008
            await room.until(1)
            assert not mine.push("late")
            await other.send("still")
            assert await other.recv() == "echo still"

    asyncio.run(run())


def test_a_slow_listener_is_dropped_and_nobody_waits() -> None:
    async def run() -> None:
        room = Room()
        async with room.open(stall_seconds=0.5) as address, open_websocket(f"ws://{address}/ws") as quick:
            await room.until(1)
            _, writer = await connect(address)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(HANDSHAKE)
            ports = {each.websocket.client.port: each for each in await room.until(2) if each.websocket.client}
            [slow] = (each for port, each in ports.items() if port != quick.local_address[1])
            pushed, started = 0, time.monotonic()
            while slow.push("x" * 20_000):
                pushed += 1
                await asyncio.sleep(0)
            assert time.monotonic() - started < 2
            assert 50 <= pushed < 2_000
            await quick.send("me")
            assert await quick.recv() == "echo me"
            await room.until(1)
            # The socket goes too, although its peer never reads the close.
            async with asyncio.timeout(5):
                while not writer.transport.is_closing():
                    writer.write(b"\x8a\x80\0\0\0\0")
                    await asyncio.sleep(0.05)

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_of_any_size_is_read_as_its_text(size: int) -> None:
    async def run() -> None:
        room = Room()
        async with room.open() as address, open_websocket(f"ws://{address}/ws") as client:
            (connection,) = await room.until(1)
            text = "é" * (size // 2) + "x" * (size % 2)
            assert connection.push(text, text_frame(text))
            assert await client.recv() == text

    asyncio.run(run())


def test_frames_and_texts_keep_their_order_when_the_peer_reads_late() -> None:
    async def run() -> None:
        room = Room()
        async with room.open() as address, open_websocket(f"ws://{address}/ws") as client:
            (connection,) = await room.until(1)
            client.transport.pause_reading()
            pushed: list[str] = []

            def push(as_frame: bool) -> None:
                text = f"{len(pushed)} {'x' * 30_000}"
                assert connection.push(text, text_frame(text) if as_frame else b"")
                pushed.append(text)

            # As much as the sockets take; from then on everything waits, whatever way it would go.
            while not connection._outgoing:
                push(as_frame=True)
                assert len(pushed) < 2_000
            for number in range(20):
                push(as_frame=number % 2 == 0)
            client.transport.resume_reading()
            heard = 0
            while heard < len(pushed):
                assert await client.recv() == pushed[heard]
                heard += 1
                # While it catches up, and when it has.
                if len(pushed) - heard < 15 and len(pushed) < 300:
                    push(as_frame=heard % 3 > 0)

    asyncio.run(run())


def test_a_listener_that_does_not_read_frames_is_dropped() -> None:
    async def run() -> None:
        room = Room()
        async with room.open() as address, open_websocket(f"ws://{address}/ws") as client:
            (connection,) = await room.until(1)
            client.transport.pause_reading()
            text, pushed = "x" * 20_000, 0
            frame = text_frame(text)
            while connection.push(text, frame):
                pushed += 1
                await asyncio.sleep(0)
                assert pushed < 5_000
            assert pushed > 50
            client.transport.abort()

    asyncio.run(run())


def test_too_many_bytes_waiting_end_a_connection() -> None:
    async def run() -> None:
        room = Room()
        async with room.open() as address, open_websocket(f"ws://{address}/ws") as client:
            (connection,) = await room.until(1)
            assert not connection.push("x" * (1024 * 1024 + 1))
            assert await close_code(client) == 1013

    asyncio.run(run())


def test_a_failing_receiver_ends_only_its_connection() -> None:
    async def run() -> None:
        async def broken(connection: Connection, text: str) -> None:
            if text == "break":
                raise RuntimeError("secret")
            connection.push(text)

        room = Room(broken)
        async with (
            room.open() as address,
            open_websocket(f"ws://{address}/ws") as first,
            open_websocket(f"ws://{address}/ws") as second,
        ):
            await first.send("break")
            assert await close_code(first) == 1011
            await second.send("fine")
            assert await second.recv() == "fine"

    asyncio.run(run())


def test_end_all_when_the_program_stops() -> None:
    async def run() -> None:
        room = Room()
        async with room.open() as address, open_websocket(f"ws://{address}/ws") as client:
            await room.until(1)
            room.connections.end_all()
            assert await close_code(client) == 1001

    asyncio.run(run())


def test_a_long_task_is_finished_before_the_end() -> None:
    async def run() -> None:
        finished = asyncio.Event()

        async def slow(connection: Connection, text: str) -> None:
            connection.end(1008)
            await asyncio.sleep(0.1)
            finished.set()

        room = Room(slow)
        async with room.open() as address, open_websocket(f"ws://{address}/ws") as client:
            await client.send("a")
            await client.send("b")
            assert await close_code(client) == 1008
            assert finished.is_set()

    asyncio.run(run())
