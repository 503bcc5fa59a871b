"""Run an ASGI application on a real socket for the time of a test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.responses import Response
from starlette.types import ASGIApp

from folkmoot.errors import FolkmootError, Forbidden, NotFound, TooLarge, Unauthenticated
from folkmoot.net import http, listeners
from folkmoot.net.errors import TooSlow, Unexpected, UnknownPath, UnsupportedMedia, WrongMethod

STATUSES: dict[type[FolkmootError], int] = {
    UnknownPath: 404,
    WrongMethod: 405,
    UnsupportedMedia: 415,
    TooSlow: 408,
    Unexpected: 500,
    TooLarge: 413,
    NotFound: 404,
    Forbidden: 403,
    Unauthenticated: 401,
}


class PlainDialect(http.Dialect):
    """A surface without a character of its own: enough to see what the binding does."""

    forms = True

    def error(self, error: FolkmootError, operation: http.Operation | None, request: Any) -> Response:
        status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 400)
        body = {"code": error.code, "message": error.message, "field": error.field}
        headers = {"allow": ", ".join(error.allow)} if isinstance(error, WrongMethod) else None
        return http.json_response(body, status, headers)


@asynccontextmanager
async def serving(app: ASGIApp, **settings: Any) -> AsyncIterator[str]:
    """The address (`127.0.0.1:port`) of a server that answers with `app`."""
    listener = listeners.open_socket("127.0.0.1:0")
    assert listener is not None
    server = listeners.HttpServer(app, listener, **settings)
    await server.start()
    try:
        yield server.address
    finally:
        await server.stop()


@asynccontextmanager
async def client_of(app: ASGIApp, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of a server that answers with `app`."""
    async with (
        serving(app, **settings) as address,
        httpx.AsyncClient(base_url=f"http://{address}", verify=False) as client,
    ):
        yield client


async def exchange(address: str, data: bytes, *, timeout: float = 5.0) -> bytes:
    """Send bytes and read until the server closes the connection."""
    reader, writer = await connect(address)
    writer.write(data)
    try:
        async with asyncio.timeout(timeout):
            return await reader.read()
    finally:
        writer.close()


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Wait for what is about to become true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
