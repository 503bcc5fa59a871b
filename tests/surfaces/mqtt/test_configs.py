"""Settings by the management API."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from folkmoot.domain.broker import Limits, Options
from folkmoot.surfaces.mqtt.forms import defaults, values
from folkmoot.surfaces.mqtt.forms.options import ALL, MQTT, ZONE
from folkmoot.surfaces.mqtt.handlers.everything import READ_ONLY
from folkmoot.text import hocon
from tests.surfaces.mqtt.management import Running, assert_error, running, scenario

# Limits that no form of the zone sets.
_OURS = {"deny_disconnects", "max_alias_bytes", "output_bytes"}


def test_the_defaults_are_those_of_the_broker() -> None:
    assert set(MQTT) == set(Limits.__struct_fields__) - _OURS
    found = values(ALL, defaults(ALL))
    options = Options()
    for name in MQTT:
        assert found["mqtt"][name] == getattr(options.mqtt, name), name
    for root in ("flapping_detect", "force_shutdown", "conn_congestion", "limiter", "alarm", "sys_topics"):
        for name in getattr(options, root).__struct_fields__:
            if name != "sys_event_messages":
                assert found[root][name] == getattr(getattr(options, root), name), f"{root}.{name}"
    for name in options.sysmon.__struct_fields__:
        assert found["sysmon"]["os"][name] == getattr(options.sysmon, name)


def test_the_zone_is_set_at_once_and_kept(tmp_path: Path) -> None:
    async def first() -> None:
        async with running(tmp_path) as here:
            options = here.stream.broker.options
            zone = (await here.ask("GET", "/configs/global_zone")).json()
            assert list(zone) == ["mqtt", "flapping_detect", "force_shutdown", "force_gc", "durable_sessions"]
            assert zone["mqtt"]["session_expiry_interval"] == "2h" and zone["mqtt"]["retry_interval"] == "infinity"
            assert zone["mqtt"]["max_packet_size"] == "1MB" and zone["mqtt"]["server_keepalive"] == "disabled"
            patch: dict[str, Any] = {
                "mqtt": {
                    "max_inflight": 7,
                    "session_expiry_interval": "90s",
                    "server_keepalive": 60,
                    "max_mqueue_len": "infinity",
                },
                "flapping_detect": {"enable": True, "ban_time": 1500},
                "conn_congestion": {"enable_alarm": False},
            }
            answer = await here.ask("PUT", "/configs/global_zone", json=patch)
            assert answer.status_code == 200
            set_now = answer.json()["mqtt"]
            assert (set_now["max_inflight"], set_now["session_expiry_interval"], set_now["max_mqueue_len"]) == (
                7,
                "90s",
                "infinity",
            )
            assert set_now["max_topic_levels"] == 128
            limits = options.mqtt
            assert here.stream.broker.limits is limits
            assert (limits.max_inflight, limits.session_expiry_interval, limits.server_keepalive) == (7, 90, 60)
            assert isinstance(limits.session_expiry_interval, int) and limits.max_mqueue_len > 10**9
            assert (options.flapping_detect.enable, options.flapping_detect.ban_time) == (True, 1.5)
            assert not options.conn_congestion.enable_alarm
            limiter = {"max_conn_rate": "1000/s", "bytes_rate": "1MB/s"}
            assert (await here.ask("PUT", "/configs/limiter", json=limiter)).json() == {
                **limiter,
                "messages_rate": "infinity",
            }
            assert options.limiter.bytes_rate == 1 << 20

    async def second() -> None:
        async with running(tmp_path) as here:
            options = here.stream.broker.options
            assert (options.mqtt.max_inflight, options.flapping_detect.ban_time) == (7, 1.5)
            assert options.limiter.max_conn_rate == 1000
            assert (await here.ask("GET", "/configs/global_zone")).json()["mqtt"]["session_expiry_interval"] == "90s"
            assert (await here.ask("POST", "/configs_reset/mqtt?conf_path=max_inflight")).status_code == 200
            assert (options.mqtt.max_inflight, options.mqtt.server_keepalive) == (32, 60)
            assert (await here.ask("POST", "/configs_reset/mqtt")).status_code == 200
            assert options.mqtt == Limits()
            assert options.flapping_detect.enable
            assert_error(await here.ask("POST", "/configs_reset/mqtt?conf_path=colour"), 400, "NO_DEFAULT_VALUE")
            assert_error(await here.ask("POST", "/configs_reset/colour"), 404, "NOT_FOUND")

    asyncio.run(first())
    asyncio.run(second())


def test_the_environment_wins_at_each_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(inflight: tuple[int, int], awaiting: int) -> None:
        async with running(tmp_path) as here:
            options = here.stream.broker.options
            assert (options.mqtt.max_inflight, options.mqtt.max_awaiting_rel) == (inflight[0], awaiting)
            assert options.alarm.actions == (["log"] if inflight[0] == 7 else ["log", "publish"])
            body = {"mqtt": {"max_inflight": inflight[1], "max_awaiting_rel": 5}}
            assert (await here.ask("PUT", "/configs/global_zone", json=body)).status_code == 200
            assert options.mqtt.max_inflight == inflight[1]

    for name, value in {
        "EMQX_MQTT__MAX_INFLIGHT": "7",
        "EMQX_ALARM__ACTIONS": '["log"]',
        # These say nothing, or nothing that makes sense.
        "EMQX_MQTT__IDLE_TIMEOUT": "soon",
        "EMQX_MQTT__COLOUR": "red",
        "EMQX_NODE__COOKIE": "x",
        "EMQX_MQTT": "{}",
    }.items():
        monkeypatch.setenv(name, value)
    asyncio.run(play((7, 9), 100))
    asyncio.run(play((7, 7), 5))
    for name in ("EMQX_MQTT__MAX_INFLIGHT", "EMQX_ALARM__ACTIONS"):
        monkeypatch.delenv(name)
    asyncio.run(play((32, 32), 5))


BAD: list[tuple[str, Any, str]] = [
    ("global_zone", {"mqtt": {"max_inflight": 0}}, "mqtt.max_inflight"),
    ("global_zone", {"mqtt": {"max_inflight": "many"}}, "mqtt.max_inflight"),
    ("global_zone", {"mqtt": {"max_inflight": True}}, "mqtt.max_inflight"),
    ("global_zone", {"mqtt": {"idle_timeout": "soon"}}, "mqtt.idle_timeout"),
    ("global_zone", {"mqtt": {"max_packet_size": "257MB"}}, "mqtt.max_packet_size"),
    ("global_zone", {"mqtt": {"max_qos_allowed": 3}}, "mqtt.max_qos_allowed"),
    ("global_zone", {"mqtt": {"shared_subscription_strategy": "fair"}}, "mqtt.shared_subscription_strategy"),
    ("global_zone", {"mqtt": {"mqueue_priorities": {"t": 256}}}, "mqtt.mqueue_priorities"),
    ("global_zone", {"mqtt": {"server_keepalive": 65_536}}, "mqtt.server_keepalive"),
    ("global_zone", {"mqtt": {"colour": 1}}, "mqtt.colour"),
    ("global_zone", {"mqtt": None}, "mqtt"),
    ("global_zone", {"dashboard": {}}, "dashboard"),
    ("global_zone", {"flapping_detect": {"enable": "yes"}}, "flapping_detect.enable"),
    ("limiter", {"max_conn_rate": "fast"}, "limiter.max_conn_rate"),
    ("sysmon", {"os": {"cpu_high_watermark": "120%"}}, "sysmon.os.cpu_high_watermark"),
    ("sys_topics", {"sys_event_messages": {"client_died": True}}, "sys_topics.sys_event_messages.client_died"),
    ("alarm", {"actions": ["shout"]}, "alarm.actions"),
    ("dashboard", {"sample_interval": "7s"}, "dashboard.sample_interval"),
    ("broker", {"shared_subscription_group": {"g": {"strategy": "fair"}}}, "broker.shared_subscription_group"),
]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The answers to BAD, from one broker, which afterwards is set as it was."""
    found = list[Any]()

    async def play(here: Running) -> None:
        before = (await here.ask("GET", "/configs", headers={"accept": "application/json"})).json()
        for root, body, _ in BAD:
            found.append(await here.ask("PUT", f"/configs/{root}", json=body))
        assert (await here.ask("GET", "/configs", headers={"accept": "application/json"})).json() == before

    scenario(tmp_path_factory.mktemp("configs"), play)
    return found


@pytest.mark.parametrize("case", range(len(BAD)), ids=[each[2] for each in BAD])
def test_what_is_refused_names_the_key(refusals: list[Any], case: int) -> None:
    assert_error(refusals[case], 400, "BAD_REQUEST")
    assert refusals[case].json()["message"].startswith(f"{BAD[case][2]}: ")


def test_other_roots(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        options = here.stream.broker.options
        secret = (await here.ask("GET", "/configs/dashboard")).json()
        assert secret["default_password"] == "******"
        answer = await here.ask("PUT", "/configs/dashboard", json={**secret, "cors": True})
        assert (answer.json()["cors"], answer.json()["default_password"]) == (True, "******")
        await here.ask("PUT", "/configs/alarm", json={"size_limit": 5, "validity_period": "1h", "actions": ["log"]})
        assert (options.alarm.size_limit, options.alarm.validity_period, options.alarm.actions) == (5, 3600, ["log"])
        sys_topics = {"sys_msg_interval": "disabled", "sys_event_messages": {"client_subscribed": True}}
        await here.ask("PUT", "/configs/sys_topics", json=sys_topics)
        assert options.sys_topics.sys_msg_interval is None
        events = options.sys_topics.sys_event_messages
        assert events.client_subscribed and events.client_connected
        await here.ask(
            "PUT", "/configs/sysmon", json={"os": {"cpu_high_watermark": "90%", "mem_check_interval": "disabled"}}
        )
        assert (options.sysmon.cpu_high_watermark, options.sysmon.mem_check_interval) == (0.9, None)
        groups = {"shared_subscription_group": {"g": {"strategy": "hash_topic"}}}
        await here.ask("PUT", "/configs/broker", json=groups)
        assert options.shared_subscription_group["g"].strategy == "hash_topic"
        await here.ask("POST", "/configs_reset/broker")
        assert options.shared_subscription_group == {}
        for path in ("/configs/colour", "/configs/mqtt"):
            assert_error(await here.ask("GET", path), 404, "NOT_FOUND")

    scenario(tmp_path, play)


def test_the_log_in_a_file(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        log = structlog.get_logger("test")
        assert "not logging to file" in (await here.ask("GET", "/nodes")).json()[0]["log_path"]
        for bad in ("/etc/x.log", "log/../x.log", "../x.log", "log/x", "x.log"):
            answer = await here.ask("PUT", "/configs/log", json={"file": {"path": bad}})
            assert_error(answer, 400, "BAD_REQUEST")
        file = {
            "enable": True,
            "path": "log/mqtt.log",
            "formatter": "json",
            "rotation_size": "2KB",
            "rotation_count": 2,
        }
        wanted = {"file": file, "console": {"enable": False}}
        assert (await here.ask("PUT", "/configs/log", json=wanted)).status_code == 200
        log.info("not this")
        for number in range(60):
            log.warning("this", number=number)
        assert (await here.ask("PUT", "/configs/log", json={"file": {"formatter": "text", "level": "info"}})).is_success
        log.info("in words", number=60)
        where = tmp_path / "log"
        assert (await here.ask("GET", "/nodes")).json()[0]["log_path"] == str(where)
        assert sorted(each.name for each in where.iterdir()) == ["mqtt.log", "mqtt.log.1", "mqtt.log.2"]
        old = (where / "mqtt.log.1").read_text().splitlines()
        assert all(json.loads(line)["event"] == "this" and json.loads(line)["level"] == "warning" for line in old)
        *others, last = (where / "mqtt.log").read_text().splitlines()
        assert "in words" in last and "not this" not in "".join([*old, *others])
        # A file that cannot be written is not the end of anything.
        (where / "not.log").mkdir()
        assert (await here.ask("PUT", "/configs/log", json={"file": {"path": "log/not.log"}})).status_code == 200
        await here.ask("POST", "/configs_reset/log")
        log.warning("elsewhere")
        assert "elsewhere" not in (where / "mqtt.log").read_text()

    try:
        scenario(tmp_path, play)
    finally:
        structlog.reset_defaults()


def test_what_other_operations_set_is_in_the_document_too(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        http = {
            "mechanism": "password_based",
            "backend": "http",
            "url": "http://192.0.2.1/",
            "headers": {"Token": "deep"},
        }
        connector = {"type": "http", "name": "c", "url": "http://192.0.2.1", "headers": {"authorization": "deep"}}
        action = {"type": "http", "name": "a", "connector": "c", "parameters": {"path": "/x"}, "enable": False}
        for method, path, body in (
            ("PUT", "/mqtt/retainer", {"max_payload_size": "2MB"}),
            ("PUT", "/mqtt/delayed", {"max_delayed_messages": 7}),
            ("PUT", "/mqtt/auto_subscribe", [{"topic": "c/${clientid}"}]),
            ("POST", "/mqtt/topic_metrics", {"topic": "m"}),
            ("POST", "/authentication", http),
            ("PUT", "/authorization/settings", {"no_match": "deny"}),
            ("POST", "/connectors", {**connector, "enable": False}),
            ("POST", "/actions", action),
            ("POST", "/rules", {"id": "r", "sql": 'SELECT * FROM "t"', "actions": ["http:a"]}),
        ):
            assert (await here.ask(method, path, json=body)).is_success, path
        answer = await here.ask("GET", "/configs", headers={"accept": "application/json"})
        found = answer.json()
        assert "deep" not in answer.text
        assert (found["retainer"]["max_payload_size"], found["delayed"]["max_delayed_messages"]) == ("2MB", 7)
        assert found["auto_subscribe"]["topics"][0]["topic"] == "c/${clientid}"
        assert found["topic_metrics"] == [{"topic": "m"}]
        assert found["authentication"][0]["url"] == "http://192.0.2.1/"
        assert found["authorization"]["no_match"] == "deny" and found["authorization"]["sources"][0]["type"] == "file"
        assert (
            found["connectors"]["http"]["c"]["url"] == "http://192.0.2.1"
            and "status" not in found["connectors"]["http"]["c"]
        )
        assert found["actions"]["http"]["a"]["connector"] == "c"
        assert found["rule_engine"]["rules"]["r"]["actions"] == ["http:a"]

    scenario(tmp_path, play)


def test_how_the_api_itself_is_served(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        origin = {"origin": "https://dashboard.example"}
        opened = "access-control-allow-origin"
        docs = "/api-docs/index.html"
        assert opened not in (await here.ask("GET", "/nodes", headers=origin)).headers
        assert (await here.rest.get(docs)).status_code == 200
        dashboard = {"cors": True, "swagger_support": False, "token_expired_time": "10m"}
        assert (await here.ask("PUT", "/configs/dashboard", json=dashboard)).status_code == 200
        for answer in (
            await here.ask("GET", "/nodes", headers=origin),
            await here.ask("GET", "/nodes", headers=origin, auth=None),
            await here.ask("OPTIONS", "/nodes", headers=origin, auth=None),
        ):
            assert answer.headers[opened] == "*", answer.status_code
        assert opened not in (await here.ask("GET", "/nodes")).headers
        for path in (docs, "/api-docs/swagger.json", "/api-docs/"):
            answer = await here.rest.get(path, headers={"accept": "application/json"})
            assert_error(answer, 404, "NOT_FOUND")

        token = (await here.rest.post("/api/v5/login", json={"username": "admin", "password": "public"})).json()
        bearer = {"authorization": f"Bearer {token['token']}"}
        for minutes, status in ((9, 200), (9, 200), (11, 401)):
            here.clock.ahead += timedelta(minutes=minutes)
            assert (await here.ask("GET", "/nodes", auth=None, headers=bearer)).status_code == status
        await here.ask("PUT", "/configs/dashboard", json={"token_expired_time": "1h"})
        token = (await here.rest.post("/api/v5/login", json={"username": "admin", "password": "public"})).json()
        bearer = {"authorization": f"Bearer {token['token']}"}
        # Set to less, it holds from the next use on for those who are in, too.
        await here.ask("PUT", "/configs/dashboard", json={"token_expired_time": "10m"})
        for minutes, status in ((1, 200), (11, 401)):
            here.clock.ahead += timedelta(minutes=minutes)
            assert (await here.ask("GET", "/nodes", auth=None, headers=bearer)).status_code == status

    scenario(tmp_path, play)


def test_everything_in_one_document(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        options = here.stream.broker.options
        text = await here.ask("GET", "/configs")
        assert text.headers["content-type"].startswith("text/plain")
        json = await here.ask("GET", "/configs", headers={"accept": "application/json"})
        assert hocon.parse(text.text) == json.json()
        assert {*ALL, *READ_ONLY} - {"rpc"} == set(json.json()) and set(ZONE) <= set(ALL)
        assert json.json()["listeners"]["tcp"]["default"]["enable"] is True
        one = await here.ask("GET", "/configs?key=limiter", headers={"accept": "text/plain"})
        assert hocon.parse(one.text) == {"limiter": json.json()["limiter"]}
        assert_error(await here.ask("GET", "/configs?key=colour"), 400, "BAD_REQUEST")
        assert_error(await here.ask("GET", "/configs", headers={"accept": "image/png"}), 400, "INVALID_ACCEPT")

        plain = {"headers": {"content-type": "text/plain"}}
        answer = await here.ask("PUT", "/configs", content="mqtt { max_inflight = 9 }\nalarm.size_limit = 7", **plain)
        assert (answer.status_code, answer.content) == (200, b"")
        assert (options.mqtt.max_inflight, options.alarm.size_limit) == (9, 7)
        await here.ask("PUT", "/configs?mode=replace", content="mqtt.max_awaiting_rel = 5", **plain)
        assert (options.mqtt.max_inflight, options.mqtt.max_awaiting_rel) == (32, 5)
        for bad, place in (
            ("mqtt {", "hocon"),
            ("mqtt.max_inflight = x", "mqtt.max_inflight"),
            ("colour = 1", "colour"),
        ):
            answer = await here.ask("PUT", "/configs", content=bad, **plain)
            assert answer.status_code == 400 and list(answer.json()["errors"]) == [place]
        # What is read can be written again.
        answer = await here.ask("PUT", "/configs?mode=replace&ignore_readonly=true", content=text.text, **plain)
        assert answer.status_code == 200, answer.text
        assert (await here.ask("GET", "/configs", headers={"accept": "application/json"})).json() == json.json()
        await here.ask("PUT", "/configs", content="mqtt.max_awaiting_rel = 5", **plain)
        node = 'node.name = "a@b"\nmqtt.max_awaiting_rel = 6'
        answer = await here.ask("PUT", "/configs", content=node, **plain)
        assert answer.status_code == 400 and options.mqtt.max_awaiting_rel == 5
        assert (await here.ask("PUT", "/configs?ignore_readonly=true", content=node, **plain)).status_code == 200
        assert options.mqtt.max_awaiting_rel == 6
        assert_error(await here.ask("PUT", "/configs?mode=other", content="", **plain), 400, "BAD_REQUEST")

    scenario(tmp_path, play)
