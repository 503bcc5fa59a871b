"""What a PUBLISH does, in the order of contract §3.4: who may, what is possible, where it goes; and its acknowledgement.

The way of a message that is not a client's (the API's, a will's, a rule's) begins at `Broker.publish`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Kind, Prop, Reason

from .model import Message, Question, Refused, Verdict, Wish
from .options import Limits
from .topics import has_controls, is_reserved, is_topic

if TYPE_CHECKING:
    from .links import Link
    from .sessions import Session

#: The properties of a PUBLISH that travel with the message unchanged (MQTT 5 §3.3.2.3).
FORWARDED = (
    Prop.PAYLOAD_FORMAT,
    Prop.CONTENT_TYPE,
    Prop.RESPONSE_TOPIC,
    Prop.CORRELATION_DATA,
    Prop.USER_PROPERTY,
)


def publish(link: Link, session: Session, packet: mqtt.Publish, now: float) -> None:
    """Handles a PUBLISH up to the question whether the client may; raises Refused when it ends the connection."""
    broker = link.broker
    link.received[packet.qos] += 1
    topic = _topic(link, packet)
    if Prop.SUBSCRIPTION_ID in packet.properties:
        # [MQTT-3.3.4-6]
        raise Refused(Reason.PROTOCOL_ERROR, "a client does not send subscription identifiers")
    _check_possible(packet, topic, broker.limits)
    wanted = broker.delayed.inner_topic(topic, now)
    fields = forwarded_fields(packet.properties)
    expiry = cast("int | None", packet.properties.get(Prop.MESSAGE_EXPIRY))
    expires_at = 0.0 if expiry is None else now + expiry
    message = Message(
        topic, packet.payload, packet.qos, packet.retain, fields, expires_at, now, link.client_id, link.identity.name
    )
    noted = broker.ledger.noted
    if packet.qos == 2 and not _begin_exactly_once(link, session, packet, message, now):
        return
    quotas = (broker.quota, *link.quotas) if link.quotas or broker.quota.is_limited else ()
    if quotas and not all(quota.allows(len(topic) + len(packet.payload), now) for quota in quotas):
        # contract §3.3, "PUBLISH refused"
        broker.count["packets.publish.dropped"] += 1
        conclude(link, session, packet.qos, packet.packet_id, Reason.QUOTA_EXCEEDED)
        return
    raw = topic.encode()
    if raw not in link.granted:
        wish = Wish("publish", wanted, packet.qos, packet.retain)
        verdict = broker.judge(session.client, wish, now)
        if verdict is Verdict.ASK:
            link.waiting = Question(packet, [wish], [verdict], message, noted)
            return
        if verdict is Verdict.ALLOW and not session.client.mountpoint and not quotas:
            link.remember(raw)
        if verdict is Verdict.DENY:
            deny(link, session, packet)
            return
    go_on(link, session, packet, message, noted, now)


def _check_possible(packet: mqtt.Publish, topic: str, limits: Limits) -> None:
    """Raises Refused for what nobody can publish here (contract §3.3, "PUBLISH refused")."""
    if not is_topic(topic, limits.max_topic_levels):
        raise Refused(Reason.TOPIC_NAME_INVALID)
    if packet.qos > limits.max_qos_allowed:
        # [MQTT-3.2.2-11]
        raise Refused(Reason.QOS_NOT_SUPPORTED)
    if packet.retain and not limits.retain_available:
        # [MQTT-3.2.2-14]
        raise Refused(Reason.RETAIN_NOT_SUPPORTED)
    if limits.strict_mode and has_controls(topic):
        raise Refused(Reason.MALFORMED_PACKET)


def deny(link: Link, session: Session, packet: mqtt.Publish) -> None:
    """The client may not publish this."""
    broker = link.broker
    broker.count["packets.publish.auth_error"] += 1
    conclude(link, session, packet.qos, packet.packet_id, Reason.NOT_AUTHORIZED)
    if broker.limits.deny_disconnects:
        # contract §2.12, deny_action
        raise Refused(Reason.NOT_AUTHORIZED)


def go_on(link: Link, session: Session, packet: mqtt.Publish, message: Message, noted: int, now: float) -> None:
    """The client may: the community takes the message, or everybody subscribed gets it. Answers when that is done.

    `noted` is what the ledger had noted before the packet came.
    """
    broker = link.broker
    if session.client.mountpoint:
        message.topic = broker.delayed.mount(message.topic, session.client.mountpoint)
        if is_reserved(message.topic) and not broker.gate.takes(message.topic):
            # Who may was asked of the topic as the client writes it.
            deny(link, session, packet)
            return
    if broker.delayed.is_full and broker.delayed.takes(message.topic):
        conclude(link, session, packet.qos, packet.packet_id, Reason.QUOTA_EXCEEDED)
        return
    if broker.gate.takes(message.topic):
        link.waiting = broker.post(message, packet)
        return
    matched = broker.publish(message, now, session)
    code = 0 if matched else Reason.NO_MATCHING_SUBSCRIBERS
    ledger = broker.ledger
    acknowledge(link, packet.qos, packet.packet_id, code, 0 if ledger.noted == noted else ledger.ticket)


def forwarded_fields(properties: mqtt.Properties) -> bytes:
    """The part of a PUBLISH's or will's properties that subscribers get, in wire form."""
    if not properties:
        return b""
    topic = properties.get(Prop.RESPONSE_TOPIC)
    # [MQTT-3.3.2-14]
    if topic is not None and not is_topic(cast("str", topic)):
        raise Refused(Reason.PROTOCOL_ERROR, "a response topic with wildcards")
    return mqtt.encode_fields({prop: properties[prop] for prop in FORWARDED if prop in properties})


def _topic(link: Link, packet: mqtt.Publish) -> str:
    alias = cast("int", packet.properties.get(Prop.TOPIC_ALIAS, 0))
    if not alias:
        if not packet.topic and link.version == MQTT_5:
            # MQTT 5 §3.3.2.1
            raise Refused(Reason.PROTOCOL_ERROR, "neither a topic nor an alias")
        return packet.topic
    limits = link.broker.limits
    # [MQTT-3.3.2-9]
    if alias > limits.max_topic_alias:
        raise Refused(Reason.TOPIC_ALIAS_INVALID)
    if packet.topic:
        link.alias_bytes += len(packet.topic) - len(link.aliases.get(alias, ""))
        if link.alias_bytes > limits.max_alias_bytes:
            raise Refused(Reason.QUOTA_EXCEEDED, "the topic aliases of this connection are too long together")
        link.aliases[alias] = packet.topic
    elif alias not in link.aliases:
        raise Refused(Reason.PROTOCOL_ERROR, "a topic alias that stands for nothing")
    return link.aliases[alias]


def _begin_exactly_once(link: Link, session: Session, packet: mqtt.Publish, message: Message, now: float) -> bool:
    """Notes the identifier of a QoS 2 message; False when the message is here already and was answered."""
    if packet.packet_id in session.awaiting:
        # [MQTT-4.3.3-10]; not sent again but used twice: contract §3.3
        code = 0 if packet.dup else Reason.PACKET_ID_IN_USE
        if code:
            link.broker.count["packets.publish.inuse"] += 1
            if link.version == MQTT_5:
                # [MQTT-4.3.3-9]: for the client it is free when it hears this
                session.finish(packet.packet_id)
        acknowledge(link, 2, packet.packet_id, code, session.waits_for())
        return False
    if len(session.awaiting) >= link.broker.limits.max_awaiting_rel:
        link.broker.count["packets.publish.dropped"] += 1
        happenings = link.broker.happenings
        happenings.tell(happenings.unrouted, message, "receive_maximum_exceeded", now)
        # [MQTT-3.3.4-7]
        raise Refused(Reason.RECEIVE_MAXIMUM_EXCEEDED)
    session.begin(packet.packet_id, now)
    return True


def conclude(link: Link, session: Session, qos: int, packet_id: int, code: int) -> None:
    """Answers a PUBLISH that was not routed; a refused QoS 2 message has no second half (MQTT 5 §4.3.3)."""
    if qos == 2 and code >= Reason.UNSPECIFIED_ERROR and link.version == MQTT_5:
        session.finish(packet_id)
    acknowledge(link, qos, packet_id, code, session.waits_for() if qos == 2 else 0)


def acknowledge(link: Link, qos: int, packet_id: int, code: int = 0, ticket: int = 0) -> None:
    """Answers a PUBLISH, after the commit `ticket` if there is one and never before an earlier answer."""
    if not qos:
        return
    kind = Kind.PUBACK if qos == 1 else Kind.PUBREC
    if link.version < MQTT_5 and code >= Reason.UNSPECIFIED_ERROR:
        # MQTT 3.1.1 [MQTT-3.3.5-2]: no way to say no
        code = 0
    if code >= Reason.UNSPECIFIED_ERROR:
        link.broker.count["packets.publish.error"] += 1
    frame = mqtt.encode(mqtt.Ack(kind, packet_id, code), link.version)
    # [MQTT-4.6.0-2]
    link.answer(kind, frame, ticket or (link.held[-1][0] if link.held else 0))
