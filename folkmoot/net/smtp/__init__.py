"""Mail connections: the SMTP and LMTP machines of `wire.smtp` on sockets, with deadlines and bounds."""

from __future__ import annotations

from folkmoot.net.smtp.client import ClientOptions, ConnectError, Connection, connect
from folkmoot.net.smtp.relay import Relay, parse_relay
from folkmoot.net.smtp.server import MailServer, ServerOptions
from folkmoot.wire.smtp import Envelope, Limits, Mail, Outcome, Reply

__all__ = [
    "ClientOptions",
    "ConnectError",
    "Connection",
    "Envelope",
    "Limits",
    "Mail",
    "MailServer",
    "Outcome",
    "Relay",
    "Reply",
    "ServerOptions",
    "connect",
    "parse_relay",
]
