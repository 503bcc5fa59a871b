"""Clients, and what they were subscribed to."""

from __future__ import annotations

from base64 import b64encode

from msgspec import UNSET, UnsetType

from folkmoot.domain.broker import Delivery, Link, Session, Subscription, message_id
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.forms.options import NO_BOUND
from folkmoot.surfaces.mqtt.render.times import instant
from folkmoot.surfaces.mqtt.render.topics import subscription
from folkmoot.wire import mqtt


def client(session: Session, node_name: str) -> schema.Client:
    """A client, connected or not; of one that is not, it is known from where it came last, unless that was in an earlier run."""
    link, limits, last = session.link, session.limits, session.client
    version = last.version if last.address else None
    dropped = session.dropped_full + session.dropped_expired + session.dropped_too_large + session.dropped_qos0
    found = schema.Client(
        clientid=session.client_id,
        username=username(session),
        node=node_name,
        ip_address=last.address or None,
        port=last.port or None,
        peerport=last.port or None,
        listener=last.listener or None,
        proto_name=None if version is None else "MQIsdp" if version == mqtt.MQTT_3_1 else "MQTT",
        proto_ver=version,
        keepalive=link.keepalive if link is not None else 0,
        clean_start=session.clean_start,
        expiry_interval=session.expiry_interval,
        is_persistent=session.expiry_interval > 0,
        connected=link is not None,
        connected_at=instant(session.connected_at),
        created_at=instant(session.created_at),
        subscriptions_cnt=len(session.subscriptions),
        subscriptions_max=limits.max_subscriptions if limits.max_subscriptions is not None else "infinity",
        inflight_cnt=len(session.inflight),
        inflight_max=session.window,
        mqueue_len=len(session.queue),
        mqueue_max=limits.max_mqueue_len if limits.max_mqueue_len < NO_BOUND else "infinity",
        mqueue_dropped=session.dropped_full,
        awaiting_rel_cnt=len(session.awaiting),
        awaiting_rel_max=limits.max_awaiting_rel,
        mountpoint=last.mountpoint or None,
        client_attrs=last.attrs,
        enable_authn=last.enable_authn,
        is_bridge=link is not None and link.connect is not None and link.connect.is_bridge,
        disconnected_at=UNSET if session.disconnected_at is None else instant(session.disconnected_at),
        recv_msg_dropped=session.dropped_unreleased,
        recv_msg_dropped_timeout=session.dropped_unreleased,
        send_msg_dropped=dropped,
        send_msg_dropped_expired=session.dropped_expired,
        send_msg_dropped_full=session.dropped_full,
        send_msg_dropped_large=session.dropped_too_large,
    )
    if link is not None:
        _add_traffic(found, link)
    return found


def username(session: Session) -> str | None:
    """The name the client connected with, or has by its certificate."""
    return session.client.username


def _add_traffic(found: schema.Client, link: Link) -> None:
    received, sent = sum(link.received), sum(link.sent)
    acks = link.received_acks + link.missed_acks
    found.recv_oct, found.send_oct = link.received_bytes, link.sent_bytes
    found.recv_pkt = found.recv_cnt = received + acks + link.received_other
    found.send_pkt = found.send_cnt = sent + link.sent_acks + link.sent_other
    found.recv_msg, found.send_msg = received, sent
    found.recv_msg_qos0, found.recv_msg_qos1, found.recv_msg_qos2 = link.received
    found.send_msg_qos0, found.send_msg_qos1, found.send_msg_qos2 = link.sent
    found.send_msg_dropped += link.dropped_slow


def waiting_message(delivery: Delivery, encoding: str, priority: int | UnsetType = UNSET) -> schema.WaitingMessage:
    """A message that waits for a client, with its payload unless that is `none`."""
    message = delivery.message
    payload: str | UnsetType = UNSET
    if encoding != "none":
        payload = (
            b64encode(message.payload).decode() if encoding == "base64" else message.payload.decode(errors="replace")
        )
    milliseconds = round(message.published_at * 1000)
    return schema.WaitingMessage(
        message_id(message),
        message.topic,
        delivery.qos,
        milliseconds,
        message.from_client,
        message.from_name,
        str(milliseconds),
        payload,
        priority,
    )


def client_subscription(found: Subscription, node_name: str) -> schema.ClientSubscription:
    """The answer to subscribing a client."""
    shown = subscription(found, node_name)
    return schema.ClientSubscription(shown.clientid, shown.node, shown.topic, shown.qos, shown.nl, shown.rap, shown.rh)
