"""Connectors, actions and sources as they are kept, on both databases; what makes sense; what is secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from folkmoot.domain import bridges
from folkmoot.domain.bridges import (
    HIDDEN,
    Action,
    Connector,
    HttpRequest,
    HttpServer,
    MqttPublish,
    MqttServer,
    MqttSubscription,
    Resource,
    Source,
    StaticIds,
    Tls,
)
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def connector(settings: Any = None, **given: Any) -> Connector:
    settings = settings or MqttServer(server="127.0.0.1:1883")
    kind = "mqtt" if isinstance(settings, MqttServer) else "http"
    return Connector(**{"type": kind, "name": "c", "created_at": NOW, "changed_at": NOW, "settings": settings, **given})


def action(**given: Any) -> Action:
    values = {"type": "mqtt", "name": "a", "connector": "c", "created_at": NOW, "changed_at": NOW}
    return Action(**{**values, "settings": MqttPublish(topic="up/${topic}"), **given})


def source(**given: Any) -> Source:
    values = {"type": "mqtt", "name": "s", "connector": "c", "created_at": NOW, "changed_at": NOW}
    return Source(**{**values, "settings": MqttSubscription(topic="down/#"), **given})


def test_they_are_kept_changed_and_forgotten(broker_database: Database) -> None:
    first = connector(tags=("x", "y"), description="d", resource=Resource(request_ttl="infinity"))
    up, down = action(), source(is_enabled=False)

    def make(tx: Transaction) -> None:
        for each in (first, up, down):
            bridges.create(tx, each)  # type: ignore[type-var]

    broker_database.write_now(make)

    def look(tx: Transaction) -> None:
        assert bridges.list_connectors(tx) == [first]
        assert bridges.list_actions(tx) == [up]
        assert bridges.list_sources(tx) == [down]
        assert bridges.dependants(tx, first) == [up, down]
        assert bridges.get_source(tx, "mqtt", "s") == down

    broker_database.read_now(look)

    def change(tx: Transaction) -> None:
        with pytest.raises(Conflict) as twice:
            bridges.create(tx, first)
        assert twice.value.code == "bridge.duplicate"
        with pytest.raises(Conflict) as used:
            bridges.remove(tx, first)
        assert used.value.code == "connector.used" and "mqtt:a, mqtt:s" in used.value.message
        changed = bridges.replace(tx, action(settings=MqttPublish(topic="other"), created_at=LATER, changed_at=LATER))
        assert (changed.created_at, changed.changed_at) == (NOW, LATER)
        assert bridges.get_action(tx, "mqtt", "a") == changed
        assert bridges.enable(tx, down, True, LATER).is_enabled
        with pytest.raises(Invalid) as homeless:
            bridges.create(tx, action(name="b", connector="nowhere"))
        assert homeless.value.field == "connector"
        for each in (up, down, first):
            bridges.remove(tx, each)
        for each in (up, down, first):
            with pytest.raises(NotFound):
                bridges.remove(tx, each)

    broker_database.write_now(change)


def test_a_hidden_secret_stays_as_it_was(broker_database: Database) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nx"
    made = connector(
        MqttServer(server="h:1", username="u", password="p", ssl=Tls(keyfile=key, password="k")),
    )
    web = connector(HttpServer(url="http://h/", headers={"Authorization": "Bearer t", "x": "y"}))

    def act(tx: Transaction) -> None:
        for each in (made, web):
            bridges.create(tx, each)
            shown = bridges.hide(each.settings)
            assert HIDDEN in str(shown) and "Bearer" not in str(shown) and key not in str(shown)
            assert bridges.replace(tx, replace(each, settings=shown)).settings == each.settings
        new = MqttServer(server="h:1", username="u", password="q")
        assert bridges.replace(tx, replace(made, settings=new)).settings == new

    broker_database.write_now(act)


@pytest.mark.parametrize(
    "value",
    [
        connector(name=""),
        connector(name="a:b"),
        connector(name="-a"),
        connector(name="x" * 300),
        connector(HttpServer(url="ftp://h")),
        connector(HttpServer(url="http://u:p@h/")),
        connector(HttpServer(url="http://h/?a=b")),
        connector(HttpServer(url="http://h:99999/")),
        connector(HttpServer(url="http://h", headers={"a b": "c"})),
        connector(HttpServer(url="http://h", headers={"a": "c\r\nd: e"})),
        connector(HttpServer(url="http://h", connect_timeout="soon")),
        connector(MqttServer(server="h:0")),
        connector(MqttServer(server="tcp://h:1")),
        connector(MqttServer(server="h", keepalive="1d")),
        connector(MqttServer(server="h", password="p")),
        connector(MqttServer(server="h", static_clientids=[StaticIds("n", [""])])),
        connector(resource=Resource(request_ttl="never")),
        connector(resource=Resource(max_buffer_bytes="much")),
        source(settings=MqttSubscription(topic="a#")),
        source(settings=MqttSubscription(topic="$share/g")),
        action(settings=HttpRequest(headers={"": "x"})),
    ],
)
def test_what_makes_no_sense_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        bridges.check(value)


@pytest.mark.parametrize(
    ("server", "host", "port"),
    [
        ("h", "h", 1883),
        ("h.example:8883", "h.example", 8883),
        ("[::1]:1884", "::1", 1884),
        ("127.0.0.1:1", "127.0.0.1", 1),
    ],
)
def test_servers(server: str, host: str, port: int) -> None:
    assert bridges.parse_server(server) == (host, port)
