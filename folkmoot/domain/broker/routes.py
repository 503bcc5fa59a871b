"""Who gets the messages of a topic: the subscription table, the remembered routes, and sending along them.

`forward` and `deliver` are the hot path behind `Link.feed`; see `broker` for what they may do. A route is right until its
subscriptions, the links behind them or the permissions change, and whoever changes those calls `forget` or `forget_all`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Reason

from .groups import Share, Turns
from .handing import give_acked, hand_out
from .happenings import Happenings
from .links import Link
from .model import Delivery, Gate, Identity, Message
from .options import Limits, Options
from .runs import Run
from .sessions import Session, Subscription
from .topics import Group, Table

#: Routes remembered; beyond that the cache starts again.
_ROUTES_MAX = 65_536
#: Topics that are not among those remembered: published to once, or always going the slow way.
_OTHERS_MAX = 16_384
#: The reason code "no matching subscribers" of a PUBACK.
_NOBODY = bytes((Reason.NO_MATCHING_SUBSCRIBERS,))
#: So much longer may a message be in the wire form of MQTT 5 than in that of MQTT 3.
_TRANSLATION_BYTES = 2


class Route:
    """The receivers of one topic; `sort` them by what they need for the hot path.

    `plain` links take a QoS 0 PUBLISH as the bytes it came in, if it came in their wire form (MQTT 3 or 5); `acked` are those
    of them that want QoS 1 and take the bytes around the packet identifier. All others get each message made for them:
    `single` at QoS 0, `rest` (by the wire form of the publisher) at QoS 1.
    """

    __slots__ = (
        "acked3", "acked5", "goes_slow", "groups", "is_kept", "is_right", "plain3", "plain5", "rest3", "rest5", "single",
        "subscriptions", "topic",
    )  # fmt: skip

    def __init__(self, topic: str, subscriptions: list[Subscription]) -> None:
        self.topic = topic
        self.is_right = True
        """False as soon as it is forgotten."""
        self.goes_slow = False
        """Somebody has to be told of its messages; the hot path does not know it."""
        self.is_kept = False
        """Somebody on it must get messages even after a kill; they go the slow way."""
        self.subscriptions = subscriptions
        self.groups: Sequence[Share] = ()

    def sort(self, limits: Limits) -> None:
        """Makes it ready for the hot path."""
        self.plain3: list[Link] = []
        self.plain5: list[Link] = []
        self.acked3: list[Link] = []
        self.acked5: list[Link] = []
        self.single: list[Subscription] = []
        self.rest3: list[Subscription] = []
        self.rest5: list[Subscription] = []
        for subscription in self.subscriptions:
            self._sort(subscription, limits)

    def takers(self, v5: bool) -> list[Link]:
        """All receivers, if they all take a QoS 0 PUBLISH of this wire form as the bytes it came in; else none."""
        same, other = (self.plain5, self.plain3) if v5 else (self.plain3, self.plain5)
        return [] if other or self.single or self.groups else same

    def _sort(self, subscription: Subscription, limits: Limits) -> None:
        link = plain_link(subscription, limits)
        self.is_kept |= subscription.session.ledger is not None
        if link is None:
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


def plain_link(subscription: Subscription, limits: Limits) -> Link | None:
    """The subscription's link, if it takes a QoS 0 PUBLISH as it came in."""
    link = subscription.session.link
    if (
        link is None
        or link.form is not None
        or link.max_packet_size < limits.max_packet_size + _TRANSLATION_BYTES
        or limits.upgrade_qos
        or subscription.no_local
        or subscription.identifier
    ):
        return None
    return link


class Routes:
    """Topic → receivers. `count` is the broker's; links that take less than `max_packet_size` get messages one by one."""

    def __init__(self, gate: Gate, count: Counter[str], happenings: Happenings, options: Options) -> None:
        self.gate = gate
        self.count = count
        self.happenings = happenings
        self.options, self.limits = options, options.mqtt
        self.turns: Turns = {}
        """Of what no connection publishes."""
        self.table: Table[Subscription] = Table()
        self.cache: dict[bytes, Route] = {}
        """What the hot path knows."""
        self._others: dict[str, Route] = {}
        """Of topics published to once, and of those whose messages go the slow way for good."""
        self.subscribers = 0
        """Sessions with a subscription."""

    def forward(self, route: Route, run: bytes, count: int, source: Link, now: float) -> None:
        """Sends on `count` QoS 0 PUBLISH packets of one topic, without properties, as they came from `source`."""
        v5 = source.version == MQTT_5
        same, other = (route.plain5, route.plain3) if v5 else (route.plain3, route.plain5)
        hand_out(run, count, same)
        if other:
            hand_out(b"".join(_translated(run, v5)), count, other)
        if route.single:
            for packet in _packets(run):
                self._deliver_to(route.single, _message(route, packet, source, now), source.session, now)
        if route.groups:
            self._share_out(route, run, source, now)
        elif not (same or other or route.single):
            self.count["messages.dropped.no_subscribers"] += count

    def forward_acked(self, route: Route, run: Run, source: Link, now: float) -> None:
        """Sends on a run of QoS 1 messages of one topic and acknowledges them to `source`."""
        v5 = run.v5
        links, rest = (route.acked5, route.rest5) if v5 else (route.acked3, route.rest3)
        if links:
            give_acked(links, run, now)
        receivers = len(links) + len(route.groups)
        if rest:
            receivers += min(self._deliver_to(rest, one.message, source.session, now) for one in run.deliveries)
        if route.groups:
            self._share_acked(route, run, source, now)
        if not receivers:
            self.count["messages.dropped.no_subscribers"] += run.count
        source.out.append(run.acks(b"" if receivers or not v5 else _NOBODY))
        source.sent_acks += run.count

    def _share_out(self, route: Route, run: bytes, source: Link, now: float) -> None:
        """Each group gets the QoS 0 messages of a run, each of its members a part of them."""
        v5, packets = source.version == MQTT_5, list(_packets(run))
        for share in route.groups:
            for (subscription, link), own in share.deal(packets, source.turns, source.client_id):
                if link is None:
                    for packet in own:
                        message = _message(route, packet, source, now)
                        subscription.session.send(subscription.delivery(message), now)
                    continue
                data = b"".join(own)
                if (link.version == MQTT_5) is not v5:
                    data = b"".join(_translated(data, v5))
                hand_out(data, len(own), [link])

    def _share_acked(self, route: Route, run: Run, source: Link, now: float) -> None:
        """The same for a run of QoS 1 messages."""
        for share in route.groups:
            for (subscription, link), own in share.deal(range(run.count), source.turns, source.client_id):
                if link is not None and subscription.qos and (link.version == MQTT_5) is run.v5:
                    give_acked([link], run.part(own, (share.group.name, subscription.inner_filter)), now)
                    continue
                for at in own:
                    subscription.session.send(subscription.delivery(run.deliveries[at].message), now)

    def deliver(self, route: Route, message: Message, source: Session | None, now: float) -> int:
        """Sends a message to everybody on the route; returns to how many."""
        receivers = self._deliver_to(route.subscriptions, message, source, now)
        for share in route.groups:
            link = None if source is None else source.link
            member = share.pick(self.turns if link is None else link.turns, message.from_client)[0]
            member.session.send(member.delivery(message), now)
            receivers += 1
        if not receivers:
            self.count["messages.dropped.no_subscribers"] += 1
            if self.happenings.unrouted:
                self.happenings.tell(self.happenings.unrouted, message, "no_subscribers", now)
        return receivers

    def _deliver_to(
        self, subscriptions: list[Subscription], message: Message, source: Session | None, now: float
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
        return receivers

    def deliver_again(self, delivery: Delivery, now: float) -> None:
        """Sends what a member of a shared subscription left behind to another one, if there is any."""
        message = delivery.message
        if 0 < message.expires_at <= now:
            return
        for share in self.route(message.topic).groups:
            member = share.members[0][0]
            if (member.group, member.inner_filter) == delivery.share:
                member = share.pick(self.turns, message.from_client)[0]
                member.session.send(member.delivery(message), now)

    def route(self, topic: str) -> Route:
        """The receivers of a topic; remembered until the table, the links or the permissions change.

        The hot path knows a topic from its second message on: of those that come once there may be any number.
        """
        raw = topic.encode()
        route = self.cache.get(raw)
        if route is not None:
            return route
        route = self._others.get(topic)
        if route is None:
            if len(self._others) >= _OTHERS_MAX:
                self._others.clear()
            route = self._others[topic] = self._build_route(topic)
        elif not route.goes_slow:
            route.goes_slow = self.gate.takes(topic) or self.happenings.watches(topic) or self._may_tell(route)
            if not route.goes_slow:
                del self._others[topic]
                if len(self.cache) >= _ROUTES_MAX:
                    self.forget_all()
                route.sort(self.limits)
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
        route = Route(topic, allowed_ones)
        if groups:
            route.groups = self._build_shares(topic, groups, may_receive, route)
        return route

    def _build_shares(
        self, topic: str, groups: list[Group[Subscription]], may_receive: Callable[[Subscription], bool], route: Route
    ) -> list[Share]:
        shares = []
        for group in groups:
            members = [(each, plain_link(each, self.limits)) for each in group.members.values() if may_receive(each)]
            if members:
                shares.append(Share(group, members, topic, self.options))
                route.is_kept |= any(member.session.ledger is not None for member, _ in members)
        return shares

    def forget_all(self) -> None:
        """Everything may have changed."""
        for route in self.cache.values():
            route.is_right = False
        self.cache.clear()
        self._others.clear()

    def forget(self, subscription: Subscription) -> None:
        """The subscription, or the link behind it, has come, changed or gone."""
        inner = subscription.inner_filter
        if "+" in inner or "#" in inner:
            self.forget_all()
            return
        self._others.pop(inner, None)
        route = self.cache.pop(inner.encode(), None)
        if route is not None:
            route.is_right = False


def _packets(run: bytes) -> Iterator[bytes]:
    """The packets of a run."""
    pos = 0
    while pos < len(run):
        size, body = run[pos + 1], pos + 2
        if size > 127:
            size, body = cast("tuple[int, int]", mqtt.parse_length(run, pos))
        yield run[pos : body + size]
        pos = body + size


def _message(route: Route, packet: bytes, source: Link, now: float) -> Message:
    """What one packet of a run says; it has no properties."""
    body = 2 if packet[1] < 128 else cast("tuple[int, int]", mqtt.parse_length(packet, 0))[1]
    payload = packet[body + 2 + (packet[body] << 8 | packet[body + 1]) + (source.version == MQTT_5) :]
    return Message(route.topic, payload, 0, False, b"", 0.0, now, source.client_id, source.identity.name)


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
