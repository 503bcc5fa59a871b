"""Mail connections: the SMTP and LMTP machines of `wire.smtp` on sockets, with deadlines and bounds."""

from __future__ import annotations

from folkmoot.net.smtp.server import MailServer, ServerOptions
from folkmoot.wire.smtp import Envelope, Limits, Reply

__all__ = ["Envelope", "Limits", "MailServer", "Reply", "ServerOptions"]
