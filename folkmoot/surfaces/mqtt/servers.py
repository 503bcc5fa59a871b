"""How web servers are reached that are asked about clients: by everybody's connections, or where TLS is set by their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from folkmoot.errors import Invalid
from folkmoot.house import House
from folkmoot.net.outgoing import Answer, Outgoing
from folkmoot.net.tls import TlsError, client_context
from folkmoot.surfaces.mqtt.inquiry import Inquiry

# What is on its way when another server is set in its place is waited for.
_LAST_SECONDS = 60.0
_closing = set[asyncio.Task[None]]()


class _Tls(msgspec.Struct):
    """Certificates and keys are PEM texts or names of files."""

    enable: bool = False
    verify: Literal["verify_peer", "verify_none"] = "verify_peer"
    cacertfile: str = ""
    certfile: str = ""
    keyfile: str = ""
    password: str = ""


class Server:
    """One web server, through the guard for addresses."""

    def __init__(self, house: House, ssl: Mapping[str, Any], connect_seconds: float, pool_size: int) -> None:
        """Raises Invalid when the certificates cannot be used."""
        self._house = house
        self._connect_seconds = connect_seconds
        self._own: Outgoing | None = None
        try:
            tls = msgspec.convert(ssl, _Tls)
        except msgspec.ValidationError as error:
            raise Invalid("tls.invalid", str(error), "ssl") from error
        if not tls.enable:
            return
        try:
            context = client_context(
                verify=tls.verify == "verify_peer",
                authorities=tls.cacertfile,
                certificate=tls.certfile,
                key=tls.keyfile,
                password=tls.password,
            )
        except TlsError as error:
            raise Invalid("tls.invalid", str(error), "ssl") from error
        networks = house.config.outgoing.allowed_networks
        self._own = Outgoing(allowed_networks=networks, tls=context, max_connections=pool_size)

    async def ask(self, inquiry: Inquiry, seconds: float) -> Answer:
        """What it answers in this time. Raises OutgoingError."""
        outgoing = self._own or self._house.outgoing
        method, url, headers, body = inquiry
        return await outgoing.request(
            method,
            url,
            headers=headers,
            body=body,
            timeout_seconds=seconds,
            connect_seconds=self._connect_seconds,
        )

    def retire(self) -> None:
        """Nobody asks it any more; its connections end after a while."""
        own, self._own = self._own, None
        if own is not None:
            task = asyncio.get_running_loop().create_task(_close(own))
            _closing.add(task)
            task.add_done_callback(_closing.discard)


async def _close(outgoing: Outgoing) -> None:
    await asyncio.sleep(_LAST_SECONDS)
    await outgoing.close()
