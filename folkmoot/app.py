"""Puts the house together: databases, broker, surfaces, delivery; starts them, says when ready, stops them in order."""

from __future__ import annotations

import asyncio
import fcntl
import ipaddress
import json
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import structlog
import uvloop
from starlette.routing import Router, WebSocketRoute
from starlette.types import ASGIApp

from folkmoot.config import Config
from folkmoot.domain import accounts, outbox
from folkmoot.domain.broker import Identity
from folkmoot.errors import FolkmootError, Invalid, Unavailable
from folkmoot.house import House, open_databases
from folkmoot.ids import new_secret
from folkmoot.net.listeners import (
    Address,
    HttpServer,
    ListenError,
    WebSocketSettings,
    address_of,
    open_socket,
    parse_address,
)
from folkmoot.store import Announcements, log
from folkmoot.surfaces.mqtt import Stream
from folkmoot.wire.mqtt import Properties

_RETENTION_SECONDS = 3600.0
_STOP_SECONDS = 9.0

_logger = structlog.get_logger("folkmoot")


def run(config: Config, *, demo: bool) -> int:
    """Run the server until it is told to stop; the exit status."""
    _configure_log(config)
    if sys.version_info >= (3, 12):
        return asyncio.run(_serve(config, demo), loop_factory=uvloop.new_event_loop)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(config, demo))


def _configure_log(config: Config) -> None:
    level: int = getattr(logging, config.log.level.upper())
    last: Any = (
        structlog.processors.JSONRenderer()
        if config.log.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _serve(config: Config, demo: bool) -> int:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    try:
        program = await start(config, demo=demo)
    except ListenError as error:
        raise Invalid("listen", f"{error}.") from error
    try:
        await told.wait()
    finally:
        _logger.info("stopping")
        await program.stop()
    return 0


class Program:
    """Everything that runs, in the order it was started."""

    def __init__(self, house: House, lock: IO[str]) -> None:
        self.house = house
        self._lock = lock
        self.addresses: dict[str, str] = {}
        self.ready = False
        self._stops: list[Callable[[], Awaitable[None]]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def on_stop(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Call and await `stop` when the program ends; the last registered comes first."""
        self._stops.append(stop)

    def keep_running(self, name: str, work: Any) -> None:
        """Run a coroutine for as long as the program does."""
        self._tasks.append(asyncio.create_task(work, name=name))

    async def stop(self) -> None:
        """Refuse new work, finish what is in hand, flush."""
        self.ready = False
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                for stop in reversed(self._stops):
                    await self._end(stop)
        except TimeoutError:
            _logger.warning("not everything ended in time")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.house.db.close()
        self.house.broker_db.close()
        # Only now may another server have the data.
        self._lock.close()

    async def _end(self, stop: Callable[[], Awaitable[None]]) -> None:
        try:
            await stop()
        except Exception:
            # What cannot end in order must not keep the rest from it.
            _logger.exception("a part did not end in order")


async def start(config: Config, *, demo: bool) -> Program:
    """Start everything; returns when every listener answers. Raises ListenError or a FolkmootError saying what to do."""
    _check_relay(config)
    lock = _lock(config)
    community, broker_db = open_databases(config)
    community.open()
    broker_db.open()
    house = House(config, community, broker_db, Announcements(community), demo=demo)
    program = Program(house, lock)
    try:
        await _people(program)
        await house.announcements.start()
        program.keep_running("announcements", house.announcements.follow())
        await _open(program)
    except BaseException:
        await program.stop()
        raise
    program.ready = True
    _write_listeners(program)
    if house.setup_token:
        _logger.info("make the first administrator there", once=f"{house.origins['web']}/setup/{house.setup_token}")
    return program


async def _people(program: Program) -> None:
    house = program.house
    if house.demo:
        from folkmoot import demo

        hashed = await asyncio.to_thread(house.passwords.hash, demo.PASSWORD)
        if await house.db.write(demo.seed, hashed, house.config.mail.domain, house.now()):
            _logger.info("seeded the demo", sign_in_as="admin", password=demo.PASSWORD)
        return
    if await house.db.read(accounts.list_admins):
        return
    name, password = os.environ.get("FOLKMOOT_ADMIN_USERNAME"), os.environ.get("FOLKMOOT_ADMIN_PASSWORD")
    if not (name and password):
        house.setup_token = new_secret(32)
    else:
        hashed = await asyncio.to_thread(house.passwords.hash, password)
        await house.db.write(accounts.register, name, hashed, house.now(), is_admin=True)
        _logger.info("made the first administrator", name=name)


# --- opening ---------------------------------------------------------------------------------------------------------

_HTTP = ("forum", "lists", "newsletter", "mqtt_api", "web")


async def _open(program: Program) -> None:
    """Open every socket first, so that each surface knows where the others answer; then serve on them."""
    house = program.house
    listen = house.config.listen
    sockets = {
        name: open_socket(getattr(listen, name), loopback_only=house.demo)
        for name in (*_HTTP, "mqtt_ws", "mqtt_wss", "lmtp", "smtp")
    }
    for name in ("mqtt", "mqtt_tls"):
        if house.demo and (address := parse_address(getattr(listen, name))) and not address.is_loopback:
            raise ListenError(f"refusing to listen on {address}: the demo is for loopback addresses only")
    program.addresses.update({name: address_of(sock) for name, sock in sockets.items() if sock is not None})
    _name_origins(house, program.addresses)
    stream = await _start_broker(program)
    await _start_mail(program, sockets)
    apps = _http_apps(program, stream)
    for name in (*_HTTP, "mqtt_ws", "mqtt_wss"):
        sock = sockets[name]
        if sock is not None:
            settings = (
                WebSocketSettings(max_message_bytes=house.config.mqtt.max_packet_bytes + 5, ping_interval_seconds=None)
                if name.startswith("mqtt_w")
                else WebSocketSettings()
            )
            tls = _tls(house.config) if name == "mqtt_wss" else None
            server = HttpServer(apps[name], sock, websockets=settings, tls=tls)
            await server.start()
            program.on_stop(server.stop)


def _name_origins(house: House, addresses: dict[str, str]) -> None:
    site = house.config.site
    public = {"web": site.web_url, "lists": site.lists_url, "forum": site.forum_url, "newsletter": site.newsletter_url}
    for name in _HTTP:
        house.origins[name] = (public.get(name) or f"http://{addresses.get(name, site.hostname)}").rstrip("/")


def _http_apps(program: Program, stream: Stream) -> dict[str, ASGIApp]:
    from folkmoot.surfaces import forum, lists, mqtt, newsletter, web

    house = program.house
    websocket = Router(routes=[WebSocketRoute("/mqtt", stream.websocket)])
    return {
        "forum": forum.make_app(house),
        "lists": lists.make_app(house),
        "newsletter": newsletter.make_app(house),
        "mqtt_api": mqtt.make_app(house, stream, lambda: program.ready),
        "web": web.make_app(house, program.addresses, lambda: program.ready),
        "mqtt_ws": websocket,
        "mqtt_wss": websocket,
    }


async def _start_broker(program: Program) -> Stream:
    from folkmoot.domain.broker import Broker, CommunityGate, Limits
    from folkmoot.surfaces.mqtt import Push, StoredJournal, authenticate_client

    house = program.house
    gate = CommunityGate()
    broker = Broker(gate, Limits(max_packet_size=house.config.mqtt.max_packet_bytes))
    journal = StoredJournal(house.broker_db)
    await journal.load(broker)

    async def admit(name: str | None, password: bytes | None, address: str) -> Identity:
        identity = await authenticate_client(house, name, password)
        await push.admit(identity)
        return identity

    async def take(identity: Identity, topic: str, payload: bytes, properties: Properties) -> int:
        return await push.take(identity, topic, payload, properties)

    stream = Stream(broker, admit, take, journal)
    push = Push(house, stream, gate)
    await push.start()
    stream.start()
    program.on_stop(stream.stop)
    for name, tls in (("mqtt", None), ("mqtt_tls", _tls(house.config))):
        address = parse_address(getattr(house.config.listen, name))
        if address is not None:
            port = await _listen_mqtt(stream, address, tls)
            program.addresses[name] = str(Address(address.host, port))
    program.keep_running("mqtt push", push.run())
    if house.demo:
        await _retain_demo(stream)
    return stream


async def _listen_mqtt(stream: Stream, address: Address, tls: ssl.SSLContext | None) -> int:
    try:
        return await stream.listen(address.host, address.port, tls, "ssl:default" if tls else "tcp:default")
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror or error}") from error


async def _retain_demo(stream: Stream) -> None:
    from folkmoot import demo
    from folkmoot.domain.broker import Message

    for topic, payload in demo.RETAINED:
        await stream.publish(Message(topic, payload.encode(), qos=1, retain=True, published_at=stream.now()))


async def _start_mail(program: Program, sockets: Mapping[str, socket.socket | None]) -> None:
    from folkmoot.delivery import fanout
    from folkmoot.delivery import mail as sending
    from folkmoot.domain.conversations import Letterhead
    from folkmoot.net.smtp import Limits, MailServer, ServerOptions
    from folkmoot.surfaces.lists import Mailroom

    house = program.house
    settings = house.config.mail
    mailroom = Mailroom(house)
    for name in ("lmtp", "smtp"):
        sock = sockets[name]
        if sock is not None:
            options = ServerOptions(
                lmtp=name == "lmtp",
                hostname=settings.domain,
                limits=Limits(message_octets=settings.max_bytes),
                peers=tuple(map(ipaddress.ip_network, settings.peers)) or None,
                tls=_tls(house.config),
            )
            server = MailServer(mailroom.deliver, mailroom.accept_recipient, options)
            await server.start(sock)
            program.on_stop(server.stop)
    reader = fanout.start_reader(house.db)
    house.announcements.listen(reader.notice)
    letterhead = Letterhead(settings.domain, house.origins["lists"])
    program.keep_running("fanout", fanout.run(house.db, reader, letterhead))
    sender = sending.Sender(house.db, settings.relay, settings.domain)
    house.announcements.listen(sender.notice)
    program.keep_running("sender", sender.run())
    program.on_stop(sender.stop)
    program.keep_running("retention", _retain(house))


async def _retain(house: House) -> None:
    """Drop what nobody needs any more, hourly."""
    while True:
        now = house.now()
        try:
            await house.db.write(log.forget, now - timedelta(days=house.config.data.event_retention_days))
            await house.db.write(outbox.forget, now - timedelta(days=house.config.mail.caught_retention_days))
        except FolkmootError:
            _logger.exception("retention failed")
        await asyncio.sleep(_RETENTION_SECONDS)


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls.certificate, config.tls.key)
    except (OSError, ssl.SSLError) as error:
        raise Invalid("config.tls", f"Cannot use tls.certificate and tls.key: {error}.", "tls.certificate") from error
    return context


def _check_relay(config: Config) -> None:
    """Raises Invalid naming the key, before anything is made."""
    if config.mail.relay:
        from folkmoot.net.smtp import parse_relay

        try:
            parse_relay(config.mail.relay)
        except Invalid as error:
            raise Invalid("config.value", f"mail.relay: {error.message}", "mail.relay") from error


def _lock(config: Config) -> IO[str]:
    """Hold the data directory for this process alone; raises Unavailable when another server has it."""
    directory = Path(config.data.dir)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Unavailable("data.locked", f"Another server is running on the data directory {directory}.") from error
    return lock


def _write_listeners(program: Program) -> None:
    """Tell in `<data>/listeners.json` where everything answers, whole or not at all."""
    path = Path(program.house.config.data.dir) / "listeners.json"
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(program.addresses, indent=2) + "\n")
    draft.replace(path)
    _logger.info("ready", **program.addresses)
