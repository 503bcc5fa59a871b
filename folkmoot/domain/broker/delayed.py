"""Messages that are to be published later: `$delayed/SECONDS/TOPIC` (contract §3.4).

They wait in memory and are noted in the ledger; their acknowledgement waits for the commit. The removal of one that is due is
in the same group as what it leaves in sessions that are kept, so that those get it once, whenever we are killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from msgspec import Struct

from folkmoot.errors import Invalid, NotFound
from folkmoot.wire.mqtt import Reason

from .model import Client, Identity, Message, Postponed, Refused
from .topics import DELAYED as PREFIX
from .topics import is_topic

if TYPE_CHECKING:
    from .broker import Broker

#: Numbers below it are seconds from now, others seconds since 1970; no message waits longer.
LONGEST_SECONDS = 4_294_967
#: So many that are due are published before others get a turn.
_AT_ONCE = 200
_MESSAGE_ID_LENGTH = 32


class DelayedSettings(Struct):
    """What an operator sets; `max_delayed_messages` 0 is no limit."""

    enable: bool = True
    max_delayed_messages: int = 0


class Delayed:
    """See above. `is_banned` says whether a client, by its identifier and name, may not speak any more."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.settings = DelayedSettings()
        self.is_banned: Callable[[str, str | None], bool] = _nobody
        self.messages: dict[int, Postponed] = {}
        self._due: list[tuple[float, int]] = []
        broker.happenings.watchers.append(self.takes)

    def takes(self, topic: str) -> bool:
        """Whether what is published to the topic is to be postponed."""
        return topic.startswith(PREFIX) and self.settings.enable

    @property
    def is_full(self) -> bool:
        """Whether no more messages may wait."""
        return 0 < self.settings.max_delayed_messages <= len(self.messages)

    def change(self, settings: DelayedSettings) -> None:
        """These settings hold from now on; what waits already is published in any case."""
        self.settings = settings
        self._broker.forget_routes()

    def inner_topic(self, topic: str, now: float) -> str:
        """Where a message to this topic will arrive in the end. Raises Refused for what cannot be postponed like that."""
        return _split(topic, now)[2] if self.takes(topic) else topic

    def target(self, topic: str, now: float) -> str:
        """Where a message to this topic will arrive in the end, if it can be published at all."""
        try:
            return self.inner_topic(topic, now)
        except Refused:
            return topic

    def mount(self, topic: str, mountpoint: str) -> str:
        """The topic with the mountpoint before what it names in the end."""
        if not self.takes(topic) or topic.count("/") < 2:
            return mountpoint + topic
        prefix, seconds, inner = topic.split("/", 2)
        return f"{prefix}/{seconds}/{mountpoint}{inner}"

    def postpone(self, message: Message, client: Client | None, now: float) -> bool:
        """Keeps a message until it is due; False when it cannot be kept."""
        try:
            due_at, interval, inner = _split(message.topic, now)
        except Refused:
            return False
        if self.is_full:
            return False
        message.topic = inner
        account_id = None if client is None else client.identity.account_id
        one = Postponed(self._broker.ledger.next_number(), message, due_at, interval, account_id)
        self._broker.ledger.delay(one)
        self._wait(one)
        self._broker.count["messages.delayed"] += 1
        return True

    def resume(self, kept: Iterable[Postponed]) -> None:
        """Goes on with what the last run kept."""
        for one in kept:
            self._wait(one)

    def _wait(self, one: Postponed) -> None:
        self.messages[one.number] = one
        heappush(self._due, (one.due_at, one.number))
        self._broker.agenda.add(self, one.due_at, self._publish_due)

    def get(self, message_id: str) -> Postponed:
        """The message of an id. Raises Invalid for what is no id, and NotFound."""
        if len(message_id) != _MESSAGE_ID_LENGTH or not message_id.isascii() or not message_id.isalnum():
            raise Invalid("message_id.invalid", "A message id has 32 hexadecimal digits.")
        try:
            one = self.messages.get(int(message_id[16:], 16))
        except ValueError as error:
            raise Invalid("message_id.invalid", "A message id has 32 hexadecimal digits.") from error
        if one is None or one.id != message_id.upper():
            raise NotFound("message_id.unknown", "No delayed message has this id.")
        return one

    def drop(self, one: Postponed) -> None:
        """It will not be published."""
        del self.messages[one.number]
        self._broker.ledger.undelay(one.number)
        if len(self._due) > 2 * len(self.messages) + 64:
            self._due = [(each.due_at, each.number) for each in self.messages.values()]
            heapify(self._due)

    def _publish_due(self, now: float) -> None:
        published = 0
        while self._due and published < _AT_ONCE:
            due_at, number = self._due[0]
            if number in self.messages and due_at > now:
                break
            heappop(self._due)
            one = self.messages.get(number)
            if one is not None:
                self.drop(one)
                self._publish(one, now)
                published += 1
        if self._due:
            self._broker.agenda.add(self, self._due[0][0], self._publish_due)

    def _publish(self, one: Postponed, now: float) -> None:
        broker, message = self._broker, one.message
        if self.is_banned(message.from_client, message.from_name) or 0 < message.expires_at <= now:
            broker.count["messages.dropped"] += 1
            return
        identity = Identity(one.account_id, message.from_name)
        if broker.gate.takes(message.topic):
            broker.hand_over(identity, message)
        else:
            broker.publish(message, now, client=Client(identity, message.from_client, message.from_name))


def _split(topic: str, now: float) -> tuple[float, float, str]:
    """When a message is due, after how many seconds, and where."""
    number, _, inner = topic[len(PREFIX) :].partition("/")
    is_number = number.isascii() and number.isdigit() and len(number) <= 20
    if not is_number or not is_topic(inner, len(inner) + 1) or inner.startswith(PREFIX):
        raise Refused(Reason.TOPIC_NAME_INVALID, "a delayed message needs seconds and a topic")
    seconds = int(number)
    if seconds < LONGEST_SECONDS:
        return now + seconds, seconds, inner
    if seconds - now > LONGEST_SECONDS:
        raise Refused(Reason.TOPIC_NAME_INVALID, "a delayed message that would have to wait too long")
    return max(now, seconds), max(0, round(seconds - now)), inner


def _nobody(client_id: str, name: str | None) -> bool:
    return False
