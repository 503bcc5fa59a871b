"""Metrics, stats, samples and alarms (contract §2.9)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from folkmoot.domain.monitoring import METRICS as METRICS
from folkmoot.domain.monitoring import STATS as STATS
from folkmoot.surfaces.mqtt.schema.paging import Paged, PageMeta


class Aggregate(Struct):
    aggregate: bool = False
    node: str | None = None


Numbers = dict[str, int]
NodeNumbers = dict[str, int | str]


class Latest(Struct):
    latest: Annotated[int, Meta(ge=1)] | None = None
    """Seconds back from now."""


class MonitorSample(Struct):
    time_stamp: int
    received: int
    sent: int
    dropped: int
    persisted: int
    connections: int
    live_connections: int
    topics: int
    subscriptions: int
    validation_succeeded: int = 0
    validation_failed: int = 0
    transformation_succeeded: int = 0
    transformation_failed: int = 0
    subscriptions_durable: int = 0
    disconnected_durable_sessions: int = 0


class AlarmQuery(Paged):
    activated: bool = True


class Alarm(Struct):
    node: str
    name: str
    message: str
    details: dict[str, Any]
    duration: int
    activate_at: str
    deactivate_at: str | UnsetType = UNSET


class AlarmPage(Struct):
    data: list[Alarm]
    meta: PageMeta


class AlarmName(Struct):
    name: str
