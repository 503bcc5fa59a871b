"""The messages of single topics, counted."""

from __future__ import annotations

from datetime import UTC, datetime

from folkmoot.domain.broker import Meter
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.render.times import whole_instant

_NAMES = (
    "in", "out", "dropped", "qos0.in", "qos0.out", "qos1.in", "qos1.out", "qos2.in", "qos2.out",
)  # fmt: skip


def topic_metrics_row(meter: Meter, now: float) -> schema.TopicMetrics:
    """The counts and what they grew by per second, under the names of the answers and of the document."""
    metrics: dict[str, int | float] = {}
    for name, count, rate in zip(_NAMES, meter.counts(), meter.rates(now), strict=True):
        for root in ("messages", "message"):
            metrics[f"{root}.{name}.count"] = count
            metrics[f"{root}.{name}.rate"] = rate
    found = schema.TopicMetrics(meter.topic, _instant(meter.created_at), metrics)
    if meter.reset_at is not None:
        found.reset_time = _instant(meter.reset_at)
    return found


def _instant(seconds: float) -> str:
    return whole_instant(datetime.fromtimestamp(seconds, UTC))
