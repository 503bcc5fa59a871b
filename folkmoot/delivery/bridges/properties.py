"""Between MQTT 5 properties as packets have them and as rules see them (contract §2.13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from folkmoot.domain.bridges import TRAIL
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop, Properties

_NAMES = {
    Prop.PAYLOAD_FORMAT: "Payload-Format-Indicator",
    Prop.MESSAGE_EXPIRY: "Message-Expiry-Interval",
    Prop.CONTENT_TYPE: "Content-Type",
    Prop.RESPONSE_TOPIC: "Response-Topic",
    Prop.CORRELATION_DATA: "Correlation-Data",
}


def text(value: Any) -> Any:
    """Bytes as text, where they are; rules have it so."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def read(properties: Properties) -> dict[str, Any]:
    """Properties of a message as rules see them."""
    found: dict[str, Any] = {name: text(properties[prop]) for prop, name in _NAMES.items() if prop in properties}
    if Prop.USER_PROPERTY in properties:
        found["User-Property"] = dict(cast("list[tuple[str, str]]", properties[Prop.USER_PROPERTY]))
    return found


def write(pub_props: Any, trail: str) -> Properties:
    """The properties of a message that leaves, with its trail. What cannot be written is left out."""
    properties: Properties = {}
    users = dict[str, str]()
    if isinstance(pub_props, Mapping):
        for prop, name in _NAMES.items():
            value: Any = pub_props.get(name)
            if prop is Prop.CORRELATION_DATA and isinstance(value, str):
                value = value.encode()
            if _is_usable(prop, value):
                properties[prop] = value
        given = pub_props.get("User-Property")
        if isinstance(given, Mapping):
            users = {str(name): str(text) for name, text in given.items()}
    users[TRAIL] = trail
    properties[Prop.USER_PROPERTY] = list(users.items())
    try:
        mqtt.encode_fields(properties)
    except mqtt.PacketError:
        return {Prop.USER_PROPERTY: [(TRAIL, trail)]}
    return properties


def _is_usable(prop: Prop, value: Any) -> bool:
    if prop is Prop.PAYLOAD_FORMAT:
        return value in (0, 1) and isinstance(value, int)
    if prop is Prop.MESSAGE_EXPIRY:
        return isinstance(value, int) and 0 <= value <= 0xFFFFFFFF
    if prop is Prop.CORRELATION_DATA:
        return isinstance(value, bytes)
    return isinstance(value, str)
