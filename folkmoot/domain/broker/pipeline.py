"""The way of every message that may be published, whoever publishes it, in the order of contract §3.4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import retaining
from .model import Client, Message

if TYPE_CHECKING:
    from .broker import Broker
    from .sessions import Session


def publish(broker: Broker, message: Message, now: float, source: Session | None, client: Client | None) -> int:
    """Rewrites, counts, keeps, tells of, postpones and routes a message; returns the number of receivers.

    A message that is postponed counts as received by one.
    """
    sender = client if source is None else source.client
    if broker.rewriting.rules:
        name = message.from_name if sender is None else sender.username
        message.topic = broker.rewriting.topic(message.topic, message.from_client, name)
    receivers = _pass_on(broker, message, now, source, sender)
    if broker.topic_metrics.meters:
        broker.topic_metrics.came(message, receivers)
    return receivers


def _pass_on(broker: Broker, message: Message, now: float, source: Session | None, sender: Client | None) -> int:
    delayed, happenings = broker.delayed.takes(message.topic), broker.happenings
    # Unlike EMQX: what is postponed is retained when it is due, on the topic it is for.
    if message.retain and not delayed and not retaining.retain(broker, message, now):
        return 0
    if happenings.published and happenings.watches(message.topic):
        happenings.tell(happenings.published, message, sender, now)
    if not delayed:
        return broker.route_message(message, source, now)
    if broker.delayed.postpone(message, sender, now):
        return 1
    broker.count["messages.dropped"] += 1
    return 0
