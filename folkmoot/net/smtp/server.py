"""A server for SMTP or LMTP: the receiver's machine on real sockets, with deadlines and bounds.

It decides nothing about mail: who may receive and what becomes of a message is said by the two functions it is given.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from folkmoot.net.smtp.link import Link
from folkmoot.wire.smtp import (
    ConnectionEnded,
    Envelope,
    Limits,
    MessageReceived,
    Receiver,
    RecipientOffered,
    Reply,
    TlsRequested,
    encode_reply,
)

_log = structlog.get_logger(__name__)

Deliver = Callable[[Envelope], Awaitable[Sequence[Reply]]]
AcceptRecipient = Callable[[str, str], Awaitable[Reply | None]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_BUSY = Reply(421, "4.3.2", "Too many connections, try again later")
_STRANGER = Reply(554, "5.7.1", "Not from your address")
_TIMED_OUT = Reply(421, "4.4.2", "Nothing heard in time")
_STOPPING = Reply(421, "4.3.2", "Shutting down")
_FAILED = Reply(451, "4.3.0", "Something went wrong here, try again later")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server behaves; times in seconds.

    `lifetime_seconds` bounds what a peer may take without completing a message. `peers` limits who may connect; None
    takes everybody the socket lets in. With `tls` STARTTLS is offered.
    """

    lmtp: bool = False
    hostname: str = "localhost"
    limits: Limits = field(default_factory=Limits)
    # Contract §5.1
    read_seconds: float = 10.0
    write_seconds: float = 10.0
    lifetime_seconds: float = 600.0
    connections: int = 256
    deliveries: int = 32
    peers: Sequence[Network] | None = None
    tls: ssl.SSLContext | None = None


class MailServer:
    """Serves one listening socket.

    `deliver` gets each message and gives one reply per recipient, in order; a positive one promises that the message
    is stored. Over SMTP they become one (all refused: the first refusal; some refused: 250, as `deliver` has seen to
    the rest). When it raises, the peer is told to try again. `accept_recipient` is asked with the sender of the
    envelope and gives None to take a recipient, or a refusal.
    """

    def __init__(
        self, deliver: Deliver, accept_recipient: AcceptRecipient | None = None, options: ServerOptions | None = None
    ) -> None:
        self._deliver = deliver
        self._accept_recipient = accept_recipient
        self._options = options or ServerOptions()
        self._slots = asyncio.Semaphore(self._options.deliveries)
        self._sessions: dict[asyncio.Task[None], _Session] = {}
        self._listener: asyncio.Server | None = None
        self._stopping = False

    @property
    def connections(self) -> int:
        """How many peers are being served now."""
        return len(self._sessions)

    async def start(self, sock: socket.socket) -> None:
        """Serve a listening socket, which is the server's from now on, until `stop`."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Link(self._admit), sock=sock, backlog=1024)

    async def stop(self, grace_seconds: float = 8.0) -> None:
        """Take no more connections, send idle ones away, let messages in hand finish, then cut off what is left."""
        self._stopping = True
        if self._listener is not None:
            self._listener.close()
        for session in self._sessions.values():
            session.leave()
        if self._sessions:
            _, late = await asyncio.wait(list(self._sessions), timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _admit(self, link: Link) -> None:
        refusal = self._judge_peer(link)
        if refusal is not None:
            link.dismiss(encode_reply(refusal))
            return
        session = _Session(link, self._options, self._settle, self._accept_recipient)
        task = asyncio.get_running_loop().create_task(session.run())
        self._sessions[task] = session
        task.add_done_callback(self._sessions.pop)

    def _judge_peer(self, link: Link) -> Reply | None:
        peers = self._options.peers
        if peers is not None and not _is_within(link.peer, peers):
            # RFC 5321 §3.1
            return _STRANGER
        if self._stopping:
            return _STOPPING
        return _BUSY if len(self._sessions) >= self._options.connections else None

    async def _settle(self, envelope: Envelope) -> Sequence[Reply]:
        async with self._slots:
            try:
                replies = await self._deliver(envelope)
            except Exception:
                _log.exception("a message could not be delivered", recipients=len(envelope.recipients))
                replies = ()
        if len(replies) == len(envelope.recipients):
            return replies
        return [_FAILED] * len(envelope.recipients)


class _Session:
    """One peer, from its greeting to its end."""

    def __init__(
        self, link: Link, options: ServerOptions, settle: Deliver, accept_recipient: AcceptRecipient | None
    ) -> None:
        self._link = link
        self._options = options
        self._settle = settle
        self._accept_recipient = accept_recipient
        self._leaving = False
        self._machine = Receiver(
            lmtp=options.lmtp,
            hostname=options.hostname,
            peer=link.peer,
            limits=options.limits,
            offers_tls=options.tls is not None,
        )

    def leave(self) -> None:
        """Say goodbye as soon as no message is in hand."""
        self._leaving = True
        if not self._machine.in_hand:
            self._link.interrupt()

    async def run(self) -> None:
        try:
            await self._converse()
        except (OSError, TimeoutError) as error:
            _log.debug("a mail connection broke", peer=self._link.peer, reason=str(error))
            self._link.abort()
        except Exception:
            _log.exception("a mail connection failed", peer=self._link.peer)
            self._link.abort()
        except asyncio.CancelledError:
            self._link.abort()
            raise
        finally:
            await self._link.close(self._options.write_seconds)

    async def _converse(self) -> None:
        clock = asyncio.get_running_loop().time
        ends_at = clock() + self._options.lifetime_seconds
        while True:
            match self._machine.next_event():
                case None:
                    if self._leaving and not self._machine.in_hand:
                        self._machine.end(_STOPPING)
                    elif not await self._read(min(self._options.read_seconds, ends_at - clock())):
                        return
                case RecipientOffered(address):
                    await self._answer_recipient(address)
                case MessageReceived(envelope):
                    await self._flush()
                    self._machine.settle_message(await self._settle(envelope))
                    ends_at = clock() + self._options.lifetime_seconds
                case TlsRequested():
                    await self._start_tls()
                case ConnectionEnded():
                    await self._flush()
                    return

    async def _read(self, seconds: float) -> bool:
        """Feed the machine; False when the peer has ended the connection."""
        await self._flush()
        try:
            data = await self._link.read(max(seconds, 0.0))
        except TimeoutError:
            self._machine.end(_STOPPING if self._leaving else _TIMED_OUT)
            return True
        self._machine.receive(data)
        return data != b""

    async def _answer_recipient(self, address: str) -> None:
        refusal = None
        if self._accept_recipient is not None:
            try:
                refusal = await self._accept_recipient(self._machine.sender, address)
            except Exception:
                _log.exception("no answer whether a recipient is taken")
                refusal = _FAILED
        if refusal is None:
            self._machine.accept_recipient()
        else:
            self._machine.refuse_recipient(refusal)

    async def _start_tls(self) -> None:
        assert self._options.tls is not None
        await self._link.start_tls(self._options.tls, self._machine.take_output(), self._options.read_seconds)
        self._machine.tls_started()

    async def _flush(self) -> None:
        await self._link.write(self._machine.take_output(), self._options.write_seconds)


def _is_within(peer: str, networks: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        # A peer without an address came through a socket of the file system, which has permissions of its own.
        return peer == ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == network.version and address in network for network in networks)
