"""What CONNECT asks for, put into session and link, and the CONNACK that tells what it gets."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, cast

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import MQTT_5, Prop, Reason

from .certificates import certificate_name
from .expressions import Names, evaluate, fill, names_of
from .forms import Form
from .model import Client, Message, Refused
from .options import Limits
from .publishing import forwarded_fields
from .topics import has_controls, is_special_by_value, is_topic, is_wild

if TYPE_CHECKING:
    from .links import Link
    from .sessions import Session


#: What a client takes for granted if it is not told (MQTT 5 §3.2.2.3), and what it can do without.
_DEFAULTS: mqtt.Properties = {
    Prop.RECEIVE_MAXIMUM: 0xFFFF,
    Prop.RETAIN_AVAILABLE: 1,
    Prop.WILDCARDS_AVAILABLE: 1,
    Prop.SUBSCRIPTION_IDS_AVAILABLE: 1,
    Prop.SHARED_AVAILABLE: 1,
}
_NEEDLESS = (Prop.TOPIC_ALIAS_MAXIMUM, Prop.RESPONSE_INFORMATION)


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


def name_client(client: Client, packet: mqtt.Connect, limits: Limits) -> None:
    """What the client is called and its attributes, as the options make them of its CONNECT (contract §3.2)."""
    client.client_id, client.version, client.username = packet.client_id, packet.version, packet.username
    client.username = certificate_name(client, limits.peer_cert_as_username) or client.username
    if limits.use_username_as_clientid and client.username:
        client.client_id = client.username
    client.client_id = certificate_name(client, limits.peer_cert_as_clientid) or client.client_id
    if not limits.client_attrs_init and limits.clientid_override in ("", "disabled"):
        return
    given = dict(cast("list[tuple[str, str]]", packet.properties.get(Prop.USER_PROPERTY, [])))
    for wanted in limits.client_attrs_init:
        value = _evaluate(wanted.get("expression", ""), names_of(client, given))
        if value:
            client.attrs[wanted.get("set_as_attr", "")] = value
    if limits.clientid_override not in ("", "disabled"):
        client.client_id = _evaluate(limits.clientid_override, names_of(client, given)) or client.client_id


def mount(client: Client) -> None:
    """Fills the client's mountpoint in. Raises Refused when what the client is called would lead out of it."""
    template = client.mountpoint
    if not template:
        return
    filled = fill(template, names_of(client))
    if is_wild(filled) or "\0" in filled or is_special_by_value(filled, template):
        raise Refused(Reason.CLIENT_ID_NOT_VALID, "no mountpoint can be made of what this client is called")
    client.mountpoint = filled


def _evaluate(expression: str, names: Names) -> str:
    try:
        return evaluate(expression, names)
    except ValueError:
        # Whoever sets it should have had it parsed.
        return ""


def check_connect(packet: mqtt.Connect, client: Client, limits: Limits) -> None:
    """Raises Refused for a CONNECT that asks for what there is not."""
    # [MQTT-3.1.3-8]; MQTT 3.1 knows no empty client identifiers
    empty_refused = packet.version < MQTT_5 and (not packet.clean_start or packet.version == mqtt.MQTT_3_1)
    if len(client.client_id.encode()) > limits.max_clientid_len or (not client.client_id and empty_refused):
        raise Refused(Reason.CLIENT_ID_NOT_VALID)
    will = packet.will
    if limits.strict_mode and any(
        has_controls(text or "") for text in (packet.client_id, packet.username, will and will.topic)
    ):
        raise Refused(Reason.MALFORMED_PACKET)
    if will is None:
        return
    if not is_topic(will.topic, limits.max_topic_levels):
        raise Refused(Reason.TOPIC_NAME_INVALID)
    # Later nobody could be told of what is wrong in there.
    forwarded_fields(will.properties)
    # [MQTT-3.2.2-12] [MQTT-3.2.2-13]
    if will.qos > limits.max_qos_allowed:
        raise Refused(Reason.QOS_NOT_SUPPORTED)
    if will.retain and not limits.retain_available:
        raise Refused(Reason.RETAIN_NOT_SUPPORTED)


def _keep_will(session: Session, will: mqtt.Will) -> None:
    expiry = cast("int | None", will.properties.get(Prop.MESSAGE_EXPIRY))
    message = Message(will.topic, will.payload, will.qos, will.retain, forwarded_fields(will.properties))
    message.from_client, message.from_name = session.client_id, session.identity.name
    # The interval for now; the broker makes a time of it when it publishes the will.
    message.expires_at = 0.0 if expiry is None else float(expiry)
    session.will = message
    session.will_delay = cast("int", will.properties.get(Prop.WILL_DELAY, 0))


def connack(link: Link, assigned: str) -> mqtt.Connack:
    """The CONNACK of a client that is let in, before it is known whether to a session; `assigned` is the identifier made for
    it, or empty. Raises Refused when the client takes none as large as that.
    """
    if link.version < MQTT_5:
        return mqtt.Connack()
    limits = link.broker.limits
    properties: mqtt.Properties = {
        Prop.RECEIVE_MAXIMUM: min(limits.max_awaiting_rel, 0xFFFF),
        Prop.MAXIMUM_PACKET_SIZE: limits.max_packet_size,
        Prop.TOPIC_ALIAS_MAXIMUM: limits.max_topic_alias,
        Prop.RETAIN_AVAILABLE: int(limits.retain_available),
        Prop.WILDCARDS_AVAILABLE: int(limits.wildcard_subscription),
        Prop.SUBSCRIPTION_IDS_AVAILABLE: 1,
        Prop.SHARED_AVAILABLE: int(limits.shared_subscription),
    }
    if limits.max_qos_allowed < 2:
        properties[Prop.MAXIMUM_QOS] = limits.max_qos_allowed
    if limits.response_information and link.connect and link.connect.properties.get(Prop.REQUEST_RESPONSE_INFORMATION):
        # [MQTT-3.1.2-28]
        properties[Prop.RESPONSE_INFORMATION] = limits.response_information
    if assigned:
        properties[Prop.ASSIGNED_CLIENT_ID] = assigned
    if link.negotiation is not None:
        properties |= link.negotiation.properties(link.negotiation.data)
    if limits.server_keepalive is not None:
        properties[Prop.SERVER_KEEP_ALIVE] = limits.server_keepalive
    answer = mqtt.Connack(False, 0, properties)
    # [MQTT-3.1.2-24]
    if len(mqtt.encode(answer, MQTT_5)) > link.max_packet_size:
        told = {one: value for one, value in properties.items() if one not in _NEEDLESS and _DEFAULTS.get(one) != value}
        answer = mqtt.Connack(False, 0, told)
        if len(mqtt.encode(answer, MQTT_5)) > link.max_packet_size:
            raise Refused(Reason.PACKET_TOO_LARGE, "the client takes no answer to its CONNECT")
    return answer
