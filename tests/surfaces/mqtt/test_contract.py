"""Every operation the contract names is in the table of operations, or in the README's list of what is left out."""

from __future__ import annotations

import re
from pathlib import Path

import folkmoot.surfaces.mqtt as mqtt
from folkmoot.surfaces.mqtt.routes import OPERATIONS, V5
from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario

README = Path(mqtt.__file__).with_name("README.md").read_text()
ABSENT = "\n".join(re.findall(r"^\| (`.*?) \| ", README.partition("\n## Left out\n")[2], re.MULTILINE))
#: What the README's list names, with everything below it: a method, or none for all, and a path.
LEFT_OUT = [
    (method, re.sub(r"{[a-z_]+}", "{}", path)) for method, path in re.findall(r"`(?:([A-Z]+) )?(/[^`]*)`", ABSENT)
]

# Contract §2, a section a paragraph: methods, then paths; `{}` is any part of a path.
ROWS = """
POST /login /logout /users /users/{}/change_pwd /api_key
GET /users /api_key /api_key/{}
PUT /users/{} /api_key/{}
DELETE /users/{} /api_key/{}

GET /nodes /nodes/{} /nodes/{}/metrics /nodes/{}/stats /cluster /cluster/topology /cluster/invitation /status
PUT /cluster/{}/invite /cluster/{}/invite_async
DELETE /cluster/{}/force_leave

GET /clients /clients_v2 /clients/{} /clients/{}/subscriptions /clients/{}/authorization/cache /sessions_count
GET /clients/{}/mqueue_messages /clients/{}/inflight_messages
DELETE /clients/{} /clients/{}/authorization/cache
POST /clients/kickout/bulk /clients/{}/subscribe /clients/{}/subscribe/bulk /clients/{}/unsubscribe
POST /clients/{}/unsubscribe/bulk
PUT /clients/{}/keepalive

GET /subscriptions /topics /topics/{}

POST /publish /publish/bulk

GET,PUT /mqtt/retainer
GET,DELETE /mqtt/retainer/messages /mqtt/retainer/message/{}

GET,PUT /mqtt/delayed /mqtt/topic_rewrite /mqtt/auto_subscribe
GET /mqtt/delayed/messages /mqtt/topic_metrics
GET,DELETE /mqtt/delayed/messages/{}/{} /mqtt/topic_metrics/{}
DELETE /mqtt/delayed/messages/{}
POST,PUT /mqtt/topic_metrics
GET,PUT /mqtt/event_message

GET,POST,DELETE /banned
DELETE /banned/{}/{}

GET /metrics /stats /monitor /monitor/nodes/{} /monitor_current /monitor_current/nodes/{} /alarms /prometheus/stats
GET /prometheus/auth /prometheus/data_integration /prometheus/schema_validation /prometheus/message_transformation
DELETE /monitor /alarms
POST /alarms/force_deactivate
GET,PUT /prometheus

GET /listeners /listeners_status
POST /listeners /listeners/{} /listeners/{}/start /listeners/{}/stop /listeners/{}/restart
GET,PUT,DELETE /listeners/{}

GET,POST /authentication /authentication/{}/users
GET,PUT,DELETE /authentication/{} /authentication/{}/users/{}
GET /authentication/{}/status
PUT /authentication/{}/position/{} /authentication/order
POST /authentication/{}/import_users
GET,POST /listeners/{}/authentication

GET,POST /authorization/sources
GET,PUT,DELETE /authorization/sources/{}
GET /authorization/sources/{}/status
POST /authorization/sources/{}/move
PUT /authorization/sources/order
GET,POST /authorization/sources/built_in_database/rules/users /authorization/sources/built_in_database/rules/clients
GET,PUT,DELETE /authorization/sources/built_in_database/rules/users/{}
GET,PUT,DELETE /authorization/sources/built_in_database/rules/clients/{}
GET,POST,DELETE /authorization/sources/built_in_database/rules/all
DELETE /authorization/sources/built_in_database/rules /authorization/cache
GET,PUT /authorization/settings

GET,POST /rules
GET,PUT,DELETE /rules/{}
GET /rules/{}/metrics /rule_events
PUT /rules/{}/metrics/reset
POST /rules/{}/test /rule_test
GET,PUT /rule_engine

GET,POST /connectors /actions /sources /bridges
GET,PUT,DELETE /connectors/{} /actions/{} /sources/{} /bridges/{}
PUT /connectors/{}/enable/{} /actions/{}/enable/{} /sources/{}/enable/{} /bridges/{}/enable/{}
POST /connectors/{}/start /actions/{}/start /sources/{}/start /bridges/{}/{} /nodes/{}/connectors/{}/start
POST /nodes/{}/actions/{}/start /nodes/{}/sources/{}/start /nodes/{}/bridges/{}/{}
POST /connectors_probe /actions_probe /sources_probe /bridges_probe
GET /actions/{}/metrics /sources/{}/metrics /bridges/{}/metrics
PUT /actions/{}/metrics/reset /sources/{}/metrics/reset /bridges/{}/metrics/reset
GET /actions_summary /action_types /sources_summary /source_types

GET,POST,DELETE /trace
DELETE /trace/{}
PUT /trace/{}/stop
GET /trace/{}/download /trace/{}/log /trace/{}/log_detail
GET,DELETE /slow_subscriptions
GET,PUT /slow_subscriptions/settings

GET,PUT /configs /configs/global_zone /configs/{} /configs/limiter
POST /configs_reset/{}

GET,POST /exhooks
GET,PUT,DELETE /exhooks/{}
GET /exhooks/{}/hooks
POST /exhooks/{}/move
GET /plugins /plugins/{}/schema
POST /plugins/install /plugins/{}/move
GET,DELETE /plugins/{}
PUT /plugins/{}/start /plugins/{}/stop
GET,PUT /plugins/{}/config
GET /gateways /gateways/{}/clients /gateways/{}/listeners /gateways/{}/authentication
GET,PUT /gateways/{}
PUT /gateways/{}/enable/{}
POST /data/export /data/import
GET,POST /data/files
GET,DELETE /data/files/{}
GET,POST /schema_registry
GET,PUT,DELETE /schema_registry/{}
GET /schema_registry_external /schema_registry_external/registry/{}
GET,PUT /telemetry/status
GET /telemetry/data
GET,PUT /opentelemetry
GET,POST /opentelemetry/whitelist/{}
GET /ds/sites /ds/sites/{} /ds/storages /ds/storages/{}
PUT /ds/storages/{}/replicas
GET /error_codes /error_codes/{} /schemas/{}
GET /license /audit /sso /cluster/links /message_transformations /schema_validations /load_rebalance/status
GET /node_eviction/status /file_transfer/files /durable_queues /gcp_devices /brokers
"""


def named() -> set[str]:
    """What the contract names: `GET /users/{}`."""
    found = set[str]()
    for row in ROWS.split("\n"):
        methods, *paths = row.split() or [""]
        found |= {f"{method} {path}" for method in methods.split(",") for path in paths}
    return found


def built() -> set[str]:
    paths = [(each.method, re.sub(r"\{\w+\}", "{}", each.path.removeprefix(V5))) for each in OPERATIONS]
    return {f"{method} {path}" for method, path in paths}


def is_left_out(operation: str) -> bool:
    """Whether the README says so."""
    method, path = operation.split()
    return any(of in ("", method) and f"{path}/".startswith(f"{above}/") for of, above in LEFT_OUT)


def test_every_operation_of_the_contract_is_built_or_named_as_left_out() -> None:
    missing = named() - built()
    assert sorted(each for each in missing if not is_left_out(each)) == []


def test_nothing_is_built_that_the_contract_does_not_name_or_the_readme_says_is_not_here() -> None:
    assert sorted(built() - named()) == []
    assert sorted(each for each in built() if is_left_out(each)) == []


def test_no_heading_stands_twice_in_the_readme() -> None:
    headings = re.findall(r"^#+ .*", README, re.MULTILINE)
    assert len(headings) == len(set(headings))


def test_what_is_left_out_is_not_found(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for operation in sorted(each for each in named() - built() if is_left_out(each)):
            method, path = operation.split()
            answer = await here.ask(method, path.replace("{}", "x"), headers={"accept": "application/json"})
            assert answer.status_code in (404, 405), operation
            assert answer.status_code == 405 or answer.json()["code"] == "NOT_FOUND"

    scenario(tmp_path, play)


def test_what_there_is_none_of_is_empty(tmp_path: Path) -> None:
    """Contract §2.17: dashboards ask for these."""

    async def play(here: Running) -> None:
        for path in ("/gateways", "/plugins", "/exhooks", "/schema_registry"):
            answer = await here.ask("GET", path)
            assert (answer.status_code, answer.json()) == (200, [])
            assert_error(await here.ask("GET", path, auth=None), 401, "AUTHORIZATION_HEADER_ERROR")
        for name in ("bridges", "connectors", "actions", "hotconf"):
            answer = await here.ask("GET", f"/schemas/{name}", auth=None)
            assert (answer.status_code, answer.json()) == (200, {"components": {"schemas": {}}, "paths": {}})
        assert_error(await here.ask("GET", "/schemas/weather", auth=None), 404, "NOT_FOUND")

    scenario(tmp_path, play)


def test_the_report_that_is_never_sent(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        assert (await here.ask("GET", "/telemetry/status")).json() == {"enable": False}
        assert_error(await here.ask("GET", "/telemetry/data"), 404, "NOT_FOUND")
        assert_error(await here.ask("PUT", "/telemetry/status", json={"enable": 1}), 400, "BAD_REQUEST")
        answer = await here.ask("PUT", "/telemetry/status", json={"enable": True})
        assert (answer.status_code, answer.json()) == (200, {"enable": True})

    async def play_on(here: Running) -> None:
        assert (await here.ask("GET", "/telemetry/status")).json() == {"enable": True}
        found = (await here.ask("GET", "/telemetry/data")).json()
        assert (found["emqx_version"], found["num_clients"], found["active_plugins"]) == ("5.8.9", 0, [])
        assert NODE not in str(found)

    scenario(tmp_path, play)
    scenario(tmp_path, play_on)
