"""One TCP connection as a byte pipe with back-pressure, deadlines and an upgrade to TLS in the middle.

It knows nothing of mail. Streams of the standard library do not serve here: what came before TLS must be thrown away.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

_HIGH_WATER_OCTETS = 256 * 1024
# A slice is what its owner works through without giving others a turn.
_SLICE_OCTETS = 32 * 1024
_LINGER_SECONDS = 1.0


class Link(asyncio.Protocol):
    """Reads and writes for one task; `on_connect` is called once with the link."""

    def __init__(self, on_connect: Callable[[Link], None] | None = None) -> None:
        self._on_connect = on_connect
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._ended = False
        self._lost = False
        self._secure = False
        self._reading_paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = asyncio.Event()
        self._finished = asyncio.Event()
        self._discarding = False
        self._expires_at = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an assertion: uvloop's transports only behave like one.
        self._transport = cast(asyncio.Transport, transport)
        self._secure = transport.get_extra_info("sslcontext") is not None
        if self._on_connect is not None:
            self._on_connect(self)

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            return
        self._received += data
        if len(self._received) > _HIGH_WATER_OCTETS and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._finished.set()
        self._wake()
        # A peer that has said all it has to say still hears the answers; TLS knows no half-closed connection.
        return not self._secure

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self._lost = True
        self._writable.set()
        self._finished.set()
        self._closed.set()
        if self._alarm is not None:
            self._alarm.cancel()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What its owner calls

    @property
    def silent(self) -> bool:
        """Whether the peer has neither said anything that was not read, nor ended."""
        return not (self._received or self._ended)

    @property
    def peer(self) -> str:
        """The other end's address without its port; "" when it is gone or has none."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]) if isinstance(name, tuple) and name else ""

    async def read(self, timeout_seconds: float) -> bytes:
        """Give what has come, at least one byte; b"" at the end. Raises TimeoutError; see `interrupt`."""
        if self._received:
            await asyncio.sleep(0)
        elif not self._ended:
            loop = asyncio.get_running_loop()
            self._reader = loop.create_future()
            self._expires_at = loop.time() + timeout_seconds
            if self._alarm is None or self._alarm.when() > self._expires_at:
                self._set_alarm()
            try:
                await self._reader
            finally:
                self._reader = None
        data = bytes(self._received[:_SLICE_OCTETS])
        del self._received[:_SLICE_OCTETS]
        if not self._received and self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()
        return data

    def interrupt(self) -> None:
        """Let a read that is waiting now time out at once."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_exception(TimeoutError())

    def _set_alarm(self) -> None:
        # One timer serves many reads: it looks when it goes off, and is not moved for each.
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(self._expires_at, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._reader is None:
            return
        if asyncio.get_running_loop().time() < self._expires_at:
            self._set_alarm()
        else:
            self.interrupt()

    async def write(self, data: bytes, timeout_seconds: float) -> None:
        """Send bytes. Raises TimeoutError when the peer takes too little for too long; a lost link swallows them."""
        if self._transport is None or self._lost or not data:
            return
        self._transport.write(data)
        if not self._writable.is_set():
            async with asyncio.timeout(timeout_seconds):
                await self._writable.wait()

    async def start_tls(
        self, context: ssl.SSLContext, last_words: bytes, timeout_seconds: float, *, server_hostname: str | None = None
    ) -> None:
        """Write `last_words` in the clear, forget what came in the clear, and shake hands.

        Without `server_hostname` we are the server. Raises OSError (ssl.SSLError among them) when it fails.
        """
        transport = self._transport
        if transport is None or self._lost:
            raise ConnectionResetError("the connection is gone")
        loop = asyncio.get_running_loop()
        # Nothing may be read between the last words and the handshake: those bytes belong to TLS.
        transport.pause_reading()
        transport.write(last_words)
        self._received.clear()
        upgraded = await loop.start_tls(
            transport,
            self,
            context,
            server_side=server_hostname is None,
            server_hostname=server_hostname,
            ssl_handshake_timeout=timeout_seconds,
        )
        if upgraded is None:
            raise ConnectionResetError("the connection is gone")
        self._transport = upgraded
        self._secure = True
        self._reading_paused = False

    async def close(self, timeout_seconds: float) -> None:
        """Send what is still to be sent and end; cut off a peer that does not take it in time."""
        if self._transport is None:
            return
        # Closing with unread bytes resets the connection, and the last words may be lost on the way. So stop talking,
        # and let the peer notice and finish.
        self._discarding = True
        self._received.clear()
        self._transport.resume_reading()
        try:
            if self._transport.can_write_eof() and not self._ended:
                self._transport.write_eof()
                async with asyncio.timeout(min(timeout_seconds, _LINGER_SECONDS)):
                    await self._finished.wait()
            self._transport.close()
            async with asyncio.timeout(timeout_seconds):
                await self._closed.wait()
        except (TimeoutError, OSError):
            # Too slow, or gone already.
            self._transport.abort()

    def dismiss(self, last_words: bytes) -> None:
        """Say one thing and end, without waiting for anything."""
        if self._transport is not None:
            self._transport.write(last_words)
            self._transport.close()

    def abort(self) -> None:
        """End now."""
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
