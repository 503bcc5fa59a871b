"""Counting the messages of single topics, exactly (contract §2.7). Their messages go the slow way, no others do."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from folkmoot.errors import Conflict, Invalid, NotFound

from .model import Delivery, Message
from .topics import is_topic

if TYPE_CHECKING:
    from .broker import Broker
    from .sessions import Session

TOPICS_MAX = 512
#: Rates are those of the last seconds.
_RATE_SECONDS = 5


class Meter:
    """The counts of one topic: what came in and went out by QoS, and what reached nobody."""

    __slots__ = ("_past", "created_at", "dropped", "received", "reset_at", "sent", "topic")

    def __init__(self, topic: str, now: float) -> None:
        self.topic = topic
        self.created_at = now
        self.reset_at: float | None = None
        self.received = [0, 0, 0]
        self.sent = [0, 0, 0]
        self.dropped = 0
        self._past: deque[tuple[float, list[int]]] = deque([(now, self.counts())], _RATE_SECONDS)

    def counts(self) -> list[int]:
        """In, out and dropped; then in and out at QoS 0, 1 and 2."""
        by_qos = [each for pair in zip(self.received, self.sent, strict=True) for each in pair]
        return [sum(self.received), sum(self.sent), self.dropped, *by_qos]

    def rates(self, now: float) -> list[float]:
        """The same per second."""
        since, past = self._past[0]
        seconds = max(1.0, now - since)
        return [round((count - before) / seconds, 2) for count, before in zip(self.counts(), past, strict=True)]

    def reset(self, now: float) -> None:
        """Counts from zero again."""
        self.received, self.sent, self.dropped = [0, 0, 0], [0, 0, 0], 0
        self.reset_at = now
        self._past.clear()
        self.sample(now)

    def sample(self, now: float) -> None:
        """Once a second."""
        self._past.append((now, self.counts()))


class TopicMetrics:
    """The topics that are measured."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.meters: dict[str, Meter] = {}

    def get(self, topic: str) -> Meter:
        """Raises NotFound."""
        if topic not in self.meters:
            raise NotFound("topic.unknown", "Topic not found")
        return self.meters[topic]

    def check(self, topic: str) -> None:
        """Whether one more can be measured. Raises Invalid, and Conflict when there are too many."""
        if not topic:
            raise Invalid("request.value", "The topic is empty.", "topic")
        if not is_topic(topic, len(topic) + 1):
            raise Invalid("metrics.topic", "Only a topic without wildcards can be measured.", "topic")
        if topic in self.meters:
            raise Invalid("metrics.topic", "This topic is measured already.", "topic")
        if len(self.meters) >= TOPICS_MAX:
            raise Conflict("metrics.full", f"At most {TOPICS_MAX} topics can be measured.")

    def add(self, topic: str, now: float) -> Meter:
        """Measures a topic from now on. Raises as `check`."""
        self.check(topic)
        found = self.meters[topic] = Meter(topic, now)
        broker, happenings = self._broker, self._broker.happenings
        if len(self.meters) == 1:
            happenings.watchers.append(self._watches)
            happenings.delivered.append(self._delivered)
            happenings.of_watched.append(self._delivered)
            broker.agenda.add(self, now + 1, self._sample)
        broker.forget_routes()
        return found

    def remove(self, topic: str) -> None:
        """Measures a topic no more. Raises NotFound."""
        self.get(topic)
        del self.meters[topic]
        broker, happenings = self._broker, self._broker.happenings
        if not self.meters:
            happenings.watchers.remove(self._watches)
            happenings.delivered.remove(self._delivered)
            happenings.of_watched.remove(self._delivered)
            broker.agenda.remove(self)
        broker.forget_routes()

    def came(self, message: Message, receivers: int) -> None:
        """A message was published, to so many."""
        meter = self.meters.get(message.topic)
        if meter is not None:
            meter.received[message.qos] += 1
            meter.dropped += not receivers

    def _watches(self, topic: str) -> bool:
        return topic in self.meters

    def _delivered(self, session: Session, delivery: Delivery, now: float) -> None:
        meter = self.meters.get(delivery.message.topic)
        if meter is not None:
            meter.sent[delivery.qos] += 1

    def _sample(self, now: float) -> None:
        for meter in self.meters.values():
            meter.sample(now)
        self._broker.agenda.add(self, now + 1, self._sample)
