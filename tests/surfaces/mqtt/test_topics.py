from __future__ import annotations

from pathlib import Path

from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario


def test_subscriptions(tmp_path: Path) -> None:
    async def found(here: Running, query: str = "") -> list[tuple[str, str]]:
        answer = await here.ask("GET", f"/subscriptions?{query}")
        assert answer.status_code == 200, answer.text
        return [(each["clientid"], each["topic"]) for each in answer.json()["data"]]

    async def play(here: Running) -> None:
        async with here.client(identifier="a") as a, here.client(identifier="b") as b:
            await a.subscribe([("t/+", 0), ("t/1", 1)])
            await b.subscribe([("$share/g/t/1", 2), ("other/#", 0)])
            whole = (await here.ask("GET", "/subscriptions")).json()
            assert whole["meta"] == {"page": 1, "limit": 100, "count": 4, "hasnext": False}
            assert whole["data"][1] == {
                "node": NODE,
                "topic": "t/1",
                "clientid": "a",
                "qos": 1,
                "nl": 0,
                "rap": 0,
                "rh": 0,
                "durable": False,
            }
            assert await found(here, "clientid=b") == [("b", "$share/g/t/1"), ("b", "other/#")]
            assert await found(here, "clientid=none") == []
            assert await found(here, "qos=1") == [("a", "t/1")]
            assert await found(here, "topic=t%2F%2B") == [("a", "t/+")]
            assert await found(here, "share_group=g") == [("b", "$share/g/t/1")]
            assert await found(here, "match_topic=t/1") == [("a", "t/+"), ("a", "t/1"), ("b", "$share/g/t/1")]
            assert await found(here, "match_topic=t/%23") == [("a", "t/+"), ("a", "t/1"), ("b", "$share/g/t/1")]
            assert await found(here, "match_topic=other/x/y") == [("b", "other/#")]
            assert await found(here, "durable=true") == []
            assert len(await found(here, "durable=false")) == 4
            assert await found(here, "page=2&limit=3") == [("b", "other/#")]
            assert await found(here, "clientid=a&qos=1&match_topic=t/1") == [("a", "t/1")]

    scenario(tmp_path, play)


WHAT_IS_REFUSED: list[tuple[str, int, str]] = [
    ("/subscriptions?match_topic=$share/g/t", 400, "INVALID_PARAMETER"),
    ("/subscriptions?qos=3", 400, "INVALID_PARAMETER"),
    ("/subscriptions?qos=x", 400, "INVALID_PARAMETER"),
    ("/subscriptions?node=x@y", 500, "NODE_DOWN"),
    ("/topics?limit=-1", 400, "INVALID_PARAMETER"),
    ("/topics?node=x@y", 500, "NODE_DOWN"),
    ("/topics/none", 404, "TOPIC_NOT_FOUND"),
    ("/topics/%23", 404, "TOPIC_NOT_FOUND"),
]


def test_what_is_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for path, status, code in WHAT_IS_REFUSED:
            assert_error(await here.ask("GET", path), status, code)

    scenario(tmp_path, play)


def test_topics(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="a") as a, here.client(identifier="b") as b:
            await a.subscribe([("t/#", 0), ("x", 0)])
            await b.subscribe([("t/#", 0), ("$share/g/x", 0), ("$queue/x", 0)])
            found = (await here.ask("GET", "/topics")).json()
            assert found["meta"]["count"] == 4
            assert {each["topic"] for each in found["data"]} == {"t/#", "x", "$share/g/x", "$queue/x"}
            one = [{"topic": "t/#", "node": NODE}]
            assert (await here.ask("GET", "/topics?topic=t%2F%23")).json()["data"] == one
            assert (await here.ask("GET", "/topics/t%2F%23")).json() == one
            assert (await here.ask("GET", "/topics?topic=none")).json()["data"] == []
        assert (await here.ask("GET", "/topics")).json()["data"] == []

    scenario(tmp_path, play)
