"""Domain values in the shapes of this API. Pure, but for asking the machine how it does."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from msgspec import UNSET

import folkmoot
from folkmoot.domain.accounts import Token
from folkmoot.domain.broker import Broker, Link, Session, Subscription
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.auth import role_of
from folkmoot.wire import mqtt


def instant(seconds: float) -> str:
    """A time of the broker's, with milliseconds and the local offset."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")


def whole_instant(at: datetime) -> str:
    """A time of a key: without a fraction, with the local offset."""
    return at.astimezone().isoformat(timespec="seconds")


def key(token: Token, now: datetime, secret: str | None = None) -> schema.Key:
    """An API key; `secret` only in the answer that makes it."""
    return schema.Key(
        name=token.name,
        api_key=token.key,
        created_at=whole_instant(token.created_at),
        expired_at="infinity" if token.expires_at is None else whole_instant(token.expires_at),
        expired=token.expires_at is not None and token.expires_at <= now,
        enable=token.is_enabled,
        desc=token.description,
        role=role_of(token),
        api_secret=UNSET if secret is None else secret,
    )


def node(broker: Broker, name: str, uptime_seconds: float) -> schema.Node:
    """The one node we are."""
    load = os.getloadavg()
    total, available = _memory()
    return schema.Node(
        node=name,
        node_status="running",
        version=schema.VERSION,
        edition="Opensource",
        role="core",
        uptime=int(uptime_seconds * 1000),
        connections=len(broker.sessions),
        live_connections=len(broker.sessions) - len(broker.offline),
        cluster_sessions=len(broker.sessions),
        load1=round(load[0], 2),
        load5=round(load[1], 2),
        load15=round(load[2], 2),
        max_fds=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        memory_total=_size(total),
        memory_used=_size(total - available),
        # EMQX: the limit of its runtime; ours has none, so this is theirs.
        process_available=2_097_152,
        process_used=len(asyncio.all_tasks()),
        otp_release=f"Python {platform.python_version()}",
        sys_path=str(Path(folkmoot.__file__).parent),
        log_path="log.file_handler.default.enable is false,not logging to file.",
    )


def _memory() -> tuple[int, int]:
    """The machine's memory, and what is available of it, in bytes."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = os.sysconf("SC_PHYS_PAGES") * page
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("ascii").splitlines())
        return total, int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return total, os.sysconf("SC_AVPHYS_PAGES") * page


def _size(size_bytes: int) -> str:
    for unit, name in ((1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.2f}{name}"
    return f"{size_bytes:.2f}"


def client(session: Session, node_name: str) -> schema.Client:
    """A client, connected or not; of one that is not, the connection's own values are unknown."""
    link, limits = session.link, session.limits
    version = link.version if link is not None else None
    dropped = session.dropped_full + session.dropped_expired + session.dropped_too_large
    found = schema.Client(
        clientid=session.client_id,
        username=username(session),
        node=node_name,
        ip_address=link.address if link is not None else None,
        port=link.port if link is not None else None,
        peerport=link.port if link is not None else None,
        listener=link.listener if link is not None else None,
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
        mqueue_max=limits.max_mqueue_len,
        mqueue_dropped=session.dropped_full,
        awaiting_rel_cnt=len(session.awaiting),
        awaiting_rel_max=limits.max_awaiting_rel,
        disconnected_at=UNSET if session.disconnected_at is None else instant(session.disconnected_at),
        send_msg_dropped=dropped,
        send_msg_dropped_expired=session.dropped_expired,
        send_msg_dropped_full=session.dropped_full,
        send_msg_dropped_large=session.dropped_too_large,
    )
    if link is not None:
        _add_traffic(found, link)
    return found


def username(session: Session) -> str | None:
    """The name the client connected with."""
    link = session.link
    if link is not None and link.connect is not None:
        return link.connect.username
    return session.identity.name


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


def subscription(found: Subscription, node_name: str) -> schema.Subscription:
    """A subscription under the filter its client wrote."""
    return schema.Subscription(
        node=node_name,
        topic=found.topic_filter,
        clientid=found.client_id,
        qos=found.qos,
        nl=int(found.no_local),
        rap=int(found.retain_as_published),
        rh=found.retain_handling,
    )


def client_subscription(found: Subscription, node_name: str) -> schema.ClientSubscription:
    """The answer to subscribing a client."""
    shown = subscription(found, node_name)
    return schema.ClientSubscription(shown.clientid, shown.node, shown.topic, shown.qos, shown.nl, shown.rap, shown.rh)


def page_meta(query: schema.Paged, count: int) -> schema.PageMeta:
    return schema.PageMeta(query.page, query.limit, count, query.page * query.limit < count)


def metrics(broker: Broker) -> dict[str, int]:
    """All counters since the start; what is counted on living connections is added here."""
    received, sent, count = list(broker.received), list(broker.sent), dict(broker.count)
    acks = {"received": 0, "missed": 0, "sent": 0, "slow": 0}
    for link in broker.links:
        for qos in range(3):
            received[qos] += link.received[qos]
            sent[qos] += link.sent[qos]
        acks["received"] += link.received_acks
        acks["missed"] += link.missed_acks
        acks["sent"] += link.sent_acks
        acks["slow"] += link.dropped_slow
    found = dict.fromkeys(schema.METRICS, 0)
    found.update({name: value for name, value in count.items() if name in found})
    for name in ("received", "missed", "sent"):
        found[f"packets.puback.{name}"] += acks[name]
    found["messages.acked"] += acks["received"]
    for session in broker.sessions.values():
        found["delivery.dropped.queue_full"] += session.dropped_full
        found["delivery.dropped.expired"] += session.dropped_expired
        found["delivery.dropped.too_large"] += session.dropped_too_large
    found["delivery.dropped.qos0_msg"] += found["delivery.dropped"] + acks["slow"]
    found["delivery.dropped"] = sum(value for name, value in found.items() if name.startswith("delivery.dropped."))
    found["bytes.received"], found["bytes.sent"] = broker.received_bytes, broker.sent_bytes
    found["messages.received"], found["messages.sent"] = sum(received), sum(sent)
    found["packets.publish.received"], found["packets.publish.sent"] = sum(received), sum(sent)
    found["messages.delivered"] = sum(sent)
    for qos in range(3):
        found[f"messages.qos{qos}.received"], found[f"messages.qos{qos}.sent"] = received[qos], sent[qos]
    for way in ("received", "sent"):
        found[f"packets.{way}"] = sum(
            value for name, value in found.items() if name.startswith("packets.") and name.endswith(f".{way}")
        )
    found["messages.dropped"] = found["messages.dropped.no_subscribers"]
    return found


def gauges(broker: Broker) -> dict[str, int]:
    """How many there are of everything, by the names of `schema.STATS`."""
    filters = broker.routes.table.filters
    live = len(broker.sessions) - len(broker.offline)
    subscriptions = sum(filters.values())
    return {
        "channels": live,
        "connections": len(broker.sessions),
        "live_connections": live,
        "sessions": len(broker.sessions),
        "cluster_sessions": len(broker.sessions),
        "topics": len(filters),
        "suboptions": subscriptions,
        "subscribers": sum(1 for session in broker.sessions.values() if session.subscriptions),
        "subscriptions": subscriptions,
        "subscriptions.shared": sum(n for name, n in filters.items() if name.startswith(("$share/", "$queue/"))),
        "retained": len(broker.retained),
        "delayed": 0,
    }


def stats(gauges: Mapping[str, int], peaks: Mapping[str, int]) -> dict[str, int]:
    """Each gauge as it is and as high as it has been."""
    found = dict[str, int]()
    for name in schema.STATS:
        found[f"{name}.count"], found[f"{name}.max"] = gauges[name], max(gauges[name], peaks.get(name, 0))
    return found
