"""Traces and slow subscriptions: what is written, how it is read, and that nothing is heard while none is on."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from folkmoot.domain.monitoring import TRACES_MAX
from folkmoot.wire import mqtt
from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario
from tests.surfaces.mqtt.test_push import make_list


def listeners(here: Running) -> int:
    """How many want to hear of messages on their way, besides the broker's own."""
    happenings = here.stream.broker.happenings
    return sum(
        len(each) for each in (happenings.published, happenings.delivered, happenings.acked, happenings.watchers)
    )


async def start(here: Running, name: str, **more: Any) -> httpx.Response:
    return await here.ask("POST", "/trace", json={"name": name, **more})


async def log(here: Running, name: str) -> str:
    found: str = (await here.ask("GET", f"/trace/{name}/log?bytes=100000")).json()["items"]
    return found


def test_a_client_is_followed(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        before = listeners(here)
        answer = await start(here, "dev", type="clientid", clientid="dev")
        found = answer.json()
        assert answer.status_code == 200
        begin, end = (datetime.fromisoformat(found.pop(each)) for each in ("start_at", "end_at"))
        assert (end - begin).total_seconds() == 600
        assert found == {
            "name": "dev",
            "type": "clientid",
            "clientid": "dev",
            "status": "running",
            "log_size": {NODE: 0},
            "payload_encode": "text",
            "formatter": "text",
        }
        await start(here, "deaf", type="clientid", clientid="nobody", formatter="json")
        async with here.client(identifier="dev") as dev, here.client(identifier="other") as other:
            await dev.subscribe("a/+", qos=1)
            await dev.publish("a/b", "one\ntwo", qos=1)
            await anext(dev.messages)
            await other.publish("x", "secret")
        lines = (await log(here, "dev")).splitlines()
        words = [line.partition("msg: ")[2].partition(",")[0] for line in lines]
        assert words[0] == "connack_sent" and words[-1] == "disconnected"
        assert [each for each in words if each != "authorization_result"][1:-1] == [
            "subscribe",
            "publish_to",
            "delivered",
            "acked",
        ]
        publish = next(line for line in lines if "publish_to" in line)
        assert "[PUBLISH] clientid: dev, username: ann, peername: 127.0.0.1:" in publish
        assert "topic: a/b, qos: 1, retain: False, payload: one\\ntwo" in publish
        assert "secret" not in "".join(lines) and await log(here, "deaf") == ""
        assert (await here.ask("PUT", "/trace/dev/stop")).json() == {"name": "dev", "enable": False}
        size = (await here.ask("GET", "/trace/dev/log_detail")).json()[0]["size"]
        async with here.client(identifier="dev"):
            pass
        assert (await here.ask("GET", "/trace/dev/log_detail")).json()[0]["size"] == size == len("\n".join(lines)) + 1
        rows = {each["name"]: each["status"] for each in (await here.ask("GET", "/trace")).json()}
        assert rows == {"dev": "stopped", "deaf": "running"}
        assert (await here.ask("DELETE", "/trace/deaf")).status_code == 204
        assert listeners(here) == before

    scenario(tmp_path, play)


def test_topics_addresses_and_rules(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await start(here, "topic", type="topic", topic="a/#", formatter="json", payload_encode="hex")
        await start(here, "where", type="ip_address", ip_address="127.0.0.1", payload_encode="hidden")
        await start(here, "rule", type="ruleid", ruleid="my_rule", formatter="json", payload_encode="hex")
        assert here.management.monitoring.traces.rules == {"my_rule"}
        async with here.client(identifier="dev") as dev:
            await dev.subscribe("a/b")
            await dev.publish("b", "no")
            await dev.publish("a/b", b"\x01\xff")
            await anext(dev.messages)
        traces = here.management.monitoring.traces
        hidden = [{"payload": "y", "a": 1}]
        traces.note_rule("my_rule", "rule_activated", {"payload": b"x", "input": hidden}, here.stream.now())
        traces.note_rule("other", "rule_activated", {}, here.stream.now())
        lines = [json.loads(line) for line in (await log(here, "topic")).splitlines()]
        told = [each for each in lines if each["msg"] in ("publish_to", "delivered")]
        assert [(each["msg"], each["meta"]["topic"], each["meta"]["payload"]) for each in told] == [
            ("publish_to", "a/b", "01ff"),
            ("delivered", "a/b", "01ff"),
        ]
        assert told[0]["meta"]["clientid"] == "dev" and told[0]["meta"]["trace_tag"] == "PUBLISH"
        masked = await log(here, "where")
        assert "payload: ******" in masked and "topic: b" in masked
        (line,) = (json.loads(line) for line in (await log(here, "rule")).splitlines())
        assert line["meta"] == {
            "trace_tag": "RULE",
            "rule_id": "my_rule",
            "payload": "78",
            "input": [{"payload": "79", "a": 1}],
        }

    scenario(tmp_path, play)


def test_what_is_said_in_closed_spaces_is_in_no_trace(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make_list(here, "secret", "PRIVATE")
        await make_list(here, "square")
        rule = {"id": "listens", "sql": 'SELECT * FROM "spaces/#"'}
        assert (await here.ask("POST", "/rules", json=rule)).status_code == 201
        await start(here, "all", type="topic", topic="spaces/#")
        await start(here, "rule", type="ruleid", ruleid="listens")
        async with here.client("admin", "public", identifier="a") as admin:
            await admin.subscribe("spaces/#", qos=1)
            for space in ("secret", "square"):
                await admin.publish(f"spaces/{space}/post", f"said in the {space}", qos=1)
                await anext(admin.messages)
            traced = await log(here, "all")
            assert "delivered, topic: spaces/secret/messages, qos: 1, retain: False, payload: ******" in traced
            assert "said in the square" in traced and "said in the secret" not in traced
            told = await log(here, "rule")
            assert "spaces/secret/messages" in told and "said in the" not in told

    scenario(tmp_path, play)


def test_files_are_read_in_parts_downloaded_and_bounded(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        traces = here.management.monitoring.traces
        traces._largest = 2000
        await start(here, "all", type="topic", topic="#")
        answer = await here.ask("GET", "/trace/all/download")
        assert_error(answer, 404, "NOT_FOUND")
        async with here.client() as client:
            for _ in range(40):
                await client.publish("t", "ünïcödé" * 3, qos=1)
        text, position = "", 0
        while True:
            part = (await here.ask("GET", f"/trace/all/log?bytes=7&position={position}")).json()
            assert part["meta"]["bytes"] == 7
            if not part["items"]:
                assert part["meta"]["position"] == position
                break
            text, position = text + part["items"], part["meta"]["position"]
        assert text == await log(here, "all") and "ünïcödé" in text and "\N{REPLACEMENT CHARACTER}" not in text
        assert 1500 < len(text.encode()) <= 2000
        answer = await here.ask("GET", f"/trace/all/download?node={NODE}")
        assert answer.headers["content-type"] == "application/x-zip"
        assert answer.headers["content-disposition"] == 'attachment; filename="all.zip"'
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        (name,) = archive.namelist()
        assert name.startswith(f"{NODE}/trace_all_") and archive.read(name).decode() == text
        for what in ("log", "download"):
            assert_error(await here.ask("GET", f"/trace/all/{what}?node=x@y"), 404, "NODE_ERROR")
        assert_error(await here.ask("GET", "/trace/all/log?bytes=999999999"), 503, "SERVICE_UNAVAILABLE")
        assert (await here.ask("GET", "/trace/all/log?position=99999")).json()["items"] == ""
        (file,) = (await here.ask("GET", "/trace/all/log_detail")).json()
        assert (file["node"], file["size"]) == (NODE, len(text.encode()))
        for method, path in (
            ("GET", "/log"),
            ("GET", "/download"),
            ("GET", "/log_detail"),
            ("PUT", "/stop"),
            ("DELETE", ""),
        ):
            assert_error(await here.ask(method, f"/trace/none{path}"), 404, "NOT_FOUND")
        assert (await here.ask("DELETE", "/trace")).status_code == 204
        assert list((tmp_path / "traces").iterdir()) == [] == (await here.ask("GET", "/trace")).json()

    scenario(tmp_path, play)


def test_what_cannot_be_traced(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        now = int(here.stream.now())
        good = {"type": "clientid", "clientid": "x"}
        for bad in (
            {"name": "1st", **good},
            {"name": "a" * 201, **good},
            {"name": "a", "type": "clientid"},
            {"name": "a", "type": "clientid", "topic": "t"},
            {"name": "a", "type": "topic", "topic": "a/#/b"},
            {"name": "a", "type": "ip_address", "ip_address": "somewhere"},
            {"name": "a", **good, "start_at": now, "end_at": now},
            {"name": "a", **good, "start_at": now - 100, "end_at": now - 50},
            {"name": "a", **good, "start_at": "soon"},
        ):
            assert_error(await here.ask("POST", "/trace", json=bad), 400, "INVALID_PARAMS")
        assert_error(await here.ask("POST", "/trace", json=good), 400, "BAD_REQUEST")
        assert_error(await start(here, "a", type="weather"), 409, "BAD_TYPE")
        # The name is part of a file's name.
        longest = "a" * 200
        assert (await start(here, longest, type="clientid", clientid="z")).is_success
        assert (await here.ask("GET", f"/trace/{longest}/log_detail")).json()[0]["size"] == 0
        assert (await here.ask("DELETE", f"/trace/{longest}")).status_code == 204
        assert (await start(here, "a", **good, start_at=now + 60)).json()["status"] == "waiting"
        assert_error(await start(here, "a", type="clientid", clientid="y"), 409, "ALREADY_EXISTS")
        assert_error(await start(here, "b", **good), 409, "DUPLICATE_CONDITION")
        for at in range(TRACES_MAX - 1):
            later = datetime.fromtimestamp(now + 100 + at).astimezone().isoformat()
            assert (await start(here, f"t{at}", type="clientid", clientid=f"c{at}", start_at=later)).is_success
        assert_error(await start(here, "more", type="clientid", clientid="more"), 400, "INVALID_PARAMS")
        names = [each["name"] for each in (await here.ask("GET", "/trace")).json()]
        assert names[0] == f"t{TRACES_MAX - 2}" and names[-1] == "a"

    scenario(tmp_path, play)


def test_traces_survive_a_restart(tmp_path: Path) -> None:
    async def before(here: Running) -> None:
        await start(here, "dev", type="clientid", clientid="dev")
        async with here.client(identifier="dev"):
            pass

    async def after(here: Running) -> None:
        (trace,) = (await here.ask("GET", "/trace")).json()
        assert (trace["name"], trace["status"]) == ("dev", "running")
        async with here.client(identifier="dev"):
            pass
        assert (await log(here, "dev")).count("connack_sent") == 2

    scenario(tmp_path, before)
    scenario(tmp_path, after)


def test_slow_subscriptions(tmp_path: Path) -> None:
    defaults = {
        "enable": False,
        "threshold": "500ms",
        "expire_interval": "300s",
        "top_k_num": 10,
        "stats_type": "whole",
    }

    async def play(here: Running) -> None:
        before = listeners(here)
        answer = (await here.ask("GET", "/slow_subscriptions/settings")).json()
        assert answer == {**defaults, "expire_interval": answer["expire_interval"]}
        on = {"enable": True, "threshold": "20ms", "top_k_num": 2}
        answer = await here.ask("PUT", "/slow_subscriptions/settings", json=on)
        assert (answer.status_code, answer.json()["threshold"], answer.json()["top_k_num"]) == (200, "20ms", 2)
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)

        async def send(*packets: mqtt.Packet) -> None:
            writer.write(b"".join(mqtt.encode(packet, mqtt.MQTT_5) for packet in packets))
            answer = b""
            while (packets[-1] == mqtt.Pingreq() and mqtt.PINGRESP not in answer) or not answer:
                answer += await asyncio.wait_for(reader.read(4096), 5)

        await send(mqtt.Connect(mqtt.MQTT_5, "slow"))
        await send(mqtt.Subscribe(1, [mqtt.Filter("t/#", 1)]))
        for topic in ("t/1", "t/2", "t/3"):
            assert (await here.ask("POST", "/publish", json={"topic": topic, "payload": "x", "qos": 1})).is_success
            await asyncio.sleep(0.03)
        await send(*[mqtt.Ack(mqtt.Kind.PUBACK, number) for number in (1, 2, 3)], mqtt.Pingreq())
        writer.close()
        found = (await here.ask("GET", "/slow_subscriptions?page=3&limit=1")).json()
        assert list(found) == ["data"]
        assert [(each["clientid"], each["topic"], each["node"]) for each in found["data"]] == [
            ("slow", "t/1", NODE),
            ("slow", "t/2", NODE),
        ]
        assert found["data"][0]["timespan"] >= found["data"][1]["timespan"] >= 60
        assert abs(found["data"][0]["last_update_time"] / 1000 - here.stream.now()) < 10
        assert (await here.ask("DELETE", "/slow_subscriptions")).status_code == 204
        assert (await here.ask("GET", "/slow_subscriptions")).json() == {"data": []}
        for bad in ({"threshold": "soon"}, {"top_k_num": 0}, {"stats_type": "some"}, {"expire_interval": "0s"}):
            answer = await here.ask("PUT", "/slow_subscriptions/settings", json=bad)
            assert_error(answer, 400, "BAD_REQUEST")
        assert (await here.ask("PUT", "/slow_subscriptions/settings", json={"enable": False})).is_success
        assert listeners(here) == before

    async def after(here: Running) -> None:
        settings = (await here.ask("GET", "/slow_subscriptions/settings")).json()
        assert (settings["enable"], settings["threshold"]) == (False, "20ms")

    scenario(tmp_path, play)
    scenario(tmp_path, after)
