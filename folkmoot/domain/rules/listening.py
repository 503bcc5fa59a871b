"""Hears in the broker what rules want to hear, and nothing else: an empty list of listeners costs the broker nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from folkmoot.domain.broker import Alarm, Client, Delivery, Link, Message, Session, Subscription, Verdict, Wish

from . import events

if TYPE_CHECKING:
    from .engine import Engine


class Listening:
    """The functions on the broker's lists; each makes columns and hands them to the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._columns = engine.columns
        self._heard: dict[str, Callable[..., None]] = {}
        """List of the broker's happenings → what we have put there."""

    def follow(self, topics: Iterable[str]) -> None:
        """From now on hears of these topics of FROM."""
        wanted: dict[str, Callable[..., None]] = {}
        for topic in topics:
            event = events.BY_TOPIC.get(topic)
            if event is not None:
                wanted[event.told] = getattr(self, f"_{event.told}")
            elif not events.is_special(topic):
                wanted["published"] = self._engine.published
        happenings = self._engine.broker.happenings
        for name in self._heard.keys() - wanted.keys():
            getattr(happenings, name).remove(self._heard[name])
        for name in wanted.keys() - self._heard.keys():
            # A list that the broker does not have yet is never told.
            getattr(happenings, name, list[Any]()).append(wanted[name])
        watches = self._watches in happenings.watchers
        if watches != ("published" in wanted):
            (happenings.watchers.remove if watches else happenings.watchers.append)(self._watches)
        self._heard = wanted
        self._engine.broker.forget_routes()

    def _watches(self, topic: str) -> bool:
        return bool(self._engine.selecting(topic))

    def _connected(self, session: Session, now: float) -> None:
        self._engine.told("$events/client_connected", partial(self._columns.connected, session, now))

    def _disconnected(self, session: Session, link: Link, reason: str, now: float) -> None:
        make = partial(self._columns.disconnected, session, link, reason, now)
        self._engine.told("$events/client_disconnected", make)

    def _answered(self, link: Link, code: int, now: float) -> None:
        self._engine.told("$events/client_connack", partial(self._columns.answered, link, code, now))

    def _judged(self, client: Client, wish: Wish, verdict: Verdict, source: str, now: float) -> None:
        if self._engine.is_judging:
            return
        make = partial(self._columns.judged, client, wish, verdict, source, now)
        self._engine.told("$events/client_check_authz_complete", make)

    def _authenticated(self, client: Client, reason: str, now: float) -> None:
        make = partial(self._columns.authenticated, client, reason, now)
        self._engine.told("$events/client_check_authn_complete", make)

    def _subscribed(self, found: Subscription, now: float) -> None:
        make = partial(self._columns.subscription, "session.subscribed", found, now)
        self._engine.told("$events/session_subscribed", make)

    def _unsubscribed(self, found: Subscription, now: float) -> None:
        make = partial(self._columns.subscription, "session.unsubscribed", found, now)
        self._engine.told("$events/session_unsubscribed", make)

    def _delivered(self, session: Session, delivery: Delivery, now: float) -> None:
        if self._is_ignored(delivery.message.topic):
            return
        make = partial(self._columns.delivery, "message.delivered", session, delivery, now)
        self._engine.told("$events/message_delivered", make, delivery.message.trail)

    def _acked(self, session: Session, delivery: Delivery, now: float) -> None:
        if self._is_ignored(delivery.message.topic):
            return
        make = partial(self._columns.delivery, "message.acked", session, delivery, now)
        self._engine.told("$events/message_acked", make, delivery.message.trail)

    def _unrouted(self, message: Message, reason: str, now: float) -> None:
        if not self._is_ignored(message.topic):
            make = partial(self._columns.unrouted, message, reason, now)
            self._engine.told("$events/message_dropped", make, message.trail)

    def _dropped(self, session: Session, delivery: Delivery, reason: str, now: float) -> None:
        if self._is_ignored(delivery.message.topic):
            return
        make = partial(self._columns.delivery, "delivery.dropped", session, delivery, now, reason=reason)
        self._engine.told("$events/delivery_dropped", make, delivery.message.trail)

    def _alarm_activated(self, alarm: Alarm, now: float) -> None:
        make = partial(self._columns.alarm, "alarm.activated", alarm, now)
        self._engine.told("$events/sys/alarm_activated", make)

    def _alarm_deactivated(self, alarm: Alarm, now: float) -> None:
        make = partial(self._columns.alarm, "alarm.deactivated", alarm, now)
        self._engine.told("$events/sys/alarm_deactivated", make)

    def _is_ignored(self, topic: str) -> bool:
        return self._engine.settings.ignore_sys_message and topic.startswith("$SYS/")
