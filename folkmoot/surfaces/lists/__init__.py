"""The lists surface: answers like lists.sr.ht over HTTP, takes mail, and shows the archives."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp

from folkmoot.domain.accounts import Actor
from folkmoot.errors import FolkmootError
from folkmoot.house import House
from folkmoot.net import decoding, http
from folkmoot.surfaces.lists import auth, errors
from folkmoot.surfaces.lists.routes import OPERATIONS
from folkmoot.surfaces.lists.schema import Error, encoded_fields
from folkmoot.surfaces.lists.stream import Mailroom

__all__ = ["OPERATIONS", "Mailroom", "make_app"]


def make_app(house: House) -> ASGIApp:
    """The surface as an ASGI application; its handlers work with the house itself."""
    return http.bind(OPERATIONS, _Dialect(), house, trailing_slash=True)


class _Dialect(http.Dialect):
    async def authenticate(self, call: http.Call) -> Actor:
        return await auth.authenticate(call.app, call)

    def decode(self, call: http.Call) -> Any:
        kind = call.operation.request
        if kind is None:
            return None
        # contract §1.1: forms are read as well, whatever the documentation says.
        if decoding.is_form(call.content_type):
            sent: dict[str, Any] = {}
            for key, text in decoding.parse_form(call.body, call.content_type).fields:
                sent.setdefault(key, text)
        else:
            sent = decoding.decode_json(call.body, dict[str, Any])
        return _fill(kind, sent)

    def error(self, error: FolkmootError, operation: http.Operation | None, request: HTTPConnection) -> Response:
        return errors.answer(error, request.scope["path"])


def _fill(kind: Any, sent: dict[str, Any]) -> Any:
    """Make a request of what was sent; raises InvalidFields naming every value that is wrong (contract §1.4)."""
    values: dict[str, Any] = {}
    wrong: list[Error] = []
    for key, field in encoded_fields(kind).items():
        if key not in sent:
            if field.required:
                wrong.append(Error(f"{key} is required", key))
        elif sent[key] is None:
            wrong.append(Error(f"{key} must not be null", key))
        else:
            try:
                values[field.name] = msgspec.convert(sent[key], field.type)
            except msgspec.ValidationError as error:
                wrong.append(Error(str(error), key))
    if wrong:
        raise errors.InvalidFields(wrong)
    return kind(**values)
