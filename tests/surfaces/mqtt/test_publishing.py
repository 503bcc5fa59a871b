from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import aiomqtt

from folkmoot.domain import accounts, spaces
from folkmoot.store import Transaction
from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario

V5 = aiomqtt.ProtocolVersion.V5


def test_a_message_reaches_its_subscribers(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(protocol=V5) as client:
            await client.subscribe("t/#", qos=1)
            properties = {
                "payload_format_indicator": 1,
                "message_expiry_interval": 60,
                "response_topic": "answer/here",
                "correlation_data": "abc",
                "user_properties": {"a": "1", "ä": "ö"},
                "content_type": "text/plain",
            }
            wanted = {"topic": "t/1", "payload": "grüß\0", "qos": 1, "properties": properties, "clientid": "ignored"}
            answer = await here.ask("POST", "/publish", json=wanted)
            assert answer.status_code == 200
            assert list(answer.json()) == ["id"]
            assert len(answer.json()["id"]) == 32 and answer.json()["id"] == answer.json()["id"].upper()
            message = await anext(client.messages)
            assert (message.topic.value, message.payload, message.qos) == ("t/1", "grüß\0".encode(), 1)
            assert message.properties is not None
            found = message.properties.json()
            assert found["PayloadFormatIndicator"] == 1 and 0 < found["MessageExpiryInterval"] <= 60
            assert (found["ResponseTopic"], found["ContentType"]) == ("answer/here", "text/plain")
            assert message.properties.CorrelationData == b"abc"
            assert sorted(message.properties.UserProperty) == [("a", "1"), ("ä", "ö")]

            encoded = {"topic": "t/2", "payload": base64.b64encode(b"\xff\0").decode(), "payload_encoding": "base64"}
            assert (await here.ask("POST", "/publish", json=encoded)).status_code == 200
            assert (await anext(client.messages)).payload == b"\xff\0"

    scenario(tmp_path, play)


def test_a_message_has_one_id_wherever_it_is_shown(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        rule = {
            "id": "r",
            "sql": 'SELECT id FROM "t/1"',
            "actions": [{"function": "republish", "args": {"topic": "ids"}}],
        }
        assert (await here.ask("POST", "/rules", json=rule)).status_code == 201
        async with here.client(identifier="sleeper", clean_session=False) as client:
            await client.subscribe("t/#", qos=1)
        async with here.client() as watcher:
            await watcher.subscribe("ids")
            published = (await here.ask("POST", "/publish", json={"topic": "t/1", "payload": "x", "qos": 1})).json()[
                "id"
            ]
            assert json.loads((await anext(watcher.messages)).payload) == {"id": published}
        waiting = (await here.ask("GET", "/clients/sleeper/mqueue_messages")).json()["data"]
        assert [each["msgid"] for each in waiting] == [published]
        # So one can be called back.
        later = (await here.ask("POST", "/publish", json={"topic": "$delayed/600/t/1", "payload": "x"})).json()["id"]
        assert (await here.ask("DELETE", f"/mqtt/delayed/messages/{NODE}/{later}")).status_code == 204
        assert len({published, later}) == 2

    scenario(tmp_path, play)


def test_nobody_listens(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        answer = await here.ask("POST", "/publish", json={"topic": "t", "payload": "x", "retain": True})
        assert (answer.status_code, answer.json()) == (202, {"reason_code": 16, "message": "no_matching_subscribers"})
        async with here.client() as client:
            await client.subscribe("t")
            message = await anext(client.messages)
            assert (message.payload, message.retain) == (b"x", True)

    scenario(tmp_path, play)


MESSAGES_THAT_ARE_REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"topic": "a/#"}, 144, "topic_name_invalid"),
    ({"topic": ""}, 144, "topic_name_invalid"),
    ({"topic": "a\0b"}, 144, "topic_name_invalid"),
    ({"topic": "a" * 65_536}, 144, "topic_name_invalid"),
    ({"topic": "a/" * 128}, 144, "topic_name_invalid"),
    ({"payload": "x" * 1_048_576}, 151, "packet_too_large"),
    ({"payload": "!", "payload_encoding": "base64"}, 131, "bad_base64_payload"),
    ({"payload": "ö", "payload_encoding": "base64"}, 131, "bad_base64_payload"),
]


def test_messages_that_are_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for wanted, reason_code, message in MESSAGES_THAT_ARE_REFUSED:
            whole = {"topic": "t", "payload": "x", **wanted}
            refused = {"reason_code": reason_code, "message": message}
            answer = await here.ask("POST", "/publish", json=whole)
            assert (answer.status_code, answer.json()) == (400, refused)
            async with here.client() as client:
                await client.subscribe("#")
                answer = await here.ask("POST", "/publish/bulk", json=[{"topic": "first", "payload": "x"}, whole])
                assert (answer.status_code, answer.json()) == (400, refused)
                # Nothing of it was sent.
                await here.ask("POST", "/publish", json={"topic": "second", "payload": "x"})
                assert (await anext(client.messages)).topic.value == "second"

    scenario(tmp_path, play)


REQUESTS_THAT_DO_NOT_FIT_THE_SCHEMA: list[Any] = [
    {"topic": "t"},
    {"payload": "x"},
    {"topic": "t", "payload": 5},
    {"topic": "t", "payload": "x", "qos": 3},
    {"topic": "t", "payload": "x", "retain": "true"},
    {"topic": "t", "payload": "x", "payload_encoding": "hex"},
    {"topic": "t", "payload": "x", "properties": {"message_expiry_interval": -1}},
    {"topic": "t", "payload": "x", "properties": {"response_topic": "a/#"}},
    {"topic": "t", "payload": "x", "properties": {"content_type": "a\0"}},
    {"topic": "t", "payload": "x", "properties": {"content_type": "x" * 65_536}},
    {"topic": "t", "payload": "x", "properties": {"correlation_data": "x" * 65_536}},
    {"topic": "t", "payload": "x", "properties": {"user_properties": {"a": 1}}},
    {"topic": "t", "payload": "x", "properties": {"user_properties": {"a": "\0"}}},
    [],
    "x",
]


def test_requests_that_do_not_fit_the_schema(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for wanted in REQUESTS_THAT_DO_NOT_FIT_THE_SCHEMA:
            assert_error(await here.ask("POST", "/publish", json=wanted), 400, "BAD_REQUEST")
            assert_error(await here.ask("POST", "/publish/bulk", json=[wanted]), 400, "BAD_REQUEST")

    scenario(tmp_path, play)


def test_many_messages(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client() as client:
            await client.subscribe("t")
            several = [{"topic": "t", "payload": str(number), "qos": 1} for number in range(20)]
            answer = await here.ask("POST", "/publish/bulk", json=several)
            assert answer.status_code == 200
            assert len({each["id"] for each in answer.json()}) == 20
            assert [(await anext(client.messages)).payload for _ in range(20)] == [
                b"%d" % number for number in range(20)
            ]
            answer = await here.ask(
                "POST", "/publish/bulk", json=[{"topic": "none", "payload": ""}, {"topic": "t", "payload": "x"}]
            )
            assert answer.status_code == 202
            assert answer.json()[0]["reason_code"] == 16 and list(answer.json()[1]) == ["id"]
        assert_error(await here.ask("POST", "/publish/bulk", json=[]), 400, "BAD_REQUEST")

    scenario(tmp_path, play)


def test_the_topics_of_a_space_are_the_communitys(tmp_path: Path) -> None:
    def found_town(tx: Transaction, now: datetime) -> None:
        admin = accounts.actor_of_account(tx, accounts.get_account_named(tx, "admin").id, now)
        spaces.create_space(tx, admin, "town", "Town", None, now)

    async def play(here: Running) -> None:
        await here.house.db.write(found_town, here.house.now())
        async with here.client("admin", "public") as client:
            await client.subscribe("spaces/town/messages")
            answer = await here.ask("POST", "/publish", json={"topic": "spaces/town/post", "payload": "Hello\nworld"})
            assert (answer.status_code, list(answer.json())) == (200, ["id"])
            message = json.loads((await anext(client.messages)).payload)
            assert (message["title"], message["body"], message["author"]) == ("Hello", "world", "admin")
            answer = await here.ask("POST", "/publish", json={"topic": "spaces/nowhere/post", "payload": "Hello"})
            assert (answer.status_code, answer.json()) == (400, {"reason_code": 144, "message": "topic_name_invalid"})
            answer = await here.ask("POST", "/publish", json={"topic": "spaces/town/messages", "payload": "forged"})
            assert (answer.status_code, answer.json()) == (400, {"reason_code": 135, "message": "not_authorized"})

    scenario(tmp_path, play)
