"""What the tests of the statements say to a broker, byte by byte, and what they make of its answers."""

from __future__ import annotations

from typing import Any

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop, Publish, Reason

from ..domain.broker.ends import ALICE, End, Room
from . import V5, V31

#: A session expiry that is long enough.
HOUR = 3600


def field(data: bytes) -> bytes:
    """Text or binary data with its length in front."""
    return len(data).to_bytes(2, "big") + data


def frame(first: int, *parts: bytes) -> bytes:
    """A packet with its remaining length."""
    body = b"".join(parts)
    return bytes((first,)) + mqtt.encode_varint(len(body)) + body


def none(version: int) -> bytes:
    """No properties, where there could be some."""
    return b"\0" if version == V5 else b""


def connect(
    version: int,
    *fields: bytes,
    flags: int = 2,
    name: bytes = b"",
    level: int = 0,
    first: int = 0x10,
    rest: bytes = b"",
) -> bytes:
    """A CONNECT with these fields in its payload; the will has no properties."""
    payload = [field(one) for one in fields]
    if version == V5 and flags & 4:
        payload.insert(1, b"\0")
    head = field(name or (b"MQIsdp" if version == V31 else b"MQTT")) + bytes((level or version, flags, 0, 0))
    return frame(first, head, none(version), *payload, rest)


def knocking(version: int, data: bytes, room: Room | None = None) -> End:
    """A client that has sent these bytes as the first ones."""
    room = room or Room()
    end = End(room.broker, room.clock, version)
    end.send_bytes(data)
    return end


def assert_ended(end: End, reason: Reason) -> None:
    """The broker has ended the connection; only MQTT 5 says why, and nothing comes after it."""
    assert end.read() == ([mqtt.Disconnect(reason)] if end.version == V5 else [])
    assert end.link.ended


def assert_refused(end: End, reason: Reason, code: int | None = None) -> None:
    """The broker has refused the connection; `code` is what MQTT 3 is told, if it is told anything."""
    answer = [mqtt.Connack(False, reason)] if end.version == V5 else []
    if code is not None and end.version < V5:
        answer = [mqtt.Connack(False, code)]
    assert end.read() == answer
    assert end.link.ended
    assert end.link.session is None


def stays(room: Room, client_id: str, version: int, clean: bool = False, **options: Any) -> End:
    """A connected client whose session outlives its connection."""
    if version == V5:
        options["session_expiry"] = HOUR
    return room.enter(client_id, version, clean=clean, **options)


def back(room: Room, client_id: str, version: int, **options: Any) -> tuple[End, list[mqtt.Packet]]:
    """A client that connects again, and what it gets behind CONNACK."""
    if version == V5:
        options.setdefault("session_expiry", HOUR)
    end = room.knock(client_id, version, clean=False, **options)
    end.link.accept(ALICE, room.clock.now)
    connack, *rest = end.read()
    assert isinstance(connack, mqtt.Connack)
    assert connack.session_present is (version != V31)
    return end, rest


def subscribe(end: End, *filters: str, qos: int = 0, packet_id: int = 1, **options: Any) -> list[mqtt.Packet]:
    """Subscribes and returns everything that came for it."""
    end.send(mqtt.Subscribe(packet_id, [mqtt.Filter(each, qos, **options) for each in filters]))
    return end.read()


def messages(end: End) -> list[Publish]:
    """The messages among what has come."""
    return [packet for packet in end.read() if isinstance(packet, Publish)]


def payloads(end: End) -> list[bytes]:
    """Their payloads."""
    return [message.payload for message in messages(end)]


def complete(end: End, packet_id: int, qos: int) -> None:
    """Acknowledges a message to its end."""
    if qos == 1:
        end.send(mqtt.Ack(mqtt.Kind.PUBACK, packet_id))
    elif qos == 2:
        end.send(mqtt.Ack(mqtt.Kind.PUBREC, packet_id))
        assert end.read_one() == mqtt.Ack(mqtt.Kind.PUBREL, packet_id)
        end.send(mqtt.Ack(mqtt.Kind.PUBCOMP, packet_id))


def bye(end: End, code: int = 0) -> None:
    """Says DISCONNECT."""
    end.send(mqtt.Disconnect(code))


def has(packet: Any, prop: Prop) -> bool:
    """Whether a packet carries a property."""
    return prop in getattr(packet, "properties", {})
