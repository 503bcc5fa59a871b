"""Listeners by the management API."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.surfaces.mqtt.listening import FREE, WELCOME, create, greet
from tests.surfaces.mqtt.management import Running, assert_error, running, scenario

BAD: list[tuple[dict[str, Any], str]] = [
    ({"type": "udp"}, "BAD_REQUEST"),
    ({"name": "a b"}, "BAD_REQUEST"),
    ({"name": None}, "BAD_REQUEST"),
    ({"bind": "nowhere"}, "BAD_REQUEST"),
    ({"bind": "203.0.113.7:1"}, "BAD_REQUEST"),
    ({"bind": f"{'x' * 300}:1"}, "BAD_REQUEST"),
    ({"colour": "red"}, "BAD_REQUEST"),
    ({"max_connections": 0}, "BAD_REQUEST"),
    ({"max_conn_rate": "many"}, "BAD_REQUEST"),
    ({"access_rules": ["allow everybody"]}, "BAD_REQUEST"),
    ({"enable_authn": "maybe"}, "BAD_REQUEST"),
    ({"tcp_options": {"backlog": "x"}}, "BAD_REQUEST"),
    ({"tcp_options": []}, "BAD_REQUEST"),
    ({"ssl_options": {}}, "BAD_REQUEST"),
    ({"type": "ssl"}, "BAD_REQUEST"),
    ({"type": "ssl", "ssl_options": {"certfile": "/no/such.pem", "keyfile": "/no/such.key"}}, "BAD_REQUEST"),
    ({"type": "ws", "websocket": {"mqtt_path": "mqtt"}}, "BAD_REQUEST"),
    ({"name": "default"}, "BAD_LISTENER_ID"),
]


def test_listing_and_looking(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        rows = (await here.ask("GET", "/listeners")).json()
        status = {"running": True, "current_connections": 0, "max_connections": "infinity"}
        wanted = {
            "id": "tcp:default",
            "type": "tcp",
            "name": "default",
            "enable": True,
            "bind": f"127.0.0.1:{here.port}",
            "acceptors": 16,
            "number": 1,
            "status": status,
            "node_status": [{"node": "emqx@127.0.0.1", "status": status}],
        }
        assert rows == [wanted]
        assert (await here.ask("GET", "/listeners?type=ws")).json() == []
        assert_error(await here.ask("GET", "/listeners?type=udp"), 400, "INVALID_PARAMETER")
        async with here.client(identifier="c"):
            one = (await here.ask("GET", "/listeners/tcp:default")).json()
            assert (one["id"], one["type"], one["running"], one["current_connections"]) == (
                "tcp:default",
                "tcp",
                True,
                1,
            )
            assert one["access_rules"] == ["allow all"] and one["tcp_options"]["nodelay"] is True
            assert one["proxy_protocol_timeout"] == "3s" and "ssl_options" not in one
        await create(here, "ws", "w", max_connections=7)
        await create(here, "ws", "v", max_connections=5, enable=False)
        found = (await here.ask("GET", "/listeners_status")).json()
        assert [(each["type"], each["ids"]) for each in found] == [("tcp", ["tcp:default"]), ("ws", ["ws:v", "ws:w"])]
        both = {"running": "inconsistent", "current_connections": 0, "max_connections": 12}
        assert (found[1]["enable"], found[1]["status"]) == (True, both)
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop"), ("POST", "/restart")):
            assert_error(await here.ask(method, f"/listeners/tcp:none{path}"), 404, "BAD_LISTENER_ID")

    scenario(tmp_path, play)


def test_what_is_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for settings, code in BAD:
            body = {"type": "tcp", "name": "x", "bind": FREE, **settings}
            answer = await here.ask("POST", "/listeners", json=body)
            assert_error(answer, 400, code)
        assert (
            "tcp_options.backlog"
            in (
                await here.ask(
                    "POST", "/listeners", json={"type": "tcp", "name": "x", "bind": 1, "tcp_options": {"backlog": 0}}
                )
            ).text
        )
        for word, bad in (("type", {"type": "quic"}), ("name", {"name": "a/b"}), ("name", {"name": "n" * 256})):
            answer = await here.ask("POST", "/listeners", json={"type": "tcp", "name": "x", "bind": FREE, **bad})
            assert answer.json()["message"].startswith(f"{word}: "), answer.text
        busy = await here.ask("POST", "/listeners", json={"type": "tcp", "name": "x", "bind": f"127.0.0.1:{here.port}"})
        assert_error(busy, 400, "BAD_REQUEST")
        assert "in use" in busy.json()["message"]
        for body in ({}, {"type": "tcp"}, {"id": "tcp:other", "type": "tcp"}, {"id": "tcp:default", "type": "ws"}):
            answer = await here.ask("PUT", "/listeners/tcp:default", json=body)
            assert_error(answer, 400, "BAD_LISTENER_ID" if len(body) == 2 else "BAD_REQUEST")
        assert [each["id"] for each in (await here.ask("GET", "/listeners")).json()] == ["tcp:default"]
        assert await greet(here.port) == WELCOME

    scenario(tmp_path, play)


def test_the_demo_is_for_loopback_only(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        here.house.demo = True
        body = {"type": "tcp", "name": "x", "bind": "0.0.0.0:0"}
        assert_error(await here.ask("POST", "/listeners", json=body), 400, "BAD_REQUEST")
        change = {"id": "tcp:default", "type": "tcp", "bind": ":0"}
        assert_error(await here.ask("PUT", "/listeners/tcp:default", json=change), 400, "BAD_REQUEST")
        assert await greet(here.port) == WELCOME

    scenario(tmp_path, play)


def test_a_listener_lives_over_a_restart_and_wins_over_the_file(tmp_path: Path) -> None:
    async def first() -> None:
        async with running(tmp_path) as here:
            port = await create(here, mountpoint="m/", access_rules=["allow 127.0.0.0/8", "deny all"])
            assert await greet(port) == WELCOME
            change = {"id": "tcp:default", "type": "tcp", "max_connections": 5, "tcp_options": {"nodelay": False}}
            answer = (await here.ask("PUT", "/listeners/tcp:default", json=change)).json()
            assert (answer["max_connections"], answer["tcp_options"]["backlog"], answer["running"]) == (5, 1024, True)
            assert answer["bind"] == f"127.0.0.1:{here.port}"
            assert await greet(here.port) == WELCOME
            await create(here, name="gone")
            answer = await here.ask("DELETE", "/listeners/tcp:gone")
            assert (answer.status_code, answer.content) == (204, b"")

    async def second() -> None:
        async with running(tmp_path) as here:
            ids = {each["id"]: each for each in (await here.ask("GET", "/listeners")).json()}
            assert set(ids) == {"tcp:default", "tcp:x"}
            assert ids["tcp:default"]["status"]["max_connections"] == 5
            again = (await here.ask("GET", "/listeners/tcp:x")).json()
            assert (again["mountpoint"], again["access_rules"]) == ("m/", ["allow 127.0.0.0/8", "deny all"])
            assert await greet(int(again["bind"].rpartition(":")[2])) == WELCOME
            await here.ask("POST", "/listeners/tcp:x/stop")
            assert (await here.ask("DELETE", "/listeners/tcp:default")).status_code == 204

    async def third() -> None:
        async with running(tmp_path) as here:
            assert [each["id"] for each in (await here.ask("GET", "/listeners")).json()] == ["tcp:x"]
            assert (await here.ask("GET", "/listeners/tcp:x")).json()["running"] is False

    asyncio.run(first())
    asyncio.run(second())
    asyncio.run(third())


def test_starting_and_stopping(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        port = await create(here)
        async with here.client(identifier="stays"):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", port, username="ann", password="secret") as client:
                    answer = await here.ask("POST", "/listeners/tcp:x/stop")
                    assert (answer.status_code, answer.content) == (200, b"")
                    async for _ in client.messages:
                        pass
            assert await greet(port) == b""
            found = (await here.ask("GET", "/listeners/tcp:x")).json()
            assert (found["enable"], found["running"], found["current_connections"]) == (False, False, 0)
            change = {"id": "tcp:x", "type": "tcp", "bind": f"127.0.0.1:{port}"}
            assert (await here.ask("PUT", "/listeners/tcp:x", json=change)).json()["running"] is False
            assert (await here.ask("POST", "/listeners/tcp:x/start")).status_code == 200
            assert await greet(port) == WELCOME
            assert (await here.ask("POST", "/listeners/tcp:x/restart")).status_code == 200
            assert await greet(port) == WELCOME
            with socket.create_server(("127.0.0.1", 0)) as taken:
                busy = {**change, "bind": f"127.0.0.1:{taken.getsockname()[1]}"}
                assert_error(await here.ask("PUT", "/listeners/tcp:x", json=busy), 400, "BAD_REQUEST")
            assert await greet(port) == WELCOME
            assert (await here.ask("GET", "/listeners/tcp:default")).json()["current_connections"] == 1

    scenario(tmp_path, play)
