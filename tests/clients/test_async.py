"""aiomqtt and gmqtt with the whole program, each in its ordinary use."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any

import aiomqtt
import gmqtt
import pytest
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.clients.conftest import authority
from tests.whole.program import Program

SECONDS = 10.0


def play(story: Coroutine[Any, Any, None]) -> None:
    """Play a story that has to end in time."""
    asyncio.run(asyncio.wait_for(story, 3 * SECONDS))


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
@pytest.mark.parametrize("version", [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5])
def test_aiomqtt_as_in_its_examples(program: Program, transport: Any, version: Any) -> None:
    async def story() -> None:
        port = program.port("mqtt" if transport == "tcp" else "mqtt_ws")
        here = f"aiomqtt/{transport}/{version.name}"
        options: dict[str, Any] = {"port": port, "protocol": version, "transport": transport, "timeout": SECONDS}
        will = aiomqtt.Will(f"{here}/will", "gone", 1)
        async with aiomqtt.Client("127.0.0.1", **options) as sink:
            await sink.publish(f"{here}/kept", 28.4, qos=1, retain=True)
            await sink.subscribe([(f"{here}/+", 2), (f"{here}/deep/#", 1)])
            dies = aiomqtt.Client("127.0.0.1", will=will, **options)
            await dies.__aenter__()
            await dies.publish(f"{here}/deep/er", b"\0\1", qos=2)
            for qos in (0, 1, 2):
                await dies.publish(f"{here}/x", str(qos), qos=qos)
            got = {}
            async for message in sink.messages:
                got[message.topic.value.removeprefix(here), message.payload] = message.retain
                if len(got) == 5:
                    break
            expected = {("/kept", b"28.4"): True, ("/deep/er", b"\0\1"): False}
            assert got == expected | {("/x", str(qos).encode()): False for qos in (0, 1, 2)}
            await sink.unsubscribe(f"{here}/deep/#")
            await dies.publish(f"{here}/deep/er", "unheard", qos=1)
            await dies.publish(f"{here}/y", "heard", qos=1)
            assert (await anext(aiter(sink.messages))).payload == b"heard"
            await dies.__aexit__(None, None, None)
            await sink.publish(f"{here}/kept", b"", qos=1, retain=True)

    play(story())


def test_aiomqtt_comes_back_over_tls(program: Program) -> None:
    async def story() -> None:
        context = ssl.create_default_context(cafile=str(authority(program)))
        lasting = Properties(PacketTypes.CONNECT)
        lasting.SessionExpiryInterval = 300
        options: dict[str, Any] = {
            "port": program.port("mqtt_tls"),
            "tls_context": context,
            "protocol": aiomqtt.ProtocolVersion.V5,
        }
        mine = {**options, "identifier": "aiomqtt-lasting", "clean_start": False, "properties": lasting}
        async with aiomqtt.Client("localhost", **mine) as sink:
            await sink.subscribe("aiomqtt/lasting", qos=1)
        sent = Properties(PacketTypes.PUBLISH)
        sent.UserProperty = [("n", "1")]
        async with aiomqtt.Client("localhost", **options) as source:
            for number in range(20):
                await source.publish("aiomqtt/lasting", number, qos=1, properties=sent)
        async with aiomqtt.Client("localhost", **mine) as sink:
            got = [await anext(aiter(sink.messages)) for _ in range(20)]
        assert [int(each.payload) for each in got] == list(range(20))
        assert got[0].properties is not None and got[0].properties.UserProperty == [("n", "1")]

    play(story())


def test_aiomqtt_says_why_it_was_refused(program: Program) -> None:
    async def story() -> None:
        options = {"port": program.port("mqtt"), "username": "ada", "password": "wrong"}
        with pytest.raises(aiomqtt.MqttError, match=r"(?i)not authori[sz]ed|bad user name"):
            async with aiomqtt.Client("127.0.0.1", **options):  # type: ignore[arg-type]
                pass

    play(story())


class Listening:
    """A gmqtt client, and what it has heard."""

    def __init__(self, name: str, **options: Any) -> None:
        self.client = gmqtt.Client(name, **options)
        self.messages: asyncio.Queue[tuple[str, bytes, int, dict[str, Any]]] = asyncio.Queue()
        self.answers: asyncio.Queue[tuple[Any, Any]] = asyncio.Queue()
        self.present: list[bool] = []
        self.told: dict[str, Any] = {}
        self.ended = asyncio.Event()
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda _client, _mid, codes, properties: self.answers.put_nowait((codes, properties))
        self.client.on_unsubscribe = lambda _client, _mid, codes: self.answers.put_nowait((codes, {}))
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *_: self.ended.set()
        self.client.set_config({"reconnect_retries": 0})

    def _on_connect(self, _client: Any, flags: int, _result: int, properties: dict[str, Any]) -> None:
        self.present.append(bool(flags & 1))
        self.told = properties

    async def _on_message(self, _client: Any, topic: str, payload: bytes, qos: int, properties: dict[str, Any]) -> int:
        self.messages.put_nowait((topic, payload, qos, properties))
        return 0

    async def enter(self, program: Program, version: int = MQTTv50, **options: Any) -> Listening:
        await self.client.connect("127.0.0.1", program.port("mqtt"), version=version, **options)
        return self

    async def subscribe(self, *filters: gmqtt.Subscription, **options: Any) -> list[int]:
        self.client.subscribe(list(filters), **options)
        return list((await asyncio.wait_for(self.answers.get(), SECONDS))[0])

    async def receive(self) -> tuple[str, bytes, int, dict[str, Any]]:
        return await asyncio.wait_for(self.messages.get(), SECONDS)

    async def leave(self) -> None:
        await self.client.disconnect()


@pytest.mark.parametrize("version", [MQTTv311, MQTTv50])
def test_gmqtt_at_every_quality(program: Program, version: int) -> None:
    async def story() -> None:
        here = f"gmqtt/{version}"
        sink = await Listening(f"sink{version}").enter(program, version)
        source = await Listening(f"source{version}").enter(program, version)
        source.client.publish(f"{here}/kept", {"a": 1}, qos=1, retain=True)
        assert await sink.subscribe(gmqtt.Subscription(f"{here}/#", qos=2)) == [2]
        assert (await sink.receive())[1] == b'{"a": 1}'
        for qos in (0, 1, 2):
            for number in range(10):
                source.client.publish(f"{here}/x", f"{qos} {number}", qos=qos)
        got = [await sink.receive() for _ in range(30)]
        for qos in (0, 1, 2):
            assert [each[1].decode() for each in got if each[2] == qos] == [f"{qos} {n}" for n in range(10)]
        sink.client.unsubscribe(f"{here}/#")
        await asyncio.wait_for(sink.answers.get(), SECONDS)
        source.client.publish(f"{here}/kept", b"", qos=1, retain=True)
        await sink.leave()
        await source.leave()

    play(story())


def test_gmqtt_and_what_version_5_knows(program: Program) -> None:
    async def story() -> None:
        sink = await Listening("five", receive_maximum=2, maximum_packet_size=5000, user_property=[("a", "b")]).enter(
            program
        )
        source = await Listening("").enter(program)
        assert source.told["topic_alias_maximum"][0] > 0
        identified = gmqtt.Subscription("five/#", qos=1, no_local=True, retain_as_published=True)
        assert await sink.subscribe(identified, subscription_identifier=12) == [1]
        sink.client.publish("five/own", "not heard by itself", qos=1)
        properties = {
            "user_property": [("k", "v"), ("k", "w")],
            "content_type": "application/json",
            "correlation_data": b"\1\2",
            "response_topic": "five/reply",
            "message_expiry_interval": 60,
        }
        source.client.publish("five/x", [1], qos=1, **properties)
        topic, payload, _, got = await sink.receive()
        assert (topic, payload) == ("five/x", b"[1]")
        assert got["user_property"] == properties["user_property"]
        assert got["subscription_identifier"] == [12] and got["response_topic"] == ["five/reply"]
        assert got["content_type"] == ["application/json"] and got["correlation_data"] == [b"\1\2"]
        source.client.publish("five/alias", "1", qos=1, topic_alias=3)
        source.client.publish("", "2", qos=1, topic_alias=3)
        assert [(await sink.receive())[:2] for _ in range(2)] == [("five/alias", b"1"), ("five/alias", b"2")]
        source.client.publish("five/x", "x" * 6000, qos=1)
        for number in range(10):
            source.client.publish("five/x", str(number), qos=1 + number % 2)
        assert sorted([int((await sink.receive())[1]) for _ in range(10)]) == list(range(10))
        await sink.leave()
        await source.leave()

    play(story())


def test_gmqtt_shares_leaves_wills_and_comes_back(program: Program) -> None:
    async def story() -> None:
        workers = [await Listening(f"worker{number}").enter(program) for number in range(2)]
        for each in workers:
            assert await each.subscribe(gmqtt.Subscription("$share/g/gmqtt/jobs", qos=1)) == [1]
        will = gmqtt.Message("gmqtt/will", "gone", qos=1, content_type="text/plain", user_property=("why", "cut"))
        lasting = {"clean_session": False, "session_expiry_interval": 300}
        sink = await Listening("gmqtt-lasting", **lasting).enter(program)
        assert sink.present == [False]
        await sink.subscribe(gmqtt.Subscription("gmqtt/will", qos=1), gmqtt.Subscription("gmqtt/queued", qos=2))
        source = await Listening("mortal", will_message=will).enter(program)
        for number in range(20):
            source.client.publish("gmqtt/jobs", str(number), qos=1)
        done = [int((await each.receive())[1]) for each in workers for _ in range(10)]
        assert sorted(done) == list(range(20))
        source.client._connection._transport.abort()
        assert (await sink.receive())[:2] == ("gmqtt/will", b"gone")
        await sink.leave()
        other = await Listening("other").enter(program)
        for number in range(10):
            other.client.publish("gmqtt/queued", str(number), qos=1 + number % 2)
        await asyncio.wait_for(other.client._persistent_storage.wait_empty(), SECONDS)
        sink = await Listening("gmqtt-lasting", **lasting).enter(program)
        assert sink.present == [True]
        assert sorted([int((await sink.receive())[1]) for _ in range(10)]) == list(range(10))
        for each in (sink, other, *workers):
            await each.leave()

    play(story())


def test_gmqtt_says_why_it_was_refused(program: Program) -> None:
    async def story() -> None:
        refused = Listening("refused")
        refused.client.set_auth_credentials("ada", "wrong")
        with pytest.raises(gmqtt.mqtt.handler.MQTTConnectError, match=r"134|135|(?i:authoriz|password)"):
            await refused.enter(program)

    play(story())
