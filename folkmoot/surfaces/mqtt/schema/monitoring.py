"""Metrics and stats (contract §2.9)."""

from __future__ import annotations

from msgspec import Struct


class Aggregate(Struct):
    aggregate: bool = False
    node: str | None = None


Numbers = dict[str, int]
NodeNumbers = dict[str, int | str]

_METRICS = """
bytes.received bytes.sent packets.received packets.sent packets.connect.received packets.connack.sent
packets.connack.error packets.connack.auth_error packets.publish.received packets.publish.sent
packets.publish.inuse packets.publish.error packets.publish.auth_error packets.publish.dropped
packets.puback.received packets.puback.sent packets.puback.inuse packets.puback.missed packets.pubrec.received
packets.pubrec.sent packets.pubrec.inuse packets.pubrec.missed packets.pubrel.received packets.pubrel.sent
packets.pubrel.missed packets.pubcomp.received packets.pubcomp.sent packets.pubcomp.inuse
packets.pubcomp.missed packets.subscribe.received packets.subscribe.error packets.subscribe.auth_error
packets.suback.sent packets.unsubscribe.received packets.unsubscribe.error packets.unsuback.sent
packets.pingreq.received packets.pingresp.sent packets.disconnect.received packets.disconnect.sent
packets.auth.received packets.auth.sent messages.received messages.sent messages.publish messages.dropped
messages.forward messages.delayed messages.delivered messages.acked messages.persisted messages.qos0.received
messages.qos0.sent messages.qos1.received messages.qos1.sent messages.qos2.received messages.qos2.sent
messages.dropped.await_pubrel_timeout messages.dropped.no_subscribers messages.validation_succeeded
messages.validation_failed messages.transformation_succeeded messages.transformation_failed delivery.dropped
delivery.dropped.no_local delivery.dropped.too_large delivery.dropped.qos0_msg delivery.dropped.queue_full
delivery.dropped.expired client.connect client.connack client.connected client.authenticate
client.auth.anonymous client.authorize client.subscribe client.unsubscribe client.disconnected session.created
session.resumed session.takenover session.discarded session.terminated authorization.allow authorization.deny
authorization.cache_hit authorization.cache_miss authorization.superuser authorization.nomatch
authorization.matched.allow authorization.matched.deny authentication.success authentication.success.anonymous
authentication.failure overload_protection.delay.ok overload_protection.delay.timeout
overload_protection.hibernation overload_protection.gc overload_protection.new_conn
"""

#: Every key of `/metrics`, in its order (contract §2.9).
METRICS = tuple(_METRICS.split())

#: Every gauge of `/stats`; each has a `.count` and a `.max`.
STATS = (
    "channels",
    "connections",
    "live_connections",
    "sessions",
    "cluster_sessions",
    "topics",
    "suboptions",
    "subscribers",
    "subscriptions",
    "subscriptions.shared",
    "retained",
    "delayed",
)
