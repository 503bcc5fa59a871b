"""MQTT over TCP and WebSocket, and the management REST API beside it."""

from __future__ import annotations

from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from folkmoot.errors import FolkmootError, Invalid
from folkmoot.house import House
from folkmoot.net import decoding, http, openapi
from folkmoot.net.errors import UnknownPath
from folkmoot.surfaces.mqtt import auth, errors, schema
from folkmoot.surfaces.mqtt.auth import Authentication, Caller
from folkmoot.surfaces.mqtt.handlers import Management
from folkmoot.surfaces.mqtt.journal import StoredJournal
from folkmoot.surfaces.mqtt.push import Push
from folkmoot.surfaces.mqtt.routes import OPERATIONS, V5
from folkmoot.surfaces.mqtt.stream import Stream

__all__ = ["Authentication", "Management", "Push", "StoredJournal", "Stream", "make_app"]

_DOCS_FOLDER = "/api-docs"
_DOCS = f"{_DOCS_FOLDER}/index.html"
_CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE"),
    (b"access-control-allow-headers", b"authorization, content-type"),
)
_TITLE = "Folkmoot broker API"


def make_app(management: Management) -> ASGIApp:
    """The management API with its documentation pages as an ASGI application."""
    dialect = _Dialect(management.house)
    app = http.bind(OPERATIONS, dialect, management, extra_routes=_pages())
    options = management.stream.broker.options.dashboard

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if not options.swagger_support and scope["path"].startswith(_DOCS_FOLDER):
                request = HTTPConnection(scope)
                await dialect.error(UnknownPath(), None, request)(scope, receive, send)
                return
            if options.cors and any(name == b"origin" for name, _ in scope["headers"]):
                send = _opened(send)
        await app(scope, receive, send)

    return answer


def _opened(send: Send) -> Send:
    """Lets pages of other sites read the answer; no credential that a browser keeps comes with their requests."""

    async def send_opened(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_CORS]}
        await send(message)

    return send_opened


def _pages() -> list[Route]:
    return [
        *openapi.swagger_routes(_DOCS, "/api-docs/swagger.json", _TITLE, _describe),
        Route("/", _lead_to_docs),
    ]


def _describe() -> dict[str, Any]:
    return openapi.document(
        OPERATIONS,
        title=_TITLE,
        version=schema.VERSION,
        description="The management API of the message broker.",
        server=V5,
        security_schemes={
            "basicAuth": {"type": "http", "scheme": "basic"},
            "bearerAuth": {"type": "http", "scheme": "bearer"},
        },
        security=lambda operation: [] if operation.permission == "none" else [{"basicAuth": []}, {"bearerAuth": []}],
        failures=errors.possible,
    )


async def _lead_to_docs(_: Request) -> Response:
    return RedirectResponse(_DOCS)


class _Dialect(http.Dialect):
    def __init__(self, house: House) -> None:
        self._house = house
        self._newer_codes = house.config.mqtt.error_code_flavour == "v5.8"

    async def authenticate(self, call: http.Call) -> Caller | None:
        header, lasts = call.headers.get("authorization"), call.app.login_lasts
        return await auth.authenticate(self._house, call.operation, header, call.address, lasts)

    def decode(self, call: http.Call) -> Any:
        operation = call.operation
        if call.body and call.content_type and operation.method in ("POST", "PUT"):
            # contract §1.1: elsewhere anything is read as JSON
            is_strict = operation.path.startswith(errors.JSON_ONLY)
            if is_strict and decoding.media_type(call.content_type) != "application/json":
                raise Invalid("body.type", "content-type:application/json is required")
        return super().decode(call)

    def error(self, error: FolkmootError, operation: http.Operation | None, request: HTTPConnection) -> Response:
        return errors.answer(error, operation, request.headers.get("accept", ""), newer_codes=self._newer_codes)
