"""Whom listeners let in, how much they read, and what is said over a WebSocket."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest
import websockets

from folkmoot.wire import mqtt
from tests.net.serving import until
from tests.surfaces.mqtt.listening import WELCOME, create, greet, hello, watching
from tests.surfaces.mqtt.management import Running, scenario


def test_access_connections_and_rates(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        denied = await create(here, name="denied", access_rules=["deny 127.0.0.1", "allow all"])
        assert await greet(denied) == b""
        few = await create(here, name="few", max_connections=1)
        async with aiomqtt.Client("127.0.0.1", few, username="ann", password="secret"):
            assert await greet(few) == b""
        await until(lambda: not here.management.listening.get("tcp:few").connections)
        assert await greet(few) == WELCOME
        slow = await create(here, name="slow", max_conn_rate="1/h")
        assert [await greet(slow), await greet(slow)] == [WELCOME, b""]
        limiter = here.stream.broker.options.limiter
        limiter.max_conn_rate = 1 / 3600
        assert [await greet(few), await greet(few)] == [WELCOME, b""]
        limiter.max_conn_rate = None
        assert await greet(few) == WELCOME

    scenario(tmp_path, play)


def test_who_sends_too_much_is_not_read_from(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        port = await create(here, name="rated", messages_rate="100/s")
        web = await create(here, "ws", "rated", messages_rate="100/s")
        for options in ({"port": port}, {"port": web, "transport": "websockets"}):
            before = sum(here.stream.broker.received)
            async with aiomqtt.Client("127.0.0.1", username="ann", password="secret", **options) as client:
                began = asyncio.get_running_loop().time()
                await client.publish("t", "x", qos=1)
                for _ in range(130):
                    await client.publish("t", "x", qos=0)
                # A second's worth is free, and what was read at once is taken at once.
                await client.publish("t", "x", qos=1)
                await client.publish("t", "x", qos=1)
                assert asyncio.get_running_loop().time() - began >= 0.2
            await until(lambda before=before: sum(here.stream.broker.received) - before == 133)  # type: ignore[misc]

    scenario(tmp_path, play)


def test_who_is_not_read_from_is_not_silent(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        port = await create(here, name="rated", messages_rate="10/s")
        web = await create(here, "ws", "rated", messages_rate="10/s")
        broker, packets = here.stream.broker, mqtt.encode(mqtt.Publish("t", b"x"), 4) * 100
        greeting = mqtt.encode(mqtt.Connect(4, "c", True, 1, "ann", b"secret"), 4)

        def heard() -> int:
            link = broker.sessions["c"].link
            return sum(link.received) if link is not None else 0

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        # What came with CONNECT, and waited for its answer, counts as well.
        writer.write(greeting + packets)
        assert await reader.readexactly(4) == WELCOME
        await until(lambda: heard() == 100)
        broker.tick(here.stream.now() + 5)
        assert "c" in broker.sessions
        broker.tick(here.stream.now() + 60)
        assert "c" not in broker.sessions
        writer.close()
        url = f"ws://127.0.0.1:{web}/mqtt"
        async with websockets.connect(url, subprotocols=["mqtt"]) as client:  # type: ignore[list-item]
            await client.send(greeting)
            assert await client.recv() == WELCOME
            await client.send(packets)
            await until(lambda: heard() == 100)
            broker.tick(here.stream.now() + 5)
            assert "c" in broker.sessions
            client.transport.abort()

    scenario(tmp_path, play)


def test_what_a_listener_says_of_a_client(tmp_path: Path) -> None:
    async def play(here: Running, seen: list[Any]) -> None:
        port = await create(here, name="m", mountpoint="at/${clientid}/", zone="near", enable_authn=False)
        assert await greet(port) == WELCOME
        found = seen[-1]
        assert (found.listener, found.zone, found.enable_authn) == ("tcp:m", "near", False)
        assert found.mountpoint in ("at/${clientid}/", "at/raw/")
        assert found.sockname == f"127.0.0.1:{port}"

    scenario(tmp_path, watching(play))


async def web_status(url: str, **options: Any) -> int | str | None:
    """The status of a refusal, or the subprotocol that was agreed on."""
    try:
        async with websockets.connect(url, **options) as client:
            await client.send(hello("web"))
            assert await client.recv() == WELCOME
            return client.subprotocol
    except websockets.InvalidStatus as error:
        return error.response.status_code


def test_websocket_options(tmp_path: Path) -> None:
    async def play(here: Running, seen: list[Any]) -> None:
        port = await create(here, "ws", "w", websocket={"mqtt_path": "/else"}, max_connections=1)
        url = f"ws://127.0.0.1:{port}"
        mqtt_only: dict[str, Any] = {"subprotocols": ["mqtt"]}
        assert await web_status(f"{url}/mqtt", **mqtt_only) == 404
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
            assert [(await browser.get(path)).status_code for path in ("/else", "/mqtt")] == [400, 404]
        assert await web_status(f"{url}/else", **mqtt_only) == "mqtt"
        assert await web_status(f"{url}/else", subprotocols=["amqp", "mqtt-v5"]) == "mqtt-v5"
        assert await web_status(f"{url}/else") == 400
        assert await web_status(f"{url}/else", subprotocols=["mqttv3.1"]) == "mqttv3.1"
        assert await web_status(f"{url}/else", subprotocols=["amqp"]) == 400
        near = {"additional_headers": {"x-forwarded-for": "10.0.0.1, 192.0.2.9", "x-forwarded-port": "4712"}}
        assert await web_status(f"{url}/else", **mqtt_only, **near) == "mqtt"
        assert (seen[-1].address, seen[-1].port) == ("192.0.2.9", 4712)
        async with websockets.connect(f"{url}/else", **mqtt_only):
            await until(lambda: len(here.management.listening.get("ws:w").connections) == 1)
            assert await web_status(f"{url}/else", **mqtt_only) == 403
        strict = {
            "fail_if_no_subprotocol": False,
            "check_origin_enable": True,
            "check_origins": "http://good.example, http://fine.example",
            "allow_origin_absence": False,
            "proxy_address_header": "",
            "max_frame_size": 50,
        }
        change = {"id": "ws:w", "type": "ws", "websocket": strict, "max_connections": "infinity"}
        answer = (await here.ask("PUT", "/listeners/ws:w", json=change)).json()
        assert (answer["websocket"]["mqtt_path"], answer["websocket"]["max_frame_size"]) == ("/else", 50)
        assert await web_status(f"{url}/else") == 400
        assert await web_status(f"{url}/else", origin="http://evil.example") == 400
        assert await web_status(f"{url}/else", origin="http://fine.example", **near) is None
        assert seen[-1].address == "127.0.0.1"
        async with websockets.connect(f"{url}/else", origin="http://good.example") as client:  # type: ignore[arg-type]
            await client.send(hello("x" * 100))
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()

    scenario(tmp_path, watching(play))


async def deaf(here: Running, port: int, client_id: str) -> socket.socket:
    """A client whose socket is full of what it has not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    sock.sendall(hello(client_id) + mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter(client_id, 0)]), 4))
    sessions = here.stream.broker.sessions
    await until(lambda: client_id in sessions and len(sessions[client_id].subscriptions) == 1)
    body = {"topic": client_id, "payload": "x" * 1_000_000}
    assert (await here.ask("POST", "/publish", json=body)).status_code == 200
    return sock


def test_who_reads_nothing_is_gone_when_the_listener_says_so(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        quick = await create(here, name="quick", tcp_options={"send_timeout": "300ms", "sndbuf": 4096})
        calm = {"send_timeout": "300ms", "send_timeout_close": False, "sndbuf": 4096}
        patient = await create(here, name="patient", tcp_options=calm)
        sessions, loop = here.stream.broker.sessions, asyncio.get_running_loop()
        with (
            await deaf(here, patient, "kept"),
            await deaf(here, quick, "slow") as slow,
            await deaf(here, quick, "gone"),
        ):
            # Who reads a little all the time is no such peer.
            while "gone" in sessions:
                await loop.sock_recv(slow, 20_000)
                await asyncio.sleep(0.05)
            assert {"slow", "kept"} <= set(sessions)

    scenario(tmp_path, play)


def test_websockets_that_say_nothing_and_frames_of_one_packet(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        options = {"idle_timeout": "300ms", "mqtt_piggyback": "single"}
        port = await create(here, "ws", "w", websocket=options, tcp_options={"nolinger": True})
        for number in range(3):
            body = {"topic": f"kept/{number}", "payload": "x" * 200, "retain": True}
            assert (await here.ask("POST", "/publish", json=body)).is_success
        async with websockets.connect(f"ws://127.0.0.1:{port}/mqtt", subprotocols=["mqtt"]) as client:  # type: ignore[list-item]
            await client.send(hello("c") + mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("kept/+", 0)]), 4))
            frames = [bytes(await client.recv(decode=False)) for _ in range(5)]
            assert [frame[0] >> 4 for frame in frames] == [2, 9, 3, 3, 3]
            assert all(mqtt.parse(frame, 4)[1] == len(frame) for frame in frames)
            for _ in range(4):
                await asyncio.sleep(0.1)
                await client.send(mqtt.PINGREQ)
                assert await client.recv() == mqtt.PINGRESP
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(client.recv(), 5)
        listening = here.management.listening.get("ws:w")._socket
        assert listening is not None and listening.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == b"\1" + bytes(
            7
        )

    scenario(tmp_path, play)
