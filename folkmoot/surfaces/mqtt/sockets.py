"""One MQTT connection as a transport has it, TCP or WebSocket: reads into a link, writes what the link has for it.

When to write is the stream's business; these only know how, and when a peer that does not read must be held back.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import sys
from typing import TYPE_CHECKING, cast

from msgspec import Struct
from starlette.websockets import WebSocket, WebSocketDisconnect

from folkmoot.net.certificates import read_names
from folkmoot.wire import mqtt
from folkmoot.wire.proxy import Proxied

if TYPE_CHECKING:
    from folkmoot.domain.broker import Link
    from folkmoot.surfaces.mqtt.listener import Listener
    from folkmoot.surfaces.mqtt.patience import Patience
    from folkmoot.surfaces.mqtt.rations import Rations
    from folkmoot.surfaces.mqtt.stream import Stream

#: How long a closing connection may take to read its last bytes.
LINGER_SECONDS = 1.0
#: Acknowledgements waiting for commits before no more is read from their connection.
HELD_MAX = 1000


class Peer(Struct):
    """Who is on the other side, as the transport and a balancer before it know."""

    address: str = ""
    port: int = 0
    common_name: str | None = None
    subject: str | None = None
    certificate: bytes = b""
    sockname: str = ""
    """Where it came to."""
    is_direct: bool = True
    """Its address is not what somebody else says."""


def peer_of(transport: asyncio.BaseTransport, proxied: Proxied | None = None) -> Peer:
    """Who has connected; what a balancer says of itself counts for nothing."""
    found = Peer(*peer_address(transport.get_extra_info("peername")))
    found.sockname = _written(transport.get_extra_info("sockname"))
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(True) if tls is not None else None
    if certificate:
        found.certificate = certificate
        found.common_name, found.subject = read_names(certificate)
    if proxied is not None and proxied.address:
        found.address, found.port, found.is_direct = plain_address(proxied.address), proxied.port, False
        if proxied.common_name is not None:
            found.common_name, found.subject = proxied.common_name, f"CN={proxied.common_name}"
    return found


def peer_address(name: object) -> tuple[str, int]:
    """Address and port of a socket's other side."""
    if not isinstance(name, tuple) or len(name) < 2:
        return "", 0
    return plain_address(str(name[0])), int(name[1])


def _written(name: object) -> str:
    address, port = peer_address(name)
    # The same for nearly all.
    return sys.intern(f"[{address}]:{port}" if ":" in address else f"{address}:{port}") if address else ""


def plain_address(address: str) -> str:
    """An IPv4 address as such: sockets for both families, and balancers, name it in the IPv6 way."""
    if not address.startswith("::ffff:"):
        return address
    mapped = ipaddress.IPv6Address(address).ipv4_mapped
    return address if mapped is None else str(mapped)


class Socket(asyncio.Protocol):
    """A TCP or TLS connection. What the listener does not admit is gone before it has a link."""

    def __init__(self, stream: Stream, listener: Listener, proxied: Proxied | None = None) -> None:
        self._stream = stream
        self._listener = listener
        self._proxied = proxied
        self._reading = True
        self._attending = False
        self._choked = False
        """The transport holds more than half of what it may: from here on its buffer is measured."""
        self._patience: Patience | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        broker, listener = self._stream.broker, self._listener
        peer = peer_of(transport, self._proxied)
        if not listener.admits(peer.address):
            self._transport.set_protocol(asyncio.Protocol())
            self._transport.abort()
            return
        if not listener.options.tcp_options.nodelay:
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        self.link = listener.open_link(peer)
        self.link.flush = self.flush
        self._stream.sockets.add(self)
        listener.connections.add(self)
        self.link.write = self._write = self._transport.write
        self._buffered = self._transport.get_write_buffer_size
        self._time, self._offset = asyncio.get_running_loop().time, self._stream.offset
        self._most = broker.limits.output_bytes
        self._transport.set_write_buffer_limits(high=self._most // 2)

    def data_received(self, data: bytes) -> None:
        link = self.link
        if len(data) == link.again_size:
            taker = link.relay(data, self._time() + self._offset)
            if taker is not None:
                taker.write(data)  # type: ignore[misc]
                return
        self._stream.feed(link, data)
        if link.waiting is not None:
            if self._attending:
                self._read(False)
                return
            self._attending = True
            self._stream.spawn(self._attend())
            # Most answers are there in a moment: then it need not stop reading.
            asyncio.get_running_loop().call_soon(self._wait)

    async def _attend(self) -> None:
        await self._stream.attend(self.link)
        self._attending = False
        self._read(True)

    def _wait(self) -> None:
        if self._attending:
            self._read(False)

    def flush(self, now: float) -> None:
        """Writes the link's output; what the socket has not taken counts against its room."""
        link = self.link
        if link.ended:
            self._close()
            return
        out = link.out
        if out:
            data = out.pop() if len(out) == 1 else _joined(out)
            link.sent_bytes += len(data)
            self._write(data)
        link.dirty = False
        if self._choked or link.held or not self._reading:
            self._hold_back(link)
        else:
            link.room = self._most
        session = link.session
        if session is not None and (session.queue or session.backlog):
            self._stream.broker.pump(link, now)

    def _hold_back(self, link: Link) -> None:
        """Measures what the peer has not read. Without room, only answers to what it sends get through: it has to read
        before it may send more."""
        buffered = self._buffered()
        link.room = self._most - buffered
        stuck = buffered > 4 * self._most or len(link.held) > HELD_MAX
        self._read(not stuck and not self._attending)

    def _close(self) -> None:
        if not self._transport.is_closing():
            self._write(self.link.take_output())
            lingers = self._buffered() or self._transport.get_extra_info("sslcontext") is not None
            self._transport.close()
            if lingers:
                # A peer that reads nothing must not keep the socket.
                asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.abort)

    def pause_writing(self) -> None:
        self._choked, self.link.write = True, None
        self._patience = self._listener.patience(lambda: self.link.sent_bytes - self._buffered(), self._transport.abort)
        if self._patience is not None:
            self._patience.begin()

    def resume_writing(self) -> None:
        link = self.link
        self._choked, link.write = False, self._write
        if self._patience is not None:
            self._patience.end()
        if not link.ended:
            link.room = self._most - self._buffered()
            self._read(not self._attending)
            self._stream.broker.pump(link, self._stream.now())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.end()
        link = self.link
        self._stream.broker.lost(link, self._stream.now())
        link.detach()
        self._listener.connections.discard(self)
        self._stream.closed(self)

    def _read(self, reading: bool) -> None:
        if reading != self._reading and not self._transport.is_closing():
            self._reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()


class RationedSocket(Socket):
    """A connection whose listener, or whose node, says how much it may send per second."""

    def __init__(self, stream: Stream, listener: Listener, proxied: Proxied | None = None) -> None:
        super().__init__(stream, listener, proxied)
        self._rations = listener.rations()
        self._resting = False
        self._counted = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._rest(len(data))

    async def _attend(self) -> None:
        await super()._attend()
        self._rest(0)

    def _rest(self, size_bytes: int) -> None:
        now, received = self._stream.now(), sum(self.link.received)
        seconds = rest_seconds(self._rations, received - self._counted, size_bytes, now)
        self._counted = received
        if seconds and not self._resting:
            self._resting = True
            # What it says meanwhile is not heard.
            self.link.seen_at = now + seconds
            self._read(False)
            asyncio.get_running_loop().call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._resting = False
        self._read(not self._attending)

    def _read(self, reading: bool) -> None:
        super()._read(reading and not self._resting)


def rest_seconds(rations: list[Rations], messages: int, size_bytes: int, now: float) -> float:
    """How long not to read after so much."""
    return max(each.rest_seconds(messages, size_bytes, now) for each in rations)


class WebSocketShell:
    """A WebSocket connection: one task reads and waits, one writes."""

    def __init__(self, stream: Stream, listener: Listener, websocket: WebSocket, peer: Peer) -> None:
        self._stream = stream
        self._listener = listener
        self._rations = listener.rations()
        self._websocket = websocket
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        transport: asyncio.WriteTransport = websocket.scope["state"]["transport"]
        self._patience = listener.patience(lambda: -transport.get_write_buffer_size(), transport.abort)
        options = listener.options.websocket
        self._timer: asyncio.TimerHandle | None = None
        self._idle_timeout = options.idle_timeout if options is not None else None
        self._is_single = options is not None and options.mqtt_piggyback == "single"
        self._wakeup = asyncio.Event()
        self._drained = asyncio.Event()
        self.link = listener.open_link(peer)
        self.link.flush = self.flush
        listener.connections.add(self)

    async def run(self) -> None:
        """Serves the connection to its end."""
        self._look()
        reader = asyncio.ensure_future(self._read())
        writer = asyncio.ensure_future(self._write())
        try:
            # The writer ends when the link has ended and all is written, the reader when the peer has gone.
            await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
            self._stream.broker.lost(self.link, self._stream.now())
            self._wakeup.set()
            await asyncio.wait([writer], timeout=LINGER_SECONDS)
        finally:
            self._stream.broker.lost(self.link, self._stream.now())
            self._listener.connections.discard(self)
            if self._timer is not None:
                self._timer.cancel()
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)

    def _look(self) -> None:
        """Ends it when the peer has said nothing for too long."""
        self._timer = None
        if self._idle_timeout is None or self.link.ended:
            return
        now = self._stream.now()
        seconds = self.link.seen_at + self._idle_timeout - now
        if seconds > 0:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)
        else:
            self.link.end(None, now)

    def flush(self, now: float) -> None:
        """Hands the link's output to the writing task."""
        link = self.link
        data = link.take_output()
        if data:
            self._pending.append(data)
            self._pending_bytes += len(data)
        link.room = self._stream.broker.limits.output_bytes - self._pending_bytes
        self._wakeup.set()
        self._drained.set()
        if not link.ended:
            self._stream.broker.pump(link, now)

    async def _read(self) -> None:
        link = self.link
        while not link.ended:
            message = await self._websocket.receive()
            data = message.get("bytes")
            # [MQTT-6.0.0-1]
            if message["type"] != "websocket.receive" or data is None:
                return
            before = sum(link.received)
            self._stream.feed(link, data)
            await self._stream.attend(link)
            seconds = rest_seconds(self._rations, sum(link.received) - before, len(data), self._stream.now())
            if seconds:
                link.seen_at = self._stream.now() + seconds
                await asyncio.sleep(seconds)
            # It has to read our answers before it may send more.
            while self._is_stuck() and not link.ended:
                self._drained.clear()
                await self._drained.wait()

    def _is_stuck(self) -> bool:
        return self._pending_bytes > 4 * self._stream.broker.limits.output_bytes or len(self.link.held) > HELD_MAX

    async def _send(self, data: bytes) -> None:
        if self._patience is not None:
            self._patience.begin()
        try:
            for frame in _packets(data) if self._is_single else (data,):
                await self._websocket.send_bytes(frame)
        finally:
            if self._patience is not None:
                self._patience.end()

    async def _write(self) -> None:
        link = self.link
        try:
            while self._pending or not link.ended or link.dirty:
                await self._wakeup.wait()
                self._wakeup.clear()
                pending, self._pending = self._pending, []
                if pending:
                    data = b"".join(pending)
                    await self._send(data)
                    self._pending_bytes -= len(data)
                    self._drained.set()
                    link.room = self._stream.broker.limits.output_bytes - self._pending_bytes
                    self._stream.broker.pump(link, self._stream.now())
            await self._websocket.close()
        except (WebSocketDisconnect, RuntimeError, OSError):
            return


def _packets(data: bytes) -> list[bytes]:
    """The packets of what is ours, which has no mistakes."""
    found, start = list[bytes](), 0
    while start < len(data):
        length, body = mqtt.parse_length(data, start) or (0, len(data))
        found.append(data[start : body + length])
        start = body + length
    return found


def _joined(out: list[bytes]) -> bytes:
    data = b"".join(out)
    out.clear()
    return data
