"""Starts mail: taking it (LMTP, SMTP), writing the copies for the subscribers, sending; and hourly retention."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

import structlog

from folkmoot.config import Config
from folkmoot.errors import Invalid

from .program import Program
from .tls import server_context

_RETENTION_SECONDS = 3600.0

_logger = structlog.get_logger("folkmoot")


def check_relay(config: Config) -> None:
    """Raises Invalid naming the key, before anything is made."""
    if config.mail.relay:
        from folkmoot.net.smtp import parse_relay

        try:
            parse_relay(config.mail.relay)
        except Invalid as error:
            raise Invalid("config.value", f"mail.relay: {error.message}", "mail.relay") from error


async def start(program: Program, sockets: Mapping[str, socket.socket | None]) -> None:
    """Take mail on the sockets `lmtp` and `smtp`, write the copies that are due, send them, and forget in time."""
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
                tls=server_context(house.config),
            )
            server = MailServer(mailroom.deliver, options=options)
            await server.start(sock)
            program.on_stop(server.stop)
    reader = fanout.start_reader(house.db)
    house.announcements.listen(reader.notice)
    letterhead = Letterhead(settings.domain, house.origins["lists"])
    program.keep_running("fanout", fanout.run(house.db, reader, letterhead))
    sender = sending.Sender(house.db, settings.relay, settings.domain)
    house.settled.append(lambda: sender.use(house.config.mail.relay))
    house.announcements.listen(sender.notice)
    program.keep_running("sender", sender.run())
    program.on_stop(sender.stop)
