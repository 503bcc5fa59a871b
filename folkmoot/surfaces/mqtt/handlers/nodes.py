"""Status, nodes and their numbers (contract §2.2), error codes (§1.5)."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from folkmoot.errors import NotFound
from folkmoot.net import http
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import errors, render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management


async def get_status(call: Call) -> Response:
    app: Management = call.app
    ready = app.is_ready()
    status = 200 if ready else 503
    headers = {"retry-after": "15"}
    if call.data.format == "json":
        found = schema.Status(
            app.node_name,
            schema.VERSION,
            "started" if ready else "stopped",
            "running" if ready else "not_running",
        )
        return http.json_response(found, status, headers)
    words = ("started", "running") if ready else ("stopped", "not_running")
    return PlainTextResponse(f"Node {app.node_name} is {words[0]}\nemqx is {words[1]}", status, headers)


async def list_nodes(call: Call) -> list[schema.Node]:
    return [_node(call.app)]


async def get_node(call: Call) -> schema.Node:
    call.app.require_node(call.path["node"], "node.unknown")
    return _node(call.app)


def _node(app: Management) -> schema.Node:
    return render.node(app.stream.broker, app.node_name, app.stream.now() - app.started_at)


async def get_node_metrics(call: Call) -> schema.Numbers:
    call.app.require_node(call.path["node"], "node.unknown")
    return render.metrics(call.app.stream.broker)


async def get_node_stats(call: Call) -> schema.Numbers:
    call.app.require_node(call.path["node"], "node.unknown")
    return render.stats(call.app.gauges(), call.app.peaks)


async def list_error_codes(call: Call) -> list[schema.ErrorCode]:
    return [schema.ErrorCode(code, description) for code, description in errors.ERROR_CODES.items()]


async def get_error_code(call: Call) -> schema.ErrorCode:
    code = call.path["code"]
    if code not in errors.ERROR_CODES:
        raise NotFound("code.unknown", f"There is no error code {code}.")
    return schema.ErrorCode(code, errors.ERROR_CODES[code])
