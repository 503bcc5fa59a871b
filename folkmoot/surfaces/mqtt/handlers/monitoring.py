"""Metrics and stats (contract §2.9)."""

from __future__ import annotations

from typing import Any

from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render


async def get_metrics(call: Call) -> Any:
    return _of_nodes(call, render.metrics(call.app.stream.broker))


async def get_stats(call: Call) -> Any:
    return _of_nodes(call, render.stats(call.app.gauges(), call.app.peaks))


def _of_nodes(call: Call, numbers: dict[str, int]) -> Any:
    call.app.require_node(call.data.node)
    return numbers if call.data.aggregate else [{"node": call.app.node_name, **numbers}]
