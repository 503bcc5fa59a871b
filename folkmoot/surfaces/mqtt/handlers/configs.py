"""What operators set on the broker (contract §2.16)."""

from __future__ import annotations

from typing import Any

from starlette.responses import PlainTextResponse, Response

from folkmoot.errors import Invalid, NotFound
from folkmoot.net import http
from folkmoot.net.decoding import media_type
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.forms.options import ALL, ROOTS, ZONE
from folkmoot.surfaces.mqtt.handlers import everything
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.text import hocon

# Roots of the zone that are taken and kept, but not shown unless asked for.
_HIDDEN = ("stats", "overload_protection", "conn_congestion")


async def get_configs(call: Call) -> Response:
    query: schema.ConfigsQuery = call.data
    document = await everything.collect(call)
    if query.key is not None and query.key not in document:
        raise Invalid("setting.unknown", "There is no such root.", "key")
    if query.key is not None:
        document = {query.key: document[query.key]}
    if _wants_json(call.headers.get("accept", "*/*")):
        return http.json_response(document)
    return PlainTextResponse(hocon.write(document))


def _wants_json(accept: str) -> bool:
    kinds = [media_type(each) for each in accept.split(",")]
    if any(kind in ("text/plain", "text/*", "*/*") for kind in kinds):
        return False
    if any(kind in ("application/json", "application/*") for kind in kinds):
        return True
    raise Invalid("accept.invalid", "Only text/plain and application/json are answered.", "accept")


async def set_configs(call: Call) -> Response:
    """The whole configuration, as HOCON."""
    app: Management = call.app
    mode = call.query.get("mode", "merge")
    if mode not in ("merge", "replace"):
        raise Invalid("request.value", "Expected merge or replace.", "mode")
    try:
        found = hocon.parse(call.body.decode())
    except (UnicodeDecodeError, hocon.HoconError) as error:
        return _refused("hocon", f"{error}")
    if call.query.get("ignore_readonly") == "true":
        found = {root: each for root, each in found.items() if root not in everything.READ_ONLY}
    unknown = [root for root in found if root not in ALL]
    if unknown:
        return _refused(unknown[0], "This root cannot be set here.")
    try:
        await (app.settings.replace(found) if mode == "replace" else app.settings.change(found))
    except Invalid as error:
        return _refused(error.field or "", error.message)
    return Response()


def _refused(where: str, message: str) -> Response:
    return http.json_response({"code": "UPDATE_FAILED", "message": message, "errors": {where: message}}, 400)


async def get_zone(call: Call) -> dict[str, Any]:
    return _zone(call)


def _zone(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = call.app.settings.document(*[root for root in ZONE if root not in _HIDDEN])
    return found


async def set_zone(call: Call) -> dict[str, Any]:
    unknown = [root for root in call.data if root not in ZONE]
    if unknown:
        raise Invalid("setting.unknown", "There is no such setting.", unknown[0])
    await call.app.settings.change(call.data)
    return _zone(call)


async def get_limiter(call: Call) -> dict[str, Any]:
    return _under(call, "limiter")


async def set_limiter(call: Call) -> dict[str, Any]:
    await call.app.settings.change({"limiter": call.data})
    return _under(call, "limiter")


async def get_config(call: Call) -> dict[str, Any]:
    return _under(call, _root(call))


async def set_config(call: Call) -> dict[str, Any]:
    root = _root(call)
    await call.app.settings.change({root: call.data})
    return _under(call, root)


def _root(call: Call) -> str:
    root = call.path["root"]
    if root not in ROOTS:
        raise NotFound("setting.root", "There is no such root.")
    return root


def _under(call: Call, root: str) -> dict[str, Any]:
    found: dict[str, Any] = call.app.settings.document(root)[root]
    return found


async def reset_config(call: Call) -> Response:
    await call.app.settings.reset(call.path["root"], call.query.get("conf_path", ""))
    return Response()
