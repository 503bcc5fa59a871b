"""What SUBSCRIBE and UNSUBSCRIBE do, in the order of contract §3.4: who may, what is possible, the table, retained messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Prop, Reason

from . import retaining
from .model import Question, Refused, Verdict, Wish
from .sessions import Subscription
from .topics import EXCLUSIVE, has_controls, is_filter, split_shared

if TYPE_CHECKING:
    from .broker import Broker
    from .links import Link
    from .sessions import Session


def subscribe(link: Link, session: Session, packet: mqtt.Subscribe, now: float) -> None:
    """Handles a SUBSCRIBE up to the question whether the client may; raises Refused when it ends the connection."""
    broker = link.broker
    wishes = [Wish("subscribe", _read(broker, entry).inner_filter, entry.qos) for entry in packet.filters]
    verdicts = [broker.judge(session.client, wish, now) for wish in wishes]
    if Verdict.ASK in verdicts:
        link.waiting = Question(packet, wishes, verdicts)
    else:
        go_on(link, session, packet, verdicts, now)


def go_on(link: Link, session: Session, packet: mqtt.Subscribe, verdicts: list[Verdict], now: float) -> None:
    """Makes the subscriptions the client may make, and answers."""
    broker = link.broker
    identifier = cast("list[int]", packet.properties.get(Prop.SUBSCRIPTION_ID, [0]))[0]
    with broker.happenings.because_of(packet.properties):
        codes = [
            add(broker, session, entry, identifier, now, verdict)
            for entry, verdict in zip(packet.filters, verdicts, strict=True)
        ]
    if link.version < MQTT_5:
        # MQTT 3.1.1 [MQTT-3.9.3-2]
        codes = [code if code < Reason.UNSPECIFIED_ERROR else Reason.UNSPECIFIED_ERROR for code in codes]
    broker.count["packets.suback.sent"] += 1
    if any(code >= Reason.UNSPECIFIED_ERROR and code != Reason.NOT_AUTHORIZED for code in codes):
        broker.count["packets.subscribe.error"] += 1
    link.emit_after(session.waits_for(), mqtt.encode(mqtt.Suback(packet.packet_id, codes), link.version))
    if Verdict.DENY in verdicts and broker.limits.deny_disconnects:
        # contract §2.12, deny_action
        raise Refused(Reason.NOT_AUTHORIZED)
    retaining.pay(broker, session, now)


class Wanted(NamedTuple):
    """A filter as somebody wrote it, taken apart."""

    group: str | None
    inner_filter: str
    """What is matched."""
    is_exclusive: bool = False

    @property
    def name(self) -> str:
        """What the subscription is called: the filter without `$exclusive/`, which is listed as the plain one."""
        if self.group is None:
            return self.inner_filter
        return f"$queue/{self.inner_filter}" if self.group == "$queue" else f"$share/{self.group}/{self.inner_filter}"


def read_filter(topic_filter: str) -> Wanted:
    """Takes a filter apart. Raises Refused for one that must end the connection."""
    is_exclusive = topic_filter.startswith(EXCLUSIVE)
    try:
        group, inner = split_shared(topic_filter.removeprefix(EXCLUSIVE))
    except ValueError as error:
        raise Refused(Reason.TOPIC_FILTER_INVALID) from error
    if not is_filter(inner) or (is_exclusive and group is not None):
        raise Refused(Reason.TOPIC_FILTER_INVALID)
    return Wanted(group, inner, is_exclusive)


def _read(broker: Broker, entry: mqtt.Filter) -> Wanted:
    wanted = read_filter(entry.topic_filter)
    if wanted.group is not None and entry.no_local:
        # [MQTT-3.8.3-4]
        raise Refused(Reason.PROTOCOL_ERROR)
    if broker.limits.strict_mode and has_controls(entry.topic_filter):
        raise Refused(Reason.MALFORMED_PACKET)
    return wanted


def _place(broker: Broker, session: Session, wanted: Wanted) -> Wanted:
    """Where in the table a subscription has its place, of what the client wrote."""
    # contract §3.4: rewriting comes first, then the mountpoint
    client = session.client
    placed = client.mountpoint + broker.rewriting.filter(wanted.inner_filter, client.client_id, client.username)
    return wanted if placed == wanted.inner_filter else wanted._replace(inner_filter=placed)


def find(broker: Broker, session: Session, topic_filter: str) -> Subscription | None:
    """The subscription that a session has with a filter as its client writes it. Raises Refused for what is no filter."""
    return session.subscriptions.get(_place(broker, session, read_filter(topic_filter)).name)


def _missing(broker: Broker, wanted: Wanted) -> int:
    """Why there is no such subscription here, whoever asks; 0 when there is."""
    limits = broker.limits
    if wanted.inner_filter.count("/") >= limits.max_topic_levels:
        return Reason.TOPIC_FILTER_INVALID
    if wanted.is_exclusive and not limits.exclusive_subscription:
        return Reason.TOPIC_FILTER_INVALID
    # MQTT 5 §3.2.2.3.11 ff.: what CONNACK says is not available
    if wanted.group is not None and not limits.shared_subscription:
        return Reason.SHARED_NOT_SUPPORTED
    if not limits.wildcard_subscription and ("+" in wanted.inner_filter or "#" in wanted.inner_filter):
        return Reason.WILDCARDS_NOT_SUPPORTED
    return 0


def add(broker: Broker, session: Session, entry: mqtt.Filter, identifier: int, now: float, verdict: Verdict) -> int:
    """Subscribes a session and returns the SUBACK code; the caller then calls `retaining.pay`.

    Raises Refused when the filter must end the connection.
    """
    broker.count["client.subscribe"] += 1
    wanted = _read(broker, entry)
    if verdict is Verdict.DENY:
        broker.count["packets.subscribe.auth_error"] += 1
        return Reason.NOT_AUTHORIZED
    missing = _missing(broker, wanted)
    if missing:
        return missing
    wanted = _place(broker, session, wanted)
    known = session.subscriptions.get(wanted.name)
    holder = broker.exclusive.get(wanted.inner_filter)
    if wanted.is_exclusive and holder is not None and holder.session is not session:
        return Reason.QUOTA_EXCEEDED
    most = broker.limits.max_subscriptions
    if known is None and most is not None and len(session.subscriptions) >= most:
        return Reason.QUOTA_EXCEEDED
    subscription = known or Subscription(session, wanted.name, wanted.group, wanted.inner_filter)
    _set_exclusive(broker, subscription, wanted.is_exclusive)
    subscription.qos = min(entry.qos, broker.limits.max_qos_allowed)
    is_bridge = session.link is not None and session.link.connect is not None and session.link.connect.is_bridge
    loops = session.client.version < MQTT_5 and (is_bridge or broker.limits.ignore_loop_deliver)
    subscription.no_local = entry.no_local or (loops and wanted.group is None)
    # What a bridge before MQTT 5 cannot ask for, it means: as other brokers have it.
    subscription.retain_as_published = entry.retain_as_published or is_bridge
    subscription.retain_handling = entry.retain_handling
    subscription.identifier = identifier
    if known is None:
        broker.routes.subscribers += not session.subscriptions
        session.subscriptions[wanted.name] = subscription
        broker.routes.table.add(wanted.name, subscription)
    broker.routes.forget(subscription)
    if session.ledger is not None:
        broker.ledger.subscribe(subscription)
    if broker.happenings.subscribed:
        broker.happenings.tell(broker.happenings.subscribed, subscription, now)
    retaining.owe(broker, subscription, known is None, now)
    return subscription.qos


def _set_exclusive(broker: Broker, subscription: Subscription, is_exclusive: bool) -> None:
    """Whether the subscription is the only one of its kind; another spelling is another row in the ledger."""
    if subscription.is_exclusive != is_exclusive:
        if subscription.session.ledger is not None:
            broker.ledger.unsubscribe(subscription)
        subscription.is_exclusive = is_exclusive
    if is_exclusive:
        broker.exclusive[subscription.inner_filter] = subscription
    elif broker.exclusive.get(subscription.inner_filter) is subscription:
        del broker.exclusive[subscription.inner_filter]


def unsubscribe(link: Link, session: Session, packet: mqtt.Unsubscribe, now: float) -> None:
    """Handles an UNSUBSCRIBE; raises Refused when it ends the connection."""
    broker = link.broker
    codes: list[int] = []
    with broker.happenings.because_of(packet.properties):
        for topic_filter in packet.filters:
            removed = broker.unsubscribe(session, topic_filter, now)
            codes.append(Reason.SUCCESS if removed else Reason.NO_SUBSCRIPTION_EXISTED)
    broker.count["packets.unsuback.sent"] += 1
    link.emit_after(session.waits_for(), mqtt.encode(mqtt.Unsuback(packet.packet_id, codes), link.version))


def end(broker: Broker, session: Session, topic_filter: str, now: float) -> bool:
    """Ends a subscription; False when there was none. Raises Refused for what is no filter."""
    broker.count["client.unsubscribe"] += 1
    try:
        wanted = read_filter(topic_filter)
    except Refused:
        broker.count["packets.unsubscribe.error"] += 1
        raise
    subscription = session.subscriptions.get(_place(broker, session, wanted).name)
    if subscription is None:
        return False
    remove(broker, subscription)
    if broker.happenings.unsubscribed:
        broker.happenings.tell(broker.happenings.unsubscribed, subscription, now)
    return True


def remove(broker: Broker, subscription: Subscription) -> None:
    """Takes a subscription out of everything that knows of it."""
    if subscription.session.ledger is not None:
        broker.ledger.unsubscribe(subscription)
    _set_exclusive(broker, subscription, False)
    retaining.forgive(broker, subscription)
    del subscription.session.subscriptions[subscription.topic_filter]
    broker.routes.subscribers -= not subscription.session.subscriptions
    broker.routes.table.remove(subscription.topic_filter, subscription)
    broker.routes.forget(subscription)
