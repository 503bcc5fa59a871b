"""One HTTP connection: uvicorn's httptools protocol with the bounds it lacks.

Added here: limits for the length of the URL and of all headers together, for the number of connections, and for the
time a request head may take; a peer that keeps sending a body nobody reads is dropped after its answer; bytes that are
no HTTP get 400 and the end. A peer that stops reading is found by `StallWatch`. This leans on attributes of uvicorn's
class, whose version is pinned; the tests of this file tell when they change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of every connection of one listener."""

    max_url_bytes: int = 16 * 1024
    max_head_bytes: int = 64 * 1024
    head_seconds: float = 15.0
    keep_alive_seconds: int = 75
    max_connections: int = 4096
    write_stall_seconds: float = 30.0
    linger_seconds: float = 2.0


class _Refused(Exception):
    """Raised inside the parser's callbacks to stop it; the answer is in `_refusal`."""


class BoundedProtocol(HttpToolsProtocol):
    """See the module. `bounds` is set by `bounded_protocol`."""

    bounds: ClassVar[Bounds] = Bounds()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = False
        self._head_bytes = 0
        self._refusal: tuple[int, str] | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._linger_timer: asyncio.TimerHandle | None = None
        self._upgraded = False
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        # In the request's state, for whoever must know more of the peer than ASGI says.
        self.app_state["transport"] = transport
        if len(self.connections) > self.bounds.max_connections:
            self._refusal = (503, "Too many connections.")
            self.send_400_response("")
            self.transport.close()
            return
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ended or self.transport.is_closing():
            return
        super().data_received(data)
        if self._upgraded or self._ended:
            return
        if self._in_head:
            # What the parser holds of a header that is not complete yet is not reported, so count what came in.
            self._head_bytes += len(data)
            if self._head_bytes > self.bounds.max_head_bytes + self.bounds.max_url_bytes:
                self._refusal = (431, "The request head is too large.")
                self.send_400_response("")
                return
        if self._head_timer is None and (self._in_head or self.cycle is None or self.cycle.response_complete):
            self._start_head_timer()

    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True
        super().handle_websocket_upgrade()

    # Parser callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._url_bytes = 0
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._url_bytes += len(url)
        if self._url_bytes > self.bounds.max_url_bytes:
            self._refuse(414, "The address is too long.")
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > self.bounds.max_head_bytes:
            self._refuse(431, "The request head is too large.")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        cycle = self.cycle
        super().on_response_complete()
        # With a further request in the pipeline `cycle` is that one, and the body of this one was read.
        if cycle.response_complete and cycle.more_body and not self.transport.is_closing():
            # The answer did not need the body. Read on for a moment, so that the peer sees the answer before the end.
            self._linger_timer = self.loop.call_later(self.bounds.linger_seconds, self.transport.close)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None

    def _refuse(self, status: int, reason: str) -> None:
        self._refusal = (status, reason)
        raise _Refused

    def send_400_response(self, msg: str) -> None:
        """End the connection with the answer that fits: 400 unless a limit was broken."""
        self._ended = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or not cycle.more_body:
                # An earlier request of this connection still gets its answer; this one must not be taken for it.
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
        status, reason = self._refusal or (400, "This is not a valid HTTP request.")
        body = reason.encode("ascii")
        self.transport.write(
            b"%scontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
            % (STATUS_LINE[status], len(body), body)
        )
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        # Closing with unread input would reset the connection before the peer has read why.
        self.transport.write_eof()
        self._linger_timer = self.loop.call_later(self.bounds.linger_seconds, self.transport.close)

    # Deadlines

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.bounds.head_seconds, self._head_late)

    def _head_late(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._in_head:
            self._refusal = (408, "The request head did not arrive in time.")
            self.send_400_response("")
        else:
            self.transport.close()


class StallWatch:
    """Finds peers that take nothing of what is waiting for them, be it an answer, a push or the last bytes of a close."""

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._waiting: dict[asyncio.Transport, tuple[int, float]] = {}

    def look(self, transports: Iterable[asyncio.Transport], now: float) -> list[asyncio.Transport]:
        """To be called every second or so; returns the transports to abort."""
        waiting, stalled = dict[asyncio.Transport, tuple[int, float]](), list[asyncio.Transport]()
        for transport in transports:
            size = transport.get_write_buffer_size()
            if not size:
                continue
            before, since = self._waiting.get(transport, (size, now))
            if size < before:
                since = now
            if now - since >= self._stall_seconds:
                stalled.append(transport)
            waiting[transport] = (size, since)
        self._waiting = waiting
        return stalled


def bounded_protocol(bounds: Bounds) -> type[BoundedProtocol]:
    """The protocol class with these bounds, as uvicorn's configuration wants it."""
    return type("BoundedProtocol", (BoundedProtocol,), {"bounds": bounds})
