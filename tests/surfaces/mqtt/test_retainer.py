"""Retained messages and the settings about them over REST."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from folkmoot.domain.broker import Message
from tests.surfaces.mqtt.management import Running, assert_error, running, scenario

DEFAULT: dict[str, Any] = {
    "enable": True,
    "msg_expiry_interval": "0s",
    "msg_expiry_interval_override": "disabled",
    "allow_never_expire": True,
    "msg_clear_interval": "0s",
    "msg_clear_limit": 50000,
    "max_payload_size": "1MB",
    "stop_publish_clear_msg": False,
    "delivery_rate": "infinity",
    "max_publish_rate": "infinity",
    "backend": {
        "type": "built_in_database",
        "storage_type": "ram",
        "max_retained_messages": 0,
        "index_specs": [[1, 2, 3], [1, 3], [2, 3], [3]],
        "enable": True,
    },
}


async def retain(here: Running, *topics: str, payload: str = "x") -> None:
    for topic in topics:
        answer = await here.ask("POST", "/publish", json={"topic": topic, "payload": payload, "qos": 1, "retain": True})
        assert answer.status_code in (200, 202)


async def listed(here: Running, query: str = "") -> list[str]:
    answer = await here.ask("GET", f"/mqtt/retainer/messages?{query}")
    assert answer.status_code == 200, answer.text
    return [each["topic"] for each in answer.json()["data"]]


async def clear(here: Running) -> None:
    """Removes what the broker says of itself."""
    assert (await here.ask("DELETE", "/mqtt/retainer/messages")).status_code == 204


def test_settings_hold_at_once_and_after_a_restart(tmp_path: Path) -> None:
    changed = {
        **DEFAULT,
        "msg_expiry_interval": "2h",
        "msg_expiry_interval_override": "90s",
        "msg_clear_interval": "500ms",
        "max_payload_size": "2B",
        "delivery_rate": "1000/s",
        "max_publish_rate": "90/s",
        "backend": {**DEFAULT["backend"], "storage_type": "disc", "max_retained_messages": 2},
    }

    async def first(here: Running) -> None:
        assert (await here.ask("GET", "/mqtt/retainer")).json() == DEFAULT
        await clear(here)
        answer = await here.ask("PUT", "/mqtt/retainer", json=changed)
        assert (answer.status_code, answer.json()) == (200, changed)
        assert (await here.ask("PUT", "/mqtt/retainer", json={"allow_never_expire": True})).json() == changed
        await retain(here, "large", payload="123")
        await retain(here, "a", "b", "c")
        assert await listed(here) == ["a", "b"]
        answer = await here.ask("PUT", "/mqtt/retainer", json={"backend": {"enable": False}})
        assert answer.json() == {**changed, "backend": {**changed["backend"], "enable": False}}
        await retain(here, "a", payload="")
        assert (await here.ask("PUT", "/mqtt/retainer", json={"backend": {"enable": True}})).json() == changed
        assert await listed(here) == ["a", "b"]

    async def second(here: Running) -> None:
        assert (await here.ask("GET", "/mqtt/retainer")).json() == changed
        assert await listed(here, "topic=%23") == ["a", "b"]

    scenario(tmp_path, first)
    scenario(tmp_path, second)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"msg_expiry_interval": "soon"}, "UPDATE_FAILED"),
    ({"msg_expiry_interval_override": "never"}, "UPDATE_FAILED"),
    ({"max_payload_size": "big"}, "UPDATE_FAILED"),
    ({"delivery_rate": "fast"}, "UPDATE_FAILED"),
    ({"max_publish_rate": "0/s"}, "UPDATE_FAILED"),
    ({"enable": "yes"}, "BAD_REQUEST"),
    ({"msg_clear_limit": 0}, "BAD_REQUEST"),
    ({"backend": {"type": "redis"}}, "BAD_REQUEST"),
    ({"backend": {"max_retained_messages": -1}}, "BAD_REQUEST"),
]


def test_messages(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for body, code in WRONG:
            assert_error(await here.ask("PUT", "/mqtt/retainer", json=body), 400, code)
        assert (await here.ask("GET", "/mqtt/retainer")).json() == DEFAULT
        await clear(here)
        empty = (await here.ask("GET", "/mqtt/retainer/messages")).json()
        assert empty == {"data": [], "meta": {"page": 1, "limit": 100, "hasnext": False, "count": 0}}

        async with here.client(identifier="c1") as client:
            await client.publish("a/b", b"\xff\0", qos=1, retain=True)
        await retain(here, "a/c", "a/b/c", "x", "$y")
        first = (await here.ask("GET", "/mqtt/retainer/messages?limit=2")).json()
        assert first["meta"] == {"page": 1, "limit": 2, "hasnext": True, "count": 5}
        row = first["data"][0]
        assert list(row) == ["msgid", "topic", "qos", "publish_at", "from_clientid", "from_username"]
        assert (row["topic"], row["qos"], row["from_clientid"], row["from_username"]) == ("a/b", 1, "c1", "ann")
        assert len(row["msgid"]) == 32 and "T" in row["publish_at"] and "." in row["publish_at"]
        assert first["data"][1]["from_clientid"] == "http_api"

        assert await listed(here, "topic=a/%2B") == ["a/b", "a/c"]
        assert await listed(here, "topic=%23") == ["a/b", "a/b/c", "a/c", "x"]
        found = (await here.ask("GET", "/mqtt/retainer/messages?topic=%23&limit=2&page=2")).json()
        assert found["meta"] == {"page": 2, "limit": 2, "hasnext": False} and len(found["data"]) == 2
        found = (await here.ask("GET", "/mqtt/retainer/messages?topic=a/%23&limit=2")).json()
        assert found["meta"] == {"page": 1, "limit": 2, "hasnext": True}
        assert_error(await here.ask("GET", "/mqtt/retainer/messages?topic=a%23"), 400, "INVALID_PARAMETER")
        assert_error(await here.ask("GET", "/mqtt/retainer/messages?limit=0"), 400, "INVALID_PARAMETER")

        one = (await here.ask("GET", "/mqtt/retainer/message/a%2Fb")).json()
        assert one == {**row, "payload": base64.b64encode(b"\xff\0").decode()}
        assert (await here.ask("GET", "/mqtt/retainer/message/a%2F%23")).json()["topic"] == "a/b"
        for topic in ("none", "a", "none%2F%23"):
            assert_error(await here.ask("GET", f"/mqtt/retainer/message/{topic}"), 404, "NOT_FOUND")
            assert_error(await here.ask("DELETE", f"/mqtt/retainer/message/{topic}"), 404, "NOT_FOUND")
        here.stream.broker.retained.keep(Message("large", bytes(1_048_577), retain=True))
        assert "payload" not in (await here.ask("GET", "/mqtt/retainer/message/large")).json()

        assert (await here.ask("DELETE", "/mqtt/retainer/message/x")).status_code == 204
        assert (await here.ask("DELETE", "/mqtt/retainer/message/a%2F%2B")).status_code == 204
        assert sorted(await listed(here)) == ["$y", "a/b/c", "large"]
        assert (await here.ask("DELETE", "/mqtt/retainer/messages")).status_code == 204
        assert await listed(here) == []

    scenario(tmp_path, play)


def test_what_was_removed_stays_so_and_ids_stay_the_same(tmp_path: Path) -> None:
    async def play(here: Running) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await here.ask("GET", "/mqtt/retainer/messages?topic=%23")).json()["data"]
        return found

    async def run() -> None:
        async with running(tmp_path) as here:
            await retain(here, "a", "b", "c")
            await here.ask("DELETE", "/mqtt/retainer/message/b")
            before = await play(here)
        async with running(tmp_path) as here:
            assert await play(here) == before and len(before) == 2

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/mqtt/retainer", "/mqtt/delayed", "/mqtt/topic_rewrite", "/mqtt/auto_subscribe"])
def test_a_viewer_looks_only(path: str, tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        made = (await here.ask("POST", "/api_key", json={"name": "v", "enable": True, "role": "viewer"})).json()
        key = (made["api_key"], made["api_secret"])
        assert (await here.ask("GET", path, auth=key)).status_code == 200
        assert_error(await here.ask("PUT", path, auth=key, json={}), 403, "UNAUTHORIZED_ROLE")

    scenario(tmp_path, play)
