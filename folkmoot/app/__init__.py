"""Puts the house together: databases, broker, surfaces, delivery; starts them, says when ready, stops them in order.

This file knows the order; how a part is started is in the file named for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import structlog
import uvloop

from folkmoot.config import Config
from folkmoot.domain import accounts
from folkmoot.errors import Invalid
from folkmoot.house import House, open_databases
from folkmoot.ids import new_secret
from folkmoot.net.listeners import ListenError, address_of, open_socket
from folkmoot.store import Announcements

from . import broker, databases, log, mail, upkeep, web
from .program import Program, lock_directory, write_listeners

__all__ = ["Program", "run", "start"]

_logger = structlog.get_logger("folkmoot")


def run(config: Config, *, demo: bool) -> int:
    """Run the server until it is told to stop; the exit status."""
    log.configure(config)
    if sys.version_info >= (3, 12):
        return asyncio.run(_serve(config, demo), loop_factory=uvloop.new_event_loop)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(config, demo))


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


async def start(config: Config, *, demo: bool) -> Program:
    """Start everything; returns when every listener answers. Raises ListenError or a FolkmootError saying what to do."""
    mail.check_relay(config)
    lock = lock_directory(config)
    databases.check(config)
    community, broker_db = open_databases(config)
    community.open()
    broker_db.open()
    house = House(config, community, broker_db, Announcements(community), demo=demo)
    program = Program(house, lock)
    try:
        await _settle(house)
        await _people(program)
        await house.announcements.start()
        program.keep_running("announcements", house.announcements.follow())
        await _open(program)
    except BaseException:
        await program.stop()
        raise
    program.ready = True
    write_listeners(program)
    if house.setup_token:
        _logger.info("make the first administrator there", once=f"{house.origins['web']}/setup/{house.setup_token}")
    return program


async def _settle(house: House) -> None:
    from folkmoot.surfaces import forum

    await forum.settle(house)


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


async def _open(program: Program) -> None:
    """Open every socket first, so that each surface knows where the others answer; then serve on them."""
    house = program.house
    listen = house.config.listen
    sockets = {
        name: open_socket(getattr(listen, name), loopback_only=house.demo) for name in (*web.HTTP, "lmtp", "smtp")
    }
    program.addresses.update({name: address_of(sock) for name, sock in sockets.items() if sock is not None})
    web.name_origins(house, program.addresses)
    management = await broker.start(program)
    await mail.start(program, sockets)
    upkeep.start(program)
    await web.start(program, sockets, management)
