"""SMTP and LMTP as pure machines: bytes in, bytes and events out. Sockets and clocks are `net`'s."""

from __future__ import annotations

from .addresses import AddressError, parse_address
from .events import (
    ConnectionEnded,
    Envelope,
    Event,
    Limits,
    MessageReceived,
    RecipientOffered,
    State,
    TlsRequested,
)
from .framing import find_lone_line_end
from .receiver import Receiver
from .replies import PeerError, Reply, derive_single_reply, encode_reply
from .sender import Broken, Connected, Login, MailSettled, Sender, SenderEvent, TlsWanted
from .transactions import Mail, Outcome

__all__ = [
    "AddressError",
    "Broken",
    "Connected",
    "ConnectionEnded",
    "Envelope",
    "Event",
    "Limits",
    "Login",
    "Mail",
    "MailSettled",
    "MessageReceived",
    "Outcome",
    "PeerError",
    "Receiver",
    "RecipientOffered",
    "Reply",
    "Sender",
    "SenderEvent",
    "State",
    "TlsRequested",
    "TlsWanted",
    "derive_single_reply",
    "encode_reply",
    "find_lone_line_end",
    "parse_address",
]
