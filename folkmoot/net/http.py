"""The binding between a surface's table of operations and HTTP.

A surface brings its `Operation` table, a `Dialect` (how it authenticates, reads and answers) and the object its
handlers work with; `bind` makes an ASGI application of them. Every surface gets: routing on the raw path, HEAD and
OPTIONS, a bounded body refused while it is read, a deadline for it, one place where errors become answers, and nothing
of an unforeseen error outside the log.
The same `Call` is what a WebSocket operation hands to the same handlers (with the socket as its `request`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import structlog
from starlette.datastructures import Headers, ImmutableMultiDict
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from folkmoot.errors import FolkmootError, TooLarge
from folkmoot.net import decoding
from folkmoot.net.errors import TooSlow, Unexpected, UnknownPath, WrongMethod
from folkmoot.net.routing import Router

MAX_BODY_BYTES = 1024 * 1024
READ_TIMEOUT_SECONDS = 30.0

_log = structlog.get_logger(__name__)

Query = ImmutableMultiDict[str, str]
NO_QUERY: Query = ImmutableMultiDict()


@dataclass(slots=True)
class Call:
    """One request to one operation, as its handler sees it."""

    operation: Operation
    app: Any
    """The surface's own object: what its handlers need to do their work."""
    request: HTTPConnection
    actor: Any = None
    """What the dialect's `authenticate` returned."""
    data: Any = None
    """The decoded request, of the operation's `request` type."""
    path: Mapping[str, str] = field(default_factory=dict)
    query: Query = field(default_factory=lambda: NO_QUERY)
    address: str = ""
    """The peer's address without its port."""
    body: bytes = b""
    files: Sequence[decoding.Upload] = ()

    @property
    def headers(self) -> Headers:
        return self.request.headers

    @property
    def content_type(self) -> str:
        return self.request.headers.get("content-type", "")


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of a surface's table."""

    name: str
    """Unique in the surface; the OpenAPI operationId."""
    method: str
    path: str
    """A template as `net.routing` reads it, from the root of the server: `/api/v5/clients/{clientid}`."""
    handler: Handler
    request: Any = None
    """The type the body (or, for GET, HEAD and DELETE, the query) is decoded into."""
    response: Any = None
    """The type of the answer, for the OpenAPI document and the tests of the answers' shape."""
    permission: str = ""
    """In the surface's own words; its `auth.py` gives them meaning."""
    summary: str = ""
    status: int = 200
    aliases: tuple[tuple[str, str], ...] = ()
    """Further (method, path) pairs that do the same."""
    tag: str = ""
    """The heading it stands under in the OpenAPI document."""
    max_body_bytes: int | None = None
    """Instead of the binding's limit."""
    allow_nul: bool = False
    """Whether texts may contain NUL, as message payloads may."""
    failures: tuple[int, ...] = ()
    """Statuses of failures that it has and others have not, for the OpenAPI document."""
    answers: Mapping[int, Any] = field(default_factory=dict)
    """The types of its other answers by status, for the OpenAPI document."""
    media_types: tuple[str, ...] = ("application/json",)
    """What its answer may be written in, for the OpenAPI document."""


class Dialect:
    """How one surface reads requests and writes answers. A surface overrides what it does differently.

    The order is: find the operation, `authenticate`, read the body, `decode`, the handler, `answer`; and `error` for
    whatever any of them raised.
    """

    authenticate_after_decode = False
    """For a surface whose credential is in the body or the query: `authenticate` then sees `call.data`."""
    booleans: Mapping[str, bool] = decoding.EXACT_BOOLEANS
    """The words for true and false in queries and forms."""
    absent: Collection[str] = ()
    """The words that clients write for what is not there, in queries and forms, where no text is asked for."""
    forms = False
    """Whether form bodies are read as well as JSON."""

    async def authenticate(self, call: Call) -> Any:
        """The actor of the call, who is allowed to make it. Raises Unauthenticated or Forbidden."""
        return None

    def decode(self, call: Call) -> Any:
        """The call's data, of the operation's `request` type; may set `call.files`. Raises Invalid."""
        operation = call.operation
        if operation.request is None:
            return None
        if call.request.scope.get("method") in ("GET", "HEAD", "DELETE") and not call.body:
            pairs = call.query.multi_items()
        elif self.forms and decoding.is_form(call.content_type):
            form = decoding.parse_form(call.body, call.content_type)
            pairs, call.files = form.fields, form.files
        else:
            return decoding.decode_json(call.body, operation.request, allow_nul=operation.allow_nul)
        return decoding.decode_pairs(
            pairs, operation.request, booleans=self.booleans, absent=self.absent, allow_nul=operation.allow_nul
        )

    def answer(self, call: Call, result: Any) -> Response:
        """The answer to a handler's result: a Response as it is, nothing as an empty body, the rest as JSON."""
        if isinstance(result, Response):
            return result
        if result is None:
            return Response(status_code=call.operation.status)
        return json_response(result, call.operation.status)

    def error(self, error: FolkmootError, operation: Operation | None, request: HTTPConnection) -> Response:
        """The answer to an error; `operation` is None when none was found. Must not raise."""
        raise NotImplementedError


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer of anything msgspec can encode, in the order of the fields, compact and unescaped."""
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def bind(
    operations: Sequence[Operation],
    dialect: Dialect,
    app: Any,
    *,
    extra_routes: Sequence[BaseRoute] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
    trailing_slash: bool = False,
) -> ASGIApp:
    """The ASGI application that answers the operations in the dialect.

    `extra_routes` are Starlette routes (pages, static files, WebSockets) for what is not in the table; their errors are
    answered by the dialect too. Raises ValueError for a table that contradicts itself.
    """
    return _Binding(operations, dialect, app, extra_routes, max_body_bytes, read_timeout_seconds, trailing_slash)


class _PeerLeft(Exception):
    """The peer closed the connection before its request was complete; nobody waits for an answer."""


class _Binding:
    def __init__(
        self,
        operations: Sequence[Operation],
        dialect: Dialect,
        app: Any,
        extra_routes: Sequence[BaseRoute],
        max_body_bytes: int,
        read_timeout_seconds: float,
        trailing_slash: bool,
    ) -> None:
        self._dialect = dialect
        self._app = app
        self._extra_routes = extra_routes
        self._max_body_bytes = max_body_bytes
        self._read_timeout_seconds = read_timeout_seconds
        self._router = Router[Operation](trailing_slash=trailing_slash)
        names = set[str]()
        for operation in operations:
            if operation.name in names:
                raise ValueError(f"two operations are named {operation.name}")
            names.add(operation.name)
            for method, path in ((operation.method, operation.path), *operation.aliases):
                self._router.add(method, path, operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        operation: Operation | None = None
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            try:
                operation, path = self._router.find(scope["method"], _raw_path(scope))
            except (UnknownPath, WrongMethod) as error:
                response = await self._elsewhere(error, scope, receive, watched_send)
                if response is None:
                    return
            else:
                response = await self._call(operation, path, request)
        except _PeerLeft:
            return
        except Exception as error:
            if started:
                _log.exception("answer.broken", path=scope["path"])
                raise
            response = self._failed(error, operation, request)
        await response(scope, receive, send)

    async def _call(self, operation: Operation, path: dict[str, str], request: Request) -> Response:
        scope, dialect = request.scope, self._dialect
        query_string = scope["query_string"]
        call = Call(
            operation,
            self._app,
            request,
            path=path,
            query=ImmutableMultiDict(decoding.parse_query(query_string)) if query_string else NO_QUERY,
            address=scope["client"][0] if scope.get("client") else "",
        )
        if not dialect.authenticate_after_decode:
            call.actor = await dialect.authenticate(call)
        if _has_body(scope):
            limit = self._max_body_bytes if operation.max_body_bytes is None else operation.max_body_bytes
            call.body = await read_body(request, limit, self._read_timeout_seconds)
        call.data = dialect.decode(call)
        if dialect.authenticate_after_decode:
            call.actor = await dialect.authenticate(call)
        return dialect.answer(call, await operation.handler(call))

    async def _elsewhere(self, error: FolkmootError, scope: Scope, receive: Receive, send: Send) -> Response | None:
        """Answer from the extra routes, or raise the router's error; the answer to OPTIONS when nobody else has one."""
        receive = _bounded(receive, self._max_body_bytes, self._read_timeout_seconds)
        allow = set(error.allow) if isinstance(error, WrongMethod) else set[str]()
        for route in self._extra_routes:
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                await route.handle(scope, receive, send)
                return None
            if match is Match.PARTIAL:
                allow.update(getattr(route, "methods", None) or ())
        if not allow:
            raise error
        if scope["method"] == "OPTIONS":
            return Response(status_code=204, headers={"allow": ", ".join(sorted(allow | {"OPTIONS"}))})
        raise WrongMethod(sorted(allow))

    def _failed(self, error: Exception, operation: Operation | None, request: Request) -> Response:
        known = error
        if not isinstance(error, FolkmootError):
            _log.error(
                "request.failed",
                operation=operation.name if operation else None,
                method=request.method,
                path=request.scope["path"],
                exc_info=error,
            )
            known = Unexpected()
        response = self._dialect.error(cast(FolkmootError, known), operation, request)
        if isinstance(error, TooSlow):
            response.headers["connection"] = "close"
        return response

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        for route in self._extra_routes:
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                await route.handle(scope, receive, send)
                return
        await send({"type": "websocket.close", "code": 1000})


def _raw_path(scope: Scope) -> str:
    raw = scope.get("raw_path")
    # A server need not give the raw path; then an encoded slash cannot be told from a plain one.
    return raw.decode("latin-1") if raw is not None else str(scope["path"])


def _has_body(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return bool(value.strip(b"0"))
        if name == b"transfer-encoding":
            return True
    return False


async def read_body(request: Request, max_bytes: int, timeout_seconds: float = READ_TIMEOUT_SECONDS) -> bytes:
    """The whole body. Raises TooLarge once it is known to be longer than `max_bytes`, TooSlow after the deadline."""
    length = request.headers.get("content-length", "")
    # Digits are cut so that a hostile header cannot cost a long conversion; twenty are already too many bytes.
    if length.isascii() and length.isdigit() and int(length[:20]) > max_bytes:
        raise _too_large(max_bytes)
    receive = _bounded(request.receive, max_bytes, timeout_seconds)
    chunks = list[bytes]()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _PeerLeft
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _bounded(receive: Receive, max_bytes: int, timeout_seconds: float) -> Receive:
    """`receive` with the body's limit and deadline; both end with the body, so waiting for the peer's end is free."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    size, complete = 0, False

    async def bounded() -> Message:
        nonlocal size, complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise TooSlow from error
        size += len(message.get("body", b""))
        if size > max_bytes:
            raise _too_large(max_bytes)
        complete = not message.get("more_body", False)
        return message

    return bounded


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge("body.large", f"The body is longer than {max_bytes} bytes.")
