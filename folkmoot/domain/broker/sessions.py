"""A client's session: its subscriptions, what is on its way to it, what waits, and which identifiers are taken.

A session outlives its connection when the client asked for that. It appends to its link's output and sends nothing.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from folkmoot.wire import mqtt

from . import queues
from .happenings import Happenings
from .model import FOREVER, Client, Delivery, Identity, Message
from .options import Limits
from .runs import Sent
from .topics import EXCLUSIVE

if TYPE_CHECKING:
    from .ledger import Ledger
    from .links import Link
    from .retaining import Debt


#: By packet identifier; what was sent as part of a run is not made a delivery before it has to be.
InFlight = dict[int, Delivery | Sent]
#: For sessions of no broker yet.
_SILENT = Happenings()


class Subscription:
    """One client's subscription to one filter, with its options (MQTT 5 §3.8.3.1)."""

    __slots__ = (
        "group",
        "identifier",
        "inner_filter",
        "is_exclusive",
        "no_local",
        "qos",
        "retain_as_published",
        "retain_handling",
        "session",
        "topic_filter",
    )

    def __init__(self, session: Session, topic_filter: str, group: str | None, inner_filter: str) -> None:
        self.session = session
        self.topic_filter = topic_filter
        self.group = group
        self.inner_filter = inner_filter
        self.qos = 0
        self.no_local = False
        self.retain_as_published = False
        self.retain_handling = 0
        self.identifier = 0
        self.is_exclusive = False
        """Nobody else has one with `$exclusive/` before this filter."""

    @property
    def written(self) -> str:
        """The filter with `$exclusive/` if it is one of those."""
        return EXCLUSIVE + self.topic_filter if self.is_exclusive else self.topic_filter

    @property
    def client_id(self) -> str:
        """Whose it is."""
        return self.session.client_id

    def delivery(self, message: Message, retain: bool | None = None) -> Delivery:
        """The message in the form this subscription asks for; `retain` overrides the flag."""
        if retain is None:
            # [MQTT-3.3.1-12] [MQTT-3.3.1-13]
            retain = message.retain and self.retain_as_published
        identifiers = (self.identifier,) if self.identifier else ()
        share = None if self.group is None else (self.group, self.inner_filter)
        qos = self.qos
        if qos < message.qos if self.session.limits.upgrade_qos else qos > message.qos:
            qos = message.qos
        return Delivery(message, qos, retain, identifiers, share)


class Session:
    """The state behind one client identifier."""

    __slots__ = (
        "awaiting",
        "backlog",
        "behind",
        "clean_start",
        "client",
        "client_id",
        "connected_at",
        "created_at",
        "delivered",
        "disconnected_at",
        "dropped_expired",
        "dropped_full",
        "dropped_qos0",
        "dropped_too_large",
        "dropped_unreleased",
        "expires_at",
        "expiry_interval",
        "happenings",
        "identity",
        "inflight",
        "last_id",
        "ledger",
        "limits",
        "link",
        "number",
        "queue",
        "released",
        "repeated",
        "subscriptions",
        "will",
        "will_at",
        "will_delay",
        "window",
    )

    def __init__(
        self, client_id: str, identity: Identity, limits: Limits, now: float, happenings: Happenings = _SILENT
    ) -> None:
        self.happenings, self.delivered = happenings, happenings.delivered
        self.client_id = client_id
        self.identity = identity
        self.client = Client(identity, client_id, identity.name)
        """As it was when it last connected."""
        self.limits = limits
        self.link: Link | None = None
        self.ledger: Ledger | None = None
        """Set while the session must survive a kill; `number` is what it, or its will alone, is known by there."""
        self.number = 0
        self.subscriptions: dict[str, Subscription] = {}
        self.inflight: InFlight = {}
        """Sent QoS 1 and 2 messages whose handshake is not over, in sending order; read it by `on_its_way`."""
        self.released: set[int] = set()
        """Identifiers in `inflight` for which PUBREL was sent."""
        self.behind: dict[int, Delivery] = {}
        """Those in `inflight` that were not yet sent again, because the client now takes fewer at a time."""
        self.queue: deque[Delivery] = deque()
        self.backlog: OrderedDict[Subscription, Debt] = OrderedDict()
        """What new subscriptions have still to get of the retained messages; see `retaining`."""
        self.awaiting: dict[int, float] = {}
        """Received QoS 2 identifiers without PUBREL, with the time of arrival."""
        self.window = limits.max_inflight
        self.last_id = 0
        self.clean_start = True
        self.expiry_interval = 0
        self.expires_at: float | None = None
        self.will: Message | None = None
        self.will_delay = 0
        self.will_at: float | None = None
        self.created_at = now
        self.connected_at = now
        self.disconnected_at: float | None = None
        self.repeated: dict[int, Delivery] = {}
        """What was on its way when `repeat` was last called."""
        self.dropped_unreleased = 0
        """Received QoS 2 messages without PUBREL for too long."""
        self.dropped_full = self.dropped_expired = self.dropped_too_large = self.dropped_qos0 = 0

    def send(self, delivery: Delivery, now: float) -> None:
        """Sends at once when window and socket allow, queues otherwise; QoS 0 is dropped for a slow consumer."""
        link = self.link
        if delivery.qos and self.ledger is not None:
            delivery = self.ledger.keep(self, delivery)
        if link is None:
            if delivery.qos or self.limits.mqueue_store_qos0:
                self._enqueue(delivery, now)
            else:
                self.dropped_qos0 += 1
                self.give_up(delivery, "qos0_msg", now)
        elif not delivery.qos:
            if link.room > 0:
                self._transmit(link, delivery, now)
            else:
                link.dropped_slow += 1
                self.give_up(delivery, "qos0_msg", now)
        elif self.queue or len(self.inflight) >= self.window or link.room <= 0:
            self._enqueue(delivery, now)
        else:
            self._transmit(link, delivery, now)

    def pump(self, now: float) -> None:
        """Sends what waits, as far as window and socket allow."""
        link = self.link
        queue = self.queue
        while link is not None and self.behind:
            if len(self.inflight) - len(self.behind) >= self.window:
                return
            packet_id = next(iter(self.behind))
            self._write(link, self.behind.pop(packet_id), packet_id, now, dup=True)
        while link is not None and queue and link.room > 0:
            if queue[0].qos and len(self.inflight) >= self.window:
                return
            delivery = queue.popleft()
            if self._is_expired(delivery, now):
                self.dropped_expired += 1
                self.give_up(delivery, "expired", now)
            else:
                self._transmit(link, delivery, now)

    def resume(self, now: float) -> None:
        """Sends again, on a new connection, what was on its way on the old one."""
        link = self.link
        if link is None:
            return
        # [MQTT-4.4.0-1]: in the original order, PUBREL where PUBREC had come; [MQTT-4.3.3-7]: expired or not
        for packet_id in self.inflight:
            if packet_id in self.released:
                link.emit_after(self.waits_for(), mqtt.encode(mqtt.Ack(mqtt.Kind.PUBREL, packet_id), link.version))
        self.behind = {one: delivery for one, delivery in self.on_its_way().items() if one not in self.released}
        queues.sort(self.queue, self.limits)
        self.pump(now)

    def find_sent(self, packet_id: int) -> Delivery | None:
        """What was sent under an identifier and is still on its way, or None."""
        delivery = self.inflight.get(packet_id)
        if isinstance(delivery, Sent):
            delivery = self.inflight[packet_id] = delivery.delivery(packet_id)
        return delivery

    def on_its_way(self) -> dict[int, Delivery]:
        """All that was sent and whose handshake is not over, by identifier and in sending order."""
        return {packet_id: found for packet_id in self.inflight if (found := self.find_sent(packet_id)) is not None}

    def acknowledge(self, packet_id: int, qos: int) -> Delivery | None:
        """Ends a handshake (PUBACK for QoS 1, PUBCOMP for QoS 2); None when there is none of that kind."""
        delivery = self.find_sent(packet_id)
        if delivery is None or delivery.qos != qos:
            return None
        del self.inflight[packet_id]
        self.behind.pop(packet_id, None)
        self.released.discard(packet_id)
        self._forget(delivery)
        return delivery

    def release(self, packet_id: int, delivery: Delivery) -> None:
        """PUBREC has come for a QoS 2 delivery: from now on only PUBREL is sent for it."""
        self.released.add(packet_id)
        if self.ledger is not None:
            self.ledger.send(self, delivery, packet_id, released=True)

    def begin(self, packet_id: int, now: float) -> None:
        """A QoS 2 message of the client is here."""
        self.awaiting[packet_id] = now
        if self.ledger is not None:
            self.ledger.receive(self, packet_id)

    def finish(self, packet_id: int) -> bool:
        """The client will not send that QoS 2 message again; False when there was none."""
        if self.awaiting.pop(packet_id, None) is None:
            return False
        if self.ledger is not None:
            self.ledger.release(self, packet_id)
        return True

    def waits_for(self) -> int:
        """The commit a handshake of this session must wait for; 0 for none."""
        return 0 if self.ledger is None else self.ledger.waits_for()

    def expire(self, now: float) -> None:
        """Drops what waits in vain."""
        expired = self._drop_queued(lambda one: self._is_expired(one, now), "expired", now)
        self.dropped_expired += expired

    def withdraw(self, may_receive: Callable[[Identity, str], bool], now: float, resumed: bool = False) -> None:
        """Drops what the client may not get any more; on a new connection also what was on its way on the old one."""
        if not self.queue and not (resumed and self.inflight):
            return
        topics = {one.message.topic for one in (*self.queue, *self.on_its_way().values())}
        gone = {topic for topic in topics if not may_receive(self.identity, topic)}
        if not gone:
            return
        self._drop_queued(lambda one: one.message.topic in gone, "not_authorized", now)
        for packet_id, delivery in self.on_its_way().items() if resumed else ():
            if delivery.message.topic in gone and packet_id not in self.released:
                del self.inflight[packet_id]
                self.give_up(delivery, "not_authorized", now)

    def _drop_queued(self, is_over: Callable[[Delivery], bool], reason: str, now: float) -> int:
        over = [one for one in self.queue if is_over(one)]
        if over:
            left = [one for one in self.queue if not is_over(one)]
            self.queue.clear()
            self.queue.extend(left)
            for delivery in over:
                self.give_up(delivery, reason, now)
        return len(over)

    def _is_expired(self, delivery: Delivery, now: float) -> bool:
        message = delivery.message
        if message.expires_at:
            return message.expires_at <= now
        lasts = self.limits.message_expiry_interval
        return lasts is not None and message.published_at + lasts <= now

    def repeat(self, now: float) -> None:
        """Sends again what has been on its way since the last call (contract §3.2, retry_interval)."""
        link, before, self.repeated = self.link, self.repeated, self.on_its_way()
        if link is None:
            return
        for packet_id, delivery in before.items():
            if self.find_sent(packet_id) is not delivery:
                continue
            if packet_id in self.released:
                link.emit_after(self.waits_for(), mqtt.encode(mqtt.Ack(mqtt.Kind.PUBREL, packet_id), link.version))
            elif link.room > 0:
                self._write(link, delivery, packet_id, now, dup=True)

    def free_id(self) -> int:
        """The next packet identifier that is not in use; the window keeps their number far below 65,535."""
        packet_id = self.last_id + 1
        while packet_id in self.inflight or packet_id > 0xFFFF:
            packet_id = packet_id + 1 if packet_id < 0xFFFF else 1
        return packet_id

    def unsent(self) -> list[Delivery]:
        """What a session that ends still owes for shared subscriptions, oldest first (contract §3.5)."""
        owed = [delivery for delivery in self.on_its_way().values() if delivery.qos == 1]
        owed += [delivery for delivery in self.queue if delivery.qos]
        return [delivery for delivery in owed if delivery.share is not None]

    def next_expiry(self, now: float) -> float | None:
        """When the session ends if the connection is lost now; None for never."""
        return None if self.expiry_interval == FOREVER else now + self.expiry_interval

    def _enqueue(self, delivery: Delivery, now: float) -> None:
        dropped = queues.put(self.queue, delivery, self.limits)
        if dropped is not None:
            self.dropped_full += 1
            self.give_up(dropped, "queue_full", now)

    def give_up(self, delivery: Delivery, reason: str, now: float) -> None:
        """The delivery will never arrive; see `Happenings.dropped` for the reasons."""
        self._forget(delivery)
        if self.happenings.dropped:
            self.happenings.tell(self.happenings.dropped, self, delivery, reason, now)

    def _forget(self, delivery: Delivery) -> None:
        if self.ledger is not None:
            self.ledger.drop(delivery)

    def _transmit(self, link: Link, delivery: Delivery, now: float) -> None:
        if not delivery.qos:
            self._write(link, delivery, 0, now)
            return
        packet_id = self.last_id = self.free_id()
        self.inflight[packet_id] = delivery
        if self.ledger is not None:
            self.ledger.send(self, delivery, packet_id)
        self._write(link, delivery, packet_id, now)

    def _write(self, link: Link, delivery: Delivery, packet_id: int, now: float, dup: bool = False) -> None:
        ticket = self.waits_for() if delivery.qos == 2 else 0
        if link.form is None:
            head, tail = delivery.parts(link.version, now)
        else:
            head, tail = link.form.parts(delivery, link.version, now, link.max_packet_size, not ticket)
        if dup:
            # [MQTT-3.3.1-1]
            head = bytes((head[0] | 8,)) + head[1:]
        frame = head + packet_id.to_bytes(2, "big") + tail if packet_id else head + tail
        size = len(frame)
        if size > link.max_packet_size:
            # [MQTT-3.1.2-25]
            self.inflight.pop(packet_id, None)
            self.dropped_too_large += 1
            self.give_up(delivery, "too_large", now)
            return
        link.room -= size
        link.sent[delivery.qos] += 1
        if self.delivered and not dup:
            self.happenings.tell(self.delivered, self, delivery, now)
        if ticket:
            link.hold(ticket, frame)
            return
        link.out.append(frame)
        if not link.dirty:
            link.mark()
