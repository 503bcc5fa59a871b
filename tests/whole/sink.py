"""A mail server that keeps what it is given: the relay of the tests."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Sink:
    """An SMTP server on a free port; recipients in `refuse` are refused for good, those in `defer` for now."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.refuse: set[str] = set()
        self.defer: set[str] = set()
        self._controller = Controller(self, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True)
        # The controller wants to know its port beforehand; let it take what it gets.
        self._controller._trigger_server = lambda: None  # type: ignore[method-assign]

    def __enter__(self) -> Sink:
        self._controller.start()
        assert self._controller.server is not None
        self.port: int = self._controller.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuse:
            return "550 5.1.1 no such person"
        if address in self.defer:
            return "450 4.2.1 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that reached an address, parsed."""
        return [
            email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[misc]
            for _, recipients, data in self.mails
            if address in recipients
        ]
