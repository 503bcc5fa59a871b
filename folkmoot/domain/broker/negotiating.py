"""Enhanced authentication (MQTT 5 §4.12): when AUTH may come, and how it is answered.

What is said in it is known to whom the stream asks. First at CONNECT, where the link has no session yet; later the
client may ask for it again while everything else goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop, Reason

from .model import Identity, Refused

if TYPE_CHECKING:
    from .links import Link


class Negotiation(Struct):
    """How a client proves who it is, packet by packet."""

    method: str
    exchange: Any = None
    """The exchange under way; the stream's."""
    is_challenged: bool = False
    """The client has to say something."""
    data: bytes | None = None
    """What the client is told with its success."""

    def properties(self, data: bytes | None) -> mqtt.Properties:
        """Of an AUTH or CONNACK to the client."""
        # [MQTT-4.12.0-5]
        found: mqtt.Properties = {Prop.AUTH_METHOD: self.method}
        if data is not None:
            found[Prop.AUTH_DATA] = data
        return found


def begin(packet: mqtt.Connect) -> Negotiation | None:
    """The negotiation CONNECT asks for, if it does; raises Refused for data without a method."""
    if Prop.AUTH_METHOD in packet.properties:
        return Negotiation(cast("str", packet.properties[Prop.AUTH_METHOD]))
    if Prop.AUTH_DATA in packet.properties:
        # MQTT 5 §3.1.2.11.10
        raise Refused(Reason.PROTOCOL_ERROR, "authentication data without a method")
    return None


def receive(link: Link, packet: mqtt.Auth, now: float) -> None:
    """Handles an AUTH: the answer to a challenge, or the wish to start again. Raises Refused for one that may not come."""
    negotiation = link.negotiation
    if negotiation is None:
        # [MQTT-4.12.0-7]
        raise Refused(Reason.PROTOCOL_ERROR, "AUTH without an authentication method in CONNECT")
    if packet.properties.get(Prop.AUTH_METHOD) != negotiation.method:
        # [MQTT-4.12.0-5], [MQTT-4.12.1-1]
        raise Refused(Reason.PROTOCOL_ERROR, "AUTH with another method than CONNECT")
    if packet.code == Reason.CONTINUE_AUTHENTICATION and negotiation.is_challenged:
        negotiation.is_challenged = False
    elif packet.code != Reason.REAUTHENTICATE or link.session is None or negotiation.exchange is not None:
        raise Refused(Reason.PROTOCOL_ERROR, "an AUTH that nobody waits for")
    link.waiting = packet


def challenge(link: Link, data: bytes) -> None:
    """Asks the client for more."""
    negotiation = link.negotiation
    if negotiation is not None:
        negotiation.is_challenged = True
        # [MQTT-4.12.0-2]
        _send(link, mqtt.Auth(Reason.CONTINUE_AUTHENTICATION, negotiation.properties(data)))


def confirm(link: Link, identity: Identity) -> None:
    """The client has shown again who it is; raises Refused when that is somebody else."""
    negotiation = link.negotiation
    if identity != link.identity:
        raise Refused(Reason.NOT_AUTHORIZED, "a session is not handed on")
    # What it was allowed before is judged again.
    link.granted.clear()
    link.again_size = -1
    if negotiation is not None:
        _send(link, mqtt.Auth(Reason.SUCCESS, negotiation.properties(negotiation.data)))


def _send(link: Link, packet: mqtt.Auth) -> None:
    link.broker.count["packets.auth.sent"] += 1
    link.emit(mqtt.encode(packet, link.version))
