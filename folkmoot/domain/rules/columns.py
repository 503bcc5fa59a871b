"""What rules see of messages and of what happens (contract §2.13): columns by name, in the words of the SQL.

A text is `str` where it is UTF-8; what is not known is None. Times are milliseconds since 1970.
"""

from __future__ import annotations

from typing import Any, cast

from folkmoot.domain.broker import (
    Alarm,
    Broker,
    Client,
    Delivery,
    Link,
    Message,
    Session,
    Subscription,
    Verdict,
    Wish,
    message_id,
)
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Kind, Prop

Made = dict[str, Any]

_PROTOCOLS = {mqtt.MQTT_3_1: "MQIsdp"}


def properties(found: mqtt.Properties) -> Made:
    """MQTT 5 properties by the names that rules know."""
    made: Made = {}
    for prop, value in found.items():
        if prop is Prop.USER_PROPERTY:
            made["User-Property"] = dict(cast("list[tuple[str, str]]", value))
        elif prop is Prop.SUBSCRIPTION_ID:
            made["Subscription-Identifier"] = cast("list[int]", value)[0]
        else:
            made[NAMES[prop]] = text(value) if isinstance(value, bytes) else value
    return made


NAMES = {
    Prop.PAYLOAD_FORMAT: "Payload-Format-Indicator",
    Prop.MESSAGE_EXPIRY: "Message-Expiry-Interval",
    Prop.CONTENT_TYPE: "Content-Type",
    Prop.RESPONSE_TOPIC: "Response-Topic",
    Prop.CORRELATION_DATA: "Correlation-Data",
    Prop.SESSION_EXPIRY: "Session-Expiry-Interval",
    Prop.ASSIGNED_CLIENT_ID: "Assigned-Client-Identifier",
    Prop.SERVER_KEEP_ALIVE: "Server-Keep-Alive",
    Prop.AUTH_METHOD: "Authentication-Method",
    Prop.AUTH_DATA: "Authentication-Data",
    Prop.REQUEST_PROBLEM_INFORMATION: "Request-Problem-Information",
    Prop.WILL_DELAY: "Will-Delay-Interval",
    Prop.REQUEST_RESPONSE_INFORMATION: "Request-Response-Information",
    Prop.RESPONSE_INFORMATION: "Response-Information",
    Prop.SERVER_REFERENCE: "Server-Reference",
    Prop.REASON_STRING: "Reason-String",
    Prop.RECEIVE_MAXIMUM: "Receive-Maximum",
    Prop.TOPIC_ALIAS_MAXIMUM: "Topic-Alias-Maximum",
    Prop.TOPIC_ALIAS: "Topic-Alias",
    Prop.MAXIMUM_QOS: "Maximum-QoS",
    Prop.RETAIN_AVAILABLE: "Retain-Available",
    Prop.USER_PROPERTY: "User-Property",
    Prop.MAXIMUM_PACKET_SIZE: "Maximum-Packet-Size",
    Prop.WILDCARDS_AVAILABLE: "Wildcard-Subscription-Available",
    Prop.SUBSCRIPTION_IDS_AVAILABLE: "Subscription-Identifier-Available",
    Prop.SHARED_AVAILABLE: "Shared-Subscription-Available",
}


def text(data: bytes) -> str | bytes:
    """Bytes as text where they are."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def message_properties(message: Message, now: float) -> Made:
    """A message's properties; its expiry is what is left of it."""
    made: Made = {}
    if message.fields:
        framed = mqtt.encode_varint(len(message.fields)) + message.fields
        made = properties(mqtt.parse_properties(mqtt.Cursor(framed, 0, len(framed)), Kind.PUBLISH))
    if message.expires_at:
        made["Message-Expiry-Interval"] = max(0, round(message.expires_at - now))
    return made


def peer(client: Client | None) -> Made:
    """Where a client is."""
    if client is None or not client.address:
        return {"peerhost": None, "peername": None}
    host = f"[{client.address}]" if ":" in client.address else client.address
    return {"peerhost": client.address, "peername": f"{host}:{client.port}"}


class Columns:
    """Makes the columns of everything that happens in one broker."""

    def __init__(self, broker: Broker, node_name: str) -> None:
        self._broker = broker
        self._node_name = node_name

    def _event(self, event: str, now: float, **columns: Any) -> Made:
        return {**columns, "event": event, "timestamp": round(now * 1000), "node": self._node_name}

    def _said(self) -> Made:
        return properties(self._broker.happenings.said)

    def _message(self, message: Message, now: float, client: Client | None) -> Made:
        if client is None:
            session = self._broker.sessions.get(message.from_client)
            client = None if session is None else session.client
        return {
            "id": message_id(message),
            "payload": text(message.payload),
            "topic": message.topic,
            "qos": message.qos,
            "flags": {"retain": message.retain, "dup": False, "sys": message.topic.startswith("$SYS/")},
            "pub_props": message_properties(message, now),
            "publish_received_at": round(message.published_at * 1000),
            **peer(client),
        }

    def published(self, message: Message, client: Client | None, now: float) -> Made:
        """A message that is to be routed."""
        return self._event(
            "message.publish",
            now,
            **self._message(message, now, client),
            clientid=message.from_client or None,
            username=message.from_name if client is None else client.username,
            client_attrs={} if client is None else client.attrs,
        )

    def unrouted(self, message: Message, reason: str, now: float) -> Made:
        """A message that reached nobody."""
        found = self._message(message, now, None)
        return self._event(
            "message.dropped",
            now,
            **found,
            clientid=message.from_client or None,
            username=message.from_name,
            reason=reason,
        )

    def delivery(self, event: str, session: Session, delivery: Delivery, now: float, **more: Any) -> Made:
        """A message on its way to a client; where it came from stands under `from_…`."""
        message = delivery.message
        found = {**self._message(message, now, None), "qos": delivery.qos, **peer(session.client), **more}
        found["flags"] = {**found["flags"], "retain": delivery.retain}
        if event == "message.acked":
            found["puback_props"] = self._said()
        return self._event(
            event,
            now,
            **found,
            from_clientid=message.from_client or None,
            from_username=message.from_name,
            clientid=session.client_id,
            username=session.client.username,
        )

    def _connection(self, client: Client, link: Link | None, connected_at: float) -> Made:
        connect = None if link is None else link.connect
        return {
            "clientid": client.client_id,
            "username": client.username,
            "peername": peer(client)["peername"],
            "sockname": client.sockname or None,
            "proto_name": _PROTOCOLS.get(client.version, "MQTT"),
            "proto_ver": client.version,
            "keepalive": 0 if link is None else link.keepalive,
            "clean_start": True if connect is None else connect.clean_start,
            "conn_props": {} if connect is None else properties(connect.properties),
            "connected_at": round(connected_at * 1000),
        }

    def answered(self, link: Link, code: int, now: float) -> Made:
        """CONNACK was sent."""
        found = self._connection(link.client, link, link.connected_at)
        interval = 0 if link.session is None else link.session.expiry_interval
        reason = "success" if not code else mqtt.Reason(code).name.lower()
        return self._event("client.connack", now, **found, expiry_interval=interval, reason_code=reason)

    def connected(self, session: Session, now: float) -> Made:
        """A client has come."""
        return self._event(
            "client.connected",
            now,
            **self._connection(session.client, session.link, session.connected_at),
            mountpoint=session.client.mountpoint or None,
            expiry_interval=session.expiry_interval,
            is_bridge=session.link is not None and session.link.connect is not None and session.link.connect.is_bridge,
            client_attrs=session.client.attrs,
        )

    def disconnected(self, session: Session, link: Link, reason: str, now: float) -> Made:
        """A client has gone."""
        found = self._connection(session.client, link, session.connected_at)
        for name in ("keepalive", "clean_start", "conn_props"):
            del found[name]
        return self._event(
            "client.disconnected",
            now,
            **found,
            reason=reason,
            disconn_props=self._said(),
            disconnected_at=round(now * 1000),
            client_attrs=session.client.attrs,
        )

    def subscription(self, event: str, found: Subscription, now: float) -> Made:
        """A subscription has begun or ended."""
        client = found.session.client
        more = {"sub_props" if event == "session.subscribed" else "unsub_props": self._said()}
        return self._event(
            event,
            now,
            clientid=found.client_id,
            username=client.username,
            **peer(client),
            topic=found.written,
            qos=found.qos,
            client_attrs=client.attrs,
            **more,
        )

    def judged(self, client: Client, wish: Wish, verdict: Verdict, source: str, now: float) -> Made:
        """A wish was allowed or denied."""
        return self._event(
            "client.check_authz_complete",
            now,
            clientid=client.client_id,
            username=client.username,
            **peer(client),
            topic=wish.topic,
            action=wish.action,
            authz_source=source,
            result="deny" if verdict is Verdict.DENY else "allow",
            client_attrs=client.attrs,
        )

    def authenticated(self, client: Client, reason: str, now: float) -> Made:
        """A client's credential was looked at; the reason is `success` or why not."""
        return self._event(
            "client.check_authn_complete",
            now,
            clientid=client.client_id,
            username=client.username,
            peername=peer(client)["peername"],
            reason_code=reason,
            is_superuser=client.is_superuser,
            is_anonymous=not client.username,
            client_attrs=client.attrs,
        )

    def alarm(self, event: str, alarm: Alarm, now: float) -> Made:
        """An alarm has begun or ended."""
        found: Made = {"name": alarm.name, "details": alarm.details, "message": alarm.message}
        found["activated_at"] = round(alarm.activated_at * 1_000_000)
        if event == "alarm.deactivated":
            found["deactivated_at"] = round((alarm.deactivated_at or now) * 1_000_000)
        return self._event(event, now, **found)

    def bridged(self, topic: str, columns: Made, now: float) -> Made:
        """Something came in through a bridge."""
        return self._event(topic, now, **columns)
