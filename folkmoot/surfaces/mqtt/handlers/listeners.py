"""Listeners (contract §2.10)."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from starlette.responses import Response

from folkmoot.errors import Conflict, Invalid
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema

# What a body may repeat of what is shown, and does not set.
_SHOWN = ("id", "type", "name", "running", "current_connections")


async def list_listeners(call: Call) -> list[schema.ListenerRow]:
    listening, kind = call.app.listening, call.data.type
    return [
        render.listener_row(each, listening.document(each.id), call.app.node_name)
        for each in listening
        if kind in (None, each.kind)
    ]


async def list_listener_statuses(call: Call) -> list[schema.ListenerTypeRow]:
    groups = groupby(call.app.listening, key=lambda each: each.kind)
    return [render.listener_type_row(kind, list(each), call.app.node_name) for kind, each in groups]


async def get_listener(call: Call) -> dict[str, Any]:
    return _settings(call, call.path["id"])


def _settings(call: Call, listener_id: str) -> dict[str, Any]:
    return render.listener_settings(call.app.listening.get(listener_id), call.app.listening.document(listener_id))


async def create_listener(call: Call) -> dict[str, Any]:
    """The id is made of `type` and `name`."""
    body: dict[str, Any] = call.data
    return await _create(call, _text(body, "type"), _text(body, "name"))


async def create_listener_at(call: Call) -> dict[str, Any]:
    kind, _, name = _matching_id(call).partition(":")
    return await _create(call, kind, name)


async def _create(call: Call, kind: str, name: str) -> dict[str, Any]:
    listener = await call.app.listening.create(kind, name, _without_shown(call.data))
    return _settings(call, listener.id)


async def change_listener(call: Call) -> dict[str, Any]:
    listener_id: str = call.path["id"]
    call.app.listening.get(listener_id)
    _matching_id(call)
    await call.app.listening.change(listener_id, _without_shown(call.data))
    return _settings(call, listener_id)


def _matching_id(call: Call) -> str:
    """The id of the path, which the body has to repeat."""
    listener_id: str = call.path["id"]
    if _text(call.data, "id") != listener_id or _text(call.data, "type") != listener_id.partition(":")[0]:
        raise Conflict("listener.mismatch", "The id of the body is not that of the path.")
    return listener_id


async def delete_listener(call: Call) -> None:
    await call.app.listening.delete(call.path["id"])


async def start_listener(call: Call) -> Response:
    await call.app.listening.start(call.path["id"])
    return Response()


async def stop_listener(call: Call) -> Response:
    await call.app.listening.halt(call.path["id"])
    return Response()


async def restart_listener(call: Call) -> Response:
    await call.app.listening.restart(call.path["id"])
    return Response()


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise Invalid("request.missing", f"missing field `{name}`", name)
    return value


def _without_shown(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in _SHOWN}
