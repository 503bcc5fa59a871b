"""What SUBSCRIBE and UNSUBSCRIBE do, in the order of contract §3.4: who may, what is possible, the table, retained messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Prop, Reason

from .model import Question, Refused, Verdict, Wish
from .sessions import Subscription
from .topics import is_filter, split_shared

if TYPE_CHECKING:
    from .broker import Broker
    from .links import Link
    from .sessions import Session


def subscribe(link: Link, session: Session, packet: mqtt.Subscribe, now: float) -> None:
    """Handles a SUBSCRIBE up to the question whether the client may; raises Refused when it ends the connection."""
    broker = link.broker
    wishes = [Wish("subscribe", _split(entry)[1], entry.qos) for entry in packet.filters]
    verdicts = [broker.judge(session.client, wish, now) for wish in wishes]
    if Verdict.ASK in verdicts:
        link.waiting = Question(packet, wishes, verdicts)
    else:
        go_on(link, session, packet, verdicts, now)


def go_on(link: Link, session: Session, packet: mqtt.Subscribe, verdicts: list[Verdict], now: float) -> None:
    """Makes the subscriptions the client may make, and answers."""
    broker = link.broker
    identifier = cast("list[int]", packet.properties.get(Prop.SUBSCRIPTION_ID, [0]))[0]
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
    session.pump_retained(broker.find_retained, now)


def _split(entry: mqtt.Filter) -> tuple[str | None, str]:
    """The group and the filter proper. Raises Refused for what must end the connection."""
    try:
        group, inner = split_shared(entry.topic_filter)
    except ValueError as error:
        raise Refused(Reason.TOPIC_FILTER_INVALID) from error
    if not is_filter(inner):
        raise Refused(Reason.TOPIC_FILTER_INVALID)
    if group is not None and entry.no_local:
        # [MQTT-3.8.3-4]
        raise Refused(Reason.PROTOCOL_ERROR)
    return group, inner


def add(broker: Broker, session: Session, entry: mqtt.Filter, identifier: int, now: float, verdict: Verdict) -> int:
    """Subscribes a session and returns the SUBACK code; the caller then pumps the retained messages.

    Raises Refused when the filter must end the connection.
    """
    broker.count["client.subscribe"] += 1
    topic_filter = entry.topic_filter
    group, inner = _split(entry)
    if inner.count("/") >= broker.limits.max_topic_levels or topic_filter.startswith("$exclusive/"):
        return Reason.TOPIC_FILTER_INVALID
    if verdict is Verdict.DENY:
        broker.count["packets.subscribe.auth_error"] += 1
        return Reason.NOT_AUTHORIZED
    known = session.subscriptions.get(topic_filter)
    most = broker.limits.max_subscriptions
    if known is None and most is not None and len(session.subscriptions) >= most:
        return Reason.QUOTA_EXCEEDED
    subscription = known or Subscription(session, topic_filter, group, inner)
    subscription.qos = entry.qos
    subscription.no_local = entry.no_local
    subscription.retain_as_published = entry.retain_as_published
    subscription.retain_handling = entry.retain_handling
    subscription.identifier = identifier
    if known is None:
        broker.routes.subscribers += not session.subscriptions
        session.subscriptions[topic_filter] = subscription
        broker.routes.table.add(topic_filter, subscription)
    broker.routes.forget(subscription)
    if session.ledger is not None:
        broker.ledger.subscribe(subscription)
    if broker.happenings.subscribed:
        broker.happenings.tell(broker.happenings.subscribed, subscription, now)
    _owe_retained(broker, subscription, known is None)
    return entry.qos


def _owe_retained(broker: Broker, subscription: Subscription, new: bool) -> None:
    # [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; contract §3.5: never for shared ones
    handling = subscription.retain_handling
    if subscription.group is not None or handling == 2 or (handling == 1 and not new):
        return
    topics = broker.retained.match(subscription.inner_filter)
    if topics:
        subscription.session.owe(subscription, topics)


def unsubscribe(link: Link, session: Session, packet: mqtt.Unsubscribe, now: float) -> None:
    """Handles an UNSUBSCRIBE; raises Refused when it ends the connection."""
    broker = link.broker
    codes: list[int] = []
    for topic_filter in packet.filters:
        removed = broker.unsubscribe(session, topic_filter, now)
        codes.append(Reason.SUCCESS if removed else Reason.NO_SUBSCRIPTION_EXISTED)
    broker.count["packets.unsuback.sent"] += 1
    link.emit_after(session.waits_for(), mqtt.encode(mqtt.Unsuback(packet.packet_id, codes), link.version))


def end(broker: Broker, session: Session, topic_filter: str, now: float) -> bool:
    """Ends a subscription; False when there was none. Raises Refused for what is no filter."""
    broker.count["client.unsubscribe"] += 1
    subscription = session.subscriptions.get(topic_filter)
    if subscription is None:
        try:
            legal = is_filter(split_shared(topic_filter)[1])
        except ValueError:
            legal = False
        if not legal:
            broker.count["packets.unsubscribe.error"] += 1
            raise Refused(Reason.TOPIC_FILTER_INVALID)
        return False
    remove(broker, subscription)
    if broker.happenings.unsubscribed:
        broker.happenings.tell(broker.happenings.unsubscribed, subscription, now)
    return True


def remove(broker: Broker, subscription: Subscription) -> None:
    """Takes a subscription out of everything that knows of it."""
    if subscription.session.ledger is not None:
        broker.ledger.unsubscribe(subscription)
    del subscription.session.subscriptions[subscription.topic_filter]
    broker.routes.subscribers -= not subscription.session.subscriptions
    broker.routes.table.remove(subscription.topic_filter, subscription)
    broker.routes.forget(subscription)
