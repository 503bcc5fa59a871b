from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from folkmoot.surfaces.mqtt import schema
from tests.net.serving import until
from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario

V5 = aiomqtt.ProtocolVersion.V5


def keeping_session(seconds: int) -> dict[str, Any]:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = seconds
    return {"protocol": V5, "properties": properties}


async def ids(here: Running, query: str) -> list[str]:
    answer = await here.ask("GET", f"/clients?{query}")
    assert answer.status_code == 200, answer.text
    return [each["clientid"] for each in answer.json()["data"]]


def test_a_client_in_all_its_fields(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="foo", keepalive=30, **keeping_session(100)) as client:
            await client.subscribe("t/#", qos=1)
            await client.publish("t/1", "x", qos=1)
            await anext(client.messages)
            found = (await here.ask("GET", "/clients/foo")).json()
            names = [each.encode_name for each in msgspec.structs.fields(schema.Client)]
            assert list(found) == [name for name in names if name != "disconnected_at"]
            wanted = {
                "clientid": "foo",
                "username": "ann",
                "node": NODE,
                "ip_address": "127.0.0.1",
                "listener": "tcp:default",
                "proto_name": "MQTT",
                "proto_ver": 5,
                "keepalive": 30,
                "expiry_interval": 100,
                "is_persistent": True,
                "connected": True,
                "subscriptions_cnt": 1,
                "subscriptions_max": "infinity",
                "recv_msg.qos1": 1,
                "send_msg.qos1": 1,
                "recv_msg": 1,
            }
            assert {name: found[name] for name in wanted} == wanted
            assert datetime.fromisoformat(found["connected_at"]).tzinfo is not None
            assert "." in found["created_at"]
        await until(lambda: here.stream.broker.sessions["foo"].link is None)
        gone = (await here.ask("GET", "/clients/foo")).json()
        assert (gone["connected"], gone["ip_address"], gone["proto_ver"]) == (False, "127.0.0.1", 5)
        assert datetime.fromisoformat(gone["disconnected_at"]) >= datetime.fromisoformat(gone["connected_at"])

    scenario(tmp_path, play)


def test_the_older_protocol(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="old", protocol=aiomqtt.ProtocolVersion.V31):
            found = (await here.ask("GET", "/clients/old")).json()
            assert (found["proto_name"], found["proto_ver"]) == ("MQIsdp", 3)

    scenario(tmp_path, play)


def test_an_unknown_client(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for method, path, body in (
            ("GET", "/clients/foo", None),
            ("DELETE", "/clients/foo", None),
            ("GET", "/clients/foo/subscriptions", None),
            ("POST", "/clients/foo/subscribe", {"topic": "t"}),
            ("POST", "/clients/foo/subscribe/bulk", []),
            ("POST", "/clients/foo/unsubscribe", {"topic": "t"}),
            ("POST", "/clients/foo/unsubscribe/bulk", []),
        ):
            assert_error(await here.ask(method, path, json=body), 404, "CLIENTID_NOT_FOUND")

    scenario(tmp_path, play)


def test_pages(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="c0"), here.client(identifier="c1"), here.client(identifier="c2"):
            whole = (await here.ask("GET", "/clients")).json()
            assert whole["meta"] == {"page": 1, "limit": 100, "count": 3, "hasnext": False}
            seen = []
            for page, more in ((1, True), (2, False), (3, False)):
                found = (await here.ask("GET", f"/clients?page={page}&limit=2")).json()
                assert found["meta"] == {"page": page, "limit": 2, "count": 3, "hasnext": more}
                seen += [each["clientid"] for each in found["data"]]
            assert seen == ["c0", "c1", "c2"]
            filtered = (await here.ask("GET", "/clients?like_clientid=c&limit=2")).json()
            assert filtered["meta"] == {"page": 1, "limit": 2, "count": 3, "hasnext": True}

    scenario(tmp_path, play)


def test_filters(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="stays", clean_session=False):
            pass
        await until(lambda: "stays" in here.stream.broker.offline)
        between = (await here.ask("GET", "/clients/stays")).json()["created_at"]
        await asyncio.sleep(0.01)
        async with here.client(identifier="a/b"), here.client("admin", "public", identifier="five", protocol=V5):
            assert await ids(here, "clientid=a%2Fb") == ["a/b"]
            assert await ids(here, "clientid=five&clientid=a%2Fb&clientid=no") == ["five", "a/b"]
            assert await ids(here, "username=admin") == ["five"]
            assert set(await ids(here, "username=admin&username=ann")) == {"stays", "a/b", "five"}
            assert await ids(here, "username=admin&clientid=a%2Fb") == []
            assert await ids(here, "like_clientid=iv") == ["five"]
            assert await ids(here, "like_username=dmi") == ["five"]
            assert await ids(here, "conn_state=disconnected") == ["stays"]
            assert await ids(here, "conn_state=idle") == []
            assert set(await ids(here, "conn_state=connected")) == {"a/b", "five"}
            assert await ids(here, "proto_ver=5") == ["five"]
            assert await ids(here, "clean_start=false") == ["stays"]
            assert set(await ids(here, "ip_address=127.0.0.1")) == {"a/b", "five", "stays"}
            assert await ids(here, "ip_address=10.0.0.1") == []
            assert len(await ids(here, f"node={NODE}")) == 3
            stamp = between.replace("+", "%2B")
            milliseconds = int(datetime.fromisoformat(between).timestamp() * 1000) + 1
            assert await ids(here, f"lte_created_at={milliseconds}") == ["stays"]
            assert set(await ids(here, f"gte_created_at={milliseconds}")) == {"a/b", "five"}
            assert len(await ids(here, f"gte_connected_at={stamp}")) == 3
            assert await ids(here, f"lte_connected_at={milliseconds - 60_000}") == []

    scenario(tmp_path, play)


def test_fields(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="c"):
            found = (await here.ask("GET", "/clients?fields=clientid,recv_msg.qos0")).json()
            assert found["data"] == [{"clientid": "c", "recv_msg.qos0": 0}]
            assert found["meta"]["count"] == 1

    scenario(tmp_path, play)


QUERIES_THAT_ARE_REFUSED: list[tuple[str, int, str]] = [
    ("page=0", 400, "INVALID_PARAMETER"),
    ("page=x", 400, "INVALID_PARAMETER"),
    ("limit=0", 400, "INVALID_PARAMETER"),
    ("limit=10001", 400, "INVALID_PARAMETER"),
    ("conn_state=asleep", 400, "INVALID_PARAMETER"),
    ("proto_ver=five", 400, "INVALID_PARAMETER"),
    ("clean_start=1", 400, "BAD_REQUEST"),
    ("gte_created_at=yesterday", 400, "INVALID_PARAMETER"),
    ("fields=clientid,password", 400, "BAD_REQUEST"),
    ("fields=listener", 400, "BAD_REQUEST"),
    ("node=other@host", 500, "NODE_DOWN"),
    ("clientid=%FF", 400, "BAD_REQUEST"),
]


def test_queries_that_are_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for query, status, code in QUERIES_THAT_ARE_REFUSED:
            assert_error(await here.ask("GET", f"/clients?{query}"), status, code)

    scenario(tmp_path, play)


def test_kicking_says_why_and_publishes_the_will(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="watch") as watch:
            await watch.subscribe("will")
            with pytest.raises(aiomqtt.MqttError):
                will = aiomqtt.Will("will", "gone")
                async with here.client(identifier="kick/me", will=will, **keeping_session(1000)) as client:
                    answer = await here.ask("DELETE", "/clients/kick%2Fme")
                    assert (answer.status_code, answer.content) == (204, b"")
                    async for _ in client.messages:
                        pass
            assert (await anext(watch.messages)).payload == b"gone"
            assert_error(await here.ask("GET", "/clients/kick%2Fme"), 404, "CLIENTID_NOT_FOUND")

    scenario(tmp_path, play)


def test_kicking_many(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        with pytest.raises(aiomqtt.MqttError):
            async with here.client(identifier="a") as client:
                answer = await here.ask("POST", "/clients/kickout/bulk", json=["a", "unknown"])
                assert (answer.status_code, answer.content) == (204, b"")
                async for _ in client.messages:
                    pass
        assert_error(await here.ask("POST", "/clients/kickout/bulk", json={"a": 1}), 400, "BAD_REQUEST")

    scenario(tmp_path, play)


def test_subscribing_a_client(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await here.ask("POST", "/publish", json={"topic": "kept", "payload": "retained", "retain": True})
        async with here.client(identifier="c") as client:
            answer = await here.ask("POST", "/clients/c/subscribe", json={"topic": "kept", "qos": 1, "nl": 1, "rap": 1})
            assert answer.json() == {
                "clientid": "c",
                "node": NODE,
                "topic": "kept",
                "qos": 1,
                "nl": 1,
                "rap": 1,
                "rh": 0,
            }
            assert (await anext(client.messages)).payload == b"retained"
            answer = await here.ask("POST", "/clients/c/subscribe/bulk", json=[{"topic": "a"}, {"topic": "$share/g/b"}])
            assert [each["topic"] for each in answer.json()] == ["a", "$share/g/b"]
            found = (await here.ask("GET", "/clients/c/subscriptions")).json()
            assert [each["topic"] for each in found] == ["kept", "a", "$share/g/b"]
            assert found[0] == {
                "node": NODE,
                "topic": "kept",
                "clientid": "c",
                "qos": 1,
                "nl": 1,
                "rap": 1,
                "rh": 0,
                "durable": False,
            }
            await here.ask("POST", "/publish", json={"topic": "a", "payload": "x"})
            assert (await anext(client.messages)).payload == b"x"

            answer = await here.ask("POST", "/clients/c/unsubscribe", json={"topic": "a"})
            assert (answer.status_code, answer.content) == (204, b"")
            answer = await here.ask("POST", "/clients/c/unsubscribe/bulk", json=[{"topic": "kept"}, {"topic": "none"}])
            assert answer.status_code == 204
            assert [each["topic"] for each in (await here.ask("GET", "/clients/c/subscriptions")).json()] == [
                "$share/g/b"
            ]

    scenario(tmp_path, play)


SUBSCRIPTIONS_THAT_ARE_REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"topic": "$share/g/t", "nl": 1}, "INVALID_PARAMETER"),
    ({"topic": "a/#/b"}, "INVALID_PARAMETER"),
    ({"topic": ""}, "INVALID_PARAMETER"),
    ({"topic": "$share/g"}, "INVALID_PARAMETER"),
    ({"topic": "a/" * 200}, "INVALID_PARAMETER"),
    ({"topic": "a", "qos": 3}, "BAD_REQUEST"),
    ({"topic": "a", "nl": True}, "BAD_REQUEST"),
    ({}, "BAD_REQUEST"),
    ({"topic": "ä" * 32_768}, "INVALID_PARAMETER"),
]


def test_subscriptions_that_are_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for body, code in SUBSCRIPTIONS_THAT_ARE_REFUSED:
            async with here.client(identifier="c") as client:
                assert_error(await here.ask("POST", "/clients/c/subscribe", json=body), 400, code)
                # The client does not notice.
                await client.subscribe("still")
                assert [each["topic"] for each in (await here.ask("GET", "/clients/c/subscriptions")).json()] == [
                    "still"
                ]

    scenario(tmp_path, play)


def test_subscribing_needs_a_connection(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="c", clean_session=False):
            pass
        await until(lambda: "c" in here.stream.broker.offline)
        answer = await here.ask("POST", "/clients/c/subscribe", json={"topic": "t"})
        assert_error(answer, 404, "CLIENTID_NOT_FOUND")
        assert (await here.ask("GET", "/clients/c/subscriptions")).json() == []

    scenario(tmp_path, play)
