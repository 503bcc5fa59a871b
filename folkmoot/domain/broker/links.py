"""The broker's half of one connection: bytes in, packets in order, bytes out for the socket to write.

`feed` is the hot path. It walks the packets in place and handles three of them itself, without making a value of them:
runs of QoS 0 messages on one topic (forwarded as the bytes they are), of QoS 1 messages, and of PUBACK, each only in its
plain form, on a topic this client is known to be allowed, for which the broker has a route. All else, and every doubt, goes
through `parse_body` and `_packet`.
Rules for changing it: what `feed` does itself must be exactly what the slow way does; no packet is looked at before it is
complete; nothing here waits. When an answer from outside is needed (who is this? is the post accepted?), `waiting` says
what for, the bytes that follow are kept, and `accept`, `opened`, `refuse`, `taken` or `judged` goes on
with them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Kind, Reason

from . import entering, negotiating, packets, publishing, runs, subscribing
from .handing import hand_out, take_acks
from .model import Client, Identity, Opening, Post, Question, Refused, Verdict
from .negotiating import Negotiation

if TYPE_CHECKING:
    from .broker import Broker
    from .forms import Form
    from .groups import Turns
    from .quota import Quota
    from .routes import Route
    from .sessions import Session

#: Topics a link remembers as allowed; beyond that it starts again.
_GRANTED_MAX = 1024


class Link:
    """One connection as the broker sees it. `room` is how many more bytes it may be given before it counts as slow."""

    __slots__ = (
        "again", "again_links", "again_route", "again_size", "again_taker", "alias_bytes", "aliases", "broker", "client",
        "client_id", "connect", "connected_at", "dirty", "dropped_slow", "ended", "flush", "form", "granted", "held", "identity",
        "keepalive", "max_packet_size", "missed_acks", "need", "negotiation", "out", "quotas", "received",
        "received_acks", "received_bytes", "received_other", "rest", "room", "seen_at", "sent", "sent_acks",
        "sent_bytes", "sent_other", "session", "turns", "version", "waiting", "write",
    )  # fmt: skip

    def __init__(self, broker: Broker, now: float, client: Client) -> None:
        self.broker = broker
        self.client = client
        """Who is on the other side; whoever authenticates it completes this."""
        self.flush: Callable[[float], None] = _nowhere
        """Writes the output to the socket; set and called by the stream, never by the broker."""
        self.write: Callable[[bytes], None] | None = None
        """Writes bytes to the socket at once, while that has room; set and called by the stream as well."""
        self.client_id = ""
        self.identity = Identity()
        self.version = 0
        self.keepalive = 0
        self.max_packet_size = mqtt.VARINT_MAX + 5
        self.form: Form | None = None
        """If it does not take messages in the form that others take."""
        self.connect: mqtt.Connect | None = None
        self.session: Session | None = None
        self.negotiation: Negotiation | None = None
        """The enhanced authentication CONNECT asked for."""
        self.waiting: mqtt.Connect | mqtt.Auth | Opening | Post | Question | None = None
        self.ended = False
        self.connected_at = self.seen_at = now

        self.rest = bytearray()
        self.need = 0
        """How many bytes `rest` must have before looking at it again is worth it."""
        self.granted: set[bytes] = set()
        self.again, self.again_size = b"", -1
        self.again_route: Route | None = None
        self.again_links: list[Link] = []
        self.again_taker: Link | None = None
        """How the last lone QoS 0 message began, up to its payload, its size, its route, and the links (or only link) it went
        to as it was.
        The size is -1 unless bytes may be taken at once: nothing is kept, waited for or over."""
        self.quotas: tuple[Quota, ...] = ()
        """What it may publish, beside the broker's own; set before it sends anything, or else the routes are to be forgotten."""
        self.turns: Turns = {}
        """Whose turn it is in the groups it publishes to."""
        self.aliases: dict[int, str] = {}
        self.alias_bytes = 0

        self.out: list[bytes] = []
        self.room = broker.limits.output_bytes
        self.dirty = False
        self.held: deque[tuple[int, bytes]] = deque()
        """Acknowledgements waiting for a commit, with its number; later ones queue behind them."""

        self.received, self.sent = [0, 0, 0], [0, 0, 0]
        self.received_bytes = self.sent_bytes = self.received_other = self.sent_other = 0
        self.received_acks = self.missed_acks = self.sent_acks = self.dropped_slow = 0

    def relay(self, data: bytes, now: float) -> Link | None:
        """The only link that takes what came, if that is a lone message like the last one and can be written to it at once.

        The caller does so; all is counted by then. If there is none, nothing has been done with the bytes: `feed` them.
        """
        if not data.startswith(self.again):
            return None
        taker = self.again_taker
        # With no output and a socket that can be written to, it has room.
        if taker is None or taker.dirty or taker.write is None or not self.again_route.is_right:  # type: ignore[union-attr]
            return None
        size = self.again_size
        self.seen_at = now
        self.received_bytes += size
        self.received[0] += 1
        taker.sent[0] += 1
        taker.sent_bytes += size
        return taker

    def feed(self, data: bytes, now: float) -> None:
        """Takes what came from the peer; answers and deliveries are in the links' output afterwards."""
        self.seen_at = now
        size = len(data)
        self.received_bytes += size
        if size == self.again_size and data.startswith(self.again) and self.again_route.is_right:  # type: ignore[union-attr]
            self.received[0] += 1
            hand_out(data, 1, self.again_links)
            return
        self.again_size = -1
        if self.rest or self.waiting is not None or self.ended:
            data = self._join(data)
            if not data:
                return
        try:
            pos = self._walk(data, now)
        except (mqtt.PacketError, Refused) as error:
            self.end(error.reason, now)
            return
        if pos != len(data) and not self.ended:
            self.rest += data[pos:]
        if self.out and not self.dirty:
            self.mark()

    def _join(self, data: bytes) -> bytes:
        """What has been kept and what has come, as soon as there is something to be done with it."""
        if self.ended:
            return b""
        self.rest += data
        if self.waiting is not None or len(self.rest) < self.need:
            return b""
        data, self.rest = bytes(self.rest), bytearray()
        return data

    def _walk(self, data: bytes, now: float) -> int:
        """Handles the complete packets in `data` and returns where the first incomplete one begins."""
        session, routes = self.session, self.broker.routes
        known, limits, v5 = routes.cache, routes.limits, self.version == MQTT_5
        limit, hears = limits.max_packet_size - 5, self.broker.happenings.acked
        pos, end = 0, len(data)
        while end - pos >= 2:
            first, size, body = data[pos], data[pos + 1], pos + 2
            if size > 127:
                length = mqtt.parse_length(data, pos)
                if length is None:
                    self._await(first, end - pos + 1)
                    break
                size, body = length
            stop = body + size
            if size > limit and stop - pos > limit + 5:
                raise Refused(Reason.PACKET_TOO_LARGE)
            if stop > end:
                self._await(first, stop - pos)
                break

            if first == 0x30 and size > 2:
                after = body + 2 + (data[body] << 8 | data[body + 1])
                topic = data[body + 2 : after]
                route = known.get(topic)
                if route is not None and topic in self.granted and after + v5 <= stop and not (v5 and data[after]):
                    start, pos, count = pos, stop, 1
                    if end - pos > 2:
                        # A run: this message and those behind it on the same topic, in the same form.
                        same, floor = data[body : after + v5], after + v5 - body
                        while end - pos > 2 and data[pos] == 0x30:
                            size, body = data[pos + 1], pos + 2
                            if size > 127:
                                if not 0 < data[body] < 128:
                                    break
                                size, body = size & 127 | data[body] << 7, body + 1
                            if body + size > end or not floor <= size <= limit or not data.startswith(same, body):
                                break
                            pos, count = body + size, count + 1
                    elif not start and pos == end:
                        # A lone message: the next one is likely to look the same.
                        links = route.takers(v5)
                        if links:
                            self.again, self.again_size = data[: after + v5], end
                            self.again_route, self.again_links = route, links
                            self.again_taker = links[0] if len(links) == 1 else None
                    self.received[0] += count
                    routes.forward(route, data[start:pos], count, self, now)
                    continue

            elif first == 0x32 and size > 4 and limits.max_qos_allowed and not self.held:
                after = body + 2 + (data[body] << 8 | data[body + 1])
                topic = data[body + 2 : after]
                route = known.get(topic)
                if route is not None and not route.is_kept and topic in self.granted and after + 2 + v5 <= stop:
                    run = runs.take(route.topic, data, pos, after, stop, self, now)
                    if run is not None:
                        pos += len(run.data)
                        self.received[1] += run.count
                        routes.forward_acked(route, run, self, now)
                        continue

            elif (
                first == 0x40 and size == 2 and session is not None and not (session.ledger or hears or session.behind)
            ):
                pos = take_acks(self, session.inflight, data, pos)
                if session.queue:
                    session.pump(now)
                continue

            packets.receive(self, first, data, body, stop, now)
            pos = stop
            if self.waiting is not None or self.ended:
                self.need = 0
                break
            session = self.session
        else:
            self.need = 2
        return pos

    def _await(self, first: int, size: int) -> None:
        """The packet that begins with `first` is looked at again when `size` bytes of it are there."""
        if self.connect is None and first >> 4 != Kind.CONNECT:
            # [MQTT-3.1.0-1]: no use in waiting for the rest of it
            raise Refused(Reason.PROTOCOL_ERROR)
        self.need = size

    def accept(self, identity: Identity, now: float) -> None:
        """The client of the CONNECT or AUTH we wait for is known: opens the session, unless there is one already, and goes on
        with what came since."""
        waiting, self.waiting = self.waiting, None
        if self.ended or not isinstance(waiting, mqtt.Connect | mqtt.Auth) or self.connect is None:
            return
        if self.session is None:
            self.identity = self.client.identity = identity
            entering.connect(self.broker, self, self.connect, now)
        else:
            try:
                negotiating.confirm(self, identity)
            except Refused as error:
                self.end(error.reason, now)
                return
        self.feed(b"", now)

    def opened(self, now: float) -> None:
        """The session whose place this client's takes is gone for good; goes on with what came since."""
        waiting, self.waiting = self.waiting, None
        if isinstance(waiting, Opening) and not self.ended:
            entering.enter(self.broker, self, waiting.packet, waiting.answer, now)
            self.feed(b"", now)

    def challenge(self, data: bytes, now: float) -> None:
        """The client of the CONNECT or AUTH we wait for has to say more; goes on with what came since."""
        self.waiting = None
        if not self.ended:
            negotiating.challenge(self, data)
            self.feed(b"", now)

    def refuse(self, reason: Reason, now: float) -> None:
        """The client of the CONNECT or AUTH we wait for may not come in, or not stay."""
        self.waiting = None
        self.end(reason, now)

    def taken(self, code: int, now: float) -> None:
        """The community has answered for the post we wait for; acknowledges it and goes on with what came since."""
        post, self.waiting = self.waiting, None
        if not isinstance(post, Post):
            return
        if not self.ended:
            if self.session is not None:
                publishing.conclude(self, self.session, post.message.qos, post.packet_id, code)
            self.feed(b"", now)
        elif code >= Reason.UNSPECIFIED_ERROR and self.session is not None:
            # Nobody was told, so when it is sent again it is no repetition.
            self.session.finish(post.packet_id)

    def judged(self, now: float) -> None:
        """The verdicts of the question we wait for are there; does what may be done and goes on with what came since."""
        question, self.waiting = self.waiting, None
        session = self.session
        if not isinstance(question, Question) or session is None or self.ended:
            return
        packet = question.packet
        try:
            if isinstance(packet, mqtt.Subscribe):
                subscribing.go_on(self, session, packet, question.verdicts, now)
            elif question.verdicts[0] is Verdict.DENY:
                publishing.deny(self, session, packet)
            elif question.message is not None:
                publishing.go_on(self, session, packet, question.message, question.noted, now)
        except Refused as error:
            self.end(error.reason, now)
            return
        if self.waiting is None:
            self.feed(b"", now)

    def remember(self, topic: bytes) -> None:
        """This client may publish to the topic; the hot path need not ask again."""
        if len(self.granted) >= _GRANTED_MAX:
            self.granted.clear()
        self.granted.add(topic)

    def answer(self, kind: Kind, frame: bytes, ticket: int = 0) -> None:
        """Sends an acknowledgement, after the commit `ticket` if there is one."""
        self.broker.count[f"packets.{kind.name.lower()}.sent"] += 1
        self.emit_after(ticket, frame)

    def emit(self, frame: bytes) -> None:
        """Puts a packet other than PUBLISH into the output, unless the client does not take any that large."""
        # [MQTT-3.1.2-24] [MQTT-3.1.2-25]
        if len(frame) > self.max_packet_size:
            return
        self.out.append(frame)
        self.sent_other += 1
        if not self.dirty:
            self.mark()

    def hold(self, ticket: int, frame: bytes) -> None:
        """Puts a packet into the output when the commit `ticket` is done."""
        self.held.append((ticket, frame))
        self.broker.ledger.holding.add(self)

    def emit_after(self, ticket: int, frame: bytes) -> None:
        """Puts a packet other than PUBLISH into the output, after a commit if there is one to wait for."""
        if ticket and len(frame) <= self.max_packet_size:
            self.sent_other += 1
            self.hold(ticket, frame)
        else:
            self.emit(frame)

    def mark(self) -> None:
        """Lists the link among those with output."""
        self.dirty = True
        broker = self.broker
        broker.dirty.append(self)
        if not broker.is_awake:
            broker.wake()

    def take_output(self) -> bytes:
        """What is to be written now; the caller then sets `room` and lets the broker pump."""
        out = self.out
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self.dirty = False
        if self.ended:
            self.broker.past_sent_bytes += len(data)
        else:
            self.sent_bytes += len(data)
        return data

    def detach(self) -> None:
        """Its socket is gone, and nothing is left that holds on to it."""
        self.flush, self.write = _nowhere, None

    def end(self, reason: Reason | None, now: float, why: str = "") -> None:
        """Ends the connection from our side, telling the peer why if its version can; the will is published.

        `why` is the word for it if the reason does not say all; see `Broker.lost`.
        """
        if self.ended:
            return
        if reason is not None:
            packets.farewell(self, reason)
        self.broker.lost(self, now, why or packets.disconnect_reason(reason))


def _nowhere(now: float) -> None:
    pass
