"""Status, nodes and their numbers (contract §2.2), error codes (§1.5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from starlette.responses import PlainTextResponse, Response

from folkmoot.domain.monitoring import count_all
from folkmoot.errors import Invalid, NotFound
from folkmoot.net import http
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import errors, render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management

_ALONE = "One node is all there is; others cannot join."
_INVITATIONS_MAX = 100
_NODE_NAME = re.compile(r"[^@\s]{1,255}@[^@\s]{1,255}")


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
    file = app.settings.document("log")["log"]["file"]
    path = str((Path(app.house.config.data.dir) / file["path"]).parent) if file["enable"] else None
    return render.node(app.stream.broker, app.node_name, app.stream.now() - app.monitoring.started_at, path)


async def get_node_metrics(call: Call) -> schema.Numbers:
    call.app.require_node(call.path["node"], "node.unknown")
    return count_all(call.app.stream.broker)


async def get_node_stats(call: Call) -> schema.Numbers:
    call.app.require_node(call.path["node"], "node.unknown")
    return render.stats(call.app.monitoring.gauges)


async def get_cluster(call: Call) -> schema.Cluster:
    name = call.app.node_name
    return schema.Cluster("emqxcl", [name], name)


async def get_topology(call: Call) -> list[schema.CoreNode]:
    return [schema.CoreNode(call.app.node_name, [])]


async def list_invitations(call: Call) -> schema.Invitations:
    app: Management = call.app
    return schema.Invitations([], [], app.invitations)


async def invite_node(call: Call) -> None:
    _require_other(call)
    raise Invalid("node.unreachable", _ALONE)


async def invite_node_later(call: Call) -> None:
    app: Management = call.app
    _require_other(call)
    now = render.whole_instant(datetime.fromtimestamp(app.stream.now(), UTC))
    failed = [each for each in app.invitations if each.node != call.path["node"]]
    app.invitations = [*failed, schema.Invitation(call.path["node"], now, now, _ALONE)][-_INVITATIONS_MAX:]


async def expel_node(call: Call) -> None:
    _require_other(call)
    call.app.require_node(call.path["node"], "node.unknown")


def _require_other(call: Call) -> None:
    name = call.path["node"]
    if name == call.app.node_name:
        raise Invalid("node.self", "This is the node you are asking.", "node")
    if not _NODE_NAME.fullmatch(name):
        raise Invalid("node.name", "A node's name looks like emqx@127.0.0.1.", "node")


async def list_error_codes(call: Call) -> list[schema.ErrorCode]:
    return [schema.ErrorCode(code, description) for code, description in errors.ERROR_CODES.items()]


async def get_error_code(call: Call) -> schema.ErrorCode:
    code = call.path["code"]
    if code not in errors.ERROR_CODES:
        raise NotFound("code.unknown", f"There is no error code {code}.")
    return schema.ErrorCode(code, errors.ERROR_CODES[code])
