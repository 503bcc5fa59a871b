"""What each packet from a client does, one function per packet: the slow way of `links`.

In charge of what is allowed when and of the answers; PUBLISH is `publishing`'s, SUBSCRIBE and UNSUBSCRIBE are `subscribing`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Kind, Prop, Reason

from . import greeting, negotiating, publishing, subscribing
from .model import Delivery, Refused

if TYPE_CHECKING:
    from .links import Link
    from .sessions import Session

# contract §3.3, "CONNACK v3 codes"
_V3_CODES = {
    **dict.fromkeys(range(0x80, 0x85), 1),
    Reason.CLIENT_ID_NOT_VALID: 2,
    Reason.BAD_CREDENTIALS: 4,
    **dict.fromkeys((Reason.NOT_AUTHORIZED, Reason.BANNED, Reason.BAD_AUTHENTICATION_METHOD), 5),
}
_V3_UNAVAILABLE = 3

# MQTT 5 §3.2.2.2, table 3-1
_CONNACK_CODES = frozenset({*range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F})
_OTHER_CONNACK_CODES = {
    Reason.SHUTTING_DOWN: Reason.SERVER_UNAVAILABLE,
    Reason.MESSAGE_RATE_TOO_HIGH: Reason.CONNECTION_RATE_EXCEEDED,
}
#: What DISCONNECT says for codes it does not have (MQTT 5 §3.14.2.1, table 3-10).
_DISCONNECT_CODES = {
    Reason.UNSUPPORTED_VERSION: Reason.PROTOCOL_ERROR,
    Reason.CLIENT_ID_NOT_VALID: Reason.PROTOCOL_ERROR,
    Reason.BAD_CREDENTIALS: Reason.NOT_AUTHORIZED,
    Reason.SERVER_UNAVAILABLE: Reason.SERVER_BUSY,
    Reason.BANNED: Reason.NOT_AUTHORIZED,
    Reason.BAD_AUTHENTICATION_METHOD: Reason.NOT_AUTHORIZED,
    Reason.PACKET_ID_IN_USE: Reason.PROTOCOL_ERROR,
    Reason.PACKET_ID_NOT_FOUND: Reason.PROTOCOL_ERROR,
}


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
    link.broker.count[_COUNTERS[kind]] += 1
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
    link.max_packet_size = cast("int", packet.properties.get(Prop.MAXIMUM_PACKET_SIZE, link.max_packet_size))
    limits = link.broker.limits
    greeting.name_client(link.client, packet, limits)
    greeting.check_connect(packet, link.client, limits)
    link.negotiation = negotiating.begin(packet)
    link.connect = link.waiting = packet
    link.broker.count["client.connect"] += 1


def farewell(link: Link, reason: Reason) -> None:
    """Tells the peer why the connection ends, as far as its version and state have words for it."""
    version = link.version
    if link.session is not None:
        # [MQTT-3.14.0-1] and [MQTT-4.13.1-1]
        if version == MQTT_5:
            link.broker.count["packets.disconnect.sent"] += 1
            # [MQTT-3.14.2-1]
            link.emit(mqtt.encode(mqtt.Disconnect(_DISCONNECT_CODES.get(reason, reason)), version))
        return
    link.broker.happenings.tell(link.broker.happenings.answered, link, reason, link.seen_at)
    if version == MQTT_5:
        # [MQTT-3.2.2-8]
        told = reason if reason in _CONNACK_CODES else _OTHER_CONNACK_CODES.get(reason, Reason.UNSPECIFIED_ERROR)
        _refuse(link, reason, mqtt.Connack(code=told), version)
    elif reason == Reason.UNSUPPORTED_VERSION or (version and link.connect is not None) or reason in _V3_ANSWERED:
        code = _V3_CODES.get(reason, _V3_UNAVAILABLE)
        _refuse(link, reason, mqtt.Connack(code=code), mqtt.MQTT_3_1_1)


def _refuse(link: Link, reason: Reason, packet: mqtt.Connack, version: int) -> None:
    count = link.broker.count
    count["packets.connack.sent"] += 1
    count["packets.connack.error"] += 1
    if reason in (Reason.BAD_CREDENTIALS, Reason.NOT_AUTHORIZED):
        count["packets.connack.auth_error"] += 1
    link.emit(mqtt.encode(packet, version))


def disconnect_reason(reason: Reason | None) -> str:
    """Why a connection was ended, in the words of contract §2.13."""
    if reason is None:
        return "internal_error"
    return _WORDS.get(reason, reason.name.lower())


_WORDS = {
    Reason.ADMINISTRATIVE_ACTION: "kicked",
    Reason.KEEP_ALIVE_TIMEOUT: "keepalive_timeout",
    Reason.SESSION_TAKEN_OVER: "takenover",
    Reason.IMPLEMENTATION_ERROR: "internal_error",
}
_V3_ANSWERED = (Reason.CLIENT_ID_NOT_VALID, Reason.BAD_AUTHENTICATION_METHOD)


def _ack(link: Link, packet: mqtt.Ack, now: float) -> None:
    session = _session(link)
    delivery = session.acknowledge(packet.packet_id, 1 if packet.kind is Kind.PUBACK else 2)
    if delivery is None:
        why = "inuse" if packet.packet_id in session.inflight else "missed"
        link.broker.count[f"packets.{packet.kind.name.lower()}.{why}"] += 1
        return
    if packet.kind is Kind.PUBACK:
        _acked(link, session, delivery, packet, now)
    session.pump(now)


def _acked(link: Link, session: Session, delivery: Delivery, packet: mqtt.Ack, now: float) -> None:
    link.broker.count["messages.acked"] += 1
    happenings = link.broker.happenings
    if happenings.acked:
        with happenings.because_of(packet.properties):
            happenings.tell(happenings.acked, session, delivery, now)


def _pubrec(link: Link, packet: mqtt.Ack, now: float) -> None:
    session = _session(link)
    delivery = session.find_sent(packet.packet_id)
    if delivery is None or delivery.qos != 2:
        link.broker.count["packets.pubrec.missed"] += 1
        _answer(link, Kind.PUBREL, packet.packet_id, Reason.PACKET_ID_NOT_FOUND)
    elif packet.code >= Reason.UNSPECIFIED_ERROR:
        # [MQTT-4.4.0-2]
        session.acknowledge(packet.packet_id, 2)
        session.pump(now)
    else:
        if packet.packet_id in session.released:
            link.broker.count["packets.pubrec.inuse"] += 1
        else:
            _acked(link, session, delivery, packet, now)
        session.release(packet.packet_id, delivery)
        _answer(link, Kind.PUBREL, packet.packet_id, 0)


def _pubrel(link: Link, packet: mqtt.Ack, now: float) -> None:
    known = _session(link).finish(packet.packet_id)
    if not known:
        link.broker.count["packets.pubrel.missed"] += 1
    _answer(link, Kind.PUBCOMP, packet.packet_id, 0 if known else Reason.PACKET_ID_NOT_FOUND)


def _answer(link: Link, kind: Kind, packet_id: int, code: int) -> None:
    link.answer(kind, mqtt.encode(mqtt.Ack(kind, packet_id, code), link.version), _session(link).waits_for())


def _pingreq(link: Link, packet: mqtt.Pingreq, now: float) -> None:
    _session(link)
    link.broker.count["packets.pingresp.sent"] += 1
    link.emit(mqtt.PINGRESP)


def _disconnect(link: Link, packet: mqtt.Disconnect, now: float) -> None:
    if link.session is None and link.negotiation is not None:
        # [MQTT-3.1.2-30]: it may give up before CONNACK
        link.broker.lost(link, now, "normal")
        return
    session = _session(link)
    expiry = cast("int | None", packet.properties.get(Prop.SESSION_EXPIRY))
    if expiry is not None:
        # MQTT 5 §3.14.2.2.2
        if expiry and not session.expiry_interval:
            raise Refused(Reason.PROTOCOL_ERROR, "a session that was to end cannot be kept any more")
        session.expiry_interval = expiry
    if packet.code == Reason.SUCCESS:
        # [MQTT-3.14.4-3]
        session.will = None
    failed = packet.code >= Reason.UNSPECIFIED_ERROR
    with link.broker.happenings.because_of(packet.properties):
        link.broker.lost(link, now, disconnect_reason(Reason(packet.code)) if failed else "normal")


def _session(link: Link) -> Session:
    if link.session is None:
        raise Refused(Reason.PROTOCOL_ERROR, "there is no session yet")
    return link.session


_COUNTERS = {int(kind): f"packets.{kind.name.lower()}.received" for kind in Kind}
_HANDLERS: dict[int, Callable[[Link, Any, float], None]] = {
    Kind.PUBLISH: lambda link, packet, now: publishing.publish(link, _session(link), packet, now),
    Kind.PUBACK: _ack,
    Kind.PUBREC: _pubrec,
    Kind.PUBREL: _pubrel,
    Kind.PUBCOMP: _ack,
    Kind.SUBSCRIBE: lambda link, packet, now: subscribing.subscribe(link, _session(link), packet, now),
    Kind.UNSUBSCRIBE: lambda link, packet, now: subscribing.unsubscribe(link, _session(link), packet, now),
    Kind.PINGREQ: _pingreq,
    Kind.DISCONNECT: _disconnect,
    Kind.AUTH: negotiating.receive,
}
