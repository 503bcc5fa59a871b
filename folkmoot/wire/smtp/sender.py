"""The sending end of SMTP and LMTP (RFC 5321, RFC 2033) as a machine without sockets.

Theory. Commands are answered in order, so the machine keeps a queue of what it said and is still owed a reply for
(`_owed`), and each reply goes to the handler of the oldest. With PIPELINING (RFC 2920) a mail's MAIL, RCPT and DATA
leave in one write; the message follows when DATA is answered with 354, and behind its last dot already the next mail's MAIL,
RCPT and DATA: one round trip per mail. Without PIPELINING only one command is unanswered at a time.

    GREETING -> EHLO/LHLO [-> STARTTLS -> (handshake) -> EHLO/LHLO] [-> AUTH] -> mails ... -> QUIT

Events: TlsWanted (do the handshake, then `tls_started()`), Connected, MailSettled for each mail in the order they were
submitted, and Broken, after which there is nothing to do but close. Broken settles every mail that was not, as to be tried again.

Rules for changing it: which replies are possible where stands in `_POSSIBLE`, anything else is the peer's fault and ends
the connection; nothing follows DATA before its reply; every mail submitted is settled exactly once.
"""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .replies import PeerError, Reply, ReplyReader
from .transactions import Mail, Outcome, Step, Transaction

# The first digits a reply may have.
_FINAL = frozenset({2, 4, 5})
_POSSIBLE: Mapping[Step, frozenset[int]] = {
    **dict.fromkeys(Step, _FINAL),
    Step.LOGIN: frozenset({2, 3, 4, 5}),
    Step.DATA: frozenset({3, 4, 5}),
}


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password for AUTH (RFC 4954)."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TlsWanted:
    """The server is ready for the handshake."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Mails can be sent now."""


@dataclass(frozen=True, slots=True)
class MailSettled:
    """A mail has been dealt with for all its recipients, whose outcomes stand in their order."""

    mail: Mail
    outcomes: list[Outcome]


@dataclass(frozen=True, slots=True)
class Broken:
    """The connection is of no more use; `ours` when our configuration is at fault rather than the peer or the network.

    The reply is 4xx if another connection may fare better.
    """

    reply: Reply
    ours: bool = False


SenderEvent = TlsWanted | Connected | MailSettled | Broken


class Sender:
    """One connection's machine. Raises ValueError for a hostname or login that would break a command line."""

    def __init__(
        self, *, lmtp: bool = False, hostname: str = "localhost", starttls: bool = False, login: Login | None = None
    ) -> None:
        if not hostname or not hostname.isprintable() or " " in hostname:
            raise ValueError("the name to introduce ourselves with is no name")
        if login is not None and "\0" in login.username + login.password:
            raise ValueError("a login holds no NUL")
        self._lmtp = lmtp
        self._hostname = hostname
        self._starttls = starttls
        self._login = login
        self._secrets: deque[bytes] = deque()
        self._reader = ReplyReader()
        self._output = bytearray()
        self._events: list[SenderEvent] = []
        self._owed: deque[Step] = deque([Step.GREETING])
        self._extensions: dict[str, str] = {}
        self._ready = False
        self._broken = False
        self._quitting = False
        self._leaving = False
        self._waiting: deque[Mail] = deque()
        self._current: Transaction | None = None
        self._transmitted: deque[Transaction] = deque()

    @property
    def idle(self) -> bool:
        """Whether every mail has been settled."""
        return not (self._waiting or self._current or self._transmitted)

    @property
    def broken(self) -> bool:
        """Whether the connection is of no more use."""
        return self._broken

    @property
    def extensions(self) -> Mapping[str, str]:
        """What the server offers, by keyword in upper case."""
        return self._extensions

    def submit(self, mail: Mail) -> None:
        """Send a mail when its turn comes; `take_events` tells what became of it."""
        if self._broken or self._leaving:
            self._put_off(mail, Reply(451, "4.4.2", "The connection has ended"))
        else:
            self._waiting.append(mail)
            self._advance()

    def receive(self, data: bytes) -> None:
        """Take bytes from the server; afterwards there may be output and events."""
        if self.broken:
            return
        try:
            for reply in self._reader.read(data):
                self._hear(reply)
                if self._broken:
                    return
        except PeerError as error:
            self.fail(f"The server broke the protocol: {error}")
            return
        self._advance()

    def take_output(self) -> bytes:
        """Give what is to be written, once."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def take_events(self) -> list[SenderEvent]:
        """Give what has happened since the last time."""
        events, self._events = self._events, []
        return events

    def tls_started(self) -> None:
        """Answer TlsWanted after the handshake."""
        # RFC 3207 §4.2: what was said before does not count.
        self._extensions = {}
        self._starttls = False
        self._greet()

    def quit(self) -> None:
        """Say goodbye once every mail has been settled."""
        self._quitting = True
        self._advance()

    def fail(self, reason: str) -> None:
        """Give up because the connection is gone or silent; every unsettled mail is to be tried again."""
        self._break(Broken(Reply(451, "4.4.2", reason)))

    # Replies

    def _hear(self, reply: Reply) -> None:
        # RFC 5321 §3.8: 421 may come at any time, and says that nothing else will.
        if reply.code == 421:
            self._break(Broken(reply))
            return
        if not self._owed:
            raise PeerError(f"a reply to nothing: {reply}")
        step = self._owed.popleft()
        if reply.code // 100 not in _POSSIBLE[step]:
            raise PeerError(f"not a reply to {step.name.lower()}: {reply}")
        _HANDLERS[step](self, reply)

    def _hear_greeting(self, reply: Reply) -> None:
        if reply.positive:
            self._greet()
        else:
            self._break(Broken(reply))

    def _greet(self) -> None:
        verb = "LHLO" if self._lmtp else "EHLO"
        self._say(Step.HELLO, f"{verb} {self._hostname}\r\n".encode())

    def _hear_hello(self, reply: Reply) -> None:
        if reply.positive:
            for line in reply.text.split("\n")[1:]:
                keyword, _, value = line.strip().partition(" ")
                self._extensions[keyword.upper()] = value.upper()
            self._secure_or_log_in()
        elif reply.permanent and not self._lmtp:
            # RFC 5321 §3.2: an old server knows only HELO, and no extensions.
            self._say(Step.PLAIN_HELLO, f"HELO {self._hostname}\r\n".encode())
        else:
            self._break(Broken(reply))

    def _hear_plain_hello(self, reply: Reply) -> None:
        if reply.positive:
            self._secure_or_log_in()
        else:
            self._break(Broken(reply))

    def _secure_or_log_in(self) -> None:
        if self._starttls and "STARTTLS" not in self._extensions:
            # Not to be had in the clear: somebody in between may have taken the offer out.
            self._break(Broken(Reply(454, "4.7.0", "The server does not offer STARTTLS"), ours=True))
        elif self._starttls:
            self._say(Step.STARTTLS, b"STARTTLS\r\n")
        elif self._login is None:
            self._become_ready()
        else:
            self._log_in(self._login)

    def _hear_starttls(self, reply: Reply) -> None:
        if not reply.positive:
            self._break(Broken(reply))
        elif not self._reader.empty:
            raise PeerError("something was said between STARTTLS and the handshake")
        else:
            self._events.append(TlsWanted())

    def _log_in(self, login: Login) -> None:
        offered = self._extensions.get("AUTH", "").split()
        username, password = login.username.encode(), login.password.encode()
        if "PLAIN" in offered:
            # RFC 4616 §2
            self._say(Step.LOGIN, b"AUTH PLAIN " + b64encode(b"\0" + username + b"\0" + password) + b"\r\n")
        elif "LOGIN" in offered:
            self._secrets.extend((username, password))
            self._say(Step.LOGIN, b"AUTH LOGIN\r\n")
        else:
            self._break(Broken(Reply(535, "5.7.4", "The server offers neither AUTH PLAIN nor AUTH LOGIN"), ours=True))

    def _hear_login(self, reply: Reply) -> None:
        if reply.positive:
            self._become_ready()
        elif reply.code == 334 and self._secrets:
            self._say(Step.LOGIN, b64encode(self._secrets.popleft()) + b"\r\n")
        elif reply.code < 400:
            raise PeerError("the server asks for more than a name and a password")
        else:
            self._break(Broken(reply, ours=reply.permanent))

    def _become_ready(self) -> None:
        self._ready = True
        self._events.append(Connected())

    def _hear_sender(self, reply: Reply) -> None:
        transaction = self._require_current()
        transaction.answer_sender(reply)
        if not reply.positive:
            self._drop_unsaid(transaction)

    def _hear_recipient(self, reply: Reply) -> None:
        transaction = self._require_current()
        transaction.answer_recipient(reply)
        if transaction.all_asked and not transaction.has_recipients:
            self._drop_unsaid(transaction)

    def _drop_unsaid(self, transaction: Transaction) -> None:
        """Give a mail up before its DATA, unless that has been said already and will be answered."""
        if transaction.commands:
            transaction.commands.clear()
            self._give_up(transaction)

    def _hear_data(self, reply: Reply) -> None:
        transaction = self._require_current()
        if reply.code >= 400:
            transaction.answer_rest(reply)
            self._give_up(transaction)
            return
        replies = transaction.count_final_replies(self._lmtp)
        if not replies:
            raise PeerError("the server wants a message for nobody")
        self._output += transaction.encode_data()
        self._owed.extend([Step.MESSAGE] * replies)
        self._transmitted.append(transaction)
        self._current = None

    def _hear_message(self, reply: Reply) -> None:
        if self._transmitted[0].answer_data(reply, self._lmtp):
            self._settle(self._transmitted.popleft())
            self._settle_unsendable()

    def _hear_reset(self, reply: Reply) -> None:
        if not reply.positive:
            raise PeerError(f"RSET was refused: {reply}")

    def _hear_quit(self, _reply: Reply) -> None:
        self._broken = True

    def _require_current(self) -> Transaction:
        assert self._current is not None
        return self._current

    # Mails

    def _advance(self) -> None:
        """Say whatever may be said now."""
        if not self._ready or self._leaving or self._broken:
            return
        pipelining = "PIPELINING" in self._extensions
        while pipelining or not self._owed:
            if self._current is None:
                if not self._waiting:
                    break
                self._begin(self._waiting.popleft())
            elif self._current.commands:
                self._say(*self._current.commands.popleft())
            else:
                # DATA has been said; nothing may follow before its reply.
                return
        if self._quitting and self.idle and not self._owed:
            self._leaving = True
            self._say(Step.QUIT, b"QUIT\r\n")

    def _begin(self, mail: Mail) -> None:
        transaction = Transaction(mail, self._extensions)
        if transaction.sendable:
            self._current = transaction
        else:
            # It waits for those before it: mails are settled in the order they came.
            self._transmitted.append(transaction)
            self._settle_unsendable()

    def _settle_unsendable(self) -> None:
        while self._transmitted and not self._transmitted[0].sendable:
            self._settle(self._transmitted.popleft())

    def _give_up(self, transaction: Transaction) -> None:
        """Leave a mail that got as far as MAIL, and its recipients with the replies they have."""
        self._current = None
        if transaction.sender_taken:
            self._say(Step.RESET, b"RSET\r\n")
        self._settle(transaction)

    def _settle(self, transaction: Transaction) -> None:
        self._events.append(MailSettled(transaction.mail, transaction.outcomes()))

    def _put_off(self, mail: Mail, reply: Reply) -> None:
        self._events.append(MailSettled(mail, [Outcome(each, reply, True, True) for each in mail.recipients]))

    def _break(self, broken: Broken) -> None:
        if self._broken:
            return
        self._broken = True
        self._owed.clear()
        # Another connection may fare better, so this says nothing final about any mail.
        reply = broken.reply if broken.reply.temporary else Reply(451, "4.4.2", f"No connection: {broken.reply}")
        unsettled = [*self._transmitted, *([self._current] if self._current is not None else [])]
        self._transmitted.clear()
        self._current = None
        for transaction in unsettled:
            transaction.answer_rest(reply, ours=reply.code != 421)
            self._settle(transaction)
        for mail in self._waiting:
            self._put_off(mail, reply)
        self._waiting.clear()
        self._events.append(broken)

    def _say(self, step: Step, command: bytes) -> None:
        self._output += command
        self._owed.append(step)


_HANDLERS: Mapping[Step, Callable[[Sender, Reply], None]] = {
    Step.GREETING: Sender._hear_greeting,
    Step.HELLO: Sender._hear_hello,
    Step.PLAIN_HELLO: Sender._hear_plain_hello,
    Step.STARTTLS: Sender._hear_starttls,
    Step.LOGIN: Sender._hear_login,
    Step.SENDER: Sender._hear_sender,
    Step.RECIPIENT: Sender._hear_recipient,
    Step.DATA: Sender._hear_data,
    Step.MESSAGE: Sender._hear_message,
    Step.RESET: Sender._hear_reset,
    Step.QUIT: Sender._hear_quit,
}
