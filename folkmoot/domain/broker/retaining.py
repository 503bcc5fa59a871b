"""What is done with retained messages: which are kept, handing them to new subscriptions, clearing those that have expired.

A subscription is owed what a walk through the messages finds. The walk goes on a piece at a time, when the client's socket has
room and as fast as the settings allow, so that half a million messages hold up nobody and are copied nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .model import Message

if TYPE_CHECKING:
    from .broker import Broker
    from .sessions import Session, Subscription

#: So many steps of a walk are made before others get a turn.
_STEPS_AT_ONCE = 200
#: So many expired messages are removed before others get a turn.
_CLEARED_AT_ONCE = 1000
#: How often expired messages are removed if the operator leaves that to us.
_CLEAR_SECONDS = 60.0
#: Pieces of what is handed out at a pace.
_PACE_SECONDS = 0.05


class Debt:
    """What a subscription has still to get."""

    __slots__ = ("paid", "since", "times", "walk")

    def __init__(self, walk: Iterator[Message | None], now: float) -> None:
        self.walk = walk
        self.times = 1
        """How often it asked for them."""
        self.paid = 0
        self.since = now

    def waits_until(self, rate: float, now: float) -> float:
        """When the next message may be sent at this rate; not later than now if it may be sent."""
        ahead = self.paid + 1 - max(1.0, rate * 2 * _PACE_SECONDS) - rate * (now - self.since)
        return now if ahead <= 0 else now + max(_PACE_SECONDS, ahead / rate)


def retain(broker: Broker, message: Message, now: float) -> bool:
    """Keeps a retained message or, without a payload, removes the one of its topic; False when it must go no further."""
    retained, settings = broker.retained, broker.retained.settings
    if not settings.is_on:
        return True
    if not message.payload:
        if retained.drop(message.topic):
            # [MQTT-3.3.1-6]
            broker.ledger.retain(message.topic, None)
        return not settings.stop_publish_clear_msg
    if retained.accepts(message, now):
        expires_at = retained.expiry(message, now)
        kept = message if expires_at == message.expires_at else replace(message, expires_at=expires_at)
        retained.keep(kept)
        broker.ledger.retain(message.topic, kept)
    return True


def owe(broker: Broker, subscription: Subscription, new: bool, now: float) -> None:
    """A subscription was made, or made again: it gets the retained messages inside it; then call `pay`."""
    # [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; contract §3.5: never for shared ones
    handling = subscription.retain_handling
    if subscription.group is not None or handling == 2 or (handling == 1 and not new):
        return
    if broker.retained.settings.is_on and broker.retained.messages:
        session = subscription.session
        if subscription in session.backlog:
            session.backlog[subscription].times += 1
            return
        session.backlog[subscription] = Debt(broker.retained.walk(subscription.inner_filter), now)
        if session.ledger is not None:
            broker.ledger.touch(session)


def pay(broker: Broker, session: Session, now: float) -> None:
    """Sends retained messages of new subscriptions: what the socket has room for, and not too many at once."""
    link, backlog, retained = session.link, session.backlog, broker.retained
    steps = 0
    while backlog and link is not None and link.room > 0 and not session.queue and session.link is link:
        subscription, debt = next(iter(backlog.items()))
        rate = retained.settings.delivery_rate
        go_on_at = now if rate is None else debt.waits_until(rate, now)
        if go_on_at > now or steps >= _STEPS_AT_ONCE:
            broker.agenda.add(session, go_on_at, lambda at: pay(broker, session, at))
            return
        steps += 1
        try:
            found = next(debt.walk)
        except StopIteration:
            debt.times -= 1
            debt.walk = retained.walk(subscription.inner_filter)
            if not debt.times:
                forgive(broker, subscription)
            continue
        message = None if found is None else retained.find(found.topic, now)
        if message is not None and broker.gate.may_receive(session.identity, message.topic):
            debt.paid += 1
            session.send(subscription.delivery(message, retain=True), now)


def forgive(broker: Broker, subscription: Subscription) -> None:
    """The subscription has got all, or is over."""
    session = subscription.session
    if session.backlog.pop(subscription, None) is not None and session.ledger is not None:
        broker.ledger.touch(session)


class Clearing:
    """Removes what has expired, now and then, a piece at a time."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._began_at = 0.0
        self._left = 0

    def tick(self, now: float) -> None:
        """Once a second."""
        settings = self._broker.retained.settings
        if now - self._began_at >= (settings.msg_clear_interval or _CLEAR_SECONDS):
            self._began_at, self._left = now, settings.msg_clear_limit
            self._clear(now)

    def _clear(self, now: float) -> None:
        gone = self._broker.retained.expire(now, min(self._left, _CLEARED_AT_ONCE))
        for topic in gone:
            self._broker.ledger.retain(topic, None)
        self._left -= len(gone)
        if len(gone) == _CLEARED_AT_ONCE and self._left:
            self._broker.agenda.add(self, now, self._clear)
