"""What all connectors have to the actions: ways along which requests go one after the other, and how they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from folkmoot.domain.bridges import Health


class Unreachable(Exception):
    """The other side cannot take it now; it may be sent again later."""


class Rejected(Exception):
    """It makes no sense, or the other side does not want it; sending it again would not help."""


class HttpCall(Struct):
    """One HTTP request below the connector's address."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    max_retries: int


class MqttMessage(Struct):
    """One message for another broker; with MQTT 5 it takes properties and its trail along."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    trail: str = ""
    pub_props: object = None


Request = HttpCall | MqttMessage


class Way(Protocol):
    """One way to the other side, along which order is kept."""

    up: asyncio.Event
    """Set while requests can be sent."""

    async def send(self, request: Request, seconds: float | None) -> asyncio.Future[None] | None:
        """Sends a request; None when that is all, or a future that tells how it ends. At most `seconds` if there is a limit.

        Both raise Unreachable or Rejected.
        """
        ...


class Link(Protocol):
    """A connection, or several, to the other side, kept open."""

    health: Health

    def start(self) -> None:
        """Begins to connect, and goes on as long as it lives."""
        ...

    async def stop(self) -> None:
        """Ends all connections."""
        ...

    def nudge(self) -> None:
        """Tries again at once."""
        ...

    def way(self, action_id: str) -> Way:
        """The way for an action: always the same one."""
        ...


Told = Callable[[Health], None]
