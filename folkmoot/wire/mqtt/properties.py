"""MQTT 5 properties: one table of types and legality, read and written by it.

Knows nothing of packets but their names.
"""

from __future__ import annotations

from typing import Literal, cast

from .packets import VARINT_MAX, Kind, PacketError, Prop, Properties, PropertyValue, Reason

Shape = Literal["u8", "u16", "u32", "varint", "text", "binary", "pair"]

#: The will has properties of its own; as a place it is none of the packet kinds.
WILL = 0

_ACKS = (Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP, Kind.SUBACK, Kind.UNSUBACK)
_MESSAGE = frozenset({Kind.PUBLISH, WILL})
_GREETING = frozenset({Kind.CONNECT, Kind.CONNACK})

# MQTT 5 §2.2.2.2, table 2-4
TABLE: dict[Prop, tuple[Shape, frozenset[int]]] = {
    Prop.PAYLOAD_FORMAT: ("u8", _MESSAGE),
    Prop.MESSAGE_EXPIRY: ("u32", _MESSAGE),
    Prop.CONTENT_TYPE: ("text", _MESSAGE),
    Prop.RESPONSE_TOPIC: ("text", _MESSAGE),
    Prop.CORRELATION_DATA: ("binary", _MESSAGE),
    Prop.SUBSCRIPTION_ID: ("varint", frozenset({Kind.PUBLISH, Kind.SUBSCRIBE})),
    Prop.SESSION_EXPIRY: ("u32", _GREETING | {Kind.DISCONNECT}),
    Prop.ASSIGNED_CLIENT_ID: ("text", frozenset({Kind.CONNACK})),
    Prop.SERVER_KEEP_ALIVE: ("u16", frozenset({Kind.CONNACK})),
    Prop.AUTH_METHOD: ("text", _GREETING | {Kind.AUTH}),
    Prop.AUTH_DATA: ("binary", _GREETING | {Kind.AUTH}),
    Prop.REQUEST_PROBLEM_INFORMATION: ("u8", frozenset({Kind.CONNECT})),
    Prop.WILL_DELAY: ("u32", frozenset({WILL})),
    Prop.REQUEST_RESPONSE_INFORMATION: ("u8", frozenset({Kind.CONNECT})),
    Prop.RESPONSE_INFORMATION: ("text", frozenset({Kind.CONNACK})),
    Prop.SERVER_REFERENCE: ("text", frozenset({Kind.CONNACK, Kind.DISCONNECT})),
    Prop.REASON_STRING: ("text", frozenset({Kind.CONNACK, Kind.DISCONNECT, Kind.AUTH, *_ACKS})),
    Prop.RECEIVE_MAXIMUM: ("u16", _GREETING),
    Prop.TOPIC_ALIAS_MAXIMUM: ("u16", _GREETING),
    Prop.TOPIC_ALIAS: ("u16", frozenset({Kind.PUBLISH})),
    Prop.MAXIMUM_QOS: ("u8", frozenset({Kind.CONNACK})),
    Prop.RETAIN_AVAILABLE: ("u8", frozenset({Kind.CONNACK})),
    Prop.USER_PROPERTY: ("pair", frozenset({*Kind, WILL}) - {Kind.PINGREQ, Kind.PINGRESP}),
    Prop.MAXIMUM_PACKET_SIZE: ("u32", _GREETING),
    Prop.WILDCARDS_AVAILABLE: ("u8", frozenset({Kind.CONNACK})),
    Prop.SUBSCRIPTION_IDS_AVAILABLE: ("u8", frozenset({Kind.CONNACK})),
    Prop.SHARED_AVAILABLE: ("u8", frozenset({Kind.CONNACK})),
}
_KNOWN = {int(prop): prop for prop in Prop}
_SIZES = {"u8": 1, "u16": 2, "u32": 4}
_NOT_ZERO = {Prop.SUBSCRIPTION_ID, Prop.RECEIVE_MAXIMUM, Prop.MAXIMUM_PACKET_SIZE}


class Cursor:
    """Reads the fields of one packet from left to right; running over its end is malformed."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int, end: int) -> None:
        self.data = data
        self.pos = pos
        self.end = end

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start = self.pos
        stop = start + size
        if stop > self.end:
            raise PacketError(Reason.MALFORMED_PACKET, "the packet ends inside a field")
        self.pos = stop
        return self.data[start:stop]

    def skip(self, size: int) -> None:
        """Goes over `size` bytes."""
        self.pos += size
        if self.pos > self.end:
            raise PacketError(Reason.MALFORMED_PACKET, "the packet ends inside a field")

    def number(self, size: int) -> int:
        """An unsigned integer of `size` bytes, big end first."""
        return int.from_bytes(self.take(size), "big")

    def varint(self) -> int:
        """A variable byte integer (MQTT 5 §1.5.5)."""
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 21:
                raise PacketError(Reason.MALFORMED_PACKET, "a variable byte integer has more than four bytes")
        # [MQTT-1.5.5-1]
        if shift and not byte:
            raise PacketError(Reason.MALFORMED_PACKET, "a variable byte integer is longer than it needs to be")
        return value

    def binary(self) -> bytes:
        """Binary data with its length in front (MQTT 5 §1.5.6)."""
        return self.take(self.number(2))

    def text(self) -> str:
        """A UTF-8 string with its length in front; surrogates and U+0000 are malformed."""
        try:
            # [MQTT-1.5.4-1]
            value = self.binary().decode()
        except UnicodeDecodeError as error:
            raise PacketError(Reason.MALFORMED_PACKET, "a string is not UTF-8") from error
        # [MQTT-1.5.4-2]
        if "\0" in value:
            raise PacketError(Reason.MALFORMED_PACKET, "a string contains U+0000")
        return value

    def rest(self) -> bytes:
        """Everything up to the end of the packet."""
        return self.take(self.end - self.pos)

    def finish(self) -> None:
        """Raises when something is left over."""
        if self.pos != self.end:
            raise PacketError(Reason.MALFORMED_PACKET, "the packet goes on after its last field")


def parse_properties(cursor: Cursor, place: int) -> Properties:
    """The properties at the cursor, length first; `place` is the packet kind or WILL."""
    size = cursor.varint()
    if not size:
        return {}
    inner = Cursor(cursor.data, cursor.pos, cursor.pos + size)
    cursor.skip(size)
    found: Properties = {}
    while inner.pos < inner.end:
        prop = _KNOWN.get(inner.varint())
        if prop is None or place not in TABLE[prop][1]:
            raise PacketError(Reason.MALFORMED_PACKET, "a property that does not belong into this packet")
        _add(found, prop, _value(inner, prop), place)
    return found


def _value(cursor: Cursor, prop: Prop) -> PropertyValue:
    shape = TABLE[prop][0]
    if shape == "text":
        return cursor.text()
    if shape == "binary":
        return cursor.binary()
    if shape == "pair":
        return [(cursor.text(), cursor.text())]
    value = cursor.varint() if shape == "varint" else cursor.number(_SIZES[shape])
    if prop is Prop.TOPIC_ALIAS and not value:
        # [MQTT-3.3.2-8]
        raise PacketError(Reason.TOPIC_ALIAS_INVALID, "topic alias 0")
    if (shape == "u8" and value > 1) or (prop in _NOT_ZERO and not value):
        raise PacketError(Reason.PROTOCOL_ERROR, f"{prop.name} cannot be {value}")
    return [value] if prop is Prop.SUBSCRIPTION_ID else value


def _add(found: Properties, prop: Prop, value: PropertyValue, place: int) -> None:
    if prop not in found:
        found[prop] = value
    elif prop is Prop.USER_PROPERTY or (prop is Prop.SUBSCRIPTION_ID and place == Kind.PUBLISH):
        cast("list[object]", found[prop]).extend(cast("list[object]", value))
    else:
        raise PacketError(Reason.PROTOCOL_ERROR, f"{prop.name} is given twice")


def encode_varint(value: int) -> bytes:
    """A variable byte integer of one to four bytes."""
    if value < 0x80:
        return bytes((value,))
    if value > VARINT_MAX:
        raise PacketError(Reason.PACKET_TOO_LARGE, "longer than four length bytes can say", "ours")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_binary(value: bytes) -> bytes:
    """Binary data with its length in front."""
    if len(value) > 0xFFFF:
        raise PacketError(Reason.PACKET_TOO_LARGE, "a field is longer than 65,535 bytes", "ours")
    return len(value).to_bytes(2, "big") + value


def encode_text(value: str) -> bytes:
    """A UTF-8 string with its length in front."""
    try:
        raw = value.encode()
    except UnicodeEncodeError as error:
        raise PacketError(Reason.MALFORMED_PACKET, "a string contains a surrogate", "ours") from error
    if b"\0" in raw:
        raise PacketError(Reason.MALFORMED_PACKET, "a string contains U+0000", "ours")
    return encode_binary(raw)


def encode_fields(properties: Properties) -> bytes:
    """The properties without the length that stands in front of them."""
    out = bytearray()
    for prop, value in properties.items():
        many = cast("list[PropertyValue]", value if isinstance(value, list) else [value])
        for one in many:
            out.append(prop)
            out += _encode_value(prop, one)
    return bytes(out)


def encode_properties(properties: Properties) -> bytes:
    """The properties, length first."""
    if not properties:
        return b"\0"
    fields = encode_fields(properties)
    return encode_varint(len(fields)) + fields


def _encode_value(prop: Prop, value: object) -> bytes:
    shape = TABLE[prop][0]
    if shape == "text":
        return encode_text(cast("str", value))
    if shape == "binary":
        return encode_binary(cast("bytes", value))
    if shape == "pair":
        name, text = cast("tuple[str, str]", value)
        return encode_text(name) + encode_text(text)
    if shape == "varint":
        return encode_varint(cast("int", value))
    return cast("int", value).to_bytes(_SIZES[shape], "big")
