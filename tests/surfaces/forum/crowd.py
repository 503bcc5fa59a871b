"""Many WebSocket clients of the forum in one room that do nothing but look for the end of each frame: cheap ones."""

from __future__ import annotations

import asyncio
import json

_PING, _PONG = 9, 10


def _frame_of_client(opcode: int, payload: bytes) -> bytes:
    """A frame as clients send it, with a mask that changes nothing (RFC 6455 §5.2)."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


class Hearer(asyncio.Protocol):
    """A client that counts the frames it gets."""

    def __init__(self, address: str, crowd: Crowd) -> None:
        self._address, self._crowd = address, crowd
        self._received = bytearray()
        self._connected = False
        self.frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(
            f"GET /api/v1/ws HTTP/1.1\r\nHost: {self._address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._connected:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            assert self._received.startswith(b"HTTP/1.1 101"), self._received
            del self._received[: end + 4]
            self._connected = True
            entering = json.dumps({"op": "GetPost", "data": {"id": self._crowd.post}}).encode()
            self.transport.write(_frame_of_client(1, entering))
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == _PING:
                self.transport.write(_frame_of_client(_PONG, payload))
            else:
                self.frames += 1
                self._crowd.heard(self)

    def _frame(self) -> tuple[int, bytes] | None:
        received = self._received
        if len(received) < 2:
            return None
        size, start = received[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(received[2:start], "big")
        if len(received) < start + size:
            return None
        found = received[0] & 15, bytes(received[start : start + size])
        del received[: start + size]
        return found


class Crowd:
    """Many hearers in the room of a post, and when the last of them has heard."""

    def __init__(self, post: int) -> None:
        self.post = post
        self.members: list[Hearer] = []
        self._missing = 0
        self._awaited = 0
        self._all = asyncio.Event()

    async def fill(self, address: str, clients: int) -> None:
        """Let so many in; returns when each has been answered."""
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        self.expect(1, clients)
        while len(self.members) < clients:
            some = min(50, clients - len(self.members))
            made = await asyncio.gather(
                *(loop.create_connection(lambda: Hearer(address, self), host, int(port)) for _ in range(some))
            )
            self.members += [protocol for _, protocol in made]
        await self.wait()

    def expect(self, frames: int, clients: int | None = None) -> None:
        """Wait for this many frames at each of them."""
        self._missing, self._awaited = len(self.members) if clients is None else clients, frames
        self._all.clear()

    def heard(self, member: Hearer) -> None:
        if member.frames == self._awaited:
            self._missing -= 1
            if not self._missing:
                self._all.set()

    def leave(self) -> None:
        """End all connections."""
        for member in self.members:
            member.transport.abort()

    async def wait(self) -> None:
        async with asyncio.timeout(60):
            await self._all.wait()
