"""From bytes to packets, strictly: what the standards call malformed raises, nothing is repaired.

Works on any `bytes` the packet lies in; the only copies are the fields themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from .packets import (
    MQTT_3_1,
    MQTT_3_1_1,
    MQTT_5,
    Ack,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Filter,
    Kind,
    Packet,
    PacketError,
    Pingreq,
    Pingresp,
    Properties,
    Publish,
    Reason,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)
from .properties import WILL, Cursor, parse_properties

#: The lower half of the first byte, where the standard fixes it (MQTT 5 §2.1.3).
_FLAGS = {Kind.PUBREL: 2, Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}

_NAMES = {b"MQTT": (MQTT_3_1_1, MQTT_5), b"MQIsdp": (MQTT_3_1,)}

_ACK_CODES = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
_RELEASE_CODES = frozenset({0x00, 0x92})
_REASONS = frozenset(int(reason) for reason in Reason)


def parse_length(data: bytes, pos: int) -> tuple[int, int] | None:
    """Remaining length and where the body begins, for a packet that starts at `pos`; None when more bytes are needed.

    Raises PacketError when the length has more than four bytes (MQTT 5 §2.1.4).
    """
    end = len(data)
    size = shift = 0
    at = pos + 1
    while at < end:
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            # [MQTT-1.5.5-1]
            if shift and not byte:
                raise PacketError(Reason.MALFORMED_PACKET, "the remaining length is longer than it needs to be")
            return size, at
        shift += 7
        if shift > 21:
            raise PacketError(Reason.MALFORMED_PACKET, "the remaining length has more than four bytes")
    return None


def parse_version(data: bytes, start: int, end: int) -> int | None:
    """The protocol level a CONNECT asks for, or None when it says nothing we know; never raises."""
    size = int.from_bytes(data[start : start + 2], "big")
    at = start + 2 + size
    if at >= end:
        return None
    level = data[at]
    return level & 0x7F if (level & 0x7F) in _NAMES.get(data[start + 2 : at], ()) else None


def parse(data: bytes, version: int, start: int = 0) -> tuple[Packet, int]:
    """The packet that starts at `start` and the position after it; the whole packet must be there.

    Raises PacketError with the reason code for the answer.
    """
    length = parse_length(data, start)
    if length is None or length[1] + length[0] > len(data):
        raise PacketError(Reason.MALFORMED_PACKET, "the packet is not complete")
    size, body = length
    return parse_body(data[start], data, body, body + size, version), body + size


def parse_body(first: int, data: bytes, start: int, end: int, version: int) -> Packet:
    """The packet with first byte `first` whose body is `data[start:end]`; raises PacketError."""
    kind, flags = first >> 4, first & 0x0F
    if kind == Kind.PUBLISH:
        return _publish(Cursor(data, start, end), flags, version)
    if kind == 0 or (kind == Kind.AUTH and version < MQTT_5):
        raise PacketError(Reason.MALFORMED_PACKET, f"there is no packet type {kind}")
    named = Kind(kind)
    # [MQTT-2.1.3-1]
    if flags != _FLAGS.get(named, 0):
        raise PacketError(Reason.MALFORMED_PACKET, f"{named.name} with reserved flags")
    cursor = Cursor(data, start, end)
    packet = _PARSERS[named](cursor, named, version)
    cursor.finish()
    return packet


def _publish(cursor: Cursor, flags: int, version: int) -> Publish:
    qos = flags >> 1 & 3
    # [MQTT-3.3.1-4] [MQTT-3.3.1-2]
    if qos == 3 or (flags & 8 and not qos):
        raise PacketError(Reason.MALFORMED_PACKET, "PUBLISH with impossible flags")
    topic = cursor.text()
    packet_id = _packet_id(cursor) if qos else 0
    properties = parse_properties(cursor, Kind.PUBLISH) if version == MQTT_5 else {}
    return Publish(topic, cursor.rest(), qos, bool(flags & 1), bool(flags & 8), packet_id, properties)


def _packet_id(cursor: Cursor) -> int:
    packet_id = cursor.number(2)
    # [MQTT-2.2.1-3]
    if not packet_id:
        raise PacketError(Reason.PROTOCOL_ERROR, "packet identifier 0")
    return packet_id


def _properties(cursor: Cursor, kind: Kind, version: int) -> Properties:
    return parse_properties(cursor, kind) if version == MQTT_5 else {}


def _connect(cursor: Cursor, kind: Kind, version: int) -> Connect:
    levels = _NAMES.get(cursor.binary())
    level = cursor.number(1)
    version = level & 0x7F
    # [MQTT-3.1.2-1] [MQTT-3.1.2-2]; the upper bit marks a bridge and is not MQTT 5's
    if levels is None or version not in levels or (level & 0x80 and version == MQTT_5):
        raise PacketError(Reason.UNSUPPORTED_VERSION, "an unknown protocol name or level")
    flags = cursor.number(1)
    _check_connect_flags(flags, version)
    keepalive = cursor.number(2)
    properties = _properties(cursor, kind, version)
    client_id = cursor.text()
    will = _will(cursor, flags, version) if flags & 0x04 else None
    username = cursor.text() if flags & 0x80 else None
    password = cursor.binary() if flags & 0x40 else None
    clean_start, is_bridge = bool(flags & 0x02), bool(level & 0x80)
    return Connect(version, client_id, clean_start, keepalive, username, password, will, properties, is_bridge)


def _check_connect_flags(flags: int, version: int) -> None:
    # [MQTT-3.1.2-3]
    if flags & 0x01:
        raise PacketError(Reason.MALFORMED_PACKET, "CONNECT with its reserved flag set")
    # [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-12]
    if (not flags & 0x04 and flags & 0x38) or flags & 0x18 == 0x18:
        raise PacketError(Reason.MALFORMED_PACKET, "CONNECT with impossible will flags")
    # MQTT 3.1.1 [MQTT-3.1.2-22]; MQTT 5 lifted it
    if version < MQTT_5 and flags & 0xC0 == 0x40:
        raise PacketError(Reason.MALFORMED_PACKET, "a password without a user name")


def _will(cursor: Cursor, flags: int, version: int) -> Will:
    properties = parse_properties(cursor, WILL) if version == MQTT_5 else {}
    return Will(cursor.text(), cursor.binary(), flags >> 3 & 3, bool(flags & 0x20), properties)


def _connack(cursor: Cursor, kind: Kind, version: int) -> Connack:
    flags = cursor.number(1)
    if flags > 1:
        raise PacketError(Reason.MALFORMED_PACKET, "CONNACK with reserved flags")
    return Connack(bool(flags), cursor.number(1), _properties(cursor, kind, version))


def _ack(cursor: Cursor, kind: Kind, version: int) -> Ack:
    packet_id = _packet_id(cursor)
    if version < MQTT_5 or cursor.pos == cursor.end:
        return Ack(kind, packet_id)
    code = cursor.number(1)
    if code not in (_RELEASE_CODES if kind in (Kind.PUBREL, Kind.PUBCOMP) else _ACK_CODES):
        raise PacketError(Reason.PROTOCOL_ERROR, f"{kind.name} with reason code {code:#04x}")
    properties = parse_properties(cursor, kind) if cursor.pos < cursor.end else {}
    return Ack(kind, packet_id, code, properties)


def _subscribe(cursor: Cursor, kind: Kind, version: int) -> Subscribe:
    packet_id = _packet_id(cursor)
    properties = _properties(cursor, kind, version)
    filters = []
    while cursor.pos < cursor.end:
        filters.append(_filter(cursor.text(), cursor.number(1), version))
    # [MQTT-3.8.3-2]
    if not filters:
        raise PacketError(Reason.PROTOCOL_ERROR, "SUBSCRIBE without a topic filter")
    return Subscribe(packet_id, filters, properties)


def _filter(topic_filter: str, options: int, version: int) -> Filter:
    # [MQTT-3.8.3-5]; MQTT 3.1.1 [MQTT-3-8.3-4]
    if options & (0xC0 if version == MQTT_5 else 0xFC):
        raise PacketError(Reason.MALFORMED_PACKET, "SUBSCRIBE with reserved option bits")
    if options & 3 == 3 or options & 0x30 == 0x30:
        raise PacketError(Reason.PROTOCOL_ERROR, "SUBSCRIBE with an impossible option")
    return Filter(topic_filter, options & 3, bool(options & 4), bool(options & 8), options >> 4)


def _suback(cursor: Cursor, kind: Kind, version: int) -> Suback:
    packet_id = _packet_id(cursor)
    properties = _properties(cursor, kind, version)
    return Suback(packet_id, list(cursor.rest()), properties)


def _unsubscribe(cursor: Cursor, kind: Kind, version: int) -> Unsubscribe:
    packet_id = _packet_id(cursor)
    properties = _properties(cursor, kind, version)
    filters = []
    while cursor.pos < cursor.end:
        filters.append(cursor.text())
    # [MQTT-3.10.3-2]
    if not filters:
        raise PacketError(Reason.PROTOCOL_ERROR, "UNSUBSCRIBE without a topic filter")
    return Unsubscribe(packet_id, filters, properties)


def _unsuback(cursor: Cursor, kind: Kind, version: int) -> Unsuback:
    packet_id = _packet_id(cursor)
    if version < MQTT_5:
        return Unsuback(packet_id)
    properties = parse_properties(cursor, kind)
    return Unsuback(packet_id, list(cursor.rest()), properties)


def _ping(cursor: Cursor, kind: Kind, version: int) -> Pingreq | Pingresp:
    return Pingreq() if kind is Kind.PINGREQ else Pingresp()


def _farewell(cursor: Cursor, kind: Kind, version: int) -> Disconnect | Auth:
    make = Disconnect if kind is Kind.DISCONNECT else Auth
    if version < MQTT_5 or cursor.pos == cursor.end:
        return make()
    code = cursor.number(1)
    if code not in _REASONS:
        raise PacketError(Reason.PROTOCOL_ERROR, f"{kind.name} with reason code {code:#04x}")
    properties = parse_properties(cursor, kind) if cursor.pos < cursor.end else {}
    return make(code, properties)


_Parser = Callable[[Cursor, Kind, int], Packet]
_PARSERS: dict[Kind, _Parser] = {
    Kind.CONNECT: _connect,
    Kind.CONNACK: _connack,
    **dict.fromkeys((Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP), cast("_Parser", _ack)),
    Kind.SUBSCRIBE: _subscribe,
    Kind.SUBACK: _suback,
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.UNSUBACK: _unsuback,
    Kind.PINGREQ: _ping,
    Kind.PINGRESP: _ping,
    Kind.DISCONNECT: _farewell,
    Kind.AUTH: _farewell,
}
