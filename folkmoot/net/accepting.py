"""Taking connections before they speak: one task each, so that a PROXY header or a TLS handshake may take its time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import structlog

from folkmoot.wire.proxy import LONGEST, Proxied, ProxyError, parse_header

#: Connections taken per turn of the loop, and those whose greeting is not over.
_AT_ONCE = 100
_GREETED_MAX = 2048
_BREATH_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Acceptor:
    """Gives every connection on a listening socket to `take`, which owns it from then on unless it raises."""

    def __init__(self, listener: socket.socket, take: Callable[[socket.socket], Awaitable[object]]) -> None:
        self._listener = listener
        self._take = take
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._listener.setblocking(False)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Takes no more connections, gives up those that are not taken yet, and closes the socket."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for task in self._tasks:
            task.cancel()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # No descriptors or no memory: trying again at once would only turn in circles.
                _log.error("accept.failed", error=str(error))
                self._loop.remove_reader(self._listener)
                self._pause = self._loop.call_later(_BREATH_SECONDS, self._resume)
                return
            if len(self._tasks) >= _GREETED_MAX:
                sock.close()
                continue
            sock.setblocking(False)
            task = self._loop.create_task(self._greet(sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    async def _greet(self, sock: socket.socket) -> None:
        try:
            await self._take(sock)
        except (OSError, ProxyError, TimeoutError) as error:
            _log.debug("connection.refused", error=str(error))
            sock.close()
        except BaseException:
            sock.close()
            raise


async def read_proxy_header(sock: socket.socket, timeout_seconds: float) -> Proxied:
    """What the balancer says of a new connection; not a byte behind its header is taken from the socket.

    Raises ProxyError, TimeoutError, or OSError.
    """
    data = b""
    async with asyncio.timeout(timeout_seconds):
        while True:
            await _readable(sock)
            try:
                seen = sock.recv(LONGEST - len(data), socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                continue
            if not seen:
                raise ProxyError("the connection ended before its header")
            header = parse_header(data + seen)
            data += sock.recv(len(seen) if header is None else header.size - len(data))
            if header is not None:
                return header


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock, tell)
    try:
        await ready
    finally:
        loop.remove_reader(sock)
