"""One mail on its way to a server: what is said for it, which replies it got, what that means for each recipient.

The order in which things are said on a connection is the sender's affair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, auto

from .addresses import AddressError, parse_address
from .framing import find_lone_line_end, stuff_dots
from .replies import Reply


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to be sent: the envelope, and the bytes with CRLF line ends; `sender` is "" for the null path."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail for one recipient: delivered, or to be tried again, or never, as the reply says.

    `ours` when the reply is our own judgement, because what we were given cannot be sent like this, or because the
    connection broke; then a mail may have arrived all the same, unless it is `untried`: nothing of it was ever said.
    """

    recipient: str
    reply: Reply
    ours: bool = False
    untried: bool = False


class Step(IntEnum):
    """What was said last when a reply is waited for."""

    GREETING = auto()
    HELLO = auto()
    PLAIN_HELLO = auto()
    STARTTLS = auto()
    LOGIN = auto()
    SENDER = auto()
    RECIPIENT = auto()
    DATA = auto()
    MESSAGE = auto()
    RESET = auto()
    QUIT = auto()


class Unsendable(ValueError):
    """A mail, or one recipient of it, that cannot be sent on this connection, with the reply that says why."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(550, status, text)


class Transaction:
    """One mail between its MAIL command and the last reply to its data, at a server with these extensions.

    It has no commands when there is nobody it can be sent to; then it is answered from the start.
    """

    def __init__(self, mail: Mail, extensions: Mapping[str, str]) -> None:
        self.mail = mail
        self.commands: deque[tuple[Step, bytes]] = deque()
        self.sendable = False
        self.sender_taken = False
        self._addressed: list[int] = []
        self._asked = 0
        self._taken: list[int] = []
        self._replies: list[Reply | None] = [None] * len(mail.recipients)
        self._ours: set[int] = set()
        try:
            self._prepare(extensions)
        except Unsendable as error:
            self.answer_rest(error.reply, ours=True)

    def _prepare(self, extensions: Mapping[str, str]) -> None:
        mail, utf8 = self.mail, "SMTPUTF8" in extensions
        _require_transportable(mail.data)
        sender = f"<{_check_address(mail.sender, utf8) if mail.sender else ''}>"
        recipients = []
        for position, recipient in enumerate(mail.recipients):
            try:
                recipients.append(_check_address(recipient, utf8))
                self._addressed.append(position)
            except Unsendable as error:
                self._replies[position] = error.reply
                self._ours.add(position)
        wide = not all(each.isascii() for each in (sender, *recipients))
        parameters = _choose_parameters(mail.data, wide, extensions)
        if recipients:
            self.commands.append((Step.SENDER, f"MAIL FROM:{sender}{parameters}\r\n".encode()))
            self.commands.extend((Step.RECIPIENT, f"RCPT TO:<{each}>\r\n".encode()) for each in recipients)
            self.commands.append((Step.DATA, b"DATA\r\n"))
        self.sendable = bool(recipients)

    @property
    def has_recipients(self) -> bool:
        """Whether the server has taken any recipient."""
        return bool(self._taken)

    @property
    def all_asked(self) -> bool:
        """Whether the server has answered for every recipient."""
        return self._asked == len(self._addressed)

    def answer_sender(self, reply: Reply) -> None:
        """Note the reply to MAIL."""
        self.sender_taken = reply.positive
        if not reply.positive:
            self.answer_rest(reply)

    def answer_recipient(self, reply: Reply) -> None:
        """Note the reply to the next RCPT."""
        position = self._addressed[self._asked]
        self._asked += 1
        if reply.positive and self.sender_taken:
            self._taken.append(position)
        elif self._replies[position] is None:
            self._replies[position] = reply

    def encode_data(self) -> bytes:
        """The message as it follows DATA; only the end of one when there is nobody left to send it to."""
        # RFC 2920 §3.1: a server that goes on without a recipient gets an empty message, and refuses that.
        return stuff_dots(self.mail.data) if self._taken else b".\r\n"

    def count_final_replies(self, lmtp: bool) -> int:
        """How many replies the data will get."""
        return len(self._taken) if lmtp else 1

    def answer_data(self, reply: Reply, lmtp: bool) -> bool:
        """Note a reply to the data; True when it was the last."""
        # RFC 2033 §4.2: one each, in order.
        for position in self._taken[:1] if lmtp else self._taken:
            if self._replies[position] is None:
                self._replies[position] = reply
        self._taken = self._taken[1:] if lmtp else []
        return not self._taken

    def answer_rest(self, reply: Reply, *, ours: bool = False) -> None:
        """Let one reply stand for every recipient that has none yet."""
        for position, known in enumerate(self._replies):
            if known is None:
                self._replies[position] = reply
                if ours:
                    self._ours.add(position)

    def outcomes(self) -> list[Outcome]:
        """What became of it, in the order of the recipients; every one has been answered for."""
        return [
            Outcome(recipient, reply, position in self._ours)
            for position, (recipient, reply) in enumerate(zip(self.mail.recipients, self._replies, strict=True))
            if reply is not None
        ]


def _require_transportable(data: bytes) -> None:
    if find_lone_line_end(data) >= 0:
        raise Unsendable("5.6.0", "The message has a line end other than CRLF")
    if b"\0" in data:
        raise Unsendable("5.6.0", "The message has a NUL")


def _check_address(address: str, utf8: bool) -> str:
    try:
        return parse_address(address, utf8=utf8)
    except AddressError as error:
        # RFC 6531 §3.5
        status = "5.6.7" if error.needs_utf8 else "5.1.3"
        raise Unsendable(status, f"Address: {error}") from None


def _choose_parameters(data: bytes, wide: bool, extensions: Mapping[str, str]) -> str:
    """The parameters of MAIL; `wide` when an address is outside ASCII. Raises Unsendable."""
    words = ""
    size = len(data) + (2 if data and not data.endswith(b"\r\n") else 0)
    if "SIZE" in extensions:
        # RFC 1870 §6.1; no number or 0 is no limit.
        limit = extensions["SIZE"]
        if limit.isascii() and limit.isdigit() and 0 < int(limit[:20]) < size:
            raise Unsendable("5.3.4", f"The message has {size} octets, the server takes {limit[:20]}")
        words = f" SIZE={size}"
    if not data.isascii():
        # RFC 6152 §3: without it, the message would have to be converted, and its signatures would break.
        if "8BITMIME" not in extensions:
            raise Unsendable("5.6.3", "The message has bytes outside ASCII, the server takes only ASCII")
        words += " BODY=8BITMIME"
        wide = wide or not data[: data.find(b"\r\n\r\n")].isascii()
    return words + " SMTPUTF8" if wide and "SMTPUTF8" in extensions else words
