"""Listening sockets, and HTTP servers on them inside the program's own event loop.

The parser and the ASGI plumbing are uvicorn's; `net.connection` adds the bounds it lacks. Nothing here handles signals:
whoever starts a server stops it.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from folkmoot.net.connection import Bounds, StallWatch, bounded_protocol
from folkmoot.net.framing import FrameProtocol


class ListenError(Exception):
    """An address cannot be listened on; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed `host:port`; `host` is empty for every interface."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address | None:
    """`127.0.0.1:8080`, `[::1]:8080`, `localhost:0` or `:8080` (every interface); None for `""`, which is off.

    Raises ListenError.
    """
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ListenError(f"cannot read the address {text!r}: an IPv6 address stands in brackets, as in [::1]:8080")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ListenError(f"cannot read the address {text!r}: it should look like 127.0.0.1:8080")
    return Address(host, int(port))


def open_socket(text: str, *, loopback_only: bool = False, backlog: int = 1024) -> socket.socket | None:
    """A listening TCP socket on `host:port` (port 0 takes a free one), or None for `""`. The caller closes it.

    Raises ListenError naming the address when it is taken, not ours, malformed, or not loopback though it must be.
    """
    address = parse_address(text)
    if address is None:
        return None
    if loopback_only and not address.is_loopback:
        raise ListenError(f"refusing to listen on {address}: only loopback addresses are allowed here")
    try:
        found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        # A name that is too long is no OSError.
        raise ListenError(f"cannot listen on {address}: {getattr(error, 'strerror', None) or error}") from error
    # Every interface means both families through one IPv6 socket where there is IPv6.
    found.sort(key=lambda each: (each[0] != socket.AF_INET6) if not address.host else 0)
    failure: OSError | None = None
    for family, kind, protocol, _, target in found:
        try:
            return _listen(family, kind, protocol, target, dual=not address.host, backlog=backlog)
        except OSError as error:
            failure = error
    raise ListenError(f"cannot listen on {address}: {_reason(failure)}") from failure


def _listen(family: int, kind: int, protocol: int, target: Any, *, dual: bool, backlog: int) -> socket.socket:
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        listener.setblocking(False)
        listener.bind(target)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def _reason(error: OSError | None) -> str:
    if error is None:
        return "the name has no address"
    if error.errno == errno.EADDRINUSE:
        return "the address is already in use"
    return os.strerror(error.errno) if error.errno else str(error)


def address_of(listener: socket.socket) -> str:
    """The address a socket listens on, as `host:port`, with the port it really has."""
    host, port = listener.getsockname()[:2]
    return str(Address(host, port))


@dataclass(frozen=True, slots=True)
class WebSocketSettings:
    """What a listener's WebSockets may do. A dead peer is dropped after `ping_interval + ping_timeout` seconds."""

    max_message_bytes: int = 1024 * 1024
    ping_interval_seconds: float | None = 5.0
    ping_timeout_seconds: float | None = 5.0
    compress: bool = False
    """Costs each connection tens of KiB."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told_to_stop = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        # The signals belong to the program, so the context that catches them is left out.
        await self._serve(sockets)

    async def main_loop(self) -> None:
        # The clock of the Date header needs one tick a second; stopping need not wait for it.
        while not await self.on_tick(0):
            try:
                await asyncio.wait_for(self.told_to_stop.wait(), 1.0)
            except TimeoutError:
                pass


class HttpServer:
    """One ASGI application on one listening socket, or, without one, on the connections it is given by `adopt`."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket | None,
        *,
        bounds: Bounds | None = None,
        websockets: WebSocketSettings | None = None,
        graceful_shutdown_seconds: int = 5,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        bounds, websockets = bounds or Bounds(), websockets or WebSocketSettings()
        self.address = address_of(listener) if listener is not None else ""
        self._listener = listener
        self._task: asyncio.Task[None] | None = None
        config = uvicorn.Config(
            app,
            http=bounded_protocol(bounds),
            loop="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=bounds.keep_alive_seconds,
            timeout_graceful_shutdown=graceful_shutdown_seconds,
            ws=FrameProtocol,
            ws_max_size=websockets.max_message_bytes,
            # The types say float; None for "never" is what the code takes.
            ws_ping_interval=websockets.ping_interval_seconds,
            ws_ping_timeout=websockets.ping_timeout_seconds,
            ws_per_message_deflate=websockets.compress,
            ssl_context_factory=(lambda *_: tls) if tls else None,
        )
        self._config = config
        self._server = _Server(config)
        self._stalls = StallWatch(bounds.write_stall_seconds)
        self._watch_seconds = min(1.0, bounds.write_stall_seconds / 4)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept connections; returns when the listener answers."""
        sockets = [self._listener] if self._listener is not None else []
        self._task = asyncio.create_task(self._server.serve(sockets), name=f"http {self.address}")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise ListenError(f"the server on {self.address} ended before it started")
            await asyncio.sleep(0.005)
        self._watching = asyncio.create_task(self._watch())

    def change(self, websockets: WebSocketSettings) -> None:
        """Other bounds for the WebSockets that come from now on."""
        self._config.ws_max_size = websockets.max_message_bytes
        self._config.ws_per_message_deflate = websockets.compress

    async def adopt(
        self, sock: socket.socket, state: dict[str, Any], tls: ssl.SSLContext | None, handshake_seconds: float
    ) -> None:
        """Serve an accepted connection; `state` is that of its requests. Raises OSError when the handshake fails."""
        loop = asyncio.get_running_loop()

        def make_protocol() -> asyncio.Protocol:
            kind: Any = self._config.http_protocol_class
            protocol: asyncio.Protocol = kind(self._config, self._server.server_state, state, loop)
            return protocol

        seconds = handshake_seconds if tls is not None else None
        await loop.connect_accepted_socket(make_protocol, sock, ssl=tls, ssl_handshake_timeout=seconds)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._watch_seconds)
            transports = [connection.transport for connection in self._server.server_state.connections]
            for transport in self._stalls.look(transports, loop.time()):
                transport.abort()

    async def stop(self) -> None:
        """Take no more connections, let requests in hand finish within the shutdown time, then close what is left."""
        if self._task is None or self._watching is None:
            if self._listener is not None:
                self._listener.close()
            return
        self._server.should_exit = True
        self._server.told_to_stop.set()
        await self._task
        self._task = None
        self._watching.cancel()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
