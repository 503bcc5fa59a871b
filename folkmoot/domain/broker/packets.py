"""What each packet from a client does, one function per packet: the slow way of `links`.

In charge of what is allowed when and of the answers; routing, sessions and subscriptions are the broker's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Kind, Prop, Reason

from .model import Message, Refused
from .topics import is_topic

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

# contract §3.3, "CONNACK v3 codes"
_V3_CODES = {
    **dict.fromkeys(range(0x80, 0x85), 1),
    Reason.CLIENT_ID_NOT_VALID: 2,
    Reason.BAD_CREDENTIALS: 4,
    **dict.fromkeys((Reason.NOT_AUTHORIZED, Reason.BANNED, Reason.BAD_AUTHENTICATION_METHOD), 5),
}
_V3_UNAVAILABLE = 3


def receive(link: Link, first: int, data: bytes, start: int, end: int, now: float) -> None:
    """Handles one complete packet; raises PacketError or Refused when it ends the connection."""
    kind = first >> 4
    if link.connect is None:
        _first_packet(link, first, data, start, end, now)
        return
    packet = mqtt.parse_body(first, data, start, end, link.version)
    handler = _HANDLERS.get(kind)
    if handler is None:
        # [MQTT-3.1.0-2] and the packets only a server sends
        raise Refused(Reason.PROTOCOL_ERROR, "a client may not send this here")
    if kind != Kind.PUBLISH:
        link.received_other += 1
    link.broker.count[f"packets.{Kind(kind).name.lower()}.received"] += 1
    handler(link, packet, now)


def _first_packet(link: Link, first: int, data: bytes, start: int, end: int, now: float) -> None:
    link.broker.count["packets.connect.received"] += 1
    # [MQTT-3.1.0-1]
    if first >> 4 != Kind.CONNECT:
        raise Refused(Reason.PROTOCOL_ERROR, "the first packet is not CONNECT")
    # So that even a CONNECT that cannot be read is answered in its own version.
    link.version = mqtt.parse_version(data, start, end) or 0
    packet = cast("mqtt.Connect", mqtt.parse_body(first, data, start, end, link.version))
    link.received_other += 1
    link.client_id = packet.client_id
    limits = link.broker.limits
    _check_client_id(packet, limits.max_clientid_len)
    if Prop.AUTH_METHOD in packet.properties:
        raise Refused(Reason.BAD_AUTHENTICATION_METHOD)
    if Prop.AUTH_DATA in packet.properties:
        raise Refused(Reason.PROTOCOL_ERROR, "authentication data without a method")
    if packet.will is not None and not is_topic(packet.will.topic, limits.max_topic_levels):
        raise Refused(Reason.TOPIC_NAME_INVALID)
    link.connect = link.waiting = packet


def _check_client_id(packet: mqtt.Connect, longest: int) -> None:
    # [MQTT-3.1.3-8]; MQTT 3.1 knows no empty client identifiers
    empty_refused = packet.version < MQTT_5 and (not packet.clean_start or packet.version == mqtt.MQTT_3_1)
    if len(packet.client_id.encode()) > longest or (not packet.client_id and empty_refused):
        raise Refused(Reason.CLIENT_ID_NOT_VALID)


def farewell(link: Link, reason: Reason) -> None:
    """Tells the peer why the connection ends, as far as its version and state have words for it."""
    version = link.version
    if link.session is not None:
        # [MQTT-3.14.0-1] and [MQTT-4.13.1-1]
        if version == MQTT_5:
            link.broker.count["packets.disconnect.sent"] += 1
            link.emit(mqtt.encode(mqtt.Disconnect(reason), version))
        return
    link.broker.count["packets.connack.error"] += 1
    if version == MQTT_5:
        link.emit(mqtt.encode(mqtt.Connack(code=reason), version))
    elif reason == Reason.UNSUPPORTED_VERSION or (version and link.connect is not None) or reason in _V3_ANSWERED:
        code = _V3_CODES.get(reason, _V3_UNAVAILABLE)
        link.emit(mqtt.encode(mqtt.Connack(code=code), mqtt.MQTT_3_1_1))


_V3_ANSWERED = (Reason.CLIENT_ID_NOT_VALID, Reason.BAD_AUTHENTICATION_METHOD)


def forwarded_fields(properties: mqtt.Properties) -> bytes:
    """The part of a PUBLISH's or will's properties that subscribers get, in wire form."""
    if not properties:
        return b""
    topic = properties.get(Prop.RESPONSE_TOPIC)
    # [MQTT-3.3.2-14]
    if topic is not None and not is_topic(cast("str", topic)):
        raise Refused(Reason.PROTOCOL_ERROR, "a response topic with wildcards")
    return mqtt.encode_fields({prop: properties[prop] for prop in FORWARDED if prop in properties})


def _publish(link: Link, packet: mqtt.Publish, now: float) -> None:
    broker, session = link.broker, _session(link)
    link.received[packet.qos] += 1
    topic = _topic(link, packet)
    if Prop.SUBSCRIPTION_ID in packet.properties:
        # [MQTT-3.3.4-6]
        raise Refused(Reason.PROTOCOL_ERROR, "a client does not send subscription identifiers")
    if not is_topic(topic, broker.limits.max_topic_levels):
        raise Refused(Reason.TOPIC_NAME_INVALID)
    fields = forwarded_fields(packet.properties)
    ledger, noted = broker.ledger, broker.ledger.noted
    if packet.qos == 2 and not _begin_exactly_once(link, session, packet, now):
        return
    raw = topic.encode()
    if raw not in link.granted:
        if not broker.may_publish(link.identity, topic):
            broker.count["packets.publish.auth_error"] += 1
            conclude(link, packet.qos, packet.packet_id, Reason.NOT_AUTHORIZED)
            return
        link.remember(raw)
    expiry = cast("int | None", packet.properties.get(Prop.MESSAGE_EXPIRY))
    expires_at = 0.0 if expiry is None else now + expiry
    message = Message(
        topic, packet.payload, packet.qos, packet.retain, fields, expires_at, now, link.client_id, link.identity.name
    )
    if broker.gate.takes(topic):
        link.waiting = broker.post(message, packet)
        return
    if packet.retain:
        broker.retain(message)
    matched = broker.route_message(message, session, now)
    code = 0 if matched else Reason.NO_MATCHING_SUBSCRIBERS
    acknowledge(link, packet.qos, packet.packet_id, code, 0 if ledger.noted == noted else ledger.ticket)


def _topic(link: Link, packet: mqtt.Publish) -> str:
    alias = cast("int", packet.properties.get(Prop.TOPIC_ALIAS, 0))
    if not alias:
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


def _begin_exactly_once(link: Link, session: Session, packet: mqtt.Publish, now: float) -> bool:
    """Notes the identifier of a QoS 2 message; False when the message is here already and was answered."""
    if packet.packet_id in session.awaiting:
        # [MQTT-4.3.3-10]; not sent again but used twice: contract §3.3
        code = 0 if packet.dup else Reason.PACKET_ID_IN_USE
        acknowledge(link, 2, packet.packet_id, code, session.waits_for())
        return False
    if len(session.awaiting) >= link.broker.limits.max_awaiting_rel:
        link.broker.count["packets.publish.dropped"] += 1
        # [MQTT-3.3.4-9]
        raise Refused(Reason.RECEIVE_MAXIMUM_EXCEEDED)
    session.begin(packet.packet_id, now)
    return True


def conclude(link: Link, qos: int, packet_id: int, code: int) -> None:
    """Answers a PUBLISH that was not routed; a refused QoS 2 message has no second half (MQTT 5 §4.3.3)."""
    if qos == 2 and code >= Reason.UNSPECIFIED_ERROR and link.version == MQTT_5:
        _session(link).finish(packet_id)
    acknowledge(link, qos, packet_id, code, _session(link).waits_for() if qos == 2 else 0)


def acknowledge(link: Link, qos: int, packet_id: int, code: int = 0, ticket: int = 0) -> None:
    """Answers a PUBLISH, after the commit `ticket` if there is one and never before an earlier answer."""
    if not qos:
        return
    kind = Kind.PUBACK if qos == 1 else Kind.PUBREC
    if link.version < MQTT_5 and code >= Reason.UNSPECIFIED_ERROR:
        # MQTT 3.1.1 [MQTT-3.3.5-2]: no way to say no
        code = 0
    frame = mqtt.encode(mqtt.Ack(kind, packet_id, code), link.version)
    # [MQTT-4.6.0-2]
    answer(link, kind, frame, ticket or (link.held[-1][0] if link.held else 0))


def answer(link: Link, kind: Kind, frame: bytes, ticket: int = 0) -> None:
    """Sends an acknowledgement, after the commit `ticket` if there is one."""
    link.broker.count[f"packets.{kind.name.lower()}.sent"] += 1
    link.emit_after(ticket, frame)


def _ack(link: Link, packet: mqtt.Ack, now: float) -> None:
    session = _session(link)
    if not session.acknowledge(packet.packet_id, 1 if packet.kind is Kind.PUBACK else 2):
        link.broker.count[f"packets.{packet.kind.name.lower()}.missed"] += 1
        return
    link.broker.count["messages.acked"] += 1
    session.pump(now)


def _pubrec(link: Link, packet: mqtt.Ack, now: float) -> None:
    session = _session(link)
    delivery = session.inflight.get(packet.packet_id)
    if delivery is None or delivery.qos != 2:
        link.broker.count["packets.pubrec.missed"] += 1
        _answer(link, Kind.PUBREL, packet.packet_id, Reason.PACKET_ID_NOT_FOUND)
    elif packet.code >= Reason.UNSPECIFIED_ERROR:
        # [MQTT-4.4.0-2]
        session.acknowledge(packet.packet_id, 2)
        session.pump(now)
    else:
        session.release(packet.packet_id, delivery)
        _answer(link, Kind.PUBREL, packet.packet_id, 0)


def _pubrel(link: Link, packet: mqtt.Ack, now: float) -> None:
    known = _session(link).finish(packet.packet_id)
    if not known:
        link.broker.count["packets.pubrel.missed"] += 1
    _answer(link, Kind.PUBCOMP, packet.packet_id, 0 if known else Reason.PACKET_ID_NOT_FOUND)


def _answer(link: Link, kind: Kind, packet_id: int, code: int) -> None:
    answer(link, kind, mqtt.encode(mqtt.Ack(kind, packet_id, code), link.version), _session(link).waits_for())


def _subscribe(link: Link, packet: mqtt.Subscribe, now: float) -> None:
    broker, session = link.broker, _session(link)
    identifier = cast("list[int]", packet.properties.get(Prop.SUBSCRIPTION_ID, [0]))[0]
    codes = [broker.subscribe(session, entry, identifier, now) for entry in packet.filters]
    if link.version < MQTT_5:
        # MQTT 3.1.1 [MQTT-3.9.3-2]
        codes = [code if code < Reason.UNSPECIFIED_ERROR else Reason.UNSPECIFIED_ERROR for code in codes]
    broker.count["packets.suback.sent"] += 1
    link.emit_after(session.waits_for(), mqtt.encode(mqtt.Suback(packet.packet_id, codes), link.version))
    session.pump_retained(broker.find_retained, now)


def _unsubscribe(link: Link, packet: mqtt.Unsubscribe, now: float) -> None:
    broker, session = link.broker, _session(link)
    codes: list[int] = []
    for topic_filter in packet.filters:
        removed = broker.unsubscribe(session, topic_filter)
        codes.append(Reason.SUCCESS if removed else Reason.NO_SUBSCRIPTION_EXISTED)
    broker.count["packets.unsuback.sent"] += 1
    link.emit_after(session.waits_for(), mqtt.encode(mqtt.Unsuback(packet.packet_id, codes), link.version))


def _pingreq(link: Link, packet: mqtt.Pingreq, now: float) -> None:
    link.broker.count["packets.pingresp.sent"] += 1
    link.emit(mqtt.PINGRESP)


def _disconnect(link: Link, packet: mqtt.Disconnect, now: float) -> None:
    session = _session(link)
    expiry = cast("int | None", packet.properties.get(Prop.SESSION_EXPIRY))
    if expiry is not None:
        # [MQTT-3.14.2-2]
        if expiry and not session.expiry_interval:
            raise Refused(Reason.PROTOCOL_ERROR, "a session that was to end cannot be kept any more")
        session.expiry_interval = expiry
    if packet.code == Reason.SUCCESS:
        # [MQTT-3.14.4-3]
        session.will = None
    link.broker.lost(link, now)


def _session(link: Link) -> Session:
    if link.session is None:
        raise Refused(Reason.PROTOCOL_ERROR, "there is no session yet")
    return link.session


_HANDLERS: dict[int, Callable[[Link, Any, float], None]] = {
    Kind.PUBLISH: _publish,
    Kind.PUBACK: _ack,
    Kind.PUBREC: _pubrec,
    Kind.PUBREL: _pubrel,
    Kind.PUBCOMP: _ack,
    Kind.SUBSCRIBE: _subscribe,
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.PINGREQ: _pingreq,
    Kind.DISCONNECT: _disconnect,
}
