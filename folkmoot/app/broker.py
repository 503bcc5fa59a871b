"""Starts the MQTT broker: its memory, its stream, its own listeners, and what the community pushes into it."""

from __future__ import annotations

from folkmoot.domain.broker import Client, Identity, Receipt
from folkmoot.surfaces.mqtt import Management, Stream
from folkmoot.wire.mqtt import Connect, Properties

from . import authorization, bridges, figures, listening, monitoring, rules, traffic
from . import settings as limits
from .program import Program


async def start(program: Program) -> Management:
    """Start the broker on what it kept, its stream and its listeners; the API is handed over by `web`."""
    from folkmoot.domain.broker import Broker, Limits
    from folkmoot.surfaces.mqtt import Authentication, Push, StoredJournal
    from folkmoot.surfaces.mqtt.auth import load_keys

    house = program.house
    permissions = await authorization.load(house)
    broker = Broker(permissions.gate, Limits(max_packet_size=house.config.mqtt.max_packet_bytes))
    journal = StoredJournal(house.broker_db)
    settings = await limits.load(house, broker)
    await journal.load(broker)
    await traffic.restore(house, broker)

    async def admit(client: Client, packet: Connect) -> Identity:
        permissions.require_free(client)
        identity = await authentication.admit(client, packet)
        # What it is called may have been settled only now.
        permissions.require_free(client)
        await push.admit(identity)
        return identity

    async def take(
        identity: Identity, topic: str, payload: bytes, properties: Properties, receipt: Receipt | None
    ) -> int:
        return await push.take(identity, topic, payload, properties, receipt)

    authentication = Authentication(house, broker, permissions.require_free)
    await authentication.load()
    await load_keys(house)
    stream = Stream(broker, admit, take, journal, permissions.ask, authentication.converse)
    authentication.users.ended = stream.end_users
    permissions.serve(stream)
    push = Push(house, stream, permissions.gate.community)
    await push.start()
    stream.start()
    push.end_missed()
    watch = await monitoring.start(program, stream)
    engine = await rules.load(house, stream, push, watch)
    links = await bridges.start(program, stream, watch, engine)
    listeners = await listening.start(program, stream)
    settings.applied.append(lambda _: listeners.refresh())
    figures.connect(watch, house, authentication, permissions, engine, listeners)
    program.keep_running("mqtt push", push.run())
    program.keep_running("mqtt bans", permissions.run())
    if house.demo:
        await _retain_demo(stream)
    return Management(
        house=house,
        stream=stream,
        push=push,
        listening=listeners,
        settings=settings,
        is_ready=lambda: program.ready,
        node_name=house.config.mqtt.node_name,
        monitoring=watch,
        permissions=permissions,
        rules=engine,
        bridges=links,
        authentication=authentication,
    )


async def _retain_demo(stream: Stream) -> None:
    from folkmoot import demo
    from folkmoot.domain.broker import Message

    for topic, payload in demo.RETAINED:
        await stream.publish(Message(topic, payload.encode(), qos=1, retain=True, published_at=stream.now()))
