"""Messages that are published later, over REST and over the wire."""

from __future__ import annotations

import asyncio
import base64
import time
from pathlib import Path
from typing import Any

from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario


async def listed(here: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await here.ask("GET", "/mqtt/delayed/messages")).json()["data"]
    return found


def test_settings_hold_at_once_and_after_a_restart(tmp_path: Path) -> None:
    async def first(here: Running) -> None:
        assert (await here.ask("GET", "/mqtt/delayed")).json() == {"enable": True, "max_delayed_messages": 0}
        for wrong in ({"max_delayed_messages": -1}, {"enable": 1}):
            assert_error(await here.ask("PUT", "/mqtt/delayed", json=wrong), 400, "BAD_REQUEST")
        answer = await here.ask("PUT", "/mqtt/delayed", json={"max_delayed_messages": 1})
        assert (answer.status_code, answer.json()) == (200, {"enable": True, "max_delayed_messages": 1})
        message = {"topic": "$delayed/100/a", "payload": "x"}
        assert (await here.ask("POST", "/publish", json=message)).status_code == 200
        full = await here.ask("POST", "/publish", json=message)
        assert (full.status_code, full.json()) == (400, {"reason_code": 151, "message": "quota_exceeded"})
        wrong_topic = await here.ask("POST", "/publish", json={"topic": "$delayed/soon/a", "payload": "x"})
        assert (wrong_topic.status_code, wrong_topic.json()["reason_code"]) == (400, 144)
        await here.ask("PUT", "/mqtt/delayed", json={"enable": False})
        assert (await here.ask("POST", "/publish", json=message)).status_code == 202

    async def second(here: Running) -> None:
        assert (await here.ask("GET", "/mqtt/delayed")).json() == {"enable": False, "max_delayed_messages": 1}
        assert len(await listed(here)) == 1

    scenario(tmp_path, first)
    scenario(tmp_path, second)


def test_messages(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="c1") as client:
            await client.publish("$delayed/100/a/b", b"\xff", qos=1)
            await client.publish("$delayed/200/a/b", bytes(2049), qos=1)
            await client.publish("$delayed/300/c", bytes(2048), qos=1)
        page = (await here.ask("GET", "/mqtt/delayed/messages?limit=2")).json()
        assert page["meta"] == {"page": 1, "limit": 2, "count": 3, "hasnext": True}
        small, _, edge = rows = await listed(here)
        assert list(small) == [
            "msgid", "node", "publish_at", "delayed_interval", "delayed_remaining", "expected_at", "topic", "qos",
            "from_clientid", "from_username",
        ]  # fmt: skip
        assert (small["node"], small["topic"], small["qos"], small["from_clientid"]) == (NODE, "a/b", 1, "c1")
        assert (small["delayed_interval"], small["from_username"]) == (100, "ann") and 95 <= small[
            "delayed_remaining"
        ] <= 100
        paths = [f"/mqtt/delayed/messages/{NODE}/{each['msgid']}" for each in rows]
        one = (await here.ask("GET", paths[0])).json()
        assert {**one, "delayed_remaining": 0} == {
            **small,
            "delayed_remaining": 0,
            "payload": base64.b64encode(b"\xff").decode(),
        }
        assert (await here.ask("GET", paths[1])).json()["payload"] == "PAYLOAD_TOO_LARGE"
        assert (await here.ask("GET", paths[2])).json()["payload"] == base64.b64encode(bytes(2048)).decode()

        for method in ("GET", "DELETE"):
            unknown = f"/mqtt/delayed/messages/{NODE}/{'0' * 32}"
            assert_error(await here.ask(method, unknown), 404, "MESSAGE_ID_NOT_FOUND")
            for wrong in ("x", "z" * 32, "0" * 33):
                path = f"/mqtt/delayed/messages/{NODE}/{wrong}"
                assert_error(await here.ask(method, path), 400, "MESSAGE_ID_SCHEMA_ERROR")
            other = f"/mqtt/delayed/messages/other@host/{edge['msgid']}"
            assert_error(await here.ask(method, other), 400, "INVALID_NODE")
        assert (await here.ask("DELETE", paths[2])).status_code == 204
        assert_error(await here.ask("DELETE", paths[2]), 404, "MESSAGE_ID_NOT_FOUND")
        assert_error(await here.ask("DELETE", "/mqtt/delayed/messages/a%2F%23"), 400, "INVALID_TOPIC_NAME")
        assert_error(await here.ask("DELETE", "/mqtt/delayed/messages/none"), 404, "MESSAGE_NOT_FOUND")
        assert (await here.ask("DELETE", "/mqtt/delayed/messages/a%2Fb")).status_code == 204
        assert await listed(here) == []

    scenario(tmp_path, play)


def test_it_comes_on_time_and_after_a_restart_too(tmp_path: Path) -> None:
    due: list[float] = []

    async def first(here: Running) -> None:
        async with here.client(identifier="sink") as sink:
            await sink.subscribe("t")
            began = time.time()
            await here.ask("POST", "/publish", json={"topic": "$delayed/1/t", "payload": "now"})
            message = await anext(sink.messages)
            assert message.payload == b"now" and 0.9 <= time.time() - began < 1.8
        # A second later in any case, in the next life.
        due.append(time.time())
        await here.ask("POST", "/publish", json={"topic": "$delayed/1/t", "payload": "later", "qos": 1, "retain": True})

    async def second(here: Running) -> None:
        async with here.client(identifier="sink") as sink:
            await sink.subscribe("t")
            message = await asyncio.wait_for(anext(sink.messages), 5)
            assert message.payload == b"later" and time.time() - due[0] >= 0.9
        assert await listed(here) == []

    scenario(tmp_path, first)
    scenario(tmp_path, second)
