"""Clients as raw bytes, so that the load costs as little as it can and the brokers are what is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from folkmoot.wire import mqtt

T = TypeVar("T")

FILTER = "bench/+/messages"
PAYLOAD = b"0123456789abcdef"

_AT_ONCE = 100
_FILTERS_AT_ONCE = 50


class Peer(asyncio.Protocol):
    """A connection; `take` gets what arrives once it is connected."""

    def __init__(self) -> None:
        self.received = 0
        self.take: Callable[[bytes], None] = self.count
        self.arrived = asyncio.Event()
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        self.take(data)

    def count(self, data: bytes) -> None:
        """Notes how much came."""
        self.received += len(data)
        self.arrived.set()

    async def exchange(self, packet: bytes, answer: int) -> None:
        """Sends a packet and waits for an answer of that many bytes."""
        self.received = 0
        self.transport.write(packet)
        await self.receive(answer)
        self.received = 0

    async def receive(self, size: int) -> None:
        """Waits until so many bytes have come."""
        while self.received < size:
            self.arrived.clear()
            await self.arrived.wait()


async def connect(port: int, name: str, qos: int | None = None, *filters: str, clean_start: bool = True) -> Peer:
    """A connected client, subscribed to the filters (one, if none are named) if `qos` is given."""
    _, peer = await asyncio.get_running_loop().create_connection(Peer, "127.0.0.1", port)
    await peer.exchange(mqtt.encode(mqtt.Connect(4, name, clean_start=clean_start), 4), 4)
    wanted = filters or (FILTER,)
    for at in range(0, len(wanted) if qos is not None else 0, _FILTERS_AT_ONCE):
        part = [mqtt.Filter(each, qos or 0) for each in wanted[at : at + _FILTERS_AT_ONCE]]
        await peer.exchange(mqtt.encode(mqtt.Subscribe(1, part), 4), 4 + len(part))
    return peer


async def gather(works: list[Coroutine[Any, Any, T]]) -> list[T]:
    """Does many things, not too many of them at once."""
    found = list[T]()
    for at in range(0, len(works), _AT_ONCE):
        found += await asyncio.gather(*works[at : at + _AT_ONCE])
    return found


async def close(peers: list[Peer]) -> None:
    """Ends the connections, and waits until the broker has had time to see it."""
    for peer in peers:
        peer.take = lambda data: None
        peer.transport.abort()
    await asyncio.sleep(0.1 + len(peers) / 10_000)


def publish(topic: str, payload: bytes = PAYLOAD, qos: int = 0, packet_id: int = 0, *, retain: bool = False) -> bytes:
    """A PUBLISH."""
    return mqtt.encode(mqtt.Publish(topic, payload, qos, retain, packet_id=packet_id), 4)
