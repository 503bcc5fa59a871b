"""The messages of single topics, counted, over REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.surfaces.mqtt.management import Running, assert_error, scenario

KINDS = ["in", "out", "dropped", "qos0.in", "qos0.out", "qos1.in", "qos1.out", "qos2.in", "qos2.out"]


def counts(found: dict[str, Any]) -> list[int]:
    return [found["metrics"][f"messages.{kind}.count"] for kind in KINDS]


def test_topic_metrics(tmp_path: Path) -> None:
    async def first(here: Running) -> None:
        assert (await here.ask("GET", "/mqtt/topic_metrics")).json() == []
        answer = await here.ask("POST", "/mqtt/topic_metrics", json={"topic": "a/b"})
        made = answer.json()
        assert answer.status_code == 200 and list(made) == ["topic", "create_time", "metrics"]
        assert set(made["metrics"]) == {f"{root}.{kind}.{what}" for root in ("message", "messages") for kind in KINDS
                                        for what in ("count", "rate")}  # fmt: skip
        assert "." not in made["create_time"]
        async with here.client(identifier="sink") as sink, here.client(identifier="source") as source:
            await sink.subscribe("#", qos=1)
            for qos in (0, 0, 1, 2):
                await source.publish("a/b", b"x", qos=qos)
            for _ in range(4):
                await anext(sink.messages)
        await here.ask("POST", "/publish", json={"topic": "a/b", "payload": "nobody"})
        found = (await here.ask("GET", "/mqtt/topic_metrics/a%2Fb")).json()
        assert counts(found) == [5, 4, 1, 3, 2, 1, 2, 1, 0]
        assert found["metrics"]["message.in.count"] == 5 and isinstance(found["metrics"]["messages.in.rate"], float)
        assert [each["topic"] for each in (await here.ask("GET", "/mqtt/topic_metrics")).json()] == ["a/b"]

        for wrong, status, code in (
            ({"topic": "a/#"}, 400, "BAD_TOPIC"),
            ({"topic": "a/b"}, 400, "BAD_TOPIC"),
            ({"topic": ""}, 400, "BAD_REQUEST"),
            ({}, 400, "BAD_REQUEST"),
        ):
            assert_error(await here.ask("POST", "/mqtt/topic_metrics", json=wrong), status, code)
        for method in ("GET", "DELETE"):
            assert_error(await here.ask(method, "/mqtt/topic_metrics/none"), 404, "TOPIC_NOT_FOUND")
        reset = await here.ask("PUT", "/mqtt/topic_metrics", json={"action": "reset", "topic": "a/b"})
        assert reset.status_code == 200 and counts(reset.json()) == [0] * 9 and "reset_time" in reset.json()
        unknown = await here.ask("PUT", "/mqtt/topic_metrics", json={"action": "reset", "topic": "none"})
        assert_error(unknown, 404, "TOPIC_NOT_FOUND")
        assert_error(await here.ask("PUT", "/mqtt/topic_metrics", json={"action": "stop"}), 400, "BAD_REQUEST")
        everything = await here.ask("PUT", "/mqtt/topic_metrics", json={"action": "reset"})
        assert everything.status_code == 200 and [each["topic"] for each in everything.json()] == ["a/b"]

        for number in range(511):
            here.stream.broker.topic_metrics.add(f"t/{number}", here.stream.now())
        assert_error(await here.ask("POST", "/mqtt/topic_metrics", json={"topic": "more"}), 409, "EXCEED_LIMIT")
        for number in range(510):
            here.stream.broker.topic_metrics.remove(f"t/{number}")
        assert (await here.ask("DELETE", "/mqtt/topic_metrics/t%2F510")).status_code == 204

    async def second(here: Running) -> None:
        assert [each["topic"] for each in (await here.ask("GET", "/mqtt/topic_metrics")).json()] == ["a/b"]

    scenario(tmp_path, first)
    scenario(tmp_path, second)
