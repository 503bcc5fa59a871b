"""Who gets the messages of a topic: the subscription table, the remembered routes, and sending along them.

`forward` and `deliver` are the hot path behind `Link.feed`; see `broker` for what they may do. A route is right until its
subscriptions, the links behind them or the permissions change, and whoever changes those calls `forget` or `forget_all`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5

from .happenings import Happenings
from .links import Link, hand_out
from .model import Delivery, Gate, Identity, Message
from .options import Limits
from .sessions import Session, Subscription
from .topics import Group, Table

#: Routes remembered; beyond that the cache starts again.
_ROUTES_MAX = 65_536


class Route:
    """The receivers of one topic, sorted by what they need.

    `plain` links take a QoS 0 PUBLISH as the bytes it came in, if it came in their wire form (MQTT 3 or 5); `acked` are those
    of them that want QoS 1 and take the bytes around the packet identifier. All others get each message made for them:
    `single` at QoS 0, `rest` (by the wire form of the publisher) at QoS 1.
    """

    __slots__ = (
        "acked3", "acked5", "groups", "is_kept", "is_right", "plain3", "plain5", "rest3", "rest5", "single", "subscriptions",
        "topic",
    )  # fmt: skip

    def __init__(self, topic: str, subscriptions: list[Subscription], limits: Limits) -> None:
        self.topic = topic
        self.is_right = True
        """False as soon as it is forgotten."""
        self.is_kept = False
        """Somebody on it must get messages even after a kill; they go the slow way."""
        self.subscriptions = subscriptions
        self.groups: list[tuple[Group[Subscription], list[Subscription]]] = []
        self.plain3: list[Link] = []
        self.plain5: list[Link] = []
        self.acked3: list[Link] = []
        self.acked5: list[Link] = []
        self.single: list[Subscription] = []
        self.rest3: list[Subscription] = []
        self.rest5: list[Subscription] = []
        for subscription in subscriptions:
            self._sort(subscription, limits)

    def takers(self, v5: bool) -> list[Link]:
        """All receivers, if they all take a QoS 0 PUBLISH of this wire form as the bytes it came in; else none."""
        same, other = (self.plain5, self.plain3) if v5 else (self.plain3, self.plain5)
        return [] if other or self.single or self.groups else same

    def _sort(self, subscription: Subscription, limits: Limits) -> None:
        link = subscription.session.link
        self.is_kept |= subscription.session.ledger is not None
        if (
            link is None
            or link.form is not None
            or link.max_packet_size < limits.max_packet_size
            or limits.upgrade_qos
            or subscription.no_local
            or subscription.identifier
        ):
            self.single.append(subscription)
            self.rest3.append(subscription)
            self.rest5.append(subscription)
        elif link.version == MQTT_5:
            self.plain5.append(link)
            self.rest3.append(subscription)
            if subscription.qos:
                self.acked5.append(link)
            else:
                self.rest5.append(subscription)
        else:
            self.plain3.append(link)
            self.rest5.append(subscription)
            if subscription.qos:
                self.acked3.append(link)
            else:
                self.rest3.append(subscription)


class Routes:
    """Topic → receivers. `count` is the broker's; links that take less than `max_packet_size` get messages one by one."""

    def __init__(self, gate: Gate, count: Counter[str], happenings: Happenings, limits: Limits) -> None:
        self.gate = gate
        self.count = count
        self.happenings = happenings
        self.limits = limits
        self.table: Table[Subscription] = Table()
        self.cache: dict[bytes, Route] = {}
        self.subscribers = 0
        """Sessions with a subscription."""

    def forward(self, route: Route, run: bytes, count: int, source: Link, now: float) -> None:
        """Sends on `count` QoS 0 PUBLISH packets of one topic, without properties, as they came from `source`."""
        v5 = source.version == MQTT_5
        same, other = (route.plain5, route.plain3) if v5 else (route.plain3, route.plain5)
        hand_out(run, count, same)
        if other:
            hand_out(b"".join(_translated(run, v5)), count, other)
        if route.single or route.groups:
            for payload in _payloads(run, v5):
                message = Message(route.topic, payload, 0, False, b"", 0.0, now, source.client_id, source.identity.name)
                self._deliver_to(route.single, route, message, source.session, now)
        elif not (same or other):
            self.count["messages.dropped.no_subscribers"] += count

    def forward_acked(self, route: Route, run: list[tuple[bytes, bytes, bytes]], source: Link, now: float) -> None:
        """Sends on QoS 1 PUBLISH packets of one topic, without properties, and acknowledges them to `source`.

        Each is given as the bytes before, of and after its packet identifier.
        """
        v5, topic, client_id, name = source.version == MQTT_5, route.topic, source.client_id, source.identity.name
        deliveries = [
            Delivery(Message(topic, tail[1:] if v5 else tail, 1, False, b"", 0.0, now, client_id, name), 1)
            for _, _, tail in run
        ]
        links, rest = (route.acked5, route.rest5) if v5 else (route.acked3, route.rest3)
        for link in links:
            session = link.session
            if session is None:
                continue
            inflight, out = session.inflight, link.out
            if session.queue or len(inflight) + len(run) > session.window or link.room <= 0:
                for delivery in deliveries:
                    session.send(delivery, now)
                continue
            for delivery, (head, _, tail) in zip(deliveries, run, strict=True):
                packet_id = session.last_id + 1
                if packet_id > 0xFFFF or packet_id in inflight:
                    packet_id = session.free_id()
                session.last_id = packet_id
                inflight[packet_id] = delivery
                out.append(head + packet_id.to_bytes(2, "big") + tail)
                link.room -= len(head) + 2 + len(tail)
            link.sent[1] += len(run)
            if not link.dirty:
                link.mark()
        receivers = len(links)
        if rest or route.groups:
            for delivery in deliveries:
                receivers = len(links) + self._deliver_to(rest, route, delivery.message, source.session, now)
        if not receivers:
            self.count["messages.dropped.no_subscribers"] += len(run)
        if receivers or not v5:
            source.out.append(b"".join([b"@\2" + packet_id for _, packet_id, _ in run]))
        else:
            source.out.append(b"".join([b"@\3" + packet_id + b"\x10" for _, packet_id, _ in run]))
        source.sent_acks += len(run)

    def deliver(self, route: Route, message: Message, source: Session | None, now: float) -> int:
        """Sends a message to everybody on the route; returns to how many."""
        receivers = self._deliver_to(route.subscriptions, route, message, source, now)
        if not receivers:
            self.count["messages.dropped.no_subscribers"] += 1
            if self.happenings.unrouted:
                self.happenings.tell(self.happenings.unrouted, message, "no_subscribers", now)
        return receivers

    def _deliver_to(
        self, subscriptions: list[Subscription], route: Route, message: Message, source: Session | None, now: float
    ) -> int:
        receivers = 0
        shared: list[Delivery | None] = [None, None, None]
        upgrades = self.limits.upgrade_qos
        for subscription in subscriptions:
            session = subscription.session
            if subscription.no_local and session is source:
                # [MQTT-3.8.3-3]
                self.count["delivery.dropped.no_local"] += 1
                session.give_up(subscription.delivery(message), "no_local", now)
                continue
            receivers += 1
            if subscription.identifier or (message.retain and subscription.retain_as_published):
                session.send(subscription.delivery(message), now)
                continue
            qos = subscription.qos
            if qos < message.qos if upgrades else qos > message.qos:
                qos = message.qos
            delivery = shared[qos]
            if delivery is None:
                delivery = shared[qos] = Delivery(message, qos)
            session.send(delivery, now)
        for group, members in route.groups:
            member = members[group.next_turn() % len(members)]
            member.session.send(member.delivery(message), now)
            receivers += 1
        return receivers

    def deliver_again(self, delivery: Delivery, now: float) -> None:
        """Sends what a member of a shared subscription left behind to another one, if there is any."""
        for group, members in self.route(delivery.message.topic).groups:
            member = members[group.next_turn() % len(members)]
            if (member.group, member.inner_filter) == delivery.share:
                member.session.send(member.delivery(delivery.message), now)

    def route(self, topic: str) -> Route:
        """The receivers of a topic; remembered until the table, the links or the permissions change."""
        raw = topic.encode()
        route = self.cache.get(raw)
        if route is None:
            if len(self.cache) >= _ROUTES_MAX:
                self.forget_all()
            route = self._build_route(topic)
            if not (self.gate.takes(topic) or self.happenings.watches(topic) or self._may_tell(route)):
                self.cache[raw] = route
        return route

    def _may_tell(self, route: Route) -> bool:
        """Whether somebody must be told of messages on the route because they may reach nobody."""
        if not self.happenings.unrouted:
            return False
        return not route.groups and all(subscription.no_local for subscription in route.subscriptions)

    def _build_route(self, topic: str) -> Route:
        allowed: dict[Identity, bool] = {}

        def may_receive(subscription: Subscription) -> bool:
            identity = subscription.session.identity
            if identity not in allowed:
                allowed[identity] = self.gate.may_receive(identity, topic)
            return allowed[identity]

        subscriptions, groups = self.table.match(topic)
        allowed_ones = [subscription for subscription in subscriptions if may_receive(subscription)]
        route = Route(topic, allowed_ones, self.limits)
        for group in groups:
            members = [member for member in group.members.values() if may_receive(member)]
            if members:
                route.groups.append((group, members))
                route.is_kept |= any(member.session.ledger is not None for member in members)
        return route

    def forget_all(self) -> None:
        """Everything may have changed."""
        for route in self.cache.values():
            route.is_right = False
        self.cache.clear()

    def forget(self, subscription: Subscription) -> None:
        """The subscription, or the link behind it, has come, changed or gone."""
        inner = subscription.inner_filter
        if "+" in inner or "#" in inner:
            self.forget_all()
            return
        route = self.cache.pop(inner.encode(), None)
        if route is not None:
            route.is_right = False


def _payloads(run: bytes, v5: bool) -> Iterator[bytes]:
    """The payloads of a run of QoS 0 packets without properties."""
    pos = 0
    while pos < len(run):
        size, body = cast("tuple[int, int]", mqtt.parse_length(run, pos))
        pos = body + size
        yield run[body + 2 + (run[body] << 8 | run[body + 1]) + v5 : pos]


def _translated(run: bytes, v5: bool) -> Iterator[bytes]:
    """The same run for the other wire form: MQTT 5 has an (empty) property list before the payload."""
    pos = 0
    while pos < len(run):
        size, body = cast("tuple[int, int]", mqtt.parse_length(run, pos))
        pos = body + size
        after = body + 2 + (run[body] << 8 | run[body + 1])
        if v5:
            yield b"0" + mqtt.encode_varint(size - 1) + run[body:after] + run[after + 1 : pos]
        else:
            yield b"0" + mqtt.encode_varint(size + 1) + run[body:after] + b"\0" + run[after:pos]
