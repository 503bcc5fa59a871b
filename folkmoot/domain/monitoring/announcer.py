"""What the broker tells of itself below `$SYS` (contract §3.4): its heartbeat, its numbers, and who comes and goes.

Nothing is made of what nobody subscribes to. What belongs to a client is told once per event, never per message.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from folkmoot.domain.broker import Broker, Client, Link, Session, Subscription

from .counting import METRICS, STATS, Gauges, count_all
from .outlet import ROOT, Outlet

#: Where the gauges and counters are told, in their order.
_NUMBERS = [
    *[f"stats/{name}/{way}".replace(".", "/") for name in STATS for way in ("count", "max")],
    *[f"metrics/{name}".replace(".", "/") for name in METRICS],
]
_PROTOCOL_NAMES = {3: "MQIsdp"}


class Announcer:
    """Call `start` when clients may connect and `tick` about once a second."""

    def __init__(self, broker: Broker, outlet: Outlet, gauges: Gauges, started_at: float) -> None:
        self._broker = broker
        self._outlet = outlet
        self._gauges = gauges
        self._started_at = started_at
        self._standing: dict[str, bytes] = {}
        self._heartbeat_at = self._numbers_at = started_at
        happenings = broker.happenings
        happenings.connected.append(self._connected)
        happenings.disconnected.append(self._disconnected)
        happenings.subscribed.append(self._subscribed)
        happenings.unsubscribed.append(self._unsubscribed)

    def start(self, node: str, version: str, description: str) -> None:
        """Puts up what is to be read at any time."""
        self._standing = {
            f"{ROOT}/brokers": node.encode(),
            f"{ROOT}/brokers/{node}/version": version.encode(),
            f"{ROOT}/brokers/{node}/sysdescr": description.encode(),
        }
        self._put_up()

    def _put_up(self) -> None:
        for topic, payload in self._standing.items():
            self._outlet.keep(topic, payload)

    def tick(self, now: float) -> None:
        """Tells what is due."""
        options = self._broker.options.sys_topics
        if options.sys_heartbeat_interval is not None and now - self._heartbeat_at >= options.sys_heartbeat_interval:
            self._heartbeat_at = now
            self._outlet.say("uptime", lambda: str(int((now - self._started_at) * 1000)).encode())
            self._outlet.say("datetime", lambda: _moment(now).encode())
        if options.sys_msg_interval is not None and now - self._numbers_at >= options.sys_msg_interval:
            self._numbers_at = now
            # Somebody may have deleted it.
            self._put_up()
            if any(self._outlet.is_wanted(path) for path in _NUMBERS):
                self._tell_numbers()

    def _tell_numbers(self) -> None:
        gauges = self._gauges.look()
        values = [value for name in STATS for value in (gauges[name], self._gauges.highest[name])]
        for path, value in zip(_NUMBERS, [*values, *count_all(self._broker).values()], strict=True):
            self._outlet.say(path, str(value).encode)

    def _connected(self, session: Session, now: float) -> None:
        if self._broker.options.sys_topics.sys_event_messages.client_connected and not self._outlet.is_idle:
            link = session.link
            self._tell(
                session.client,
                "connected",
                lambda: {
                    **_whence(session.client),
                    "proto_name": _PROTOCOL_NAMES.get(session.client.version, "MQTT"),
                    "proto_ver": session.client.version,
                    "keepalive": 0 if link is None else link.keepalive,
                    "clean_start": session.clean_start,
                    "expiry_interval": session.expiry_interval,
                    "connected_at": int(session.connected_at * 1000),
                    "ts": int(now * 1000),
                },
            )

    def _disconnected(self, session: Session, link: Link, reason: str, now: float) -> None:
        if self._broker.options.sys_topics.sys_event_messages.client_disconnected and not self._outlet.is_idle:
            client = link.client
            self._tell(
                client,
                "disconnected",
                lambda: {
                    **_whence(client),
                    "proto_name": _PROTOCOL_NAMES.get(client.version, "MQTT"),
                    "proto_ver": client.version,
                    "connected_at": int(link.connected_at * 1000),
                    "disconnected_at": int(now * 1000),
                    "reason": reason,
                    "ts": int(now * 1000),
                },
            )

    def _subscribed(self, subscription: Subscription, now: float) -> None:
        if self._broker.options.sys_topics.sys_event_messages.client_subscribed:
            options = {
                "qos": subscription.qos,
                "nl": int(subscription.no_local),
                "rap": int(subscription.retain_as_published),
                "rh": subscription.retain_handling,
            }
            self._tell(subscription.session.client, "subscribed", lambda: _what(subscription, now, subopts=options))

    def _unsubscribed(self, subscription: Subscription, now: float) -> None:
        if self._broker.options.sys_topics.sys_event_messages.client_unsubscribed:
            self._tell(subscription.session.client, "unsubscribed", lambda: _what(subscription, now))

    def _tell(self, client: Client, event: str, payload: Callable[[], dict[str, Any]]) -> None:
        # A client identifier with wildcards would make no topic; its slashes are levels, as everywhere.
        if "+" not in client.client_id and "#" not in client.client_id:
            self._outlet.say(f"clients/{client.client_id}/{event}", lambda: msgspec.json.encode(payload()))


def _whence(client: Client) -> dict[str, Any]:
    return {
        "clientid": client.client_id,
        "username": client.username,
        "ipaddress": client.address,
        "sockport": client.port,
        "protocol": "mqtt",
    }


def _what(subscription: Subscription, now: float, **more: Any) -> dict[str, Any]:
    client = subscription.session.client
    return {
        "clientid": client.client_id,
        "username": client.username,
        "protocol": "mqtt",
        "topic": subscription.topic_filter,
        **more,
        "ts": int(now * 1000),
    }


def _moment(now: float) -> str:
    return datetime.fromtimestamp(now).astimezone().isoformat(timespec="seconds")
