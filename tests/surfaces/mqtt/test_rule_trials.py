"""SQL tried on columns made up (contract §2.13): `/rule_test`, `/rules/{id}/test`, `/rule_events`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.surfaces.mqtt.management import Running, assert_error, scenario
from tests.surfaces.mqtt.test_rules import figures, made, republish

EVENTS = {
    "$events/message_publish": "message_publish",
    "$events/message_delivered": "message_delivered",
    "$events/message_acked": "message_acked",
    "$events/message_dropped": "message_dropped",
    "$events/delivery_dropped": "delivery_dropped",
    "$events/session_subscribed": "session_subscribed",
    "$events/session_unsubscribed": "session_unsubscribed",
    "$events/client_connected": "client_connected",
    "$events/client_disconnected": "client_disconnected",
    "$events/client_connack": "client_connack",
    "$events/client_check_authz_complete": "client_check_authz_complete",
    "$events/client_check_authn_complete": "client_check_authn_complete",
    "$events/sys/alarm_activated": "alarm_activated",
    "$events/sys/alarm_deactivated": "alarm_deactivated",
    "$bridges/mqtt:*": "$bridges/mqtt:*",
}
COLUMNS = "id clientid username payload peerhost peername topic qos flags pub_props publish_received_at client_attrs"


async def attempt(run: Running, sql: str, event_type: str = "message_publish", **columns: Any) -> httpx.Response:
    context = {"event_type": event_type, **columns}
    return await run.ask("POST", "/rule_test", json={"sql": sql, "context": context})


def test_a_statement_is_tried(tmp_path: Path) -> None:
    async def play(run: Running) -> None:
        answer = await attempt(run, 'SELECT payload.x AS x, clientid FROM "t/#"', payload='{"x": 1}', clientid="c")
        assert (answer.status_code, answer.json()) == (200, {"x": 1, "clientid": "c"})
        assert answer.headers["content-type"] == "application/json"
        answer = await attempt(run, 'SELECT * FROM "t/a"')
        assert set(answer.json()) == {*COLUMNS.split(), "event", "timestamp", "node"}
        assert answer.json()["event"] == "message.publish"

        each = 'FOREACH payload.s AS e DO e.i AS i INCASE e.i > 1 FROM "t/#"'
        answer = await attempt(run, each, payload='{"s": [{"i": 1}, {"i": 2}, {"i": 3}]}')
        assert (answer.status_code, answer.json()) == (200, [{"i": 2}, {"i": 3}])
        answer = await attempt(run, each, payload="{}")
        assert (answer.status_code, answer.json()) == (200, [])

        for sql, event_type, columns in (
            ('SELECT * FROM "t/#" WHERE qos = 2', "message_publish", {"qos": 1}),
            ('SELECT * FROM "s/#"', "message_publish", {}),
            ('SELECT * FROM "t/#"', "message_publish", {"topic": "s/1"}),
            ('SELECT * FROM "t/#"', "client_connected", {}),
            ('SELECT * FROM "$events/client_connected"', "client_disconnected", {}),
            ('SELECT * FROM "$bridges/mqtt:x"', "$bridges/http:*", {}),
            ('SELECT * FROM "$bridges/mqtt:x"', "$bridges/mqtt:y", {}),
        ):
            assert_error(await attempt(run, sql, event_type, **columns), 412, "NOT_MATCH")
        for sql, event_type in (
            ("SELECT", "message_publish"),
            ('SELECT 1/0 FROM "t/#"', "message_publish"),
            ('SELECT 1 FROM "t/#"', "nothing"),
        ):
            assert_error(await attempt(run, sql, event_type), 400, "BAD_REQUEST")
        assert_error(await run.ask("POST", "/rule_test", json={}), 400, "BAD_REQUEST")
        answer = await attempt(run, 'SELECT topic FROM "x", "$bridges/mqtt:x"', "$bridges/mqtt:x", topic="q")
        assert answer.json() == {"topic": "q"}

    scenario(tmp_path, play)


def test_the_examples_of_all_events_hold(tmp_path: Path) -> None:
    async def play(run: Running) -> None:
        events = (await run.ask("GET", "/rule_events")).json()
        assert {each["event"] for each in events} == set(EVENTS)
        for each in events:
            assert list(each) == ["event", "title", "description", "test_columns", "columns", "sql_example"]
            assert set(each["title"]) == set(each["description"]) == {"en", "zh"}
            assert set(each["test_columns"]) <= set(each["columns"])
            given = {name: sample[0] for name, sample in each["test_columns"].items()}
            answer = await attempt(run, each["sql_example"], EVENTS[each["event"]], **given)
            assert answer.status_code == 200, each
            if "*" in each["sql_example"].split("FROM")[0]:
                assert set(answer.json()) == set(each["columns"])

    scenario(tmp_path, play)


def test_a_rule_is_run_with_or_without_its_actions(tmp_path: Path) -> None:
    async def play(run: Running) -> None:
        rule = await made(
            run, 'SELECT payload.to AS to FROM "t/#" WHERE qos = 1', republish("${to}"), {"function": "console"}
        )
        path = f"/rules/{rule}/test"
        context = {"payload": '{"to": "a"}', "qos": 1}
        answer = await run.ask("POST", path, json={"context": context})
        assert (answer.status_code, answer.content) == (200, b"")
        assert (await figures(run, rule))["matched"] == 0
        wanted = {"context": context, "stop_action_after_template_rendering": False}
        assert (await run.ask("POST", path, json=wanted)).status_code == 200
        assert (await figures(run, rule))["actions.success"] == 2
        assert_error(await run.ask("POST", path, json={"context": {"qos": 0}}), 412, "NOT_MATCH")
        assert_error(await run.ask("POST", path, json={"context": {"topic": "x"}}), 412, "NOT_MATCH")
        wanted = {"context": {"payload": '{"to": "a/#"}'}}
        assert_error(await run.ask("POST", path, json=wanted), 400, "BAD_REQUEST")

    scenario(tmp_path, play)
