"""The numbers for Prometheus, and what is set about them (contract §2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import httpx
import msgspec
from starlette.responses import Response

from folkmoot.domain import authentication, monitoring
from folkmoot.domain.monitoring import PrometheusSettings
from folkmoot.errors import Invalid
from folkmoot.net import http
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import auth, numbers, render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.text.amounts import format_duration, parse_duration


async def get_stats(call: Call) -> Response:
    app = await _require(call)
    json = call.headers.get("accept", "").startswith("application/json")
    return _answer(call, await numbers.stats(app.monitoring), json)


async def get_access(call: Call) -> Response:
    app = await _require(call)
    return _answer(call, await numbers.access(app.monitoring), call.headers.get("accept") == "application/json")


async def get_data_integration(call: Call) -> Response:
    app = await _require(call)
    found = await numbers.data_integration(app.monitoring)
    return _answer(call, found, call.headers.get("accept") == "application/json")


async def _require(call: Call) -> Management:
    """Open to everybody, unless the operator has said otherwise."""
    app: Management = call.app
    if app.monitoring.prometheus.enable_basic_auth:
        operation = replace(call.operation, permission="any")
        await auth.authenticate(app.house, operation, call.headers.get("authorization"), call.address, app.login_lasts)
    app.require_node(call.data.node)
    return app


def _answer(call: Call, families: Sequence[render.Family], json: bool) -> Response:
    families = render.labelled(families, call.app.node_name, call.data.mode)
    if json:
        return http.json_response(render.grouped(families, arrays=call.data.mode == "all_nodes_unaggregated"))
    return Response(render.exposition(families), media_type=render.EXPOSITION_TYPE)


async def get_settings(call: Call) -> schema.Prometheus:
    return _shown(call.app.monitoring.prometheus)


async def set_settings(call: Call) -> schema.Prometheus:
    app: Management = call.app
    wanted: schema.Prometheus = call.data
    gateway = wanted.push_gateway
    try:
        url = httpx.URL(gateway.url)
    except httpx.InvalidURL as error:
        raise Invalid("url.invalid", "This is no address.", "push_gateway.url") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise Invalid("url.invalid", "The address begins with http:// or https://.", "push_gateway.url")
    interval = parse_duration(gateway.interval, "push_gateway.interval")
    if interval < 1:
        raise Invalid("duration.invalid", "The interval is at least a second.", "push_gateway.interval")
    if any(not name or not (name + value).isprintable() for name, value in gateway.headers.items()):
        raise Invalid("headers.invalid", "These are no headers.", "push_gateway.headers")
    headers = authentication.restore(gateway.headers, app.monitoring.prometheus.push_gateway.headers)
    settings = PrometheusSettings(
        wanted.enable_basic_auth,
        monitoring.PushGateway(gateway.enable, gateway.url, interval, gateway.method, headers, gateway.job_name),
        msgspec.structs.asdict(wanted.collectors),
    )
    name, now = monitoring.PROMETHEUS, app.house.now()
    await app.house.broker_db.write(monitoring.save_settings, name, settings, now)
    app.monitoring.prometheus = settings
    return _shown(settings)


def _shown(settings: PrometheusSettings) -> schema.Prometheus:
    gateway = msgspec.structs.asdict(settings.push_gateway)
    gateway["headers"] = authentication.hide(settings.push_gateway.headers)
    gateway["interval"] = format_duration(settings.push_gateway.interval)
    shown = {"push_gateway": gateway, "collectors": settings.collectors}
    return msgspec.convert({"enable_basic_auth": settings.enable_basic_auth, **shown}, schema.Prometheus)
