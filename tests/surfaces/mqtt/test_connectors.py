"""Connectors, actions, sources and bridges by the management API, with a real web server and a second broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from folkmoot.config import Outgoing
from tests.delivery.bridges.world import Web
from tests.net.serving import free_port, serving, until
from tests.surfaces.mqtt.management import CALM, NODE, Running, assert_error, running, scenario
from tests.surfaces.mqtt.serving import Served, serve

OPEN = replace(CALM, outgoing=Outgoing(allowed_networks=("127.0.0.0/8",)))
QUICK = {"health_check_interval": "200ms", "start_timeout": "2s"}

CONNECTOR_KEYS = {
    *("type", "name", "enable", "description", "tags", "resource_opts", "created_at", "last_modified_at", "status"),
    *("status_reason", "node_status", "actions", "sources"),
}
HTTP_KEYS = {"url", "headers", "connect_timeout", "pool_type", "pool_size", "enable_pipelining", "ssl"}
MQTT_KEYS = {
    *(
        "server",
        "clientid_prefix",
        "static_clientids",
        "proto_ver",
        "bridge_mode",
        "username",
        "password",
        "clean_start",
    ),
    *("keepalive", "connect_timeout", "retry_interval", "max_inflight", "pool_size", "ssl"),
}
ACTION_KEYS = (CONNECTOR_KEYS - {"actions", "sources"}) | {"connector", "parameters", "rules"}
METRICS = {
    *("matched", "success", "failed", "dropped", "dropped.queue_full", "dropped.expired", "dropped.resource_not_found"),
    *("dropped.resource_stopped", "dropped.other", "inflight", "queuing", "queuing_bytes", "retried", "late_reply"),
    *("received", "rate", "rate_last5m", "rate_max"),
}


@pytest.fixture(scope="module")
def other() -> Iterator[Served]:
    with serve() as found:
        yield found


def http_connector(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "http", "name": "web", "url": url, "resource_opts": QUICK, **more}


def http_action(**parameters: Any) -> dict[str, Any]:
    return {"type": "http", "name": "post", "connector": "web", "parameters": {"path": "/hook", **parameters}}


def mqtt_connector(port: int, **more: Any) -> dict[str, Any]:
    made = {"type": "mqtt", "name": "other", "server": f"127.0.0.1:{port}", "pool_size": 1, "resource_opts": QUICK}
    return {**made, **more}


async def made(here: Running, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await here.ask("POST", path, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def empty(here: Running, method: str, path: str, **options: Any) -> None:
    answer = await here.ask(method, path, **options)
    assert (answer.status_code, answer.content) == (204, b""), answer.text


def test_connectors(tmp_path: Path, other: Served) -> None:
    async def play(here: Running) -> None:
        async with serving(Web()) as address:
            made_at = here.house.now().timestamp() * 1000
            web = await made(
                here, "/connectors", http_connector(f"http://{address}", headers={"authorization": "Bearer x"})
            )
            assert web.keys() == CONNECTOR_KEYS | HTTP_KEYS
            assert abs(web["created_at"] - made_at) < 5000 and web["created_at"] == web["last_modified_at"]
            assert web["headers"] == {"authorization": "******"} and web["connect_timeout"] == "15s"
            assert (web["status"], web["status_reason"]) == ("connected", "")
            assert web["node_status"] == [{"node": NODE, "status": "connected"}]
            assert web["resource_opts"] == {**QUICK, "start_after_created": True}
            assert (await here.ask("GET", "/connectors/http:web")).json() == web
            down = await made(here, "/connectors", mqtt_connector(free_port(), username="u", password="p"))
            assert down.keys() == CONNECTOR_KEYS | MQTT_KEYS
            assert (down["password"], down["status"], down["proto_ver"]) == ("******", "disconnected", "v4")
            assert down["node_status"][0]["status_reason"] == down["status_reason"] != ""
            assert [each["name"] for each in (await here.ask("GET", "/connectors")).json()] == ["web", "other"]
            alarms = (await here.ask("GET", "/alarms")).json()["data"]
            assert [each["name"] for each in alarms] == ["connector:mqtt:other"]
            # What is shown can be sent back: the secret stays.
            changed = await here.ask(
                "PUT", "/connectors/mqtt:other", json={**down, "server": f"127.0.0.1:{other.port}"}
            )
            assert changed.status_code == 200 and changed.json()["status"] == "connected", changed.text
            assert changed.json()["created_at"] == down["created_at"] < changed.json()["last_modified_at"]
            kept = next(each for each in here.management.bridges.connectors() if each.type == "mqtt")
            assert kept.settings.password == "p"  # type: ignore[union-attr]
            assert not (await here.ask("GET", "/alarms")).json()["data"]
            await empty(here, "PUT", "/connectors/http:web/enable/false")
            off = (await here.ask("GET", "/connectors/http:web")).json()
            assert (off["enable"], off["status"]) == (False, "disconnected")
            assert_error(await here.ask("POST", "/connectors/http:web/start"), 400, "BAD_REQUEST")
            await empty(here, "PUT", "/connectors/http:web/enable/true")
            await empty(here, "POST", "/connectors/http:web/start")
            await empty(here, "POST", f"/nodes/{NODE}/connectors/http:web/start")
            assert_error(await here.ask("POST", "/nodes/other@host/connectors/http:web/start"), 404, "NOT_FOUND")
            await empty(here, "POST", "/connectors_probe", json=http_connector(f"http://{address}"))
            refused = await here.ask("POST", "/connectors_probe", json=mqtt_connector(free_port()))
            assert_error(refused, 400, "TEST_FAILED")
            await empty(here, "DELETE", "/connectors/http:web")
            assert_error(await here.ask("GET", "/connectors/http:web"), 404, "NOT_FOUND")

    scenario(tmp_path, play, OPEN)


def test_what_is_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        body = http_connector(url, resource_opts={"start_timeout": "10ms"})
        await made(here, "/connectors", body)
        assert_error(await here.ask("POST", "/connectors", json=body), 400, "ALREADY_EXISTS")
        for wrong in (
            {"type": "carrier_pigeon", "name": "x"},
            {"type": "http", "name": "x"},
            {"type": "http", "url": url},
            http_connector("ftp://x", name="y"),
            http_connector(url, name="a b"),
            http_connector(url, name="y", connect_timeout="soon"),
            http_connector(url, name="y", pool_size=0),
            {"type": "mqtt", "name": "y", "server": "tcp://x"},
            {"type": "mqtt", "name": "y", "server": "x", "proto_ver": "v6"},
        ):
            assert_error(await here.ask("POST", "/connectors", json=wrong), 400, "BAD_REQUEST")
        action = http_action()
        assert_error(await here.ask("POST", "/actions", json={**action, "connector": "none"}), 400, "BAD_REQUEST")
        assert_error(
            await here.ask("POST", "/actions", json={**action, "parameters": {"method": "x"}}), 400, "BAD_REQUEST"
        )
        await made(here, "/actions", action)
        assert_error(await here.ask("POST", "/actions", json=action), 400, "ALREADY_EXISTS")
        used = await here.ask("DELETE", "/connectors/http:web")
        assert_error(used, 400, "BAD_REQUEST")
        assert "http:post" in used.json()["message"]
        for family in ("connectors", "actions", "sources", "bridges"):
            assert_error(await here.ask("GET", f"/{family}/http:gone"), 404, "NOT_FOUND")
            assert_error(await here.ask("DELETE", f"/{family}/http:gone"), 404, "NOT_FOUND")
            assert_error(await here.ask("GET", f"/{family}/nonsense"), 400, "BAD_REQUEST")
        assert_error(await here.ask("PUT", "/actions/http:post/enable/perhaps"), 400, "BAD_REQUEST")
        assert_error(await here.ask("POST", "/actions/http:post/start"), 400, "BAD_REQUEST")
        # Somebody who may only look.
        key = (await here.ask("POST", "/api_key", json={"name": "eye", "role": "viewer"})).json()
        viewer = httpx.BasicAuth(key["api_key"], key["api_secret"])
        assert (await here.ask("GET", "/actions", auth=viewer)).status_code == 200
        for method, path in (("POST", "/connectors"), ("DELETE", "/actions/http:post"), ("PUT", "/sources/x:y")):
            assert_error(await here.ask(method, path, auth=viewer), 403, "UNAUTHORIZED_ROLE")
        assert_error(await here.ask("GET", "/connectors", auth=None), 401, "AUTHORIZATION_HEADER_ERROR")

    scenario(tmp_path, play, OPEN)


def test_actions_carry_what_rules_select(tmp_path: Path, other: Served) -> None:
    async def play(here: Running) -> None:
        web = Web()
        async with serving(web) as address:
            await made(here, "/connectors", http_connector(f"http://{address}"))
            await made(here, "/connectors", mqtt_connector(other.port, proto_ver="v5"))
            action = await made(here, "/actions", http_action(body="${topic}=${payload}", headers={"X-API-Key": "k"}))
            assert action.keys() == ACTION_KEYS
            assert action["parameters"] == {
                "path": "/hook",
                "method": "post",
                "headers": {"X-API-Key": "******"},
                "body": "${topic}=${payload}",
                "max_retries": 2,
            }
            assert action["resource_opts"].keys() == {
                *("health_check_interval", "start_after_created", "start_timeout", "query_mode", "request_ttl"),
                *("inflight_window", "worker_pool_size", "max_buffer_bytes", "batch_size", "batch_time"),
            }
            assert (action["status"], action["rules"], action["connector"]) == ("connected", [], "web")
            up = {
                "type": "mqtt",
                "name": "up",
                "connector": "other",
                "parameters": {"topic": "up/${topic}", "qos": "${qos}"},
            }
            await made(here, "/actions", up)
            rule = {"id": "r", "sql": 'SELECT * FROM "t/#"', "actions": ["http:post", "mqtt:up"]}
            assert (await here.ask("POST", "/rules", json=rule)).status_code == 201
            fetched = list[Any]()
            other.call(other.broker.happenings.published.append, lambda message, client, now: fetched.append(message))
            other.call(other.broker.happenings.watchers.append, lambda topic: True)
            async with here.client() as client:
                await client.publish("t/1", "hello", 1)
            await until(lambda: bool(web.requests and fetched))
            assert (web.requests[0][1], web.requests[0][3]) == ("/hook", b"t/1=hello")
            assert web.requests[0][2]["x-api-key"] == "k"
            assert (fetched[0].topic, fetched[0].qos) == ("up/t/1", 1)
            assert (await here.ask("GET", "/actions/http:post")).json()["rules"] == ["r"]
            metrics = (await here.ask("GET", "/actions/http:post/metrics")).json()
            assert metrics["metrics"].keys() == METRICS
            assert metrics["node_metrics"] == [{"node": NODE, "metrics": metrics["metrics"]}]
            assert (metrics["metrics"]["matched"], metrics["metrics"]["success"]) == (1, 1)
            text = (await here.ask("GET", "/prometheus/data_integration")).text
            assert 'emqx_action_success{id="http:post"} 1' in text and 'emqx_connector_status{id="http:web"} 1' in text
            await empty(here, "PUT", "/actions/http:post/metrics/reset")
            assert (await here.ask("GET", "/actions/http:post/metrics")).json()["metrics"]["matched"] == 0
            summary = (await here.ask("GET", "/actions_summary")).json()
            assert summary[0].keys() == ACTION_KEYS - {"parameters", "resource_opts"}
            assert [each["name"] for each in (await here.ask("GET", "/actions")).json()] == ["post", "up"]
            assert (await here.ask("GET", "/action_types")).json() == ["http", "mqtt"]
            await empty(here, "POST", "/actions_probe", json=http_action())
            assert_error(
                await here.ask("POST", "/actions_probe", json={**http_action(), "connector": "no"}), 400, "TEST_FAILED"
            )
            await empty(here, "PUT", "/actions/http:post/enable/false")
            await empty(here, "POST", f"/nodes/{NODE}/actions/http:post/start")
            assert (await here.ask("GET", "/actions/http:post")).json()["enable"] is False
            changed = await here.ask(
                "PUT", "/actions/http:post", json={"connector": "web", "parameters": {"path": "/new"}}
            )
            assert changed.status_code == 200 and changed.json()["parameters"]["path"] == "/new"
            assert_error(await here.ask("DELETE", "/actions/http:post"), 400, "BAD_REQUEST")
            await empty(here, "DELETE", "/actions/http:post?also_delete_dep_actions=true")
            assert (await here.ask("GET", "/rules/r")).json()["actions"] == ["mqtt:up"]
            assert (await here.ask("GET", "/connectors/http:web")).json()["actions"] == []

    scenario(tmp_path, play, OPEN)


def test_sources_reach_rules(tmp_path: Path, other: Served) -> None:
    async def play(here: Running) -> None:
        await made(here, "/connectors", mqtt_connector(other.port, proto_ver="v5"))
        body = {"type": "mqtt", "name": "down", "connector": "other", "parameters": {"topic": "down/#", "qos": 2}}
        await empty(here, "POST", "/sources_probe", json=body)
        source = await made(here, "/sources", body)
        assert source.keys() == ACTION_KEYS
        assert source["parameters"] == {"topic": "down/#", "qos": 2, "no_local": False}
        assert source["status"] == "connected"
        rule = {
            "id": "in",
            "sql": 'SELECT * FROM "$bridges/mqtt:down"',
            "actions": [
                {"function": "republish", "args": {"topic": "local/${topic}", "payload": "${payload}", "qos": 1}}
            ],
        }
        assert (await here.ask("POST", "/rules", json=rule)).status_code == 201
        async with here.client() as client:
            await client.subscribe("local/#", 1)
            other.run(other.stream.publish(message("down/a", b"fetched")))
            async with asyncio.timeout(5):
                found = await anext(client.messages)
        assert (str(found.topic), found.payload) == ("local/down/a", b"fetched")
        metrics = (await here.ask("GET", "/sources/mqtt:down/metrics")).json()["metrics"]
        assert (metrics["received"], metrics["matched"]) == (1, 0)
        assert (await here.ask("GET", "/sources/mqtt:down")).json()["rules"] == ["in"]
        assert (await here.ask("GET", "/source_types")).json() == ["mqtt"]
        assert len((await here.ask("GET", "/sources_summary")).json()) == 1
        assert (await here.ask("GET", "/connectors/mqtt:other")).json()["sources"] == ["down"]
        assert_error(await here.ask("DELETE", "/sources/mqtt:down"), 400, "BAD_REQUEST")
        await empty(here, "DELETE", "/rules/in")
        await empty(here, "DELETE", "/sources/mqtt:down")
        assert_error(await here.ask("POST", "/sources", json={**body, "type": "http"}), 400, "BAD_REQUEST")

    scenario(tmp_path, play, OPEN)


def message(topic: str, payload: bytes) -> Any:
    from folkmoot.domain.broker import Message

    return Message(topic, payload, 1)


def test_bridges_are_the_older_form(tmp_path: Path, other: Served) -> None:
    async def play(here: Running) -> None:
        web = Web()
        async with serving(web) as address:
            hook = {
                "type": "webhook",
                "name": "hook",
                "url": f"http://{address}/in/${{topic}}",
                "method": "post",
                "headers": {"authorization": "Bearer t"},
                "body": "${payload}",
            }
            found = await made(here, "/bridges", hook)
            assert found["url"] == hook["url"] and found["headers"] == {"authorization": "******"}
            assert (found["type"], found["status"], found["body"]) == ("webhook", "connected", "${payload}")
            assert_error(await here.ask("POST", "/bridges", json=hook), 400, "ALREADY_EXISTS")
            assert (await here.ask("GET", "/actions/http:hook")).json()["connector"] == "hook"
            rule = {"id": "r", "sql": 'SELECT * FROM "t"', "actions": ["webhook:hook"]}
            answer = await here.ask("POST", "/rules", json=rule)
            assert answer.status_code == 201
            changed = await here.ask("PUT", "/bridges/webhook:hook", json={**found, "method": "put"})
            assert changed.status_code == 200, changed.text
            async with here.client() as client:
                await client.publish("t", "x", 1)
            await until(lambda: bool(web.requests))
            assert web.requests[0][:2] == ("PUT", "/in/t") and web.requests[0][2]["authorization"] == "Bearer t"
            await until(lambda: here.management.bridges.numbers(here.management.bridges.actions()[0])["success"] == 1)
            assert (await here.ask("GET", "/bridges/webhook:hook/metrics")).json()["metrics"]["success"] == 1
            await empty(here, "PUT", "/bridges/webhook:hook/metrics/reset")
            await empty(here, "POST", "/bridges/webhook:hook/restart")
            await empty(here, "PUT", "/bridges/webhook:hook/enable/false")
            assert_error(await here.ask("POST", f"/nodes/{NODE}/bridges/webhook:hook/start"), 400, "BAD_REQUEST")
            await empty(here, "POST", "/bridges_probe", json=hook)
            both = {
                **mqtt_connector(other.port),
                "name": "twin",
                "egress": {"remote": {"topic": "e/${topic}", "qos": 1, "retain": False, "payload": "${payload}"}},
                "ingress": {"remote": {"topic": "i/#", "qos": 1}},
            }
            twin = await made(here, "/bridges", both)
            assert twin["egress"]["remote"]["topic"] == "e/${topic}" and twin["ingress"]["remote"]["topic"] == "i/#"
            ids = [(each["type"], each["name"]) for each in (await here.ask("GET", "/bridges")).json()]
            assert ids == [("webhook", "hook"), ("mqtt", "twin")]
            del both["ingress"]
            assert "ingress" not in (await here.ask("PUT", "/bridges/mqtt:twin", json=both)).json()
            local = {**both, "name": "x", "egress": {**both["egress"], "local": {"topic": "t"}}}
            for wrong in (local, mqtt_connector(other.port), {**hook, "name": "x", "url": "nowhere"}):
                assert_error(await here.ask("POST", "/bridges", json=wrong), 400, "BAD_REQUEST")
            await empty(here, "DELETE", "/bridges/mqtt:twin")
            assert_error(await here.ask("DELETE", "/bridges/webhook:hook"), 400, "BAD_REQUEST")
            await empty(here, "DELETE", "/bridges/webhook:hook?also_delete_dep_actions=true")
            assert (await here.ask("GET", "/connectors")).json() == []

    scenario(tmp_path, play, OPEN)


def test_two_brokers_with_rules_for_each_other_do_not_go_on_for_ever(tmp_path: Path) -> None:
    async def play() -> None:
        async with running(tmp_path / "a", OPEN) as a, running(tmp_path / "b", OPEN) as b:
            counts = {"a": 0, "b": 0}
            for name, here, there in (("a", a, b), ("b", b, a)):
                await made(
                    here, "/connectors", mqtt_connector(there.port, proto_ver="v5", username="ann", password="secret")
                )
                parameters = {"topic": "t/back", "qos": 1, "payload": "${payload}"}
                await made(
                    here, "/actions", {"type": "mqtt", "name": "up", "connector": "other", "parameters": parameters}
                )
                rule = {"id": "r", "sql": 'SELECT payload FROM "t/#"', "actions": ["mqtt:up"]}
                assert (await here.ask("POST", "/rules", json=rule)).status_code == 201

                def count(message: Any, client: Any, now: float, name: str = name) -> None:
                    counts[name] += message.topic.startswith("t/")

                here.stream.broker.happenings.published.append(count)
            async with a.client() as client:
                await client.publish("t/1", "x", 1)
            action = a.management.bridges.actions()[0]
            await until(lambda: a.management.bridges.numbers(action)["dropped.other"] == 1)
            await asyncio.sleep(0.2)
            # Here, there, and once more here, where it is known by its mark.
            assert counts == {"a": 2, "b": 1}

    asyncio.run(play())


def test_a_source_and_an_action_on_the_same_topic_do_not_go_on_for_ever(tmp_path: Path, other: Served) -> None:
    async def play(here: Running) -> None:
        await made(here, "/connectors", mqtt_connector(other.port, proto_ver="v5"))
        source = {"type": "mqtt", "name": "down", "connector": "other", "parameters": {"topic": "round", "qos": 1}}
        await made(here, "/sources", source)
        parameters = {"topic": "round", "qos": 1, "payload": "${payload}"}
        await made(here, "/actions", {"type": "mqtt", "name": "up", "connector": "other", "parameters": parameters})
        republish = {"function": "republish", "args": {"topic": "here", "payload": "${payload}", "user_properties": ""}}
        rules = [
            {"id": "in", "sql": 'SELECT payload FROM "$bridges/mqtt:down"', "actions": [republish]},
            {"id": "out", "sql": 'SELECT payload FROM "here"', "actions": ["mqtt:up"]},
        ]
        for rule in rules:
            assert (await here.ask("POST", "/rules", json=rule)).status_code == 201
        fetched, sent = here.management.bridges.sources()[0], here.management.bridges.actions()[0]
        other.run(other.stream.publish(message("round", b"x")))
        await until(lambda: here.management.bridges.numbers(fetched)["dropped.other"] == 1)
        await asyncio.sleep(0.1)
        numbers = here.management.bridges.numbers
        assert (numbers(fetched)["received"], numbers(sent)["success"]) == (1, 1)

    scenario(tmp_path, play, OPEN)
