"""Traces and slow subscriptions (contract §2.15)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType


class NewTrace(Struct):
    name: str
    type: str
    clientid: str | None = None
    topic: str | None = None
    ip_address: str | None = None
    ruleid: str | None = None
    start_at: int | str | None = None
    end_at: int | str | None = None
    payload_encode: Literal["text", "hex", "hidden"] = "text"
    formatter: Literal["text", "json"] = "text"


class TraceRow(Struct):
    name: str
    type: str
    status: Literal["running", "waiting", "stopped"]
    start_at: str
    end_at: str
    log_size: dict[str, int]
    payload_encode: str
    formatter: str
    clientid: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    ip_address: str | UnsetType = UNSET
    ruleid: str | UnsetType = UNSET


class StoppedTrace(Struct):
    name: str
    enable: bool


class TraceNode(Struct):
    node: str | None = None


class TraceLogQuery(TraceNode):
    bytes: Annotated[int, Meta(ge=0)] = 1000
    position: Annotated[int, Meta(ge=0, le=2**53)] = 0


class TraceLogMeta(Struct):
    position: int
    bytes: int


class TraceLog(Struct):
    items: str
    meta: TraceLogMeta


class TraceFile(Struct):
    node: str
    size: int
    mtime: int


class Ignored(Struct):
    """Pages of what has none."""

    page: int = 1
    limit: int = 100


class SlowSubscriptionRow(Struct):
    clientid: str
    node: str
    topic: str
    timespan: int
    last_update_time: int


class SlowSubscriptionList(Struct):
    data: list[SlowSubscriptionRow]


class SlowSubscriptionSettings(Struct):
    enable: bool = False
    threshold: str = "500ms"
    expire_interval: str = "300s"
    top_k_num: Annotated[int, Meta(ge=1, le=1000)] = 10
    stats_type: Literal["whole", "internal", "response"] = "whole"


class SlowSubscriptionChange(Struct):
    """What is not given stays as it is."""

    enable: bool | None = None
    threshold: str | int | None = None
    expire_interval: str | int | None = None
    top_k_num: Annotated[int, Meta(ge=1, le=1000)] | None = None
    stats_type: Literal["whole", "internal", "response"] | None = None
