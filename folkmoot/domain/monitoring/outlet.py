"""The way onto the topics below `$SYS/brokers`: nothing is made of what nobody wants, and nothing of it is counted."""

from __future__ import annotations

from collections.abc import Callable
from time import time

from folkmoot.domain.broker import Broker, Message

#: What all these topics begin with.
ROOT = "$SYS"


class Outlet:
    """Publishes in the name of one node."""

    def __init__(self, broker: Broker, node: str, clock: Callable[[], float] = time) -> None:
        self._broker = broker
        self._prefix = f"{ROOT}/brokers/{node}/"
        self._clock = clock

    @property
    def is_idle(self) -> bool:
        """Whether nobody can hear of anything."""
        return not (self._broker.happenings.published or self._broker.routes.table.begins(ROOT))

    def is_wanted(self, path: str) -> bool:
        """Whether anybody might hear of what is said there."""
        return self._broker.routes.table.begins(ROOT) or self._is_watched(self._prefix + path)

    def _is_watched(self, topic: str) -> bool:
        happenings = self._broker.happenings
        return bool(happenings.published) and any(watches(topic) for watches in happenings.watchers)

    def say(self, path: str, payload: Callable[[], bytes]) -> None:
        """Publishes below the node's topic; the payload is made only when somebody wants it."""
        if not self.is_wanted(path):
            return
        broker, now, topic = self._broker, self._clock(), self._prefix + path
        happenings, watched = broker.happenings, self._is_watched(topic)
        raw, cache = topic.encode(), broker.routes.cache
        is_remembered = raw in cache
        route = broker.routes.route(topic)
        if not is_remembered:
            # Each client has topics of its own here: they must not push out those that are used often.
            cache.pop(raw, None)
        if watched or route.subscriptions or route.groups:
            message = Message(topic, payload(), published_at=now, from_client="$SYS")
            if watched:
                happenings.tell(happenings.published, message, None, now)
            if route.subscriptions or route.groups:
                broker.routes.deliver(route, message, None, now)

    def keep(self, topic: str, payload: bytes) -> None:
        """Makes a retained message of it, until the program ends."""
        self._broker.retained.keep(Message(topic, payload, retain=True, published_at=self._clock(), from_client="$SYS"))
