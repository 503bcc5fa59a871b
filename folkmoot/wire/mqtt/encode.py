"""From packets to bytes.

A PUBLISH that goes to many is encoded once by `publish_parts`; only its packet identifier differs per receiver.
"""

from __future__ import annotations

from .packets import (
    MQTT_3_1,
    MQTT_5,
    Ack,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Filter,
    Kind,
    Packet,
    Pingreq,
    Pingresp,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from .properties import encode_binary, encode_fields, encode_properties, encode_text, encode_varint

PINGREQ = b"\xc0\x00"
PINGRESP = b"\xd0\x00"


def publish_parts(
    topic: bytes, payload: bytes, qos: int, retain: bool, version: int, fields: bytes = b""
) -> tuple[bytes, bytes]:
    """What stands before and after the packet identifier of a PUBLISH; for QoS 0 they simply follow each other.

    `fields` are encoded properties without their length (MQTT 5 §3.3.2.3); `topic` is UTF-8.
    """
    middle = encode_varint(len(fields)) + fields if version == MQTT_5 else b""
    size = 2 + len(topic) + (2 if qos else 0) + len(middle) + len(payload)
    first = bytes((0x30 | qos << 1 | retain,))
    return first + encode_varint(size) + encode_binary(topic), middle + payload


def encode(packet: Packet, version: int) -> bytes:
    """The bytes of a packet for a connection of that version; raises PacketError (ours) when there are none."""
    if isinstance(packet, Publish):
        return _publish(packet, version)
    if isinstance(packet, Ack):
        return _ack(packet, version)
    if isinstance(packet, Pingreq):
        return PINGREQ
    if isinstance(packet, Pingresp):
        return PINGRESP
    if isinstance(packet, (Disconnect, Auth)):
        return _farewell(packet, version)
    kind, flags, body = _body(packet, version)
    return bytes((kind << 4 | flags,)) + encode_varint(len(body)) + body


def _publish(packet: Publish, version: int) -> bytes:
    fields = encode_fields(packet.properties) if version == MQTT_5 else b""
    topic = encode_text(packet.topic)[2:]
    head, tail = publish_parts(topic, packet.payload, packet.qos, packet.retain, version, fields)
    if packet.dup:
        head = bytes((head[0] | 8,)) + head[1:]
    return head + packet.packet_id.to_bytes(2, "big") + tail if packet.qos else head + tail


def _ack(packet: Ack, version: int) -> bytes:
    first = packet.kind << 4 | (2 if packet.kind is Kind.PUBREL else 0)
    packet_id = packet.packet_id.to_bytes(2, "big")
    if version < MQTT_5 or not (packet.code or packet.properties):
        return bytes((first, 2)) + packet_id
    tail = bytes((packet.code,)) + (encode_properties(packet.properties) if packet.properties else b"")
    return bytes((first,)) + encode_varint(2 + len(tail)) + packet_id + tail


def _farewell(packet: Disconnect | Auth, version: int) -> bytes:
    first = (Kind.DISCONNECT if isinstance(packet, Disconnect) else Kind.AUTH) << 4
    if version < MQTT_5 or not (packet.code or packet.properties):
        return bytes((first, 0))
    body = bytes((packet.code,)) + (encode_properties(packet.properties) if packet.properties else b"")
    return bytes((first,)) + encode_varint(len(body)) + body


def _body(
    packet: Connect | Connack | Subscribe | Suback | Unsubscribe | Unsuback, version: int
) -> tuple[Kind, int, bytes]:
    if isinstance(packet, Connect):
        return Kind.CONNECT, 0, _connect(packet)
    properties = encode_properties(packet.properties) if version == MQTT_5 else b""
    if isinstance(packet, Connack):
        return Kind.CONNACK, 0, bytes((packet.session_present, packet.code)) + properties
    head = packet.packet_id.to_bytes(2, "big") + properties
    if isinstance(packet, Subscribe):
        return Kind.SUBSCRIBE, 2, head + b"".join(_filter(entry) for entry in packet.filters)
    if isinstance(packet, Unsubscribe):
        return Kind.UNSUBSCRIBE, 2, head + b"".join(map(encode_text, packet.filters))
    if isinstance(packet, Suback):
        return Kind.SUBACK, 0, head + bytes(packet.codes)
    return Kind.UNSUBACK, 0, head + (bytes(packet.codes) if version == MQTT_5 else b"")


def _filter(entry: Filter) -> bytes:
    options = entry.qos | entry.no_local << 2 | entry.retain_as_published << 3 | entry.retain_handling << 4
    return encode_text(entry.topic_filter) + bytes((options,))


def _connect(packet: Connect) -> bytes:
    name = b"\0\6MQIsdp" if packet.version == MQTT_3_1 else b"\0\4MQTT"
    flags = packet.clean_start << 1 | (packet.username is not None) << 7 | (packet.password is not None) << 6
    will = b""
    if packet.will is not None:
        flags |= 0x04 | packet.will.qos << 3 | packet.will.retain << 5
        will = encode_properties(packet.will.properties) if packet.version == MQTT_5 else b""
        will += encode_text(packet.will.topic) + encode_binary(packet.will.payload)
    head = name + bytes((packet.version | packet.is_bridge << 7, flags)) + packet.keepalive.to_bytes(2, "big")
    if packet.version == MQTT_5:
        head += encode_properties(packet.properties)
    username = b"" if packet.username is None else encode_text(packet.username)
    password = b"" if packet.password is None else encode_binary(packet.password)
    return head + encode_text(packet.client_id) + will + username + password
