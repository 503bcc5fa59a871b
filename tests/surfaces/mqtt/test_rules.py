"""Rules over REST (contract §2.13): their rows, metrics and tests, and what they do to real messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from folkmoot.domain import accounts, spaces
from folkmoot.store import Transaction
from tests.surfaces.mqtt.management import Running, assert_error, scenario

RULE_KEYS = [
    "id",
    "name",
    "sql",
    "from",
    "actions",
    "enable",
    "description",
    "created_at",
    "last_modified_at",
    "metadata",
]
METRIC_KEYS = [
    *("matched", "matched.rate", "matched.rate.max", "matched.rate.last5m", "passed", "failed", "failed.exception"),
    *("failed.no_result", "actions.total", "actions.success", "actions.failed", "actions.failed.out_of_service"),
    *("actions.failed.unknown", "actions.discarded"),
]
WAIT_SECONDS = 5


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def made(run: Running, sql: str, *actions: Any, **more: Any) -> str:
    answer = await run.ask("POST", "/rules", json={"sql": sql, "actions": list(actions), **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def figures(run: Running, rule_id: str) -> dict[str, float]:
    answer = await run.ask("GET", f"/rules/{rule_id}/metrics")
    found: dict[str, float] = answer.json()["metrics"]
    return found


def republish(topic: str, **args: Any) -> dict[str, Any]:
    return {"function": "republish", "args": {"topic": topic, **args}}


def test_rules_are_made_read_changed_and_ended(tmp_path: Path) -> None:
    async def play(run: Running) -> None:
        wanted = {
            "id": "one",
            "name": "first",
            "sql": 'SELECT * FROM "t/#", "$events/client_connected"',
            "actions": [{"function": "console"}, republish("u", qos=1)],
            "description": "about t",
            "metadata": {"k": 1},
        }
        answer = await run.ask("POST", "/rules", json=wanted)
        assert answer.status_code == 201
        rule = answer.json()
        assert list(rule) == RULE_KEYS
        assert rule["from"] == ["t/#", "$events/client_connected"]
        assert rule["enable"] is True
        assert rule["metadata"] == {"k": 1}
        assert rule["actions"][0]["function"] == "console"
        assert rule["actions"][1]["args"] == {
            "topic": "u",
            "qos": 1,
            "retain": "${retain}",
            "payload": "${payload}",
            "mqtt_properties": {},
            "user_properties": "${user_properties}",
            "direct_dispatch": False,
        }
        assert (await run.ask("GET", "/rules/one")).json() == rule
        assert_error(await run.ask("POST", "/rules", json=wanted), 400, "BAD_REQUEST")

        assert (await run.ask("GET", "/rules?action=http:x")).json()["data"] == []
        other = await made(run, 'SELECT qos FROM "s"', enable=False)
        assert other.startswith("rule_")
        answer = await run.ask("PUT", "/rules/one", json={"sql": 'SELECT qos FROM "t/1"', "description": "new"})
        assert (answer.status_code, answer.json()["from"], answer.json()["name"]) == (200, ["t/1"], "")
        assert answer.json()["created_at"] == rule["created_at"]
        assert answer.json()["last_modified_at"] > rule["last_modified_at"]

        for query, ids in {
            "": ["one", other],
            "enable=true": ["one"],
            "enable=false": [other],
            "from=t/1": ["one"],
            "like_id=on": ["one"],
            "like_from=/": ["one"],
            "like_description=ne": ["one"],
            "match_from=s": [other],
            "match_from=x": [],
            "action=http:x": [],
            "source=mqtt:x": [],
            "limit=1&page=2": [other],
        }.items():
            listed = (await run.ask("GET", f"/rules?{query}")).json()
            assert [each["id"] for each in listed["data"]] == ids, query
            assert listed["meta"]["count"] >= len(ids)
        assert_error(await run.ask("GET", "/rules?enable=x"), 400, "BAD_REQUEST")

        assert (await run.ask("DELETE", "/rules/one")).status_code == 204
        for method, path, body in (
            ("GET", "/rules/one", None),
            ("DELETE", "/rules/one", None),
            ("PUT", "/rules/one", {"sql": 'SELECT 1 FROM "t"'}),
            ("GET", "/rules/one/metrics", None),
            ("PUT", "/rules/one/metrics/reset", None),
        ):
            assert_error(await run.ask(method, path, json=body), 404, "NOT_FOUND")
        assert_error(await run.ask("POST", "/rules/one/test", json={}), 404, "RULE_NOT_FOUND")

    scenario(tmp_path, play)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async def play(run: Running) -> None:
        sql = 'SELECT * FROM "t"'
        for wanted in (
            {},
            {"sql": ""},
            {"sql": "SELECT FROM"},
            {"sql": 'SELECT nothing(1) FROM "t"'},
            {"sql": 'SELECT * FROM "t/#/x"'},
            {"sql": 'SELECT * FROM "$events/nothing"'},
            {"sql": 'SELECT * FROM "$bridges/x"'},
            {"sql": sql, "id": "a/b"},
            {"sql": sql, "enable": "x"},
            {"sql": sql, "actions": ["http:nothing"]},
            {"sql": sql, "actions": [{"function": "nothing"}]},
            {"sql": sql, "actions": [{"function": "republish"}]},
            {"sql": sql, "actions": [republish("")]},
            {"sql": sql, "actions": [republish("a/#")]},
            {"sql": sql, "actions": [republish("a", qos=3)]},
            {"sql": sql, "actions": [{"function": "post", "args": {"space": "x"}}]},
            {"sql": sql, "actions": [{"function": "post", "args": {"space": "x", "title": "y", "account": "ann"}}]},
        ):
            assert_error(await run.ask("POST", "/rules", json=wanted), 400, "BAD_REQUEST")
        answer = await run.ask("POST", "/rules", json={"sql": 'SELECT 1 +\n FROM "t"'})
        assert "Line 2, column 2" in answer.json()["message"]

        # contract §1.1
        for method, path in (("POST", "/rules"), ("POST", "/rule_test"), ("PUT", "/rule_engine"), ("PUT", "/rules/x")):
            answer = await run.ask(method, path, content=b"{}", headers={"content-type": "text/plain"})
            assert_error(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
        answer = await run.ask("POST", "/rules", content=b"{", headers={"content-type": "application/json"})
        assert_error(answer, 400, "BAD_REQUEST")

        key = {"name": "looks", "role": "viewer", "enable": True}
        viewer = (await run.ask("POST", "/api_key", json=key)).json()
        auth = httpx.BasicAuth(viewer["api_key"], viewer["api_secret"])
        assert (await run.ask("GET", "/rules", auth=auth)).status_code == 200
        assert_error(await run.ask("POST", "/rules", json={"sql": sql}, auth=auth), 403, "UNAUTHORIZED_ROLE")
        assert_error(await run.ask("GET", "/rules", auth=None), 401, "AUTHORIZATION_HEADER_ERROR")

    scenario(tmp_path, play)


def test_a_rule_republishes(tmp_path: Path) -> None:
    async def play(run: Running) -> None:
        rule = await made(
            run,
            'SELECT payload.v AS v, topic, clientid, qos, flags.retain AS retain, pub_props FROM "in/+" WHERE v > 1',
            republish(
                "out/${clientid}", payload="v=${v}", qos="${qos}", user_properties="${pub_props.'User-Property'}"
            ),
        )
        whole = await made(run, 'SELECT payload.v AS v FROM "in/#"', republish("whole", payload="", qos=2, retain=True))
        async with run.client(identifier="reader") as reader, run.client(identifier="writer") as writer:
            await reader.subscribe([("out/#", 2), ("whole", 2)])
            await writer.publish("in/a", b'{"v": 2}', qos=1)
            got = {}
            async for message in reader.messages:
                got[str(message.topic)] = (message.payload, message.qos, message.retain)
                if len(got) == 2:
                    break
            assert got == {"out/writer": (b"v=2", 1, False), "whole": (b'{"v":2}', 2, False)}
            await writer.publish("in/a", b'{"v": 0}', qos=1)
            await writer.publish("in/a", b"no JSON", qos=1)
        kept = run.stream.broker.retained.find("whole", run.stream.now())
        assert kept is not None and kept.payload == b'{"v":null}'
        answer = (await run.ask("GET", f"/rules/{rule}/metrics")).json()
        assert list(answer) == ["id", "metrics", "node_metrics"]
        assert list(answer["metrics"]) == METRIC_KEYS
        assert answer["node_metrics"] == [{"node": run.management.node_name, "metrics": answer["metrics"]}]
        counted = answer["metrics"]
        assert (counted["matched"], counted["passed"], counted["failed"], counted["failed.no_result"]) == (3, 1, 2, 2)
        assert (counted["actions.total"], counted["actions.success"]) == (1, 1)
        assert counted["matched.rate.max"] >= counted["matched.rate.last5m"] > 0
        assert (await figures(run, whole))["actions.success"] == 3
        assert (await run.ask("PUT", f"/rules/{rule}/metrics/reset")).status_code == 204
        assert set((await figures(run, rule)).values()) == {0}

    scenario(tmp_path, play)


def test_rules_do_not_loop_and_what_is_off_is_silent(tmp_path: Path) -> None:
    async def play(run: Running) -> None:
        itself = await made(run, 'SELECT * FROM "loop/#"', republish("loop/a"))
        chain = [await made(run, f'SELECT * FROM "c/{at}"', republish(f"c/{at + 1}")) for at in range(15)]
        there = await made(run, 'SELECT * FROM "x"', republish("y"))
        back = await made(run, 'SELECT * FROM "y"', republish("x"))
        off = await made(run, 'SELECT * FROM "loop/#"', republish("loop/b"), enable=False)
        async with run.client() as client:
            for topic in ("loop/a", "c/0", "x"):
                await client.publish(topic, b"1", qos=1)
        assert (await figures(run, itself))["matched"] == 1
        assert (await figures(run, there))["matched"] == (await figures(run, back))["matched"] == 1
        assert [(await figures(run, each))["matched"] for each in chain] == [1] * 10 + [0] * 5
        assert (await figures(run, off))["matched"] == 0
        for topic in (
            "spaces/nowhere/messages",
            "spaces/nowhere/post",
            "$SYS/x",
            "$delayed/0/$SYS/x",
            "$delayed/0/spaces/a/post",
            "a/\0",
        ):
            refused = await made(run, 'SELECT payload FROM "forbidden"', republish("${payload}"))
            assert await publish(run, "forbidden", topic)
            assert (await figures(run, refused))["actions.failed.unknown"] == 1
            await run.ask("DELETE", f"/rules/{refused}")

    scenario(tmp_path, play)


async def publish(run: Running, topic: str, payload: str) -> bool:
    answer = await run.ask("POST", "/publish", json={"topic": topic, "payload": payload, "qos": 1})
    return answer.status_code in (200, 202)


def test_rules_survive_a_restart_and_listen_only_while_there_are_any(tmp_path: Path) -> None:
    async def first(run: Running) -> None:
        happenings = run.stream.broker.happenings
        heard = (happenings.published, happenings.delivered, happenings.watchers, happenings.unrouted)
        before = [len(each) for each in heard]
        rule = await made(run, 'SELECT * FROM "$events/message_delivered", "t"', {"function": "console"}, id="kept")
        assert [len(each) for each in heard] == [before[0] + 1, before[1] + 1, before[2] + 1, before[3]]
        assert happenings.watches("t")
        await run.ask("PUT", f"/rules/{rule}", json={"sql": 'SELECT * FROM "t"'})
        assert [len(each) for each in heard] == [before[0] + 1, before[1], before[2] + 1, before[3]]
        assert (happenings.watches("t"), happenings.watches("u")) == (True, False)
        other = await made(run, 'SELECT * FROM "$events/message_dropped"')
        await run.ask("DELETE", f"/rules/{other}")
        await run.ask("PUT", "/rule_engine", json={"ignore_sys_message": False})
        await run.ask("PUT", "/rules/kept", json={"sql": 'SELECT * FROM "$SYS/x"', "enable": True})
        assert happenings.watches("$SYS/x")

    async def second(run: Running) -> None:
        assert list(run.management.rules.rules) == ["kept"]
        assert run.stream.broker.happenings.watches("$SYS/x")
        answer = await run.ask("GET", "/rule_engine")
        assert answer.json() == {"ignore_sys_message": False, "jq_function_default_timeout": "10s"}
        answer = await run.ask("PUT", "/rule_engine", json={})
        assert (answer.status_code, answer.json()["ignore_sys_message"]) == (200, True)
        assert not run.stream.broker.happenings.watches("$SYS/x")
        wanted = {"jq_function_default_timeout": "soon"}
        assert_error(await run.ask("PUT", "/rule_engine", json=wanted), 400, "BAD_REQUEST")

    scenario(tmp_path, first)
    scenario(tmp_path, second)


def test_a_rule_posts_as_its_owner(tmp_path: Path) -> None:
    async def play(run: Running) -> None:
        def prepare(tx: Transaction) -> None:
            now = run.house.now()
            admin = accounts.get_account_named(tx, "admin")
            actor = accounts.actor_of_account(tx, admin.id, now)
            spaces.create_space(tx, actor, "square", "Square", None, now)

        await run.house.db.write(prepare)
        post = {"function": "post", "args": {"space": "${place}", "title": "It is ${v}", "body": "${payload}"}}
        rule = await made(run, 'SELECT payload.v AS v, payload.where AS place, payload FROM "alarm"', post)
        echo = {"function": "post", "args": {"space": "square", "title": "Again", "account": "admin"}}
        loop = await made(run, 'SELECT * FROM "spaces/+/messages"', echo)
        async with run.client("admin", "public") as reader:
            await reader.subscribe("spaces/square/messages")
            await publish(run, "alarm", '{"v": 7, "where": "square"}')
            seen = []
            async with asyncio.timeout(WAIT_SECONDS):
                async for message in reader.messages:
                    seen.append(msgspec.json.decode(bytes(message.payload)))
                    if len(seen) == 2:
                        break
            assert [(each["title"], each["author"]) for each in seen] == [("It is 7", "admin"), ("Again", "admin")]
            assert seen[0]["body"] == '{"v": 7, "where": "square"}'
            # The post it made itself, on which it did not run again.
            assert (await figures(run, loop))["matched"] == 1
        await publish(run, "alarm", '{"v": 7, "where": "nowhere"}')
        await publish(run, "alarm", '{"v": 7, "where": "a/b"}')
        await until(lambda: run.management.rules.rules[rule].metrics.count["actions.failed"] == 2)
        assert (await figures(run, rule))["actions.success"] == 1

    scenario(tmp_path, play)
