"""A real stream on a free port, with its loop in a thread, for clients of any kind."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from folkmoot.domain.broker import Broker, Client, Identity, Journal
from folkmoot.errors import Forbidden, Unauthenticated
from folkmoot.surfaces.mqtt.forms import defaults
from folkmoot.surfaces.mqtt.forms.listeners import FORMS, listener_options
from folkmoot.surfaces.mqtt.listener import Listener
from folkmoot.surfaces.mqtt.questions import Take
from folkmoot.surfaces.mqtt.stream import Stream
from folkmoot.wire.mqtt import Connect

T = TypeVar("T")
DEADLINE_SECONDS = 10.0


async def authenticate(client: Client, packet: Connect) -> Identity:
    """Everybody but `nobody` and `banned`; `slow` takes its time. The account is the name's length."""
    username = packet.username
    if username == "nobody":
        raise Unauthenticated("account.unknown", "Who?")
    if username == "banned":
        raise Forbidden("account.suspended", "No.")
    if username == "slow":
        await asyncio.sleep(0.2)
    return Identity(len(username or ""), username)


async def listening(stream: Stream, listener_id: str, **settings: Any) -> Listener:
    """A listener of the stream on a free port."""
    kind = listener_id.partition(":")[0]
    options = listener_options(kind, {**defaults(FORMS[kind]), "bind": "127.0.0.1:0", **settings})
    listener = Listener(stream, listener_id, options)
    await listener.start(listener.open())
    return listener


class Served:
    """The stream, its addresses, and a way to call it on its loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stream: Stream, listeners: list[Listener]) -> None:
        self.loop = loop
        self.stream = stream
        self.broker = stream.broker
        self.listeners = listeners
        self.port, self.ws_port = (int(each.address.rpartition(":")[2]) for each in listeners)

    async def stop(self) -> None:
        """As the program does it: nobody is let in, then everybody is told."""
        for listener in self.listeners:
            listener.refuse()
        await self.stream.stop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the server's loop and returns what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(DEADLINE_SECONDS)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Calls a function on the server's loop."""

        async def work() -> T:
            return function(*args)

        return self.run(work())

    def connect(self) -> socket.socket:
        """A bare TCP connection."""
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE_SECONDS)


@contextmanager
def serve(broker: Broker | None = None, take: Take | None = None, journal: Journal | None = None) -> Iterator[Served]:
    """A running stream."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stream = Stream(broker or Broker(), authenticate, take, journal)

    async def start() -> list[Listener]:
        stream.start()
        return [await listening(stream, "tcp:default"), await listening(stream, "ws:default")]

    async def stop() -> None:
        await served.stop()
        for listener in served.listeners:
            await listener.stop()

    listeners = asyncio.run_coroutine_threadsafe(start(), loop).result(DEADLINE_SECONDS)
    served = Served(loop, stream, listeners)
    try:
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(DEADLINE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE_SECONDS)
        loop.close()
