"""How messages look to a link that wants a form of its own: topics without its mountpoint, and aliases for topics it has seen.

Only such links have a `Form`; all others share the bytes of a delivery.
"""

from __future__ import annotations

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5

from .model import Delivery

#: An alias costs three bytes in each packet; a shorter topic is sent as it is.
_WORTH_BYTES = 4
#: How many aliases a link keeps, whatever the client would take.
_ALIASES_MAX = 4096


class Form:
    """The form of one link. `most` is how many aliases the client takes (MQTT 5 §3.1.2.11.5)."""

    __slots__ = ("_aliases", "_most", "mountpoint")

    def __init__(self, mountpoint: str, most: int) -> None:
        self.mountpoint = mountpoint
        self._most = min(most, _ALIASES_MAX)
        self._aliases: dict[str, int] = {}

    def parts(self, delivery: Delivery, version: int, now: float, most: int, at_once: bool) -> tuple[bytes, bytes]:
        """The bytes before and after the packet identifier, a new alias only if they fit into a packet of `most` bytes.

        Without `at_once` the packet may be overtaken by others, so it makes no alias known.
        """
        topic = delivery.message.topic.removeprefix(self.mountpoint)
        if version == MQTT_5 and self._most and len(topic) > _WORTH_BYTES:
            alias = self._aliases.get(topic, 0)
            if alias:
                # MQTT 5 §3.3.2.3.4
                return self._encode(delivery, "", version, now, alias)
            if at_once and len(self._aliases) < self._most:
                alias = len(self._aliases) + 1
                found = self._encode(delivery, topic, version, now, alias)
                if len(found[0]) + len(found[1]) + (2 if delivery.qos else 0) <= most:
                    self._aliases[topic] = alias
                    return found
        return self._encode(delivery, topic, version, now, 0)

    def _encode(self, delivery: Delivery, topic: str, version: int, now: float, alias: int) -> tuple[bytes, bytes]:
        message = delivery.message
        fields = delivery.fields(now) if version == MQTT_5 else b""
        if alias:
            fields = mqtt.encode_fields({mqtt.Prop.TOPIC_ALIAS: alias}) + fields
        return mqtt.publish_parts(topic.encode(), message.payload, delivery.qos, delivery.retain, version, fields)
