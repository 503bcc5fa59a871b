"""What the stream asks of others: who a client is, what it may do, and whether the community takes what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from folkmoot.domain.broker import Client, Identity, Receipt, Verdict, Wish
from folkmoot.wire import mqtt

#: Says who a client is, as CONNECT came, and completes the client.
Authenticate = Callable[[Client, mqtt.Connect], Awaitable[Identity]]


class Exchange(Protocol):
    """An enhanced authentication under way."""

    async def answer(self, data: bytes) -> tuple[bytes, Identity | None]:
        """What to say to the client's words, and whose connection it is, once that is known; raises as `Authenticate`."""
        ...


#: Begins an enhanced authentication of a client by the method; raises Refused for a method that is not offered.
Converse = Callable[[Client, str], Exchange]
#: Judges a wish the gate has no answer to.
Ask = Callable[[Client, Wish], Awaitable[Verdict]]
#: Who, topic, payload, properties, the receipt of a QoS 2 message; the answer is a reason code of PUBACK.
Take = Callable[[Identity, str, bytes, mqtt.Properties, Receipt | None], Awaitable[int]]
