"""A client's half of an MQTT connection: greeting, messages both ways at every quality, flow control, keepalive.

One `MqttClient` is one connection; it does not come back by itself. Whoever opens it knows whether the address may be reached.
Messages are handed on in place and acknowledged afterwards; messages are sent in the order `send` is called.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Kind, PacketError, Prop, Publish, Reason

_log = logging.getLogger(__name__)

_MAX_PACKET_BYTES = 16 * 1024 * 1024
_AT_ONCE_BYTES = 64 * 1024
_RETURN_CODES = {
    1: "unacceptable protocol version",
    2: "identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}


class Disconnected(Exception):
    """There is no connection (any more), or none came about; the text says why."""


class MqttClient(asyncio.Protocol):
    """One connection; made by `connect`."""

    def __init__(
        self, greeting: mqtt.Connect, hear: Callable[[Publish], None], max_inflight: int, received: set[int]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._greeting = greeting
        self._hear = hear
        self.version = greeting.version
        self.window = max_inflight
        self.greeted: asyncio.Future[mqtt.Connack] = self._loop.create_future()
        self.closed: asyncio.Future[str] = self._loop.create_future()
        """Resolves to the reason once the connection is over."""
        self.received = received
        """QoS 2 messages that were handed on and not yet released, as a session keeps them."""
        self._transport: asyncio.Transport | None = None
        self._input = b""
        self._output: list[bytes] = []
        self._output_bytes = 0
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._subscribing: dict[int, asyncio.Future[list[int]]] = {}
        self._last_id = 0
        self._room = asyncio.Event()
        self._paused = False
        self._sent_at = self._loop.time()
        self._pinged_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._keepalive = greeting.keepalive
        self._why = ""
        self.capabilities: mqtt.Properties = {}
        """What the server said of itself in CONNACK."""

    # What the owner does

    async def send(self, message: Publish) -> asyncio.Future[int]:
        """Writes a message as soon as there is room for it; the future gives the reason code of its acknowledgement.

        Raises Disconnected, as the future does when the connection ends before the acknowledgement.
        """
        qos = min(message.qos, cast("int", self.capabilities.get(Prop.MAXIMUM_QOS, 2)))
        while True:
            self._require_open()
            if not self._paused and (not qos or len(self._waiting) < self.window):
                break
            self._room.clear()
            await self._room.wait()
        done: asyncio.Future[int] = self._loop.create_future()
        retain = message.retain and self.capabilities.get(Prop.RETAIN_AVAILABLE, 1) == 1
        packet_id = self._free_id() if qos else 0
        frame = mqtt.encode(
            Publish(message.topic, message.payload, qos, retain, False, packet_id, message.properties), self.version
        )
        if len(frame) > cast("int", self.capabilities.get(Prop.MAXIMUM_PACKET_SIZE, mqtt.VARINT_MAX)):
            done.set_result(Reason.PACKET_TOO_LARGE)
            return done
        if qos:
            self._waiting[packet_id] = done
        else:
            done.set_result(0)
        self._write(frame)
        if self._output_bytes >= _AT_ONCE_BYTES:
            # Whoever sends without waiting for anything must let the others have their turn.
            self._flush()
            await asyncio.sleep(0)
        return done

    async def subscribe(self, entry: mqtt.Filter, identifier: int = 0) -> int:
        """Subscribes and gives the code of SUBACK. Raises Disconnected."""
        self._require_open()
        packet_id = self._free_id()
        done: asyncio.Future[list[int]] = self._loop.create_future()
        self._subscribing[packet_id] = done
        properties: mqtt.Properties = {}
        if identifier and self.version == MQTT_5 and self.capabilities.get(Prop.SUBSCRIPTION_IDS_AVAILABLE, 1) == 1:
            properties[Prop.SUBSCRIPTION_ID] = [identifier]
        if self.version != MQTT_5:
            entry = mqtt.Filter(entry.topic_filter, entry.qos)
        self._write(mqtt.encode(mqtt.Subscribe(packet_id, [entry], properties), self.version))
        return (await done)[0]

    async def unsubscribe(self, topic_filter: str) -> None:
        """Ends a subscription. Raises Disconnected."""
        self._require_open()
        packet_id = self._free_id()
        done: asyncio.Future[list[int]] = self._loop.create_future()
        self._subscribing[packet_id] = done
        self._write(mqtt.encode(mqtt.Unsubscribe(packet_id, [topic_filter]), self.version))
        await done

    def close(self, why: str = "closed") -> None:
        """Says goodbye and ends the connection."""
        if self._transport is not None and not self.closed.done():
            self._why = self._why or why
            self._write(mqtt.encode(mqtt.Disconnect(), self.version))
            self._flush()
            self._transport.close()

    # What the loop does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._write(mqtt.encode(self._greeting, self.version))

    def data_received(self, data: bytes) -> None:
        data = self._input + data if self._input else data
        pos = 0
        try:
            while pos < len(data):
                length = mqtt.parse_length(data, pos)
                if length is None:
                    break
                size, body = length
                if size > _MAX_PACKET_BYTES:
                    raise PacketError(Reason.PACKET_TOO_LARGE, "a packet is too large")
                if body + size > len(data):
                    break
                self._take(mqtt.parse_body(data[pos], data, body, body + size, self.version))
                pos = body + size
        except PacketError as error:
            self.fail(f"the server sent what is no packet: {error.message}")
            return
        self._input = data[pos:]

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        why = self._why or (str(exc) if exc else "the server closed the connection")
        if self._timer is not None:
            self._timer.cancel()
        self.closed.set_result(why)
        futures: list[asyncio.Future[int] | asyncio.Future[list[int]] | asyncio.Future[mqtt.Connack]] = [
            self.greeted,
            *self._waiting.values(),
            *self._subscribing.values(),
        ]
        for each in futures:
            if not each.done():
                each.set_exception(Disconnected(why))
                # Whoever waited may have gone away by now.
                each.exception()
        self._waiting.clear()
        self._subscribing.clear()
        self._room.set()

    # Packets

    def _take(self, packet: mqtt.Packet) -> None:
        if isinstance(packet, Publish):
            self._take_message(packet)
        elif isinstance(packet, mqtt.Ack):
            self._take_ack(packet)
        elif isinstance(packet, mqtt.Suback | mqtt.Unsuback):
            done = self._subscribing.pop(packet.packet_id, None)
            if done is not None and not done.done():
                done.set_result(packet.codes or [0])
        elif isinstance(packet, mqtt.Pingresp):
            self._pinged_at = 0.0
        elif isinstance(packet, mqtt.Connack):
            self._take_greeting(packet)
        elif isinstance(packet, mqtt.Disconnect):
            self.fail(f"the server ended the connection: {reason_name(packet.code)}")
        else:
            raise PacketError(Reason.PROTOCOL_ERROR, "only clients send this packet")

    def _take_greeting(self, packet: mqtt.Connack) -> None:
        if self.greeted.done():
            raise PacketError(Reason.PROTOCOL_ERROR, "a second CONNACK")
        if packet.code:
            words = reason_name(packet.code) if self.version == MQTT_5 else _RETURN_CODES.get(packet.code, "refused")
            self.fail(f"the server refused the connection: {words}")
            return
        if not packet.session_present:
            self.received.clear()
        self.capabilities = packet.properties
        self.window = min(self.window, cast("int", packet.properties.get(Prop.RECEIVE_MAXIMUM, 65_535)))
        self._keepalive = cast("int", packet.properties.get(Prop.SERVER_KEEP_ALIVE, self._keepalive))
        if self._keepalive:
            self._timer = self._loop.call_later(self._keepalive / 2, self._tick)
        self.greeted.set_result(packet)

    def _take_message(self, packet: Publish) -> None:
        if packet.qos < 2 or packet.packet_id not in self.received:
            try:
                self._hear(packet)
            except Exception:
                _log.exception("a message could not be taken")
        if packet.qos == 1:
            self._write(mqtt.encode(mqtt.Ack(Kind.PUBACK, packet.packet_id), self.version))
        elif packet.qos == 2:
            self.received.add(packet.packet_id)
            self._write(mqtt.encode(mqtt.Ack(Kind.PUBREC, packet.packet_id), self.version))

    def _take_ack(self, packet: mqtt.Ack) -> None:
        if packet.kind is Kind.PUBREL:
            self.received.discard(packet.packet_id)
            self._write(mqtt.encode(mqtt.Ack(Kind.PUBCOMP, packet.packet_id), self.version))
            return
        if packet.kind is Kind.PUBREC and packet.code < Reason.UNSPECIFIED_ERROR:
            self._write(mqtt.encode(mqtt.Ack(Kind.PUBREL, packet.packet_id), self.version))
            return
        done = self._waiting.pop(packet.packet_id, None)
        if done is not None and not done.done():
            done.set_result(packet.code)
        self._room.set()

    # The rest

    def _tick(self) -> None:
        # [MQTT-3.1.2-20]
        now = self._loop.time()
        if self._pinged_at and now - self._pinged_at >= self._keepalive:
            self.fail("the server does not answer any more")
            return
        if not self._pinged_at and now - self._sent_at >= self._keepalive / 2:
            self._pinged_at = now
            self._write(mqtt.PINGREQ)
        self._timer = self._loop.call_later(self._keepalive / 4, self._tick)

    def _write(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            if not self._output:
                # One write for all that is sent in a turn of the loop.
                self._loop.call_soon(self._flush)
            self._output.append(frame)
            self._output_bytes += len(frame)

    def _flush(self) -> None:
        if self._output and self._transport is not None and not self._transport.is_closing():
            self._sent_at = self._loop.time()
            self._transport.write(b"".join(self._output))
        self._output.clear()
        self._output_bytes = 0

    def fail(self, why: str) -> None:
        """Ends the connection at once."""
        self._why = self._why or why
        if self._transport is not None:
            self._transport.abort()

    def _require_open(self) -> None:
        if self.closed.done() or self._why:
            raise Disconnected(self._why or self.closed.result())

    def _free_id(self) -> int:
        packet_id = self._last_id
        while True:
            packet_id = packet_id % 0xFFFF + 1
            if packet_id not in self._waiting and packet_id not in self._subscribing:
                self._last_id = packet_id
                return packet_id


async def connect(
    host: str,
    port: int,
    greeting: mqtt.Connect,
    hear: Callable[[Publish], None],
    *,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
    timeout_seconds: float = 10.0,
    max_inflight: int = 32,
    received: set[int] | None = None,
) -> MqttClient:
    """Opens a connection to an address that may be reached and greets; returns when the server has let us in.

    `hear` is called with each message; `received` is what `MqttClient.received` says, of the connection before. `server_name`
    is what the certificate is compared with. Raises Disconnected.
    """
    client: MqttClient | None = None

    def make() -> MqttClient:
        nonlocal client
        client = MqttClient(greeting, hear, max_inflight, set() if received is None else received)
        return client

    loop = asyncio.get_running_loop()
    name = (server_name or host) if tls is not None else None
    try:
        async with asyncio.timeout(timeout_seconds):
            _, made = await loop.create_connection(make, host, port, ssl=tls, server_hostname=name)
            await made.greeted
            return made
    except TimeoutError as error:
        if client is not None:
            client.fail("the server did not answer in time")
        raise Disconnected("the server did not answer in time") from error
    except OSError as error:
        raise Disconnected(str(error) or type(error).__name__) from error
    except asyncio.CancelledError:
        if client is not None:
            client.fail("given up")
        raise


def reason_name(code: int) -> str:
    """A reason code of MQTT 5 in words."""
    try:
        return Reason(code).name.lower().replace("_", " ")
    except ValueError:
        return f"reason {code:#04x}"
