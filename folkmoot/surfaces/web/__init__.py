"""The web surface: the community's own pages over everything, for people with a browser and for whoever looks after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp

from folkmoot.errors import FolkmootError
from folkmoot.house import House
from folkmoot.net import http
from folkmoot.surfaces.web import errors
from folkmoot.surfaces.web.handlers import Website
from folkmoot.surfaces.web.routes import OPERATIONS

_MOST_FORM_BYTES = 256 * 1024


def make_app(house: House, addresses: Mapping[str, str], is_ready: Callable[[], bool]) -> ASGIApp:
    """The surface as an ASGI application.

    `addresses` says where each listener of the program is (`host:port` by its name in `[listen]`), `is_ready` whether all
    of them are up.
    """
    return http.bind(OPERATIONS, _Dialect(), Website(house, addresses, is_ready), max_body_bytes=_MOST_FORM_BYTES)


class _Dialect(http.Dialect):
    forms = True

    def answer(self, call: http.Call, result: Any) -> Response:
        response: Response = result
        return response

    def error(self, error: FolkmootError, operation: http.Operation | None, request: HTTPConnection) -> Response:
        return errors.answer(error)
