"""What time does to connections and sessions, once a second: what has timed out ends, what is due is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from folkmoot.wire.mqtt import MQTT_5, Reason

if TYPE_CHECKING:
    from .broker import Broker
    from .links import Link
    from .sessions import Session

#: How often queues are looked through for what has expired.
_EXPIRY_SECONDS = 60.0
#: How often received QoS 2 messages are looked through for those that were never released.
_RELEASE_SECONDS = 10.0


class Upkeep:
    """When which part was last done."""

    def __init__(self) -> None:
        self._expired_at = self._released_at = self._repeated_at = 0.0

    def tick(self, broker: Broker, now: float) -> None:
        """Does what is due."""
        for link in list(broker.links):
            _check_link(broker, link, now)
        for session in list(broker.offline.values()):
            check_offline(broker, session, now)
        if now - self._released_at >= min(_RELEASE_SECONDS, broker.limits.await_rel_timeout):
            self._released_at = now
            _forget_unreleased(broker, now - broker.limits.await_rel_timeout)
        interval = broker.limits.retry_interval
        if interval is not None and now - self._repeated_at >= interval:
            self._repeated_at = now
            for link in broker.links:
                # MQTT 5 [MQTT-4.4.0-1]: never while connected
                if link.session is not None and link.version < MQTT_5:
                    link.session.repeat(now)
        if now - self._expired_at >= _EXPIRY_SECONDS:
            self._expired_at = now
            for session in broker.offline.values():
                session.expire(now)


def check_offline(broker: Broker, session: Session, now: float) -> None:
    """Ends a session without a connection, or publishes its will, if it is time."""
    if session.expires_at is not None and session.expires_at <= now:
        broker.end_session(session, now)
    elif session.will_at is not None and session.will_at <= now:
        broker.publish_due_will(session, now)


def _check_link(broker: Broker, link: Link, now: float) -> None:
    limits = broker.limits
    if link.session is None:
        if now - link.connected_at > limits.idle_timeout:
            # MQTT 5 §3.1.4 and contract §3.2, idle_timeout
            broker.lost(link, now, "idle_timeout")
    elif link.waiting is not None or link.held:
        # It waits for us, and what it says meanwhile may not be heard.
        link.seen_at = now
    elif link.keepalive and now - link.seen_at > link.keepalive * limits.keepalive_multiplier:
        # [MQTT-3.1.2-22]
        link.end(Reason.KEEP_ALIVE_TIMEOUT, now)
    elif 0 < link.client.expires_at <= now:
        # Its credential has expired.
        link.end(Reason.NOT_AUTHORIZED, now)
    elif _holds_too_much(broker, link):
        link.end(Reason.QUOTA_EXCEEDED, now)


def _holds_too_much(broker: Broker, link: Link) -> bool:
    """Contract §3.2, force_shutdown."""
    most = broker.options.force_shutdown
    return most.enable and broker.limits.output_bytes - link.room > most.max_heap_size


def _forget_unreleased(broker: Broker, before: float) -> None:
    """Contract §3.2, await_rel_timeout."""
    for session in broker.sessions.values():
        if session.awaiting:
            old = _older(session, before)
            for packet_id in old:
                session.finish(packet_id)
            session.dropped_unreleased += len(old)
            broker.count["messages.dropped.await_pubrel_timeout"] += len(old)


def _older(session: Session, before: float) -> list[int]:
    return [packet_id for packet_id, at in session.awaiting.items() if at <= before]
