"""All MQTT listeners of the program: those of the configuration file, and what the management API has made of them and added.

What the API changes is kept as the difference to the file (settings document `listeners`; None for one that was deleted), so
it wins over the file and everything else follows the file. A change is committed before it is answered.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from socket import socket
from typing import Any

import msgspec
import structlog

from folkmoot.domain.broker import read_setting, save_setting
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.house import House
from folkmoot.net.certificates import write_pem
from folkmoot.net.listeners import ListenError
from folkmoot.surfaces.mqtt.forms import Document, defaults, difference, merged, shown
from folkmoot.surfaces.mqtt.forms.listeners import FORMS, TYPES, listener_options
from folkmoot.surfaces.mqtt.listener import Listener, tls_of
from folkmoot.surfaces.mqtt.rations import Rations
from folkmoot.surfaces.mqtt.stream import Stream

SETTING = "listeners"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_FILES = ("certfile", "keyfile", "cacertfile")
_PEM = "-----BEGIN "

_log = structlog.get_logger(__name__)


class Listening:
    """See above. Changes come one after the other."""

    def __init__(
        self, house: House, stream: Stream, moved: Callable[[str, str], None] = lambda name, address: None
    ) -> None:
        """`moved` hears where a listener listens from now on, or an empty text when it does not."""
        self._house = house
        self._stream = stream
        self._moved = moved
        self._file: dict[str, Document] = {}
        self._patches: dict[str, Document | None] = {}
        self._documents: dict[str, Document] = {}
        self._listeners: dict[str, Listener] = {}
        self._node = Rations(stream.broker.options.limiter)
        self._lock = asyncio.Lock()

    def __iter__(self) -> Iterator[Listener]:
        return iter([self._listeners[name] for name in sorted(self._listeners, key=_place)])

    async def open(self, file: Mapping[str, str]) -> None:
        """Listens as the configuration file (id → address) and the API have said.

        Raises ListenError or Invalid for what stands in the file; what the API has made must not keep the program from starting.
        """
        self._file = {name: {"bind": bind} for name, bind in file.items()}
        self._patches = await self._house.broker_db.read(read_setting, SETTING, dict)
        for name in {**self._file, **self._patches}:
            patch = self._patches.get(name, {})
            if patch is None:
                continue
            try:
                await self._open(name, patch)
            except (ListenError, Invalid) as error:
                if name in self._file and not patch:
                    raise
                _log.error("listener.failed", listener=name, error=str(error))

    async def _open(self, name: str, patch: Document) -> None:
        kind = name.partition(":")[0]
        document = merged(FORMS[kind], self._base(name), patch)
        self._documents[name] = document
        listener = Listener(self._stream, name, listener_options(kind, document), self._node)
        self._listeners[name] = listener
        if listener.options.enable:
            await listener.start(listener.open(loopback_only=self._house.demo))
            self._moved(name, listener.address)

    def refresh(self) -> None:
        """The broker's options have changed."""
        for listener in self:
            listener.refresh()

    async def refuse(self) -> None:
        """Takes no more connections anywhere."""
        for listener in self:
            listener.refuse()

    async def stop(self) -> None:
        """Ends what is left once the stream has ended."""
        await asyncio.gather(*[listener.stop() for listener in self])

    # --- looking ------------------------------------------------------------------------------------------------------

    def get(self, name: str) -> Listener:
        """One listener. Raises NotFound."""
        listener = self._listeners.get(name)
        if listener is None:
            raise NotFound("listener.unknown", "Listener id not found")
        return listener

    def document(self, name: str) -> Document:
        """What a listener is set to, without secrets, with the address it really has."""
        listener = self.get(name)
        found = shown(FORMS[listener.kind], self._documents[name])
        return {**found, "bind": listener.address}

    # --- changing -----------------------------------------------------------------------------------------------------

    async def create(self, kind: str, title: str, settings: Document) -> Listener:
        """A new listener, listening unless it is disabled. Raises Conflict or Invalid."""
        name = f"{kind}:{title}"
        if kind not in TYPES:
            raise Invalid("listener.type", f"A listener is one of {', '.join(TYPES)}.", "type")
        if not _NAME.fullmatch(title):
            raise Invalid("listener.name", "A name has at most 255 letters, digits, _ and -.", "name")
        async with self._lock:
            if name in self._listeners:
                raise Conflict("listener.exists", "Already exist")
            document = await self._complete(name, merged(FORMS[kind], self._base(name), settings))
            if "bind" not in document:
                raise Invalid("request.missing", "missing field `bind`", "bind")
            listener = Listener(self._stream, name, listener_options(kind, document), self._node)
            tls_of(listener.options)
            sock = self._socket(listener) if listener.options.enable else None
            await self._save(name, document, sock)
            self._listeners[name] = listener
            if sock is not None:
                await listener.start(sock)
                self._moved(name, listener.address)
            return listener

    async def change(self, name: str, settings: Document) -> Listener:
        """Set a listener otherwise; connections stay unless it stops. Raises NotFound or Invalid."""
        async with self._lock:
            await self._change(self.get(name), settings)
            return self.get(name)

    async def _change(self, listener: Listener, settings: Document) -> None:
        name, before = listener.id, self._documents[listener.id]
        document = await self._complete(name, merged(FORMS[listener.kind], before, settings))
        if listener.is_running and document["bind"] == listener.address:
            document["bind"] = before["bind"]
        options = listener_options(listener.kind, document)
        tls_of(options)
        moves = options.enable and (not listener.is_running or document["bind"] != before["bind"])
        sock = self._socket(listener, options) if moves else None
        await self._save(name, document, sock)
        await listener.change(options, sock if listener.is_running else None)
        if not options.enable:
            await self._stop(listener)
        elif not listener.is_running and sock is not None:
            await listener.start(sock)
        self._moved(name, listener.address if listener.is_running else "")

    async def start(self, name: str) -> None:
        """Listen, now and after a restart. Raises NotFound or Invalid."""
        await self.change(name, {"enable": True})

    async def halt(self, name: str) -> None:
        """Listen no more, and end the connections that came that way."""
        await self.change(name, {"enable": False})

    async def restart(self, name: str) -> None:
        """Stop and start. Raises NotFound or Invalid."""
        async with self._lock:
            listener = self.get(name)
            await self._stop(listener)
            await self._change(listener, {"enable": True})

    async def delete(self, name: str) -> None:
        """Forget a listener; one of the configuration file stays away, too. Raises NotFound."""
        async with self._lock:
            listener = self.get(name)
            await self._save(name, None, None)
            del self._listeners[name]
            await self._stop(listener)
            self._moved(name, "")
            await asyncio.to_thread(shutil.rmtree, self._directory(name), ignore_errors=True)

    async def _stop(self, listener: Listener) -> None:
        listener.refuse()
        listener.end_connections()
        await listener.stop()

    def _base(self, name: str) -> Document:
        """What a listener is set to where nobody has said anything else."""
        kind = name.partition(":")[0]
        found = merged(FORMS[kind], defaults(FORMS[kind]), self._file.get(name, {}))
        tls = self._house.config.tls
        if "ssl_options" in found and tls.certificate:
            found["ssl_options"] = {"certfile": tls.certificate, "keyfile": tls.key, **found["ssl_options"]}
        return found

    def _socket(self, listener: Listener, options: Any = None) -> socket:
        try:
            return listener.open(options, loopback_only=self._house.demo)
        except ListenError as error:
            raise Invalid("listener.bind", f"{error}", "bind") from error

    def _directory(self, name: str) -> Path:
        return Path(self._house.config.data.dir).absolute() / "certs" / "listeners" / name.replace(":", "_")

    async def _complete(self, name: str, document: Document) -> Document:
        """The document with files instead of the PEM texts in it."""
        tls = document.get("ssl_options")
        if not isinstance(tls, dict):
            return document
        tls = dict(tls)
        for key in _FILES:
            text = tls.get(key)
            if isinstance(text, str) and _PEM in text:
                title = f"{key.removesuffix('file')}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.pem"
                tls[key] = str(await asyncio.to_thread(write_pem, self._directory(name), title, text))
        return {**document, "ssl_options": tls}

    async def _save(self, name: str, document: Document | None, sock: socket | None) -> None:
        """Commits what a listener is set to from now on; closes the socket when that fails."""
        patches = dict(self._patches)
        if document is not None:
            patches[name] = difference(FORMS[name.partition(":")[0]], document, self._base(name))
        elif name in self._file:
            patches[name] = None
        else:
            patches.pop(name, None)
        try:
            content = msgspec.json.encode(patches).decode()
            await self._house.broker_db.write(save_setting, SETTING, content, self._house.now())
        except BaseException:
            if sock is not None:
                sock.close()
            raise
        self._patches = patches
        if document is not None:
            self._documents[name] = document
            await asyncio.to_thread(self._forget_files, name, document)

    def _forget_files(self, name: str, document: Document) -> None:
        """Certificates that were replaced."""
        used = {str(each) for each in document.get("ssl_options", {}).values() if isinstance(each, str)}
        directory = self._directory(name)
        for path in directory.glob("*.pem") if directory.is_dir() else ():
            if str(path) not in used:
                path.unlink(missing_ok=True)


def _place(name: str) -> tuple[int, str]:
    kind, _, title = name.partition(":")
    return TYPES.index(kind), title
