"""How a row of the forum's table is written."""

from __future__ import annotations

from typing import Any

from folkmoot.net.http import Call, Handler, Operation

_ROOT = "/api/v1"
_MAX_BODY_BYTES = 256 * 1024


def _limited(kind: str, handler: Handler) -> Handler:
    async def handle(call: Call) -> Any:
        return await call.app.throttle.spend(kind, call, handler, call.app.house.now())

    return handle


def operation(
    name: str,
    method: str,
    path: str,
    permission: str,
    handler: Handler,
    request: Any,
    response: Any,
    limit: str = "",
    also: tuple[str, str] | None = None,
) -> Operation:
    """A row; `also` is the method and path of the reference where they are not the document's (lemmy §9)."""
    return Operation(
        name=name,
        method=method,
        path=_ROOT + path,
        handler=_limited(limit, handler) if limit else handler,
        request=request,
        response=response,
        permission=permission,
        summary=(handler.__doc__ or "").strip(),
        max_body_bytes=_MAX_BODY_BYTES,
        tag="forum",
        aliases=((also[0], _ROOT + also[1]),) if also else (),
    )
