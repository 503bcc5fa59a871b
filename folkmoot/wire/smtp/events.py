"""What passes between a receiver and whoever runs it: the limits it keeps, the message it read, what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """How far a conversation has come."""

    START = "start"
    READY = "ready"
    SENDER = "sender"
    RECIPIENTS = "recipients"
    DATA = "data"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a peer may send; beyond each the refusal comes while it is being read."""

    message_octets: int = 8 * 1024 * 1024
    discarded_octets: int = 64 * 1024 * 1024
    line_octets: int = 2048
    recipients: int = 1000
    errors: int = 20


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message as it came: who says it is from whom to whom, its bytes with CRLF line ends, and on which way.

    `sender` is "" for the null path; `protocol` is the word for a Received field (RFC 3848, RFC 6531 §4.3);
    `parameters` are those of MAIL, keys in upper case.
    """

    sender: str
    recipients: tuple[str, ...]
    data: bytes = field(repr=False)
    peer: str
    helo: str
    protocol: str
    smtputf8: bool
    parameters: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class RecipientOffered:
    """Somebody must say whether mail for this address is taken."""

    address: str


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Somebody must take responsibility for this message, or refuse it."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class TlsRequested:
    """The peer may start TLS as soon as the output is written."""


@dataclass(frozen=True, slots=True)
class ConnectionEnded:
    """Nothing follows but the output."""


Event = RecipientOffered | MessageReceived | TlsRequested | ConnectionEnded
