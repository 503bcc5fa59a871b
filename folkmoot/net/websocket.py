"""Server-push connections over WebSocket.

Each connection has three tasks and two bounded queues: what the peer sends is taken up quickly (so that its pongs are
seen) and worked off in order; what is pushed to it is written by a task of its own, or at once where nothing waits and
the same frame goes to many. A push never waits: a listener whose queue is full is dropped. Pings and the size of a
message are the server's settings (`listeners.WebSocketSettings`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from folkmoot.net.framing import EXTENSION, Writing

_log = structlog.get_logger(__name__)

# RFC 6455 §7.4.1
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013

_FINISH_SECONDS = 5.0
_CLOSE_SECONDS = 1.0


class Connection:
    """One live peer. `push` from anywhere on the loop; `serve` once, by the route."""

    def __init__(
        self,
        websocket: WebSocket,
        connections: Connections,
        *,
        max_outgoing: int = 256,
        max_outgoing_bytes: int = 1024 * 1024,
        max_incoming: int = 32,
    ) -> None:
        self.websocket = websocket
        self.address = websocket.client.host if websocket.client else ""
        self._connections = connections
        self._outgoing: deque[str] = deque()
        self._outgoing_bytes = 0
        self._max_outgoing = max_outgoing
        self._max_outgoing_bytes = max_outgoing_bytes
        self._wake = asyncio.Event()
        self._writing = False
        self._write_frame: Writing | None = websocket.scope.get("extensions", {}).get(EXTENSION)
        self._incoming: asyncio.Queue[str | None] = asyncio.Queue(max_incoming)
        self._ended = asyncio.Event()
        self._end_code = 1000
        self._end_reason = ""

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def push(self, text: str, frame: bytes = b"") -> bool:
        """Send a text frame in its turn, without waiting; a connection that is too slow for it ends. False when ended.

        `frame` is the text as `framing.text_frame` makes it, for those who push the same to many.
        """
        if self._ended.is_set():
            return False
        if (
            frame
            and not (self._outgoing or self._writing)
            and self._write_frame is not None
            and self._write_frame(frame)
        ):
            return True
        self._outgoing_bytes += _size(text)
        if len(self._outgoing) >= self._max_outgoing or self._outgoing_bytes > self._max_outgoing_bytes:
            self.end(TRY_AGAIN_LATER, "too slow")
            return False
        self._outgoing.append(text)
        self._wake.set()
        return True

    def end(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection soon: nothing more is sent or worked off."""
        if not self.ended:
            self._end_code, self._end_reason = code, reason
            self._ended.set()

    async def serve(self, receive_text: Callable[[str], Awaitable[None]]) -> None:
        """Accept the peer and live until either side ends it.

        `receive_text` gets every text frame, one at a time in the order sent; frames that came before the peer left are
        still worked off. Binary frames are ignored.
        """
        await self.websocket.accept()
        self._connections.add(self)
        reader = asyncio.create_task(self._read())
        worker = asyncio.create_task(self._work(receive_text))
        writer = asyncio.create_task(self._write())
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait([reader, writer, worker, ended], return_when=asyncio.FIRST_COMPLETED)
            # The frame in hand is finished, so that nothing is half done.
            await asyncio.wait([worker], timeout=_FINISH_SECONDS)
            if self.ended:
                await self._close()
        finally:
            self.end()
            self._connections.remove(self)
            tasks = [reader, worker, writer, ended]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            message = await self.websocket.receive()
            if message["type"] == "websocket.disconnect":
                await self._incoming.put(None)
                return
            text = message.get("text")
            if text is not None:
                await self._incoming.put(text)

    async def _work(self, receive_text: Callable[[str], Awaitable[None]]) -> None:
        ended = asyncio.create_task(self._ended.wait())
        try:
            while not self.ended:
                following = asyncio.create_task(self._incoming.get())
                await asyncio.wait([following, ended], return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                    return
                text = following.result()
                if text is None:
                    return
                await receive_text(text)
        except Exception:
            _log.exception("websocket.failed", address=self.address)
            self.end(INTERNAL_ERROR)
        finally:
            ended.cancel()

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                # While one text is on its way no frame may go past it.
                self._writing = True
                while self._outgoing:
                    text = self._outgoing.popleft()
                    self._outgoing_bytes -= _size(text)
                    await self.websocket.send_text(text)
                self._writing = False
        except (WebSocketDisconnect, RuntimeError, OSError):
            # The peer is gone; the reader learns it too.
            self.end(GOING_AWAY)

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.websocket.close(self._end_code, self._end_reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
            # It does not read; the listener's stall watch takes the socket away.
            pass


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


class Connections:
    """The live connections of one surface."""

    def __init__(self) -> None:
        self._all: set[Connection] = set()

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Connection) -> None:
        self._all.add(connection)

    def remove(self, connection: Connection) -> None:
        self._all.discard(connection)

    def end_all(self) -> None:
        """End every connection, because the program stops."""
        for connection in self:
            connection.end(GOING_AWAY, "stopping")
