"""Connectors of type `http`: requests below one address, through the guard, and whether the server can be reached."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from folkmoot.domain.bridges import Connector, Health, HttpServer, Status
from folkmoot.net.outgoing import Outgoing, OutgoingError
from folkmoot.text.amounts import parse_duration

from .ways import HttpCall, Rejected, Request, Told, Unreachable, Way

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_CALL_SECONDS = 60.0
_MAX_ANSWER_BYTES = 1024 * 1024
# RFC 6585 §4, RFC 9110 §15.6.4: these ask to come again.
_AGAIN = (429, 503)
_JSON = {"content-type": "application/json"}


class HttpLink:
    """One server; itself the way for all its actions."""

    def __init__(self, connector: Connector, allowed: Sequence[str], tls: ssl.SSLContext | None, told: Told) -> None:
        assert isinstance(connector.settings, HttpServer)
        settings = self._settings = connector.settings
        self._connect_seconds = max(0.1, parse_duration(settings.connect_timeout))
        self._interval = max(0.1, parse_duration(connector.resource.health_check_interval))
        self._tls = tls
        self._outgoing = Outgoing(
            allowed_networks=allowed, max_answer_bytes=_MAX_ANSWER_BYTES, tls=tls, max_connections=settings.pool_size
        )
        self._told = told
        self._task: asyncio.Task[None] | None = None
        self._again = asyncio.Event()
        self.up = asyncio.Event()
        self.health = Health(Status.CONNECTING)

    def start(self) -> None:
        """Begins to look whether the server is there."""
        self._task = asyncio.create_task(self._watch(), name="http connector")

    async def stop(self) -> None:
        """Ends all connections."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._outgoing.close()

    def nudge(self) -> None:
        """Looks again at once."""
        self._again.set()

    def way(self, action_id: str) -> Way:
        """Itself."""
        return self

    async def check(self) -> Health:
        """Whether a connection comes about."""
        url = urlsplit(self._settings.url)
        secure = url.scheme == "https"
        port = url.port or (443 if secure else 80)
        tls = (self._tls or ssl.create_default_context()) if secure else None
        try:
            async with asyncio.timeout(self._connect_seconds):
                address = await self._outgoing.resolve(url.hostname or "", port)
                name = url.hostname if secure else None
                _, writer = await asyncio.open_connection(str(address), port, ssl=tls, server_hostname=name)
                writer.transport.abort()
        except TimeoutError:
            return Health(Status.DISCONNECTED, "the server did not answer in time")
        except (OSError, OutgoingError) as error:
            return Health(Status.DISCONNECTED, str(error) or type(error).__name__)
        return Health(Status.CONNECTED)

    async def send(self, request: Request, seconds: float | None) -> asyncio.Future[None] | None:
        """Makes the request and looks at its answer's status."""
        assert isinstance(request, HttpCall)
        deadline = asyncio.get_running_loop().time() + min(seconds or _LONGEST_CALL_SECONDS, _LONGEST_CALL_SECONDS)
        for left in range(request.max_retries, -1, -1):
            try:
                await self._call(request, deadline)
                return None
            except OutgoingError as error:
                if error.permanent:
                    raise Rejected(str(error)) from error
                if not left or asyncio.get_running_loop().time() >= deadline:
                    self._tell(Health(Status.DISCONNECTED, str(error)))
                    self._again.set()
                    raise Unreachable(str(error)) from error
        raise AssertionError("the last try returns or raises")

    async def _call(self, request: HttpCall, deadline: float) -> None:
        headers = (_JSON if request.body else {}) | self._settings.headers
        names = {name.lower() for name in request.headers}
        headers = {name: text for name, text in headers.items() if name.lower() not in names} | request.headers
        answer = await self._outgoing.request(
            request.method,
            _joined(self._settings.url, request.path),
            headers=headers,
            body=request.body,
            timeout_seconds=max(0.1, deadline - asyncio.get_running_loop().time()),
        )
        if answer.status in _AGAIN:
            raise Unreachable(f"the server answered {answer.status}")
        if not 200 <= answer.status < 300:
            raise Rejected(f"the server answered {answer.status}")

    async def _watch(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            self._again.clear()
            health = await self.check()
            self._tell(health)
            is_well = health.status is Status.CONNECTED
            seconds = self._interval if is_well else min(pause, self._interval)
            pause = _FIRST_PAUSE_SECONDS if is_well else pause * 2
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._again.wait()

    def _tell(self, health: Health) -> None:
        if health.status is Status.CONNECTED:
            self.up.set()
        else:
            self.up.clear()
        if health != self.health:
            self.health = health
            self._told(health)


def _joined(url: str, path: str) -> str:
    if not path or path.startswith("?"):
        return url + path
    return f"{url.rstrip('/')}/{path.lstrip('/')}"
