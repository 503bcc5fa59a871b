"""Who is told what happens in the broker: a list of functions per happening; an empty list costs nothing.

Those told are called in place and must return at once; what takes time they hand on. What they raise is logged and ends nothing.
Messages on their way are told of in the slow way only: whoever wants to hear of publishing names the topics in `watchers`,
and whoever wants to hear of deliveries appends to those lists; both then call `Broker.forget_routes`. The lists are changed in
place, never replaced.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from folkmoot.wire.mqtt import Properties

from .model import Alarm, Client, Delivery, Message, Verdict, Wish

if TYPE_CHECKING:
    from .links import Link
    from .sessions import Session, Subscription

log = logging.getLogger(__name__)


class Happenings:
    """See above; every function's last argument is the broker's time."""

    def __init__(self) -> None:
        self.said: Properties = {}
        """The properties of the packet of which is told: SUBSCRIBE, UNSUBSCRIBE, PUBACK, PUBREC or DISCONNECT."""
        self.answered: list[Callable[[Link, int, float], None]] = []
        """CONNACK was sent, with its reason code in the words of MQTT 5."""
        self.connected: list[Callable[[Session, float], None]] = []
        self.disconnected: list[Callable[[Session, Link, str, float], None]] = []
        """With the reason in one word (contract §2.13): `normal`, `kicked`, `keepalive_timeout`, …"""
        self.ended: list[Callable[[Session, str, float], None]] = []
        """A session is over: `terminated`, `discarded`, …"""
        self.subscribed: list[Callable[[Subscription, float], None]] = []
        self.unsubscribed: list[Callable[[Subscription, float], None]] = []
        self.judged: list[Callable[[Client, Wish, Verdict, str, float], None]] = []
        """A wish was allowed or denied, and by whom: a source's type, `superuser`, `cache`, …"""
        self.authenticated: list[Callable[[Client, str, float], None]] = []
        """What a client came with was looked at: `success`, or in one word why it may not come in."""
        self.published: list[Callable[[Message, Client | None, float], None]] = []
        """A message is to be routed; on topics that are watched."""
        self.unrouted: list[Callable[[Message, str, float], None]] = []
        """A message reached nobody, and why: `no_subscribers`, `receive_maximum_exceeded`, …"""
        self.delivered: list[Callable[[Session, Delivery, float], None]] = []
        """A message was sent to a client, for the first time."""
        self.acked: list[Callable[[Session, Delivery, float], None]] = []
        """The client has it: PUBACK has come, or PUBREC."""
        self.dropped: list[Callable[[Session, Delivery, str, float], None]] = []
        """A delivery was given up, and why: `queue_full`, `expired`, `too_large`, `no_local`, `qos0_msg`, `not_authorized`."""
        self.alarm_activated: list[Callable[[Alarm, float], None]] = []
        self.alarm_deactivated: list[Callable[[Alarm, float], None]] = []
        self.of_watched: list[Callable[[Session, Delivery, float], None]] = []
        """Those on `delivered` that need only hear of what is on topics that are watched."""
        self.watchers: list[Callable[[str], bool]] = []
        """Each says whether somebody wants to hear of what is published to a topic."""

    @contextmanager
    def because_of(self, properties: Properties) -> Iterator[None]:
        """What is told meanwhile comes of a packet with these properties."""
        self.said = properties
        try:
            yield
        finally:
            self.said = {}

    def watches(self, topic: str) -> bool:
        """Whether messages on the topic must go the slow way."""
        return self.hears_deliveries or any(watches(topic) for watches in self.watchers)

    @property
    def hears_deliveries(self) -> bool:
        """Whether anybody must be told of each delivery."""
        return bool(len(self.delivered) > len(self.of_watched) or self.acked or self.dropped)

    def tell(self, told: list[Any], *happening: Any) -> None:
        """Calls everybody on one of the lists; nobody's failure is another's."""
        for each in told:
            try:
                each(*happening)
            except Exception:
                log.exception("somebody could not take what happened in the broker")
