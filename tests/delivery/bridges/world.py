"""Running bridges on a database of their own, and what tests make in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from folkmoot.delivery.bridges import Bridges
from folkmoot.domain import bridges
from folkmoot.domain.bridges import (
    Action,
    Connector,
    HttpRequest,
    HttpServer,
    MqttPublish,
    MqttServer,
    MqttSubscription,
    Resource,
    Source,
)
from folkmoot.domain.rules import Outcome
from folkmoot.net.outgoing import Outgoing
from folkmoot.store import Database, SqliteEngine, migrate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8",)
#: Looks after things quickly, so that tests need not wait.
QUICK = Resource(health_check_interval="200ms", start_timeout="2s")


@asynccontextmanager
async def running(directory: Path, allowed: Sequence[str] = LOOPBACK, name: str = "broker") -> AsyncIterator[Bridges]:
    """Bridges that run what is kept in the directory."""
    engine = SqliteEngine(directory / f"{name}.db")
    migrate(engine, "broker")
    database = Database(engine, logs_events=False)
    database.open()
    outgoing = Outgoing(allowed_networks=allowed)
    found = Bridges(database, lambda: outgoing, allowed, "emqx@127.0.0.1", lambda: NOW)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()
        await outgoing.close()
        database.close()


def http_connector(url: str, **settings: Any) -> Connector:
    return Connector(
        type="http",
        name="web",
        settings=HttpServer(url=url, **settings),
        resource=QUICK,
        created_at=NOW,
        changed_at=NOW,
    )


def http_action(resource: Resource = QUICK, name: str = "post", **settings: Any) -> Action:
    made = HttpRequest(**settings)
    return Action(
        type="http", name=name, connector="web", settings=made, resource=resource, created_at=NOW, changed_at=NOW
    )


def mqtt_connector(port: int, name: str = "other", **settings: Any) -> Connector:
    made = MqttServer(server=f"127.0.0.1:{port}", **{"pool_size": 2, **settings})
    return Connector(type="mqtt", name=name, settings=made, resource=QUICK, created_at=NOW, changed_at=NOW)


def mqtt_action(topic: str, resource: Resource = QUICK, name: str = "up", **settings: Any) -> Action:
    made = MqttPublish(topic=topic, **settings)
    return Action(
        type="mqtt", name=name, connector="other", settings=made, resource=resource, created_at=NOW, changed_at=NOW
    )


def mqtt_source(topic: str, name: str = "down", **settings: Any) -> Source:
    made = MqttSubscription(topic=topic, **settings)
    return Source(
        type="mqtt", name=name, connector="other", settings=made, resource=QUICK, created_at=NOW, changed_at=NOW
    )


async def make(found: Bridges, *values: Connector | Action | Source) -> None:
    for value in values:
        await found.change(bridges.create, value)


def ask(found: Bridges, action_id: str, count: int = 1, **columns: Any) -> list[Outcome]:
    """Runs an action `count` times with `n` counting up; the list fills as they end."""
    ended = list[Outcome]()
    for number in range(count):
        found.run(action_id, {"n": number, **columns}, (), ended.append)
    return ended


class Web:
    """A web server that remembers its requests and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        target = scope["raw_path"].decode() + (f"?{request.url.query}" if request.url.query else "")
        self.requests.append((request.method, target, dict(request.headers), await request.body()))
        await Response(status_code=self.statuses.pop(0) if self.statuses else 200)(scope, receive, send)
