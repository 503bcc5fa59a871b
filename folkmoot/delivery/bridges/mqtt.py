"""Connectors of type `mqtt`: a few clients of another broker, each of which comes back when its connection ends.

Every action has one of the clients, so that its messages keep their order. A source subscribes with one of them too, or with all
if its filter is shared. Between two connections nothing is remembered but QoS 2 messages that were handed on.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from folkmoot.domain.bridges import Connector, Health, MqttServer, Source, Status, parse_server
from folkmoot.domain.broker import matches, split_shared
from folkmoot.net.mqtt import Disconnected, MqttClient, connect, reason_name
from folkmoot.net.outgoing import Outgoing, OutgoingError
from folkmoot.text.amounts import parse_duration
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_3_1, MQTT_3_1_1, MQTT_5, PacketError, Prop, Publish, Reason

from . import properties
from .ways import MqttMessage, Rejected, Request, Told, Unreachable, Way

_FIRST_PAUSE_SECONDS = 0.25
_STABLE_SECONDS = 5.0
_VERSIONS = {"v3": MQTT_3_1, "v4": MQTT_3_1_1, "v5": MQTT_5}
# What asks to come again rather than to give up.
_AGAIN = (Reason.QUOTA_EXCEEDED, Reason.SERVER_BUSY)

Hear = Callable[[Publish], None]
#: The health of a source, by its id.
SourceTold = Callable[[str, Health], None]


class MqttLink:
    """The clients of one connector."""

    def __init__(
        self,
        connector: Connector,
        outgoing: Outgoing,
        client_ids: list[str],
        tls: ssl.SSLContext | None,
        told: Told,
        source_told: SourceTold,
    ) -> None:
        assert isinstance(connector.settings, MqttServer)
        self.settings = connector.settings
        self.longest_pause = max(0.1, parse_duration(connector.resource.health_check_interval))
        self.outgoing = outgoing
        self.tls = tls
        self._told = told
        self.source_told = source_told
        self.clients = [Client(self, index, client_id) for index, client_id in enumerate(client_ids)]
        self.sources: dict[str, tuple[int, Source, Hear]] = {}
        """By id: its subscription identifier, itself, and who hears."""
        self._last_number = 0
        self.health = Health(Status.CONNECTING)

    def start(self) -> None:
        """Begins to connect."""
        for each in self.clients:
            each.start()

    async def stop(self) -> None:
        """Ends all connections."""
        await asyncio.gather(*[each.stop() for each in self.clients])

    def nudge(self) -> None:
        """Tries again at once."""
        for each in self.clients:
            each.again.set()

    def way(self, action_id: str) -> Way:
        """The client of an action."""
        return self.clients[_stable(action_id) % len(self.clients)]

    async def add_source(self, source: Source, hear: Hear) -> None:
        """Subscribes, now and after every connecting."""
        self._last_number += 1
        self.sources[source.id] = (self._last_number, source, hear)
        for each in self.clients:
            if each.up.is_set():
                await each.subscribe(source.id)

    async def remove_source(self, source_id: str) -> None:
        """Ends a subscription."""
        _, source, _ = self.sources.pop(source_id)
        for each in self.clients:
            if each.up.is_set() and each.serves(source):
                with suppress(Disconnected):
                    await cast("MqttClient", each.client).unsubscribe(source.settings.topic)

    def tell(self) -> None:
        """Some client's state has changed."""
        first_ill = next((each.health for each in self.clients if each.health.status is not Status.CONNECTED), None)
        health = first_ill or Health(Status.CONNECTED)
        if health != self.health:
            self.health = health
            self._told(health)


class Client:
    """One client that comes back; the way of some actions."""

    def __init__(self, link: MqttLink, index: int, client_id: str) -> None:
        self._link = link
        self._index = index
        self._client_id = client_id
        self._received = set[int]()
        self._task: asyncio.Task[None] | None = None
        self.again = asyncio.Event()
        self.up = asyncio.Event()
        self.client: MqttClient | None = None
        self.health = Health(Status.CONNECTING)

    def start(self) -> None:
        """Begins to connect."""
        self._task = asyncio.create_task(self._run(), name=f"mqtt connector {self._client_id}")

    async def stop(self) -> None:
        """Says goodbye."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self.client is not None and not self.client.closed.done():
            self.client.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await asyncio.shield(self.client.closed)

    def serves(self, source: Source) -> bool:
        """Whether this is the client, or one of those, that subscribes for a source."""
        if source.settings.topic.startswith(("$share/", "$queue/")):
            return True
        return self._index == _stable(source.id) % len(self._link.clients)

    async def subscribe(self, source_id: str) -> None:
        """Subscribes for a source, if that is this client's."""
        number, source, _ = self._link.sources[source_id]
        if not self.serves(source) or self.client is None:
            return
        settings = source.settings
        entry = mqtt.Filter(
            settings.topic, settings.qos, settings.no_local and not settings.topic.startswith("$share/")
        )
        try:
            code = await self.client.subscribe(entry, number)
        except Disconnected:
            return
        if code >= Reason.UNSPECIFIED_ERROR:
            words = f"the server refused the subscription: {reason_name(code)}"
            self._link.source_told(source_id, Health(Status.DISCONNECTED, words))
        else:
            self._link.source_told(source_id, Health(Status.CONNECTED))

    async def send(self, request: Request, seconds: float | None) -> asyncio.Future[None] | None:
        """Publishes; the future is done with the acknowledgement."""
        assert isinstance(request, MqttMessage)
        client = self.client
        if client is None:
            raise Unreachable("not connected")
        fields = properties.write(request.pub_props, request.trail) if client.version == MQTT_5 else {}
        message = Publish(request.topic, request.payload, request.qos, request.retain, properties=fields)
        try:
            answer = await client.send(message)
        except Disconnected as error:
            raise Unreachable(str(error)) from error
        except PacketError as error:
            raise Rejected(error.message) from error
        if not request.qos:
            return None
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda ack: _settle(done, ack))
        return done

    async def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            self.again.clear()
            begun = asyncio.get_running_loop().time()
            try:
                self.client = await self._connect()
            except (Disconnected, OutgoingError) as error:
                why = str(error)
            else:
                for source_id in list(self._link.sources):
                    await self.subscribe(source_id)
                if not self.client.closed.done():
                    self.up.set()
                    self._tell(Health(Status.CONNECTED))
                why = await asyncio.shield(self.client.closed)
                self.up.clear()
                # A server that lets us in and throws us out again must not be asked without end.
                if asyncio.get_running_loop().time() - begun > _STABLE_SECONDS:
                    pause = _FIRST_PAUSE_SECONDS
            self._tell(Health(Status.DISCONNECTED, why))
            with suppress(TimeoutError):
                async with asyncio.timeout(min(pause, self._link.longest_pause)):
                    await self.again.wait()
            pause *= 2

    async def _connect(self) -> MqttClient:
        return await open_client(
            self._link.settings, self._link.outgoing, self._client_id, self._link.tls, self._hear, self._received
        )

    def _hear(self, message: Publish) -> None:
        numbers = message.properties.get(Prop.SUBSCRIPTION_ID)
        for number, source, hear in list(self._link.sources.values()):
            if isinstance(numbers, list):
                if number in numbers:
                    hear(message)
            elif self.serves(source) and matches(split_shared(source.settings.topic)[1], message.topic):
                hear(message)

    def _tell(self, health: Health) -> None:
        self.health = health
        self._link.tell()


async def open_client(
    settings: MqttServer,
    outgoing: Outgoing,
    client_id: str,
    tls: ssl.SSLContext | None,
    hear: Hear,
    received: set[int] | None = None,
) -> MqttClient:
    """One connection with a connector's settings. Raises Disconnected, OutgoingError."""
    host, port = parse_server(settings.server)
    version = _VERSIONS[settings.proto_ver]
    greeting = mqtt.Connect(
        version,
        client_id,
        settings.clean_start,
        round(parse_duration(settings.keepalive)),
        settings.username or None,
        settings.password.encode() if settings.password else None,
        # Without one, MQTT 5 forgets the session at once.
        properties={} if settings.clean_start or version != MQTT_5 else {Prop.SESSION_EXPIRY: 7200},
        is_bridge=settings.bridge_mode and version != MQTT_5,
    )
    seconds = max(0.1, parse_duration(settings.connect_timeout))
    try:
        async with asyncio.timeout(seconds):
            address = await outgoing.resolve(host, port)
    except TimeoutError as error:
        raise Disconnected("the name of the server was not found in time") from error
    return await connect(
        str(address),
        port,
        greeting,
        hear,
        tls=tls,
        server_name=settings.ssl.server_name_indication or host,
        timeout_seconds=seconds,
        max_inflight=settings.max_inflight,
        received=received,
    )


def client_ids(connector: Connector, node_name: str, mark: str) -> list[str]:
    """The client identifiers of a connector: those given for this node, or one for each in the pool."""
    settings = connector.settings
    assert isinstance(settings, MqttServer)
    found = _pool(connector, settings, node_name, mark)
    # A server keeps from a bridge of an older version what came by the same connection, which ends loops.
    return found[:1] if settings.bridge_mode and _VERSIONS[settings.proto_ver] != MQTT_5 else found


def _pool(connector: Connector, settings: MqttServer, node_name: str, mark: str) -> list[str]:
    for each in settings.static_clientids:
        if each.node == node_name and each.ids:
            return each.ids
    stem = f"{settings.clientid_prefix}{connector.name}:{mark}"
    if settings.proto_ver == "v3":
        # MQTT 3.1 §3.1: at most 23 characters
        stem = hashlib.sha256(stem.encode()).hexdigest()[:19]
    return [f"{stem}:{index + 1}" for index in range(settings.pool_size)]


def _settle(done: asyncio.Future[None], ack: asyncio.Future[int]) -> None:
    if done.done():
        return
    error = ack.exception()
    if error is not None:
        done.set_exception(Unreachable(str(error)))
    elif ack.result() in _AGAIN:
        done.set_exception(Unreachable(f"the server refused it for now: {reason_name(ack.result())}"))
    elif ack.result() >= Reason.UNSPECIFIED_ERROR:
        done.set_exception(Rejected(f"the server refused it: {reason_name(ack.result())}"))
    else:
        done.set_result(None)


def _stable(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
