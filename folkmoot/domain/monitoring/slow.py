"""Subscriptions that get their messages late: the slowest of them, measured while an operator wants it (contract §2.15).

Off by default. While it is on every delivery is told of, which takes the hot path away; nothing else can measure it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from folkmoot.domain.broker import Broker, Delivery, Session

#: Deliveries whose acknowledgement is waited for; of more, the oldest are not measured.
_AWAITED_MAX = 100_000


class SlowSettings(Struct):
    """Times in seconds. `whole`: from publishing to the end of the handshake; `internal`: to sending; `response`: from there."""

    enable: bool = False
    threshold: float = 0.5
    expire_interval: float = 300.0
    top_k_num: int = 10
    stats_type: Literal["whole", "internal", "response"] = "whole"


class SlowSubscription(Struct):
    """The longest time a message took from a topic to a client, in seconds, and when that was."""

    client_id: str
    topic: str
    seconds: float
    at: float


class SlowSubscriptions:
    """The slowest of one broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.settings = SlowSettings()
        self._slowest: dict[tuple[str, str], SlowSubscription] = {}
        self._sent_at: dict[tuple[str, int], float] = {}

    def set(self, settings: SlowSettings) -> None:
        """Measures as these settings say from now on."""
        happenings = self._broker.happenings
        if settings.enable != self.settings.enable:
            change = list.append if settings.enable else list.remove
            change(happenings.delivered, self._delivered)
            change(happenings.acked, self._acked)
            change(happenings.dropped, self._dropped)
            self._broker.forget_routes()
        if not settings.enable or settings.stats_type != self.settings.stats_type:
            self.forget()
        self.settings = settings

    def forget(self) -> None:
        """Begins anew."""
        self._slowest.clear()
        self._sent_at.clear()

    def list(self, now: float) -> list[SlowSubscription]:
        """The slowest first."""
        oldest = now - self.settings.expire_interval
        self._slowest = {key: one for key, one in self._slowest.items() if one.at > oldest}
        found = sorted(self._slowest.values(), key=lambda one: one.seconds, reverse=True)
        return found[: self.settings.top_k_num]

    def _delivered(self, session: Session, delivery: Delivery, now: float) -> None:
        kind, message = self.settings.stats_type, delivery.message
        if kind == "internal" or (kind == "whole" and not delivery.qos):
            self._note(session, message.topic, now - message.published_at, now)
        elif kind == "response" and delivery.qos:
            if len(self._sent_at) >= _AWAITED_MAX:
                del self._sent_at[next(iter(self._sent_at))]
            self._sent_at[session.client_id, message.number] = now

    def _acked(self, session: Session, delivery: Delivery, now: float) -> None:
        kind, message = self.settings.stats_type, delivery.message
        if kind == "whole":
            self._note(session, message.topic, now - message.published_at, now)
        elif kind == "response":
            sent_at = self._sent_at.pop((session.client_id, message.number), None)
            if sent_at is not None:
                self._note(session, message.topic, now - sent_at, now)

    def _dropped(self, session: Session, delivery: Delivery, reason: str, now: float) -> None:
        self._sent_at.pop((session.client_id, delivery.message.number), None)

    def _note(self, session: Session, topic: str, seconds: float, now: float) -> None:
        if seconds < self.settings.threshold:
            return
        key = session.client_id, topic
        known = self._slowest.get(key)
        if known is None or seconds >= known.seconds:
            self._slowest[key] = SlowSubscription(session.client_id, topic, seconds, now)
        else:
            known.at = now
        if len(self._slowest) > 2 * self.settings.top_k_num:
            self._slowest = {(one.client_id, one.topic): one for one in self.list(now)}
