"""The newsletter surface: answers like listmonk 6 over HTTP, for the programs that speak to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp

from folkmoot.domain.accounts import Actor
from folkmoot.errors import FolkmootError
from folkmoot.house import House
from folkmoot.net import decoding, http
from folkmoot.net.errors import UnsupportedMedia
from folkmoot.surfaces.newsletter import auth, errors
from folkmoot.surfaces.newsletter.handlers import list_id
from folkmoot.surfaces.newsletter.routes import OPERATIONS


def make_app(house: House) -> ASGIApp:
    """The surface as an ASGI application; its handlers work with the house itself."""
    return http.bind(OPERATIONS, _Dialect(), house)


class _Dialect(http.Dialect):
    async def authenticate(self, call: http.Call) -> Actor | None:
        """Nobody is asked at a public operation; elsewhere the credential must be right and have the permission."""
        if call.operation.permission == auth.PUBLIC:
            return None
        actor = await auth.authenticate(call.app, call)
        auth.require(actor, call.operation.permission)
        return actor

    def decode(self, call: http.Call) -> Any:
        if "id" in call.path:
            list_id(call)
        kind = call.operation.request
        if kind is None:
            return None
        if call.operation.method in ("GET", "HEAD", "DELETE"):
            return decoding.decode_pairs(_asked(call), kind)
        return self._decode_body(call, kind)

    def _decode_body(self, call: http.Call, kind: Any) -> Any:
        if not call.body:
            return decoding.decode_json(b"{}", kind)
        if decoding.is_form(call.content_type):
            form = decoding.parse_form(call.body, call.content_type)
            call.files = form.files
            return decoding.decode_pairs(form.fields, kind)
        if decoding.media_type(call.content_type) == "application/json":
            return decoding.decode_json(call.body, kind)
        raise UnsupportedMedia(call.content_type)

    def answer(self, call: http.Call, result: Any) -> Response:
        return result if isinstance(result, Response) else http.json_response({"data": result})

    def error(self, error: FolkmootError, operation: http.Operation | None, request: HTTPConnection) -> Response:
        return errors.answer(error, request.scope["path"])


def _asked(call: http.Call) -> Sequence[tuple[str, str]]:
    """The parameters of the query, and those sent as a form that the query does not have (listmonk §2)."""
    pairs = call.query.multi_items()
    if not call.body or not decoding.is_form(call.content_type):
        return pairs
    sent = decoding.parse_form(call.body, call.content_type).fields
    named = {key.removesuffix("[]") for key, _ in pairs}
    return [*pairs, *(pair for pair in sent if pair[0].removesuffix("[]") not in named)]
