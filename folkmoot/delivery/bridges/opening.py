"""Makes links of connectors, and tries them out; knows the guard, the certificates and the broker's own mark."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from folkmoot.domain.bridges import Connector, Health, HttpServer, Source, Status
from folkmoot.net.mqtt import Disconnected, reason_name
from folkmoot.net.tls import TlsError, client_context
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Reason

from .ways import Link, Told

if TYPE_CHECKING:
    from folkmoot.net.outgoing import Outgoing

    from .mqtt import SourceTold

#: The name of the setting with the mark.
SETTING = "bridges"


class _Own(msgspec.Struct):
    mark: str = ""


def new_mark() -> str:
    """The setting of a broker that has none yet."""
    return msgspec.json.encode(_Own(secrets.token_hex(6))).decode()


def read_mark(content: str) -> str:
    """The mark in the setting; empty when it cannot be read."""
    try:
        return msgspec.json.decode(content, type=_Own).mark
    except msgspec.DecodeError:
        return ""


class Opener:
    """See above. `mark` is set before anything is opened."""

    def __init__(self, outgoing: Callable[[], Outgoing], allowed: Sequence[str], node_name: str) -> None:
        self._outgoing = outgoing
        self._allowed = allowed
        self._node_name = node_name
        self.mark = ""

    async def open(self, connector: Connector, told: Told, source_told: SourceTold) -> Link:
        """The link of a connector, not yet started. Raises TlsError."""
        # Imported when they are needed: most communities have no bridges.
        from .http import HttpLink
        from .mqtt import MqttLink, client_ids

        tls = await self._tls(connector)
        if isinstance(connector.settings, HttpServer):
            return HttpLink(connector, self._allowed, tls, told)
        ids = client_ids(connector, self._node_name, self.mark)
        return MqttLink(connector, self._outgoing(), ids, tls, told, source_told)

    async def probe(self, connector: Connector, source: Source | None = None) -> Health:
        """Whether the other side can be reached, and lets us subscribe."""
        from .http import HttpLink

        try:
            tls = await self._tls(connector)
        except TlsError as error:
            return Health(Status.DISCONNECTED, str(error))
        if isinstance(connector.settings, HttpServer):
            link = HttpLink(connector, self._allowed, tls, lambda health: None)
            try:
                return await link.check()
            finally:
                await link.stop()
        return await self._probe_broker(connector, source, tls)

    async def _probe_broker(self, connector: Connector, source: Source | None, tls: ssl.SSLContext | None) -> Health:
        from folkmoot.net.outgoing import OutgoingError

        from .mqtt import open_client

        assert not isinstance(connector.settings, HttpServer)
        settings = msgspec.structs.replace(connector.settings, clean_start=True)
        try:
            client = await open_client(
                settings, self._outgoing(), f"probe{secrets.token_hex(6)}", tls, lambda message: None
            )
            try:
                if source is not None:
                    code = await client.subscribe(mqtt.Filter(source.settings.topic, source.settings.qos))
                    if code >= Reason.UNSPECIFIED_ERROR:
                        return Health(Status.DISCONNECTED, f"the server refused the subscription: {reason_name(code)}")
            finally:
                client.close()
        except (Disconnected, OutgoingError) as error:
            return Health(Status.DISCONNECTED, str(error))
        return Health(Status.CONNECTED)

    async def _tls(self, connector: Connector) -> ssl.SSLContext | None:
        tls = connector.settings.ssl
        if not tls.enable:
            return None
        return await asyncio.to_thread(
            client_context,
            verify=tls.verify == "verify_peer",
            authorities=tls.cacertfile,
            certificate=tls.certfile,
            key=tls.keyfile,
            password=tls.password,
        )
