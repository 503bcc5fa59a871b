"""Permissions over REST, and what clients notice of them (contract §2.12, §2.3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest
from msgspec.structs import replace

from folkmoot.config import Outgoing
from tests.net.serving import until
from tests.surfaces.mqtt.management import CALM, NODE, Running, assert_error, running, scenario

SOURCES = "/authorization/sources"
RULES = f"{SOURCES}/built_in_database/rules"
DATABASE = {"type": "built_in_database", "enable": True, "max_rules": 100}
RULE = {"topic": "t/#", "permission": "allow", "action": "all"}
HTTP = {"type": "http", "method": "post", "url": "http://127.0.0.1:1/x"}


async def done(here: Running, method: str, path: str, status: int = 204, **options: Any) -> Any:
    """The body of an answer that has the status expected."""
    answer = await here.ask(method, path, **options)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def order(here: Running) -> list[str]:
    return [each["type"] for each in (await done(here, "GET", SOURCES, 200))["sources"]]


def test_sources(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        found = await done(here, "GET", SOURCES, 200)
        assert list(found) == ["sources"]
        (file,) = found["sources"]
        assert (file["type"], file["enable"]) == ("file", True) and "{allow, all}." in file["rules"]

        await done(here, "POST", SOURCES, json=DATABASE)
        await done(here, "POST", SOURCES, json={**HTTP, "request_timeout": "5s", "body": {"who": "${clientid}"}})
        assert await order(here) == ["http", "built_in_database", "file"], "the newest is asked first"
        assert_error(await here.ask("POST", SOURCES, json=DATABASE), 400, "BAD_REQUEST")
        for wrong in (
            {"type": "redis"},
            {},
            {"type": "file"},
            {"type": "file", "rules": "{allow"},
            {"type": "file", "rules": "{allow, all}.", "enable": "maybe"},
            {"type": "http", "url": "ftp://x/"},
            {"type": "http", "url": "http://${username}/"},
            {"type": "http", "url": "http://[::1"},
            {**HTTP, "method": "put"},
            {**HTTP, "request_timeout": "soon"},
        ):
            assert_error(await here.ask("POST", SOURCES, json=wrong), 400, "BAD_REQUEST")

        assert await done(here, "GET", f"{SOURCES}/built_in_database", 200) == DATABASE
        http = await done(here, "GET", f"{SOURCES}/http", 200)
        assert http == {
            "type": "http",
            "url": "http://127.0.0.1:1/x",
            "method": "post",
            "headers": {},
            "body": {"who": "${clientid}"},
            "enable": True,
            "request_timeout": "5s",
            "connect_timeout": "15s",
            "pool_size": 8,
            "enable_pipelining": 100,
            "ssl": {"enable": False},
        }
        await done(here, "PUT", f"{SOURCES}/file", json={"type": "file", "rules": "{deny, all}.", "enable": False})
        file = await done(here, "GET", f"{SOURCES}/file", 200)
        assert file == {"type": "file", "rules": "{deny, all}.", "enable": False}
        assert_error(await here.ask("PUT", f"{SOURCES}/file", json=DATABASE), 400, "BAD_REQUEST")
        for method, path, body in (
            ("GET", "/ldap", None),
            ("PUT", "/ldap", DATABASE),
            ("DELETE", "/ldap", None),
            ("GET", "/ldap/status", None),
            ("POST", "/ldap/move", {"position": "front"}),
        ):
            assert_error(await here.ask(method, SOURCES + path, json=body), 404, "NOT_FOUND")

        await done(here, "POST", f"{SOURCES}/file/move", json={"position": "before:built_in_database"})
        assert await order(here) == ["http", "file", "built_in_database"]
        assert_error(await here.ask("POST", f"{SOURCES}/file/move", json={"position": "up"}), 400, "BAD_REQUEST")
        new = [{"type": each} for each in ("file", "built_in_database", "http")]
        await done(here, "PUT", f"{SOURCES}/order", json=new)
        assert await order(here) == ["file", "built_in_database", "http"]
        assert_error(await here.ask("PUT", f"{SOURCES}/order", json=new[:2]), 400, "BAD_REQUEST")
        await done(here, "DELETE", f"{SOURCES}/http")
        assert await order(here) == ["file", "built_in_database"]

    scenario(tmp_path, play)


@pytest.mark.parametrize(("subject", "key"), [("users", "username"), ("clients", "clientid")])
def test_rules_for_users_and_clients(tmp_path: Path, subject: str, key: str) -> None:
    async def play(here: Running) -> None:
        path = f"{RULES}/{subject}"
        for method, where in (("GET", path), ("GET", f"{path}/x"), ("DELETE", f"{path}/x"), ("DELETE", RULES)):
            assert_error(await here.ask(method, where), 404, "NOT_FOUND")
        assert_error(await here.ask("POST", path, json=[]), 404, "NOT_FOUND")
        await done(here, "POST", SOURCES, json={**DATABASE, "max_rules": 2})

        full = {**RULE, "qos": [0, 1], "retain": "all"}
        people = [{key: name, "rules": [full, RULE]} for name in ("ann", "a/b#", "bob")]
        await done(here, "POST", path, json=people)
        assert await done(here, "GET", f"{path}/a%2Fb%23", 200) == people[1]
        found = await done(here, "GET", path, 200)
        assert found == {"data": people, "meta": {"page": 1, "limit": 100, "count": 3, "hasnext": False}}
        found = await done(here, "GET", f"{path}?page=2&limit=1", 200)
        assert (found["data"], found["meta"]["hasnext"]) == ([people[1]], True)
        found = await done(here, "GET", f"{path}?like_{key}=b", 200)
        assert [each[key] for each in found["data"]] == ["a/b#", "bob"]

        assert_error(await here.ask("POST", path, json=people[:1]), 409, "ALREADY_EXISTS")
        assert_error(await here.ask("POST", path, json=[{key: "new", "rules": [RULE] * 3}]), 400, "BAD_REQUEST")
        assert_error(await here.ask("POST", path, json={key: "new", "rules": []}), 400, "BAD_REQUEST")
        for wrong in ({"permission": "maybe"}, {"action": "fly"}, {"qos": [3]}, {"retain": "x"}, {"topic": 1}):
            body = [{key: "new", "rules": [{**RULE, **wrong}]}]
            assert_error(await here.ask("POST", path, json=body), 400, "BAD_REQUEST")
        assert_error(await here.ask("GET", f"{path}/new"), 404, "NOT_FOUND")

        await done(here, "PUT", f"{path}/ann", json={key: "ann", "rules": [RULE]})
        answer = await here.ask("PUT", f"{path}/ann", json={key: "bob", "rules": [RULE]})
        assert_error(answer, 400, "BAD_REQUEST")
        assert answer.json()["message"].startswith(f"{key}: ")
        assert await done(here, "GET", f"{path}/ann", 200) == {key: "ann", "rules": [RULE]}
        assert_error(await here.ask("PUT", f"{path}/new", json={key: "new", "rules": []}), 404, "NOT_FOUND")
        assert_error(await here.ask("PUT", f"{path}/ann", json={"rules": [RULE] * 3}), 400, "BAD_REQUEST")
        await done(here, "DELETE", f"{path}/ann")
        assert_error(await here.ask("DELETE", f"{path}/ann"), 404, "NOT_FOUND")

    scenario(tmp_path, play)


def test_rules_for_all_and_purging(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for method in ("GET", "POST", "DELETE"):
            assert_error(await here.ask(method, f"{RULES}/all", json={"rules": []}), 404, "NOT_FOUND")
        await done(here, "POST", SOURCES, json=DATABASE)
        assert await done(here, "GET", f"{RULES}/all", 200) == {"rules": []}
        await done(here, "POST", f"{RULES}/all", json={"rules": [RULE]})
        await done(here, "POST", f"{RULES}/all", json={"rules": [RULE, RULE]})
        assert await done(here, "GET", f"{RULES}/all", 200) == {"rules": [RULE, RULE]}
        await done(here, "DELETE", f"{RULES}/all")
        assert await done(here, "GET", f"{RULES}/all", 200) == {"rules": []}
        await done(here, "POST", f"{RULES}/users", json=[{"username": "ann", "rules": [RULE]}])
        assert_error(await here.ask("DELETE", RULES), 400, "BAD_REQUEST")
        await done(here, "PUT", f"{SOURCES}/built_in_database", json={**DATABASE, "enable": False})
        await done(here, "DELETE", RULES)
        assert (await done(here, "GET", f"{RULES}/users", 200))["data"] == []

    scenario(tmp_path, play)


def test_settings(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        path = "/authorization/settings"
        defaults = {
            "no_match": "allow",
            "deny_action": "ignore",
            "cache": {"enable": True, "max_size": 32, "ttl": "1m", "excludes": []},
        }
        assert await done(here, "GET", path, 200) == defaults
        other = {
            "no_match": "deny",
            "deny_action": "disconnect",
            "cache": {"enable": False, "max_size": 5, "ttl": "90s", "excludes": ["a/#"]},
        }
        assert await done(here, "PUT", path, 200, json=other) == other
        assert await done(here, "GET", path, 200) == other
        assert here.stream.broker.limits.deny_disconnects
        for wrong in (
            {"no_match": "ask"},
            {"deny_action": "shout"},
            {"cache": {"max_size": 0}},
            {"cache": {"ttl": "soon"}},
            {"cache": {"ttl": "0s"}},
            {"cache": {"excludes": ["a/#/b"]}},
        ):
            assert_error(await here.ask("PUT", path, json=wrong), 400, "BAD_REQUEST")
        assert await done(here, "PUT", path, 200, json={}) == defaults
        assert not here.stream.broker.limits.deny_disconnects

    scenario(tmp_path, play)


def test_all_of_it_survives_a_restart(tmp_path: Path) -> None:
    async def play() -> None:
        async with running(tmp_path) as here:
            await done(here, "POST", SOURCES, json=DATABASE)
            await done(here, "POST", f"{RULES}/users", json=[{"username": "ann", "rules": [RULE]}])
            await done(here, "PUT", "/authorization/settings", 200, json={"no_match": "deny"})
            await done(here, "DELETE", f"{SOURCES}/file")
        async with running(tmp_path) as here:
            assert await order(here) == ["built_in_database"]
            assert (await done(here, "GET", f"{RULES}/users", 200))["data"] == [{"username": "ann", "rules": [RULE]}]
            assert (await done(here, "GET", "/authorization/settings", 200))["no_match"] == "deny"
            assert await may_publish(here, "t/1") and not await may_publish(here, "u/1")

    asyncio.run(play())


def test_a_configuration_that_cannot_be_read_denies_everything(tmp_path: Path) -> None:
    async def play() -> None:
        from folkmoot.domain.broker import save_setting

        async with running(tmp_path) as here:
            await here.house.broker_db.write(save_setting, "authorization", '{"sources": 7}', here.house.now())
        async with running(tmp_path) as here:
            assert await order(here) == []
            assert not await may_publish(here, "t/1")

    asyncio.run(play())


V5 = aiomqtt.ProtocolVersion.V5


async def may_publish(here: Running, topic: str) -> bool:
    """Whether `ann` may."""
    async with here.client(identifier="c1", protocol=V5) as client:
        return await publishes(here, client, topic)


async def publishes(here: Running, client: aiomqtt.Client, topic: str, **options: Any) -> bool:
    """Whether the client may, as the broker counts."""
    refused = here.stream.broker.count["packets.publish.auth_error"]
    await client.publish(topic, "x", qos=1, **options)
    return here.stream.broker.count["packets.publish.auth_error"] == refused


async def subscribes(client: aiomqtt.Client, topic_filter: str) -> bool:
    (code,) = await client.subscribe(topic_filter, qos=1)
    number = code if isinstance(code, int) else code.value
    assert number in (1, 0x87)
    return number == 1


def test_rules_hold_at_once_for_who_is_connected(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="c1", protocol=V5) as client:
            assert await publishes(here, client, "t/1") and await publishes(here, client, "t/1")
            await done(here, "POST", SOURCES, json=DATABASE)
            assert await publishes(here, client, "t/1")
            deny = {"topic": "t/${clientid}/#", "permission": "deny", "action": "publish"}
            await done(here, "POST", f"{RULES}/all", json={"rules": [deny, {**deny, "topic": "t/1"}]})
            assert not await publishes(here, client, "t/1") and not await publishes(here, client, "t/c1/x")
            assert await publishes(here, client, "t/c2/x") and await subscribes(client, "t/#")
            mine = {"clientid": "c1", "rules": [RULE]}
            await done(here, "POST", f"{RULES}/clients", json=[mine])
            assert await publishes(here, client, "t/1")
            await done(here, "DELETE", f"{RULES}/clients/c1")
            assert not await publishes(here, client, "t/1")
            await done(here, "DELETE", f"{SOURCES}/built_in_database")
            assert await publishes(here, client, "t/1")

            retained = '{deny, all, {publish, [{retain, true}]}, ["t/1"]}. {allow, all}.'
            await done(here, "PUT", f"{SOURCES}/file", json={"type": "file", "rules": retained})
            assert await publishes(here, client, "t/1")
            assert not await publishes(here, client, "t/1", retain=True), "the answer before was not for the topic"
            shared = '{deny, all, subscribe, ["t/#"]}. {allow, all}.'
            await done(here, "PUT", f"{SOURCES}/file", json={"type": "file", "rules": shared})
            assert not await subscribes(client, "t/2") and not await subscribes(client, "$share/g/t/+")
            assert await subscribes(client, "+/2"), "it does not lie within what is denied"

    scenario(tmp_path, play)


def test_who_is_denied_loses_the_connection_if_so_set(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await done(here, "PUT", f"{SOURCES}/file", json={"type": "file", "rules": '{deny, all, all, ["no"]}.'})
        await done(here, "PUT", "/authorization/settings", 200, json={"deny_action": "disconnect"})
        for act in ("publish", "subscribe"):
            with pytest.raises(aiomqtt.MqttError):
                async with here.client(identifier="c1", protocol=V5) as client:
                    await (client.publish("no", "x", qos=0) if act == "publish" else client.subscribe("no"))
                    async for _ in client.messages:
                        pass

    scenario(tmp_path, play)


def test_what_is_remembered_of_a_client(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        path = "/clients/c1/authorization/cache"
        assert_error(await here.ask("GET", path), 404, "CLIENTID_NOT_FOUND")
        assert_error(await here.ask("DELETE", path), 404, "CLIENTID_NOT_FOUND")
        await done(here, "PUT", f"{SOURCES}/file", json={"type": "file", "rules": '{deny, all, all, ["no"]}.'})
        async with here.client(identifier="c1", protocol=V5) as client:
            assert await done(here, "GET", path, 200) == []
            await publishes(here, client, "no")
            await subscribes(client, "a/#")
            found = await done(here, "GET", path, 200)
            times = [each.pop("updated_time") for each in found]
            assert found == [
                {"access": "publish", "topic": "no", "result": "deny"},
                {"access": "subscribe", "topic": "a/#", "result": "allow"},
            ]
            assert all(isinstance(at, int) and abs(at / 1000 - here.stream.now()) < 60 for at in times)
            assert not await publishes(here, client, "no")
            status = await done(here, "GET", f"{SOURCES}/file/status", 200)
            assert status["metrics"]["total"] == 2, "the rest was remembered"
            await done(here, "DELETE", path)
            assert await done(here, "GET", path, 200) == []
            await publishes(here, client, "no")
            await done(here, "DELETE", "/authorization/cache")
            assert await done(here, "GET", path, 200) == []
            await publishes(here, client, "no")

            status = await done(here, "GET", f"{SOURCES}/file/status", 200)
            assert list(status["metrics"]) == [
                *("total", "allow", "deny", "nomatch", "ignore", "rate", "rate_last5m", "rate_max")
            ]
            assert (status["status"], status["node_error"]) == ("connected", [])
            assert status["node_status"] == [{"node": NODE, "status": "connected"}]
            assert status["node_metrics"] == [{"node": NODE, "metrics": status["metrics"]}]
            numbers = [status["metrics"][name] for name in ("total", "allow", "deny", "nomatch", "ignore")]
            assert numbers == [4, 0, 3, 1, 0] and status["metrics"]["rate_max"] > 0
        metrics = await done(here, "GET", "/metrics?aggregate=true", 200)
        wanted = {"cache_hit": 1, "cache_miss": 4, "nomatch": 1, "matched.deny": 3, "matched.allow": 0, "superuser": 0}
        assert {name: metrics[f"authorization.{name}"] for name in wanted} == wanted

    scenario(tmp_path, play)


@asynccontextmanager
async def oracle(answers: dict[str, tuple[int, str]], seen: list[tuple[str, str, Any]]) -> AsyncIterator[int]:
    """A web server that answers by the topic it is asked about; the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0)
        body = json.loads(await reader.readexactly(length)) if length else None
        seen.append((head.split("\r\n")[0], head, body))
        topic = body["topic"] if body else httpx.URL(head.split()[1]).params["topic"]
        status, text = answers[topic]
        if status:
            kind = "content-type: application/json\r\n" if text else ""
            writer.write(
                f"HTTP/1.1 {status} x\r\ncontent-length: {len(text)}\r\n{kind}connection: close\r\n\r\n{text}".encode()
            )
            await writer.drain()
        else:
            await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()


LOCAL = replace(CALM, outgoing=Outgoing(allowed_networks=("127.0.0.0/8",)))


def test_a_web_server_is_asked(tmp_path: Path) -> None:
    answers = {
        "yes": (204, ""),
        "allow": (200, '{"result": "allow"}'),
        "deny": (200, '{"result": "deny"}'),
        "ignore": (200, '{"result": "ignore"}'),
        "broken": (200, "{"),
        "error": (500, ""),
        "slow": (0, ""),
    }

    async def play(here: Running) -> None:
        seen: list[tuple[str, str, Any]] = []
        async with oracle(answers, seen) as port:
            body = {"topic": "${topic}", "who": "${username}/${clientid}", "qos": "${qos}", "do": "${action}"}
            source = {
                **HTTP,
                "url": f"http://127.0.0.1:{port}/may/${{clientid}}",
                "headers": {"X-Who": "${username}"},
                "body": body,
                "request_timeout": "200ms",
            }
            await done(here, "POST", SOURCES, json=source)
            await done(here, "PUT", f"{SOURCES}/file", json={"type": "file", "rules": '{deny, all, all, ["error"]}.'})
            async with here.client(identifier="c1", protocol=V5) as client:
                may = {topic: await publishes(here, client, topic) for topic in answers}
                assert may == dict.fromkeys(answers, True) | {"deny": False, "error": False}, "the others go on"
                line, head, asked = seen[0]
                assert line == "POST /may/c1 HTTP/1.1" and "x-who: ann" in head.lower()
                assert asked == {"topic": "yes", "who": "ann/c1", "qos": "1", "do": "publish"}
                times = len(seen)
                assert await publishes(here, client, "yes") and len(seen) == times, "remembered"
                assert not await subscribes(client, "deny")
                assert seen[-1][2]["do"] == "subscribe"
                status = await done(here, "GET", f"{SOURCES}/http/status", 200)
                metrics = status["metrics"]
                assert [metrics[name] for name in ("total", "allow", "deny", "ignore")] == [8, 2, 2, 4]
                assert (status["resource_metrics"]["matched"], status["resource_metrics"]["failed"]) == (8, 3)
                await done(here, "PUT", f"{SOURCES}/http", json={**source, "method": "get"})
                assert await publishes(here, client, "yes")
                assert seen[-1][0] == "GET /may/c1?topic=yes&who=ann%2Fc1&qos=1&do=publish HTTP/1.1"
                await publishes(here, client, "slow")
                status = await done(here, "GET", f"{SOURCES}/http/status", 200)
                assert status["status"] == "disconnected" and status["node_error"][0]["node"] == NODE

    scenario(tmp_path, play, LOCAL)


def test_a_will_is_judged_when_it_is_published(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        seen: list[tuple[str, str, Any]] = []
        async with oracle({"yes": (204, ""), "deny": (200, '{"result": "deny"}'), "t": (204, "")}, seen) as port:
            source = {**HTTP, "url": f"http://127.0.0.1:{port}/", "body": {"topic": "${topic}"}}
            await done(here, "POST", SOURCES, json=source)
            for topic in ("deny", "yes"):
                will = aiomqtt.Will(topic, "gone", qos=1, retain=True)
                with suppress(aiomqtt.MqttError):
                    async with here.client(identifier=topic, protocol=V5, will=will):
                        here.stream.broker.kick(topic, here.stream.now())
            broker = here.stream.broker
            await until(lambda: broker.retained.find("yes", here.stream.now()) is not None)
            assert [asked["topic"] for _, _, asked in seen] == ["deny", "yes"]
            assert broker.retained.find("deny", here.stream.now()) is None

    scenario(tmp_path, play, LOCAL)


def test_who_may_look_and_who_may_change(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        keys = {}
        for role in ("viewer", "publisher", "administrator"):
            key = await done(here, "POST", "/api_key", 200, json={"name": role, "role": role})
            keys[role] = httpx.BasicAuth(key["api_key"], key["api_secret"])
        for path in (SOURCES, "/authorization/settings", "/banned"):
            assert (await here.ask("GET", path, auth=keys["viewer"])).status_code == 200
            assert_error(await here.ask("GET", path, auth=keys["publisher"]), 403, "UNAUTHORIZED_ROLE")
            assert_error(await here.ask("GET", path, auth=None), 401, "AUTHORIZATION_HEADER_ERROR")
        for method, path in (("DELETE", "/banned"), ("DELETE", "/authorization/cache")):
            assert_error(await here.ask(method, path, auth=keys["viewer"]), 403, "UNAUTHORIZED_ROLE")
            assert (await here.ask(method, path, auth=keys["administrator"])).status_code == 204
        assert_error(await here.ask("GET", SOURCES, auth=httpx.BasicAuth("ann", "secret")), 403, "UNAUTHORIZED_ROLE")

    scenario(tmp_path, play)
