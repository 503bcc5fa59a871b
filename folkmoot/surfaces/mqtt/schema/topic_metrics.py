"""The messages of single topics, counted (contract §2.7)."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class MeasuredTopic(Struct):
    topic: str


class TopicMetricsReset(Struct):
    action: Literal["reset"]
    topic: str | None = None


class TopicMetrics(Struct):
    topic: str
    create_time: str
    metrics: dict[str, int | float]
    reset_time: str | UnsetType = UNSET
