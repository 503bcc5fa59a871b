"""Clients a web server is asked about (contract §2.11, http): it says yes, no, or nothing; a failure is nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from folkmoot.domain.authentication import Grant, HttpConfig, Tally
from folkmoot.domain.broker import Client
from folkmoot.errors import Forbidden, Invalid
from folkmoot.house import House
from folkmoot.net.outgoing import Answer, OutgoingError
from folkmoot.surfaces.mqtt import inquiry
from folkmoot.surfaces.mqtt.auth.jwt import read_attrs
from folkmoot.surfaces.mqtt.servers import Server
from folkmoot.text.acl import read_claim
from folkmoot.text.amounts import parse_duration

# Requests at once, whatever the pool is set to; others wait, and their waiting is part of their time.
_AT_ONCE_MAX = 64

_log = structlog.get_logger("mqtt.authentication")


class Http:
    """Asks one web server."""

    is_outside = True

    def __init__(self, house: House, config: HttpConfig, tally: Tally) -> None:
        self.config = config
        self.tally = tally
        self.fault = ""
        self._server = Server(house, config.ssl, parse_duration(config.connect_timeout), config.pool_size)
        self._seconds = parse_duration(config.request_timeout)
        self._slots = asyncio.Semaphore(min(config.pool_size * config.enable_pipelining, _AT_ONCE_MAX))
        self._now: Callable[[], float] = lambda: house.now().timestamp()

    async def ask(self, client: Client, password: bytes | None) -> Grant | None:
        """What the server says to a client."""
        columns = inquiry.client_columns(client) | {"password": (password or b"").decode(errors="replace")}
        try:
            async with asyncio.timeout(self._seconds), self._slots:
                answer = await self._server.ask(inquiry.prepare(self.config, columns), self._seconds)
            grant = self._read(answer)
        except (OutgoingError, TimeoutError, ValueError) as error:
            self.tally.errors += 1
            if not self.fault:
                # Once, not for each client that comes while the server is down.
                _log.warning("a server that knows clients cannot be asked", id=self.config.id, reason=str(error))
            self.fault = str(error) or "no answer in time"
            return None
        self.fault = ""
        return grant

    def retire(self) -> None:
        """It is asked nothing any more."""
        self._server.retire()

    def _read(self, answer: Answer) -> Grant | None:
        if answer.status == 204:
            return Grant()
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        body = inquiry.read(answer)
        result = body.get("result")
        if result == "ignore":
            return None
        if result == "deny":
            raise Forbidden("authentication.denied", "The server that knows clients says no.")
        if result != "allow":
            raise ValueError("the answer says nothing")
        return self._grant(body)

    def _grant(self, body: dict[str, Any]) -> Grant:
        expires_at = body.get("expire_at") or 0
        if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
            raise ValueError("expire_at is no time")
        if 0 < expires_at <= self._now():
            raise Forbidden("authentication.denied", "What the server allows has expired.")
        try:
            rules = None if body.get("acl") is None else read_claim(body["acl"], float(expires_at))
        except Invalid as error:
            raise ValueError("acl makes no sense") from error
        return Grant(
            is_superuser=body.get("is_superuser") in (True, "true"),
            attrs=read_attrs(body.get("client_attrs")),
            expires_at=float(expires_at),
            rules=rules,
        )
