"""Connectors of type `mqtt` against real brokers: ours, and Mosquitto where there is one."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from msgspec.structs import replace

from folkmoot.domain import bridges
from folkmoot.domain.bridges import Health, Resource, Status
from folkmoot.domain.broker import Broker, Client, OpenGate, Verdict, Wish
from folkmoot.domain.rules import Outcome
from folkmoot.surfaces.mqtt.stream import Stream
from folkmoot.wire import mqtt
from tests.delivery.bridges.world import ask, make, mqtt_action, mqtt_connector, mqtt_source, running
from tests.net.serving import free_port, until
from tests.surfaces.mqtt.serving import Served, authenticate, listening, serve

Heard = list[tuple[str, dict[str, Any], tuple[str, ...]]]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve() as found:
        yield found


@contextmanager
def mosquitto(port: int) -> Iterator[None]:
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no mosquitto")
    process = subprocess.Popen([program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def standing(port: int, broker: Broker | None = None) -> AsyncIterator[Broker]:
    """A broker of ours at a port, for a while."""
    stream = Stream(broker or Broker(), authenticate)
    stream.start()
    listener = await listening(stream, "tcp:default", bind=f"127.0.0.1:{port}")
    try:
        yield stream.broker
    finally:
        listener.refuse()
        await stream.stop()
        await listener.stop()


@pytest.mark.parametrize("version", ["v3", "v4", "v5"])
def test_actions_publish_on_the_other_broker_in_order(served: Served, tmp_path: Path, version: str) -> None:
    async def play() -> None:
        async with running(tmp_path) as found, aiomqtt.Client("127.0.0.1", served.port) as listener:
            await listener.subscribe(f"up/{version}/#", 2)
            await make(found, mqtt_connector(served.port, proto_ver=version, max_inflight=3))
            assert found.health(found.connectors()[0]) == Health(Status.CONNECTED)
            for qos in (0, 1, 2):
                name = f"q{qos}"
                await make(found, mqtt_action(f"up/{version}/${{topic}}", name=name, qos=qos, payload="${n}"))
                ended = ask(found, f"mqtt:{name}", 50, topic="t")
                for number in range(50):
                    message = await anext(listener.messages)
                    assert (str(message.topic), message.payload) == (f"up/{version}/t", b"%d" % number)
                await until(lambda ended=ended: len(ended) == 50)  # type: ignore[misc]
                assert set(ended) == {Outcome.SUCCESS}
            await make(found, mqtt_action(f"up/{version}/x", name="all", qos="${qos}", retain="${retain}"))
            ask(found, "mqtt:all", qos=1, retain=True, payload=b"p")
            assert (await anext(listener.messages)).payload == b'{"n":0,"qos":1,"retain":true,"payload":"p"}'
            await until(lambda: served.broker.retained.find(f"up/{version}/x", 0.0) is not None)
            assert ask(found, "mqtt:q0", topic="#") == [Outcome.UNKNOWN]

    asyncio.run(play())


def test_messages_wait_for_a_broker_that_is_away_and_go_on_in_order_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()

    async def play() -> None:
        async with running(tmp_path) as found:
            await make(found, mqtt_connector(port), mqtt_action("up", payload="${n}"))
            assert found.health(found.connectors()[0]).status is Status.DISCONNECTED
            ended = ask(found, "mqtt:up", 200)
            async with standing(port):
                await until(lambda: len(ended) == 200)
                await until(lambda: found.health(found.connectors()[0]) == Health(Status.CONNECTED))
            await until(lambda: found.health(found.connectors()[0]).status is Status.DISCONNECTED)
            ended = ask(found, "mqtt:up", 300)
            payloads, broker = list[bytes](), Broker()
            broker.happenings.published.append(lambda message, client, now: payloads.append(message.payload))
            broker.happenings.watchers.append(lambda topic: True)
            async with standing(port, broker):
                await until(lambda: len(ended) == 300)
            assert set(ended) == {Outcome.SUCCESS}
            assert payloads == [b"%d" % number for number in range(300)]

    asyncio.run(play())


def test_what_was_on_its_way_when_the_connection_broke_is_sent_again_in_order(tmp_path: Path) -> None:
    """A broker that takes messages, acknowledges three and dies; then one that works."""
    port, taken = free_port(), list[bytes]()

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"MQTT")
        writer.write(mqtt.encode(mqtt.Connack(), mqtt.MQTT_3_1_1))
        while len(taken) < 20:
            taken.append(await reader.readuntil(b"up"))
            if len(taken) in (2, 3, 4):
                writer.write(mqtt.encode(mqtt.Ack(mqtt.Kind.PUBACK, len(taken) - 1), mqtt.MQTT_3_1_1))
        writer.transport.abort()

    async def play() -> None:
        async with running(tmp_path) as found:
            dying = await asyncio.start_server(die, "127.0.0.1", port)
            await make(found, mqtt_connector(port, pool_size=1), mqtt_action("up", payload="${n}"))
            ended = ask(found, "mqtt:up", 100)
            await until(lambda: len(taken) == 20)
            dying.close()
            payloads, broker = list[bytes](), Broker()
            broker.happenings.published.append(lambda message, client, now: payloads.append(message.payload))
            broker.happenings.watchers.append(lambda topic: True)
            async with standing(port, broker):
                await until(lambda: len(ended) == 100)
            assert set(ended) == {Outcome.SUCCESS}
            assert payloads == [b"%d" % number for number in range(3, 100)]
            numbers = found.numbers(found.actions()[0])
            assert numbers["retried"] >= 17 and numbers["success"] == 100
            assert (numbers["inflight"], numbers["queuing"], numbers["queuing_bytes"]) == (0, 0, 0)

    asyncio.run(play())


def test_a_secured_broker_must_show_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=x"
    words += " -addext subjectAltName=IP:127.0.0.1 -keyout key -out certificate"
    subprocess.run(words.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"MQTT")
        writer.write(mqtt.encode(mqtt.Connack(), mqtt.MQTT_3_1_1))
        await reader.read()
        writer.close()

    async def play() -> None:
        server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        pem = (tmp_path / "certificate").read_text()
        async with running(tmp_path) as found:
            for settings, words in (
                (bridges.Tls(enable=True, cacertfile=pem), ""),
                (bridges.Tls(enable=True, cacertfile=str(tmp_path / "certificate")), ""),
                (bridges.Tls(enable=True), "certificate verify failed"),
                (bridges.Tls(enable=True, verify="verify_none"), ""),
                (bridges.Tls(enable=True, cacertfile=pem, server_name_indication="other.example"), "mismatch"),
            ):
                health = await found.probe(mqtt_connector(port, ssl=settings))
                assert (health.status is Status.CONNECTED, words in health.reason) == (not words, True), health
        server.close()

    asyncio.run(play())


def test_a_bridge_of_an_older_version_does_not_fetch_what_it_brought(served: Served, tmp_path: Path) -> None:
    async def play() -> None:
        heard = list[Any]()
        async with running(tmp_path) as found, aiomqtt.Client("127.0.0.1", served.port) as client:
            found.happened = lambda event, columns, trail: heard.append(columns["payload"])
            await make(found, mqtt_connector(served.port, proto_ver="v4", bridge_mode=True, pool_size=8))
            await make(found, mqtt_source("round/#", qos=1), *[mqtt_action("round", name=f"up{n}") for n in range(4)])
            for number in range(4):
                ended = ask(found, f"mqtt:up{number}")
                await until(lambda ended=ended: ended == [Outcome.SUCCESS])  # type: ignore[misc]
            await client.publish("round", "other", 1)
            await until(lambda: heard == ["other"])

    asyncio.run(play())


def test_sources_tell_what_they_fetch(served: Served, tmp_path: Path) -> None:
    async def play() -> None:
        heard: Heard = []
        async with running(tmp_path) as found, aiomqtt.Client("127.0.0.1", served.port) as client:
            found.happened = lambda event, columns, trail: heard.append((event, columns, trail))
            await make(found, mqtt_connector(served.port, pool_size=3))
            await make(found, mqtt_source("down/+", qos=2), mqtt_source("$share/g/shared/#", name="many"))
            assert [found.health(each) for each in found.sources()] == [Health(Status.CONNECTED)] * 2
            for number in range(30):
                await client.publish(f"shared/{number}", "s", 1)
                await client.publish("down/x", f"{number}", 2)
            await until(lambda: len(heard) >= 60)
            await asyncio.sleep(0.05)
            assert sorted(columns["topic"] for event, columns, _ in heard if event == "$bridges/mqtt:many") == sorted(
                f"shared/{number}" for number in range(30)
            )
            ordered = [columns for event, columns, _ in heard if event == "$bridges/mqtt:down"]
            assert [columns["payload"] for columns in ordered] == [f"{number}" for number in range(30)]
            first = ordered[0]
            assert list(first) == [
                *("id", "payload", "server", "topic", "qos", "dup", "retain", "pub_props", "message_received_at")
            ]
            assert (first["server"], first["qos"]) == (f"127.0.0.1:{served.port}", 2)
            assert found.numbers(found.sources()[0])["received"] == 30
            await found.change(bridges.remove, found.sources()[0])
            heard.clear()
            await client.publish("down/x", "late", 1)
            await client.publish("shared/x", "still", 1)
            await until(lambda: bool(heard))
            assert [columns["payload"] for _, columns, _ in heard] == ["still"]

    asyncio.run(play())


def test_a_source_comes_back_with_its_broker_and_says_when_it_is_refused(tmp_path: Path) -> None:
    port = free_port()

    class Narrow(OpenGate):
        def judge(self, client: Client, wish: Wish) -> Verdict:
            return Verdict.DENY if wish.topic == "secret" else Verdict.ALLOW

    async def play() -> None:
        heard: Heard = []
        async with running(tmp_path) as found:
            found.happened = lambda event, columns, trail: heard.append((event, columns, trail))
            async with standing(port, Broker(Narrow())):
                await make(found, mqtt_connector(port, proto_ver="v5"), mqtt_source("down"))
                await make(found, mqtt_source("secret", name="no"))
                refused = found.health(found.sources()[1])
                assert refused.status is Status.DISCONNECTED and "not authorized" in refused.reason
            await until(lambda: found.health(found.sources()[0]).status is Status.DISCONNECTED)
            async with standing(port):
                await until(lambda: found.health(found.sources()[0]).status is Status.CONNECTED)
                async with aiomqtt.Client("127.0.0.1", port) as client:
                    await client.publish("down", "again", 1)
                await until(lambda: bool(heard))

    asyncio.run(play())


def test_with_a_foreign_broker_all_goes_both_ways(tmp_path: Path) -> None:
    async def play() -> None:
        port, heard = free_port(), list[Any]()
        with mosquitto(port):
            async with running(tmp_path) as found:
                found.happened = lambda event, columns, trail: heard.append(columns)
                await make(found, mqtt_connector(port, proto_ver="v5", clean_start=False), mqtt_source("loop/#", qos=2))
                await make(found, mqtt_action("loop/${n}", qos=2, payload="${payload}"))
                await until(lambda: found.health(found.sources()[0]).status is Status.CONNECTED)
                # Its own messages do not come back, so somebody else publishes them.
                ended = ask(found, "mqtt:up", 100, payload=b"p", pub_props={"User-Property": {"a": "b"}})
                await until(lambda: len(ended) == 100)
                assert set(ended) == {Outcome.SUCCESS} and not heard
                assert found.numbers(found.sources()[0])["dropped.other"] == 100
                version = aiomqtt.ProtocolVersion.V5
                async with aiomqtt.Client("127.0.0.1", port, protocol=version) as client:
                    for number in range(100):
                        await client.publish(f"loop/{number}", f"{number}", 2)
                await until(lambda: len(heard) == 100)
                assert [each["payload"] for each in heard] == [f"{number}" for number in range(100)]

    asyncio.run(play())


def test_a_message_does_not_go_round_in_circles(tmp_path: Path) -> None:
    """Two brokers, each with a rule that sends all on `t` to the other (played by hand): each message comes back once."""

    async def play() -> None:
        published: dict[str, list[bytes]] = {"a": [], "b": []}
        with serve() as a, serve() as b:
            async with running(tmp_path, name="a") as of_a, running(tmp_path, name="b") as of_b:
                loop = asyncio.get_running_loop()
                for name, here, found in (("a", a, of_a), ("b", b, of_b)):
                    other = b if here is a else a
                    await make(
                        found, mqtt_connector(other.port, proto_ver="v5"), mqtt_action("t", payload="${payload}")
                    )

                    def tell(message: Any, client: Any, now: float, name: str = name, found: Any = found) -> None:
                        published[name].append(message.payload)
                        columns = {"payload": message.payload, "pub_props": user_properties(message.fields)}
                        loop.call_soon_threadsafe(found.run, "mqtt:up", columns, (), lambda outcome: None)

                    here.call(here.broker.happenings.published.append, tell)
                    here.call(here.broker.happenings.watchers.append, lambda topic: True)
                async with aiomqtt.Client("127.0.0.1", a.port) as client:
                    await client.publish("t", "once", 1)
                await until(lambda: found_of(of_a)["dropped.other"] == 1)
                await asyncio.sleep(0.1)
        assert published == {"a": [b"once"] * 2, "b": [b"once"]}

    def found_of(found: Any) -> dict[str, float]:
        numbers: dict[str, float] = found.numbers(found.actions()[0])
        return numbers

    asyncio.run(play())


def user_properties(fields: bytes) -> dict[str, Any]:
    cursor = mqtt.Cursor(mqtt.encode_varint(len(fields)) + fields, 0, len(fields) + 1)
    found = mqtt.parse_properties(cursor, mqtt.Kind.PUBLISH)
    return {"User-Property": dict(found.get(mqtt.Prop.USER_PROPERTY, []))}  # type: ignore[arg-type]


def test_probing_reaches_out_and_leaves_nothing(served: Served, tmp_path: Path) -> None:
    async def play() -> None:
        async with running(tmp_path) as found:
            connector = mqtt_connector(served.port)
            assert await found.probe(connector) == Health(Status.CONNECTED)
            assert not found.connectors()
            assert (await found.probe(mqtt_source("a"))).status is Status.DISCONNECTED
            wrong = replace(connector, settings=replace(connector.settings, username="nobody"))
            assert "bad user name" in (await found.probe(wrong)).reason
            await make(found, connector)
            assert await found.probe(mqtt_source("a")) == Health(Status.CONNECTED)
            assert not found.sources()
            broken = replace(
                connector, settings=replace(connector.settings, ssl=bridges.Tls(enable=True, cacertfile="/no"))
            )
            assert "certificates" in (await found.probe(broken)).reason

    asyncio.run(play())


def test_a_connector_is_tried_again_when_told_to(tmp_path: Path) -> None:
    async def play() -> None:
        port = free_port()
        async with running(tmp_path) as found:
            slow = Resource(health_check_interval="1h", start_timeout="2s")
            await make(found, replace(mqtt_connector(port, connect_timeout="1s"), resource=slow))
            connector = found.connectors()[0]
            assert found.health(connector).status is Status.DISCONNECTED
            async with standing(port):
                assert await found.start_connector(connector) == Health(Status.CONNECTED)

    asyncio.run(play())
