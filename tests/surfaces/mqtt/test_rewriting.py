"""Topic rewriting and automatic subscriptions over REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.surfaces.mqtt.management import Running, assert_error, scenario

RULE = {"action": "all", "source_topic": "x/#", "dest_topic": "z/$1", "re": "^x/(.+)$"}


def test_topic_rewriting(tmp_path: Path) -> None:
    rules = [RULE, {**RULE, "action": "publish", "source_topic": "${clientid}/#", "dest_topic": "own"}]

    async def first(here: Running) -> None:
        assert (await here.ask("GET", "/mqtt/topic_rewrite")).json() == []
        answer = await here.ask("PUT", "/mqtt/topic_rewrite", json=rules)
        assert (answer.status_code, answer.json()) == (200, rules)
        for wrong in (
            [{**RULE, "dest_topic": "z/#"}],
            [{**RULE, "dest_topic": "+/z", "action": "publish"}],
            [{**RULE, "source_topic": "x#"}],
            [{**RULE, "re": "("}],
            [{**RULE, "action": "both"}],
            [{"action": "all"}],
            RULE,
        ):
            assert_error(await here.ask("PUT", "/mqtt/topic_rewrite", json=wrong), 400, "BAD_REQUEST")
        assert_error(await here.ask("PUT", "/mqtt/topic_rewrite", json=[RULE] * 20), 413, "EXCEED_LIMIT")
        subscribing = [{**RULE, "action": "subscribe", "dest_topic": "z/+"}]
        assert (await here.ask("PUT", "/mqtt/topic_rewrite", json=subscribing)).status_code == 200
        assert (await here.ask("PUT", "/mqtt/topic_rewrite", json=[*rules, *[RULE] * 17])).status_code == 200
        assert (await here.ask("PUT", "/mqtt/topic_rewrite", json=rules)).status_code == 200

    async def second(here: Running) -> None:
        assert (await here.ask("GET", "/mqtt/topic_rewrite")).json() == rules
        async with here.client(identifier="c") as client:
            await client.subscribe("x/a")
            await client.publish("x/a", b"1")
            message = await anext(client.messages)
            assert message.topic.value == "z/a"
            found = (await here.ask("GET", "/clients/c/subscriptions")).json()
            assert [each["topic"] for each in found] == ["z/a"]
            await client.unsubscribe("x/a")
            assert (await here.ask("GET", "/clients/c/subscriptions")).json() == []
            made = await here.ask("POST", "/clients/c/subscribe", json={"topic": "x/b"})
            assert (made.status_code, made.json()["topic"]) == (200, "z/b")
        assert (await here.ask("PUT", "/mqtt/topic_rewrite", json=[])).json() == []

    scenario(tmp_path, first)
    scenario(tmp_path, second)


def test_automatic_subscriptions(tmp_path: Path) -> None:
    wanted: list[dict[str, Any]] = [
        {"topic": "c/${clientid}", "qos": 1, "rh": 0, "rap": 1, "nl": 0},
        {"topic": "u/${username}/#", "qos": 0, "rh": 2, "rap": 0, "nl": 1},
    ]

    async def first(here: Running) -> None:
        assert (await here.ask("GET", "/mqtt/auto_subscribe")).json() == []
        answer = await here.ask("PUT", "/mqtt/auto_subscribe", json=[{"topic": "all"}])
        assert (answer.status_code, answer.json()) == (200, [{"topic": "all", "qos": 0, "rh": 0, "rap": 0, "nl": 0}])
        refused: list[Any] = [[{"topic": "a#"}], [{"topic": ""}], [{}], [{"topic": "a", "qos": 3}], {"topic": "a"}]
        for wrong in refused:
            assert_error(await here.ask("PUT", "/mqtt/auto_subscribe", json=wrong), 400, "BAD_REQUEST")
        many = [{"topic": f"t/{number}"} for number in range(21)]
        assert_error(await here.ask("PUT", "/mqtt/auto_subscribe", json=many), 409, "EXCEED_LIMIT")
        assert (await here.ask("PUT", "/mqtt/auto_subscribe", json=many[:20])).status_code == 200
        assert (await here.ask("PUT", "/mqtt/auto_subscribe", json=wanted)).json() == wanted

    async def second(here: Running) -> None:
        async with here.client(identifier="c") as client:
            found = (await here.ask("GET", "/clients/c/subscriptions")).json()
            assert [(each["topic"], each["qos"], each["rap"], each["nl"]) for each in found] == [
                ("c/c", 1, 1, 0),
                ("u/ann/#", 0, 0, 1),
            ]
            await here.ask("POST", "/publish", json={"topic": "c/c", "payload": "x"})
            assert (await anext(client.messages)).payload == b"x"

    scenario(tmp_path, first)
    scenario(tmp_path, second)
