"""The client against a real broker (ours) and against servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from folkmoot.net.mqtt import Disconnected, MqttClient, connect
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_3_1, MQTT_3_1_1, MQTT_5, Connect, Filter, Prop, Publish
from tests.net.serving import until
from tests.surfaces.mqtt.serving import Served, serve


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve() as found:
        yield found


async def opened(served: Served, heard: list[Publish], version: int = MQTT_5, **given: object) -> MqttClient:
    greeting = Connect(version, f"c{id(heard)}", keepalive=1, username="ann")
    return await connect("127.0.0.1", served.port, greeting, heard.append, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [MQTT_3_1, MQTT_3_1_1, MQTT_5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_go_both_ways_in_order(served: Served, version: int, qos: int) -> None:
    async def play() -> None:
        heard = list[Publish]()
        client = await opened(served, heard, version, max_inflight=3)
        topic = f"order/{version}/{qos}"
        assert await client.subscribe(Filter(topic, qos), 7) == qos
        acks = [await client.send(Publish(topic, b"%d" % number, qos)) for number in range(50)]
        assert await asyncio.gather(*acks) == [0] * 50
        await until(lambda: len(heard) == 50)
        assert [each.payload for each in heard] == [b"%d" % number for number in range(50)]
        assert {each.qos for each in heard} == {qos}
        if version == MQTT_5:
            assert heard[0].properties[Prop.SUBSCRIPTION_ID] == [7]
        await client.unsubscribe(topic)
        client.close()
        assert await client.closed == "closed"
        with pytest.raises(Disconnected):
            await client.send(Publish(topic, b""))

    asyncio.run(play())


def test_who_is_refused_is_told_why(served: Served) -> None:
    async def play() -> None:
        for version, words in ((MQTT_5, "bad credentials"), (MQTT_3_1_1, "bad user name or password")):
            with pytest.raises(Disconnected, match=words):
                await connect("127.0.0.1", served.port, Connect(version, "x", username="nobody"), print)
        with pytest.raises(Disconnected):
            await connect("127.0.0.1", 1, Connect(MQTT_5, "x"), print)

    asyncio.run(play())


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[int]:
    """A server that reads CONNECT and then does as the script says."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readexactly(2)
            await script(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def test_the_window_is_the_servers_and_messages_wait_for_room() -> None:
    async def play() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(mqtt.encode(mqtt.Connack(properties={Prop.RECEIVE_MAXIMUM: 2}), MQTT_5))
            await reader.read()

        async with scripted(script) as port:
            client = await connect("127.0.0.1", port, Connect(MQTT_5, "x"), print)
            first = [await client.send(Publish("t", b"", 1)) for _ in range(2)]
            third = asyncio.ensure_future(client.send(Publish("t", b"", 1)))
            await asyncio.sleep(0.02)
            assert not third.done()
            client.data_received(mqtt.encode(mqtt.Ack(mqtt.Kind.PUBACK, 1, 0x10), MQTT_5))
            assert await first[0] == 0x10
            fourth = await third
            client.close()
            for each in (first[1], fourth):
                with pytest.raises(Disconnected):
                    await each

    asyncio.run(play())


def test_a_message_handed_on_twice_is_heard_once() -> None:
    async def play() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(mqtt.encode(mqtt.Connack(), MQTT_5))
            for dup in (False, True):
                writer.write(mqtt.encode(Publish("t", b"x", 2, False, dup, 5), MQTT_5))
            await reader.read()

        async with scripted(script) as port:
            heard = list[Publish]()
            client = await connect("127.0.0.1", port, Connect(MQTT_5, "x"), heard.append)
            await until(lambda: bool(heard))
            await asyncio.sleep(0.02)
            assert (len(heard), client.received) == (1, {5})
            client.data_received(mqtt.encode(mqtt.Ack(mqtt.Kind.PUBREL, 5), MQTT_5))
            assert not client.received
            client.close()

    asyncio.run(play())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x20\x02\x01", "in time"),
        (b"\x20\x03\x02\x00\x00", "no packet"),
        (b"\xe0\x02\x8b\x00", "shutting down"),
        (b"\x10\x00", "no packet"),
        (b"\x20\x03\x00\x00\x00\x20\x03\x00\x00\x00", "second CONNACK"),
        (b"\x30\xff\xff\xff\x7f", "too large"),
    ],
)
def test_a_server_that_misbehaves_ends_the_connection(answer: bytes, words: str) -> None:
    async def play() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            await reader.read()

        async with scripted(script) as port:
            with pytest.raises(Disconnected, match=words):
                client = await connect("127.0.0.1", port, Connect(MQTT_5, "x"), print, timeout_seconds=0.2)
                raise Disconnected(await client.closed)

    asyncio.run(play())


def test_a_silent_server_is_noticed_and_a_living_one_is_pinged(served: Served) -> None:
    async def play() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(mqtt.encode(mqtt.Connack(), MQTT_5))
            await reader.read()

        client = await opened(served, [])
        async with scripted(script) as port:
            silent = await connect("127.0.0.1", port, Connect(MQTT_5, "x", keepalive=1), print)
            async with asyncio.timeout(5):
                assert "does not answer" in await silent.closed
        assert not client.closed.done()
        client.close()

    asyncio.run(play())
