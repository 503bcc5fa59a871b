"""What CONNECT asks for, put into session and link, and the CONNACK that tells what it gets."""

from __future__ import annotations

import secrets
import string
from typing import cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Prop

from .forms import Form
from .links import Link
from .model import Message
from .publishing import forwarded_fields
from .sessions import Session


def new_client_id() -> str:
    """An identifier for a client without one (contract §3.3): 16 base62 characters, the first a letter."""
    first = secrets.choice(string.ascii_letters)
    return first + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(15))


def enter(session: Session, link: Link, packet: mqtt.Connect, now: float) -> None:
    """Joins session and link as CONNECT says."""
    properties, limits = packet.properties, session.limits
    link.session, session.link = session, link
    session.identity = link.identity
    session.client = link.client
    session.clean_start = packet.clean_start
    session.connected_at, session.disconnected_at, session.expires_at = now, None, None
    session.expiry_interval = cast("int", properties.get(Prop.SESSION_EXPIRY, 0))
    if packet.version < MQTT_5 and not packet.clean_start:
        session.expiry_interval = limits.session_expiry_interval
    receive_maximum = cast("int", properties.get(Prop.RECEIVE_MAXIMUM, 0xFFFF))
    session.window = min(receive_maximum, limits.max_inflight)
    link.max_packet_size = cast("int", properties.get(Prop.MAXIMUM_PACKET_SIZE, link.max_packet_size))
    aliases = cast("int", properties.get(Prop.TOPIC_ALIAS_MAXIMUM, 0))
    if aliases or link.client.mountpoint:
        link.form = Form(link.client.mountpoint, aliases)
    link.keepalive = packet.keepalive
    if packet.version == MQTT_5 and limits.server_keepalive is not None:
        # [MQTT-3.1.2-21]
        link.keepalive = limits.server_keepalive
    session.will, session.will_at = None, None
    if packet.will is not None:
        _keep_will(session, packet.will)


def _keep_will(session: Session, will: mqtt.Will) -> None:
    expiry = cast("int | None", will.properties.get(Prop.MESSAGE_EXPIRY))
    message = Message(will.topic, will.payload, will.qos, will.retain, forwarded_fields(will.properties))
    message.from_client, message.from_name = session.client_id, session.identity.name
    # The interval for now; the broker makes a time of it when it publishes the will.
    message.expires_at = 0.0 if expiry is None else float(expiry)
    session.will = message
    session.will_delay = cast("int", will.properties.get(Prop.WILL_DELAY, 0))


def connack(link: Link, present: bool, assigned: str) -> mqtt.Connack:
    """The CONNACK of a client that is let in; `assigned` is the identifier made for it, or empty."""
    if link.version < MQTT_5:
        # MQTT 3.1 has no session-present flag.
        return mqtt.Connack(present and link.version == mqtt.MQTT_3_1_1)
    limits = link.broker.limits
    properties: mqtt.Properties = {
        Prop.RECEIVE_MAXIMUM: limits.max_awaiting_rel,
        Prop.MAXIMUM_PACKET_SIZE: limits.max_packet_size,
        Prop.TOPIC_ALIAS_MAXIMUM: limits.max_topic_alias,
        Prop.RETAIN_AVAILABLE: 1,
        Prop.WILDCARDS_AVAILABLE: 1,
        Prop.SUBSCRIPTION_IDS_AVAILABLE: 1,
        Prop.SHARED_AVAILABLE: 1,
    }
    if assigned:
        properties[Prop.ASSIGNED_CLIENT_ID] = assigned
    if link.negotiation is not None:
        properties |= link.negotiation.properties(link.negotiation.data)
    if limits.server_keepalive is not None:
        properties[Prop.SERVER_KEEP_ALIVE] = limits.server_keepalive
    return mqtt.Connack(present, 0, properties)
