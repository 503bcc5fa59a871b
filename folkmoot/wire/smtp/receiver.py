"""The receiving end of SMTP and LMTP (RFC 5321, RFC 2033) as a machine without sockets.

Theory. The machine owns a buffer and a state. `receive` adds bytes, `next_event` works through them until somebody
outside must decide or act, `take_output` gives what is to be written. There are three kinds of events:

    RecipientOffered    answer with `accept_recipient()` or `refuse_recipient(reply)`
    MessageReceived     answer with `settle_message(replies)`
    TlsRequested        write the output, do the handshake, then call `tls_started()`

While one of them is open nothing more is read: replies leave in the order of the commands although the peer may have
sent all of them at once (RFC 2920). After ConnectionEnded the output is written and the connection closed.

    START --EHLO/HELO/LHLO--> READY --MAIL--> SENDER --RCPT--> RECIPIENTS --DATA--> DATA --CRLF.CRLF--> READY
                                ^                |                 |
                                +------RSET------+-----------------+

Rules for changing it: what is legal where stands in `_LEGAL` and nowhere else; a line or a message ends in `framing`
and nowhere else; every command gets exactly one reply, also after DATA (LMTP: one per recipient), even when that reply
is sent before the message's end was seen; nothing is kept whose size the peer chooses without a limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from . import answers
from .addresses import AddressError, PathArgument, parse_path
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
from .framing import DataDefect, DataReader, LineDefect, LineReader
from .replies import Reply, derive_single_reply, encode_reply

_Event = TypeVar("_Event", RecipientOffered, MessageReceived, TlsRequested)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_ANY = frozenset({State.START, State.READY, State.SENDER, State.RECIPIENTS})
_LEGAL: Mapping[str, frozenset[State]] = {
    "EHLO": _ANY,
    "HELO": _ANY,
    "LHLO": _ANY,
    "MAIL": frozenset({State.READY}),
    "RCPT": frozenset({State.SENDER, State.RECIPIENTS}),
    "DATA": frozenset({State.RECIPIENTS}),
    "STARTTLS": frozenset({State.READY}),
    "RSET": _ANY,
    "NOOP": _ANY,
    "VRFY": _ANY,
    "HELP": _ANY,
    "QUIT": _ANY,
}
_ALONE = frozenset({"DATA", "STARTTLS", "RSET", "QUIT"})


@dataclass(slots=True)
class _Transaction:
    sender: str = ""
    parameters: dict[str, str | None] = field(default_factory=dict)
    smtputf8: bool = False
    recipients: list[str] = field(default_factory=list)
    answered_early: bool = False


class Receiver:
    """One connection's machine; `hostname` is how we introduce ourselves, `peer` how the envelope names the client."""

    def __init__(
        self,
        *,
        lmtp: bool = False,
        hostname: str = "localhost",
        peer: str = "",
        limits: Limits | None = None,
        offers_tls: bool = False,
    ) -> None:
        self._lmtp = lmtp
        self._hostname = hostname
        self._peer = peer
        self._limits = limits or Limits()
        self._offers_tls = offers_tls
        self._secure = False
        self._buffer = bytearray()
        self._lines = LineReader(self._limits.line_octets)
        self._output = bytearray()
        self._open: Event | None = None
        self._errors = 0
        self._helo = ""
        self._extended = False
        self._state = State.START
        self._transaction = _Transaction()
        self._data_reader = DataReader(0, 0)
        self._say(answers.greet(hostname, lmtp))

    @property
    def state(self) -> State:
        """How far the conversation has come."""
        return self._state

    @property
    def in_hand(self) -> bool:
        """Whether a message is being read or waits to be settled, so that ending now would waste it."""
        return self._state is State.DATA or isinstance(self._open, MessageReceived)

    @property
    def sender(self) -> str:
        """Who the mail in hand comes from; "" for the null path."""
        return self._transaction.sender

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer. Call it only after `next_event` gave None; the buffer is bounded by that."""
        if self._state is not State.ENDED:
            self._buffer += data

    def take_output(self) -> bytes:
        """Give what is to be written, once."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def next_event(self) -> Event | None:
        """Work through what was received up to the next event; None when more bytes are needed.

        Raises RuntimeError while the event given before waits for its answer.
        """
        if self._open is not None:
            raise RuntimeError(f"{type(self._open).__name__} has not been answered")
        while self._state is not State.ENDED:
            if not (self._read_data() if self._state is State.DATA else self._read_command()):
                return None
            event = self._waiting()
            if event is not None:
                return event
        return ConnectionEnded()

    def accept_recipient(self) -> None:
        """Answer RecipientOffered: mail for the address will be taken."""
        offered = self._close_event(RecipientOffered)
        self._transaction.recipients.append(offered.address)
        self._state = State.RECIPIENTS
        self._say(answers.RECIPIENT_OK)

    def refuse_recipient(self, reply: Reply) -> None:
        """Answer RecipientOffered with a 4xx or 5xx reply; the transaction goes on without it."""
        if not (reply.temporary or reply.permanent):
            raise ValueError(f"not a refusal: {reply}")
        self._close_event(RecipientOffered)
        self._say(reply)

    def settle_message(self, replies: Sequence[Reply]) -> None:
        """Answer MessageReceived with one reply per recipient, in their order.

        Over SMTP they become one, see `derive_single_reply`. A positive reply promises that the message is stored.
        """
        if len(replies) != len(self._transaction.recipients):
            raise ValueError(f"{len(replies)} replies for {len(self._transaction.recipients)} recipients")
        self._close_event(MessageReceived)
        # RFC 2033 §4.2: one reply for each recipient accepted, in order.
        for reply in replies if self._lmtp else [derive_single_reply(replies)]:
            self._say(reply)
        self._return_to_ready()

    def tls_started(self) -> None:
        """Answer TlsRequested after the handshake; whatever was said before is forgotten."""
        self._close_event(TlsRequested)
        # RFC 3207 §4.2: nothing learned in the clear counts, least of all commands sent behind STARTTLS.
        self._buffer.clear()
        self._secure = True
        self._helo = ""
        self._state = State.START
        self._transaction = _Transaction()

    def end(self, reply: Reply) -> None:
        """Say a last word, for example that we are shutting down, and be done."""
        self._say(reply)
        self._open = None
        self._buffer.clear()
        self._state = State.ENDED

    # Commands

    def _read_command(self) -> bool:
        line = self._lines.read(self._buffer)
        if line is LineDefect.ENDLESS:
            self.end(answers.ENDLESS_LINE)
        elif isinstance(line, LineDefect):
            self._fail(answers.LINE_TOO_LONG if line is LineDefect.TOO_LONG else answers.LONE_LINE_END)
        elif line is not None:
            self._obey(line)
        return line is not None

    def _obey(self, line: bytes) -> None:
        try:
            text = line.decode("utf-8").rstrip(" ")
        except UnicodeDecodeError:
            self._fail(answers.NOT_UTF8)
            return
        verb, _, argument = text.partition(" ")
        verb = verb.upper()
        legal = _LEGAL.get(verb)
        if _CONTROL.search(text):
            self._fail(answers.CONTROL_CHARACTER)
        elif legal is None or (verb == "STARTTLS" and not self._offers_tls):
            self._fail(answers.UNKNOWN_COMMAND)
        elif self._state not in legal:
            self._fail(answers.BAD_SEQUENCE)
        elif argument and verb in _ALONE:
            self._fail(answers.NO_ARGUMENT)
        else:
            _COMMANDS[verb](self, verb, argument)

    def _greet(self, verb: str, argument: str) -> None:
        # RFC 2033 §4.1: LHLO takes the place of both others.
        if (verb == "LHLO") != self._lmtp:
            self._fail(answers.USE_LHLO if self._lmtp else answers.UNKNOWN_COMMAND)
            return
        name = argument.strip()
        if not name or " " in name or len(name) > 255 or not name.isprintable():
            self._fail(answers.NAME_MISSING)
            return
        self._helo = name
        self._extended = verb != "HELO"
        self._return_to_ready()
        tls = self._offers_tls and not self._secure
        self._say(
            answers.list_extensions(self._hostname, self._limits.message_octets, tls)
            if self._extended
            else answers.hello(self._hostname)
        )

    def _mail(self, _verb: str, argument: str) -> None:
        path = self._read_path(argument, "FROM:")
        if path is None:
            return
        refusal = answers.judge_parameters(path.parameters, self._limits.message_octets, self._extended)
        if refusal is answers.TOO_LARGE:
            # An honest question, not an error of the peer's.
            self._say(refusal)
        elif refusal is not None:
            self._fail(refusal)
        else:
            self._transaction = _Transaction(path.address, path.parameters, "SMTPUTF8" in path.parameters)
            self._state = State.SENDER
            self._say(answers.SENDER_OK)

    def _rcpt(self, _verb: str, argument: str) -> None:
        path = self._read_path(argument, "TO:")
        if path is None:
            return
        if path.parameters:
            self._fail(answers.UNKNOWN_PARAMETER)
        elif len(self._transaction.recipients) >= self._limits.recipients:
            # RFC 5321 §4.5.3.1.10: the sender tries the rest again; no fault of his.
            self._say(answers.TOO_MANY_RECIPIENTS)
        else:
            self._open = RecipientOffered(path.address)

    def _read_path(self, argument: str, keyword: str) -> PathArgument | None:
        """Read what follows MAIL or RCPT; None when it has been refused."""
        text = argument[len(keyword) :].lstrip(" ")
        sender = keyword == "FROM:"
        if argument[: len(keyword)].upper() != keyword:
            self._fail(answers.MAIL_SYNTAX if sender else answers.RCPT_SYNTAX)
            return None
        try:
            return parse_path(text, null_allowed=sender, utf8_allowed=self._transaction.smtputf8)
        except AddressError as error:
            self._fail(answers.refuse_address(error, sender))
        except ValueError as error:
            self._fail(answers.refuse_parameter(error))
        return None

    def _data(self, _verb: str, _argument: str) -> None:
        self._data_reader = DataReader(self._limits.message_octets, self._limits.discarded_octets)
        self._state = State.DATA
        self._say(answers.GO_AHEAD)

    def _starttls(self, _verb: str, _argument: str) -> None:
        if self._secure:
            self._fail(answers.BAD_SEQUENCE)
        else:
            self._say(answers.READY_FOR_TLS)
            self._open = TlsRequested()

    def _rset(self, _verb: str, _argument: str) -> None:
        if self._state is not State.START:
            self._return_to_ready()
        self._say(answers.OK)

    def _talk(self, verb: str, argument: str) -> None:
        if verb == "VRFY" and not argument:
            self._fail(answers.VRFY_SYNTAX)
        else:
            self._say({"NOOP": answers.OK, "VRFY": answers.CANNOT_VERIFY, "HELP": answers.HELP}[verb])

    def _quit(self, _verb: str, _argument: str) -> None:
        self.end(answers.BYE)

    # Data

    def _read_data(self) -> bool:
        """Read on; True when something may have happened that ends or settles the transaction."""
        reader = self._data_reader
        ended = reader.read(self._buffer)
        if reader.defect is DataDefect.ENDLESS:
            self.end(answers.ENDLESS_MESSAGE)
            return True
        # A peer for whom a lone line end ends the message waits for its reply now, and would wait in vain. It gets
        # this one, and what it sends next is still part of the refused message.
        if reader.defect is DataDefect.LONE_LINE_END and not self._transaction.answered_early:
            self._transaction.answered_early = True
            self._refuse_message(answers.LONE_LINE_END_IN_DATA)
            if self._state is State.ENDED:
                return True
        if not ended:
            return False
        if reader.defect is None:
            self._offer_message(reader.message())
            return True
        if not self._transaction.answered_early:
            self._refuse_message(answers.DATA_DEFECTS[reader.defect])
        if self._state is State.DATA:
            self._return_to_ready()
        return True

    def _offer_message(self, data: bytes) -> None:
        kind = "LMTP" if self._lmtp else "ESMTP" if self._extended else "SMTP"
        if self._transaction.smtputf8:
            kind = "UTF8LMTP" if self._lmtp else "UTF8SMTP"
        envelope = Envelope(
            sender=self._transaction.sender,
            recipients=tuple(self._transaction.recipients),
            data=data,
            peer=self._peer,
            helo=self._helo,
            protocol=kind + "S" * self._secure,
            smtputf8=self._transaction.smtputf8,
            parameters=self._transaction.parameters,
        )
        self._open = MessageReceived(envelope)

    def _refuse_message(self, reply: Reply) -> None:
        self._errors += 1
        for _ in range(len(self._transaction.recipients) if self._lmtp else 1):
            self._say(reply)
        if self._errors >= self._limits.errors:
            self.end(answers.TOO_MANY_ERRORS)

    # State and output

    def _return_to_ready(self) -> None:
        self._state = State.READY
        self._transaction = _Transaction()

    def _waiting(self) -> Event | None:
        return self._open

    def _close_event(self, kind: type[_Event]) -> _Event:
        event = self._open
        if not isinstance(event, kind):
            raise RuntimeError(f"{kind.__name__} is not what waits for an answer")
        self._open = None
        return event

    def _say(self, reply: Reply) -> None:
        self._output += encode_reply(reply, utf8=self._transaction.smtputf8)

    def _fail(self, reply: Reply) -> None:
        self._errors += 1
        if self._errors >= self._limits.errors:
            self.end(answers.TOO_MANY_ERRORS)
        else:
            self._say(reply)


_COMMANDS: Mapping[str, Callable[[Receiver, str, str], None]] = {
    "EHLO": Receiver._greet,
    "HELO": Receiver._greet,
    "LHLO": Receiver._greet,
    "MAIL": Receiver._mail,
    "RCPT": Receiver._rcpt,
    "DATA": Receiver._data,
    "STARTTLS": Receiver._starttls,
    "RSET": Receiver._rset,
    "NOOP": Receiver._talk,
    "VRFY": Receiver._talk,
    "HELP": Receiver._talk,
    "QUIT": Receiver._quit,
}
