"""The numbers for Prometheus: names, modes, JSON, settings, and the push to a gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from folkmoot.config import Config, Limits, Outgoing
from folkmoot.domain.monitoring import METRICS, STATS, Figures
from folkmoot.surfaces.mqtt.numbers import PushedNumbers
from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario

_DATA = ("stats", "auth", "data_integration")
DEFAULTS = {
    "enable_basic_auth": False,
    "push_gateway": {
        "enable": False,
        "url": "http://127.0.0.1:9091",
        "interval": "15s",
        "method": "put",
        "headers": {},
        "job_name": "${name}/instance/${name}~${host}",
    },
    "collectors": dict.fromkeys(
        ("vm_dist", "mnesia", "vm_statistics", "vm_system_info", "vm_memory", "vm_msacc"), "disabled"
    ),
}


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Name → labels and values, as the reference client's parser reads them."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    told = kinds(text)
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            # It puts `_total` behind the names of counters that have none.
            name = one.name if one.name in told else one.name.removesuffix("_total")
            found.setdefault(name, []).append((dict(one.labels), one.value))
    return found


def kinds(text: str) -> dict[str, str]:
    return dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))


def test_the_brokers_numbers(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client() as client:
            await client.publish("nobody", "x", qos=1)
        answer = await here.rest.get("/api/v5/prometheus/stats")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
        found, kind = samples(answer.text), kinds(answer.text)
        expected = {f"emqx_{name.replace('.', '_')}_{way}" for name in STATS for way in ("count", "max")}
        odd = {"messages.persisted", "packets.connect.received", "messages.dropped.await_pubrel_timeout"}
        plain = [
            name
            for name in METRICS
            if name not in odd and not name.startswith(("messages.validation", "messages.transformation"))
        ]
        expected |= {f"emqx_{name.replace('.', '_')}" for name in plain}
        expected |= {"emqx_packets_connect", "emqx_messages_dropped_expired", "emqx_messages_retained"}
        assert expected <= found.keys()
        assert "emqx_messages_persisted" not in found and "emqx_packets_connect_received" not in found
        assert found["emqx_packets_connect"] == [({}, 1)]
        assert found["emqx_live_connections_max"] == [({}, 1)]
        assert found["emqx_client_disconnected_reason"] == [
            ({"listener_type": "tcp", "listener_name": "default", "reason": "normal"}, 1)
        ]
        assert (kind["emqx_packets_connect"], kind["emqx_connections_count"]) == ("counter", "gauge")
        assert found["emqx_cluster_nodes_running"] == [({}, 1)]
        assert 0 < found["emqx_vm_used_memory"][0][1] < found["emqx_vm_total_memory"][0][1]
        assert 99 < found["emqx_vm_cpu_use"][0][1] + found["emqx_vm_cpu_idle"][0][1] < 101

        by_mode = {
            mode: samples((await here.rest.get("/api/v5/prometheus/stats", params={"mode": mode})).text)
            for mode in ("all_nodes_aggregated", "all_nodes_unaggregated")
        }
        label = {"node": NODE}
        assert by_mode["all_nodes_aggregated"]["emqx_connections_count"][0][0] == {}
        assert by_mode["all_nodes_aggregated"]["emqx_cluster_nodes_running"][0][0] == label
        assert by_mode["all_nodes_unaggregated"]["emqx_connections_count"][0][0] == label
        assert_error(await here.rest.get("/api/v5/prometheus/stats?mode=some"), 400, "INVALID_PARAMETER")

        as_json = {"accept": "application/json"}
        groups = (await here.rest.get("/api/v5/prometheus/stats", headers=as_json)).json()
        assert set(groups) == {
            "stats", "metrics", "packets", "messages", "delivery", "client", "session", "cluster", "olp", "acl",
            "authn", "certs", "cluster_rpc",
        }  # fmt: skip
        assert groups["stats"]["emqx_live_connections_max"] == 1
        assert groups["packets"]["emqx_packets_connect"] == 1
        groups = (await here.rest.get("/api/v5/prometheus/stats?mode=all_nodes_unaggregated", headers=as_json)).json()
        assert groups["stats"][0]["node"] == NODE and "emqx_topics_count" in groups["stats"][0]

    scenario(tmp_path, play)


def test_the_numbers_of_other_parts(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        sources = here.management.monitoring.sources

        async def rules() -> Figures:
            return {'a"b\\': {"enable": 1, "matched": 5}}

        def certificates() -> Mapping[str, Mapping[str, float]]:
            return {"ssl:default": {"expiry_at": 1_900_000_000}}

        sources.rules, sources.certificates = rules, certificates
        sources.authentication = lambda: {"password_based:built_in_database": {"enable": 1, "total": 3, "success": 2}}
        sources.authorization = lambda: {"file": {"enable": 1, "allow": 4}}
        sources.banned = lambda: 6
        sources.actions = lambda: {"http:x": {"status": 1, "inflight": 2}}
        sources.connectors = dict
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for each in _DATA:
            found |= samples((await here.rest.get(f"/api/v5/prometheus/{each}")).text)
        one = {"id": "password_based:built_in_database"}
        assert found["emqx_authn_total"] == [(one, 3)] and found["emqx_authn_users_count"] == [(one, 0)]
        assert found["emqx_authz_allow"] == [({"type": "file"}, 4)]
        assert found["emqx_banned_count"] == [({}, 6)]
        assert found["emqx_rules_count"] == [({}, 1)] and found["emqx_connectors_count"] == [({}, 0)]
        assert found["emqx_rule_matched"] == [({"id": 'a"b\\'}, 5)]
        assert found["emqx_action_inflight"] == [({"id": "http:x"}, 2)]
        assert found["emqx_cert_expiry_at"] == [({"listener_type": "ssl", "listener_name": "default"}, 1_900_000_000)]
        as_json = {"accept": "application/json"}
        groups = (await here.rest.get("/api/v5/prometheus/auth", headers=as_json)).json()
        assert groups["emqx_banned"] == {"emqx_banned_count": 6}
        assert groups["emqx_authz"][0]["type"] == "file" and groups["emqx_authz"][0]["emqx_authz_allow"] == 4
        groups = (await here.rest.get("/api/v5/prometheus/data_integration", headers=as_json)).json()
        assert groups["data_integration_overview"]["emqx_rules_count"] == 1
        assert groups["rules"][0]["emqx_rule_matched"] == 5
        # Only exactly this asks for JSON here.
        answer = await here.rest.get("/api/v5/prometheus/auth", headers={"accept": "application/json, */*"})
        assert answer.text.startswith("# TYPE")

    scenario(tmp_path, play)


def test_the_parts_tell_their_numbers(tmp_path: Path) -> None:
    """Nothing put in their place: a rule, an authenticator, permissions and a ban as they are set over REST."""

    async def play(here: Running) -> None:
        rule = {"id": "r1", "sql": 'SELECT * FROM "t"', "actions": [{"function": "console"}]}
        assert (await here.ask("POST", "/rules", json=rule)).is_success
        chain = {"mechanism": "password_based", "backend": "built_in_database", "user_id_type": "username"}
        assert (await here.ask("POST", "/authentication", json=chain)).is_success
        user = {"user_id": "dev", "password": "secret"}
        path = "/authentication/password_based:built_in_database/users"
        assert (await here.ask("POST", path, json=user)).is_success
        assert (await here.ask("POST", "/banned", json={"as": "clientid", "who": "x"})).is_success
        trace = {"name": "rule", "type": "ruleid", "ruleid": "r1", "formatter": "json"}
        assert (await here.ask("POST", "/trace", json=trace)).is_success
        async with here.client("dev", "secret") as client:
            await client.publish("t", "one", qos=1)
        found: dict[str, Any] = {}
        for each in _DATA:
            found |= samples((await here.rest.get(f"/api/v5/prometheus/{each}")).text)
        authenticator = {"id": "password_based:built_in_database"}
        assert found["emqx_authn_success"] == found["emqx_authn_users_count"] == [(authenticator, 1)]
        assert found["emqx_authn_status"] == found["emqx_authn_enable"] == [(authenticator, 1)]
        by_file = {"type": "file"}
        assert found["emqx_authz_enable"][0] == (by_file, 1)
        assert found["emqx_authz_rules_count"][0][1] > 0 < found["emqx_authz_total"][0][1]
        assert found["emqx_banned_count"] == [({}, 1)]
        one = {"id": "r1"}
        assert found["emqx_rules_count"] == [({}, 1)]
        assert found["emqx_rule_matched"] == found["emqx_rule_actions_success"] == [(one, 1)]
        assert found["emqx_connectors_count"] == found["emqx_actions_count"] == [({}, 0)]
        lines = (await here.ask("GET", "/trace/rule/log?bytes=100000")).json()["items"].splitlines()
        assert [json.loads(line)["msg"] for line in lines] == ["SQL_yielded_result"]

    scenario(tmp_path, play)


def test_settings_are_kept_and_hold_at_once(tmp_path: Path) -> None:
    async def before(here: Running) -> None:
        assert (await here.rest.get("/api/v5/prometheus")).status_code == 401
        assert (await here.ask("GET", "/prometheus")).json() == DEFAULTS
        gateway = {"enable": False, "url": "http://gate.example:9", "interval": "1m", "method": "post"}
        answer = await here.ask("PUT", "/prometheus", json={"enable_basic_auth": True, "push_gateway": gateway})
        expected = {
            **DEFAULTS,
            "enable_basic_auth": True,
            "push_gateway": {**DEFAULTS["push_gateway"], **gateway},  # type: ignore[dict-item]
        }
        assert (answer.status_code, answer.json()) == (200, expected)
        for bad in ({"interval": "soon"}, {"interval": "10ms"}, {"url": "gopher://x"}, {"headers": {"x": "a\r\nb"}}):
            assert_error(await here.ask("PUT", "/prometheus", json={"push_gateway": bad}), 400, "BAD_REQUEST")
        for each in _DATA:
            answer = await here.rest.get(f"/api/v5/prometheus/{each}")
            assert_error(answer, 401, "AUTHORIZATION_HEADER_ERROR")
            assert (await here.ask("GET", f"/prometheus/{each}")).status_code == 200

    async def after(here: Running) -> None:
        assert (await here.ask("GET", "/prometheus")).json()["enable_basic_auth"] is True
        assert (await here.ask("GET", "/prometheus")).json()["push_gateway"]["interval"] == "1m"

    scenario(tmp_path, before)
    scenario(tmp_path, after)


class Gateway:
    """A web server that takes what is pushed."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.taken: list[tuple[str, dict[str, str], str]] = []
        self.came = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.taken.append((first, headers, body.decode()))
        writer.write(f"HTTP/1.1 {self.status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        writer.close()
        self.came.set()


def test_the_numbers_are_pushed(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        gateway = Gateway()
        server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = {"enable": True, "url": f"http://127.0.0.1:{port}/", "interval": "1s", "headers": {"x-key": "k"}}
        assert (await here.ask("PUT", "/prometheus", json={"push_gateway": settings})).is_success
        await asyncio.wait_for(gateway.came.wait(), 10)
        first, headers, body = gateway.taken[0]
        assert first == "PUT /metrics/job/emqx/instance/emqx~127.0.0.1 HTTP/1.1"
        assert headers["x-key"] == "k"
        assert {"emqx_connections_count", "emqx_banned_count", "emqx_rules_count"} <= samples(body).keys()
        server.close()

    scenario(tmp_path, play, Config(limits=Limits(enabled=False), outgoing=Outgoing(allowed_networks=("127.0.0.0/8",))))


def test_a_push_to_an_address_inside_is_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        monitoring = here.management.monitoring
        monitoring.prometheus = msgspec.structs.replace(monitoring.prometheus)
        pushed = PushedNumbers(here.house, monitoring)
        try:
            await pushed.push()
        except Exception as error:
            assert "not a public address" in str(error)
        else:
            raise AssertionError("it went out")

    scenario(tmp_path, play)


def test_who_may_set(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        made = await here.ask("POST", "/api_key", json={"name": "looks", "role": "viewer"})
        viewer = httpx.BasicAuth(made.json()["api_key"], made.json()["api_secret"])
        assert (await here.ask("GET", "/prometheus", auth=viewer)).status_code == 200
        assert_error(await here.ask("PUT", "/prometheus", json={}, auth=viewer), 403, "UNAUTHORIZED_ROLE")
        for method, path in (
            ("DELETE", "/monitor"),
            ("DELETE", "/alarms"),
            ("POST", "/alarms/force_deactivate"),
            ("POST", "/trace"),
            ("PUT", "/slow_subscriptions/settings"),
            ("PUT", "/cluster/x@y/invite"),
        ):
            assert_error(await here.ask(method, path, json={"name": "x"}, auth=viewer), 403, "UNAUTHORIZED_ROLE")

    scenario(tmp_path, play)
