"""The retained message of each topic, which of them are kept, and walking through those that match a filter.

Theory. A tree of levels; a node with a message is a topic. The children of a node stand twice: by their names, and in a list
in the order they came. A walk goes through the lists by position, so it can rest anywhere while messages come and go, and holds
no copy of what it has still to see: what is removed stays in its place as a dead node until the list is written anew (a walk
goes on in the old one), and what is added after a walk began is younger than it and not seen (its subscriber got it live).
Rules for changing it: a list is only ever appended to, or replaced; a dead node has no message and no children, for ever.

In memory; what makes it durable is the journal. Messages past their expiry are never handed out.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from msgspec import Struct, field

from .model import Message

#: Dead nodes in a list before it is written anew, if they are also half of it.
_DEAD_MIN = 32


class RetainedSettings(Struct):
    """What an operator sets about retained messages (contract §2.6). Seconds and bytes; None is no limit, or off."""

    enable: bool = True
    msg_expiry_interval: float = 0.0
    """Of messages that say nothing about their expiry; 0 for never."""
    msg_expiry_interval_override: float | None = None
    """Of all messages, whatever they say."""
    allow_never_expire: bool = True
    msg_clear_interval: float = 0.0
    """How often expired messages are removed; 0 leaves it to the broker. They are not handed out in any case."""
    msg_clear_limit: int = 50_000
    max_payload_size: int = 1_048_576
    stop_publish_clear_msg: bool = False
    """What clears a topic's message is not sent to subscribers."""
    delivery_rate: float | None = None
    """Messages per second to one new subscription."""
    max_publish_rate: float | None = None
    """Messages per second that are kept; others are delivered only."""
    max_retained_messages: int = 0
    """Topics; 0 for no limit."""
    storage_type: str = "ram"
    """Said back as it was set, as is `index_specs`: here all are kept, and found by their levels."""
    index_specs: list[list[int]] = field(default_factory=lambda: [[1, 2, 3], [1, 3], [2, 3], [3]])
    backend_enable: bool = True
    """Off, as good as `enable` off."""

    @property
    def is_on(self) -> bool:
        """Whether messages are kept and handed out."""
        return self.enable and self.backend_enable


class _Node:
    __slots__ = ("age", "children", "dead", "level", "message", "order")

    def __init__(self, level: str, age: int) -> None:
        self.level = level
        self.age = age
        self.message: Message | None = None
        self.children: dict[str, _Node] | None = None
        self.order: list[_Node] = _NONE
        self.dead = 0
        """How many in `order` are dead."""


_NONE: list[_Node] = []


class Retained:
    """Topic → last retained message."""

    def __init__(self) -> None:
        self.settings = RetainedSettings()
        self.messages: dict[str, Message] = {}
        self._root = _Node("", 0)
        self._age = 0
        self._expiring: list[tuple[float, str]] = []
        self._allowed, self._allowed_at = 0.0, 0.0
        """What is left of the publish rate, and since when it grows."""

    def __len__(self) -> int:
        return len(self.messages)

    def find(self, topic: str, now: float) -> Message | None:
        """The message of the topic, if there is one that has not expired."""
        message = self.messages.get(topic)
        if message is not None and message.expires_at and message.expires_at <= now:
            return None
        return message

    def accepts(self, message: Message, now: float) -> bool:
        """Whether the settings let a message with a payload be kept; counts it against the rate."""
        settings = self.settings
        if not settings.is_on or len(message.payload) > settings.max_payload_size:
            return False
        most = settings.max_retained_messages
        if most and len(self.messages) >= most and message.topic not in self.messages:
            return False
        rate = settings.max_publish_rate
        if rate is None:
            return True
        self._allowed = min(max(rate, 1.0), self._allowed + max(0.0, now - self._allowed_at) * rate)
        self._allowed_at = now
        if self._allowed < 1.0:
            return False
        self._allowed -= 1.0
        return True

    def expiry(self, message: Message, now: float) -> float:
        """When a message that is kept now expires; 0 for never."""
        settings = self.settings
        if settings.msg_expiry_interval_override is not None:
            return now + settings.msg_expiry_interval_override
        if message.expires_at or not settings.msg_expiry_interval:
            return message.expires_at
        return now + settings.msg_expiry_interval

    def keep(self, message: Message) -> None:
        """Makes it the message of its topic."""
        topic = message.topic
        if topic in self.messages:
            node = self._node(topic)
        else:
            node = self._root
            self._age += 1
            for level in topic.split("/"):
                children = node.children
                if children is None:
                    children = node.children = {}
                    node.order = []
                child = children.get(level)
                if child is None:
                    child = children[level] = _Node(level, self._age)
                    node.order.append(child)
                node = child
        node.message = self.messages[topic] = message
        if message.expires_at:
            heappush(self._expiring, (message.expires_at, topic))
            if len(self._expiring) > 2 * len(self.messages) + _DEAD_MIN:
                # Most of it is about messages that have been replaced.
                self._expiring = [(m.expires_at, m.topic) for m in self.messages.values() if m.expires_at]
                heapify(self._expiring)

    def _node(self, topic: str) -> _Node:
        node = self._root
        for level in topic.split("/"):
            node = node.children[level]  # type: ignore[index]
        return node

    def drop(self, topic: str) -> bool:
        """Removes the topic's message; says whether there was one."""
        if self.messages.pop(topic, None) is None:
            return False
        path = [self._root]
        for level in topic.split("/"):
            path.append(path[-1].children[level])  # type: ignore[index]
        path[-1].message = None
        while len(path) > 1 and path[-1].message is None and not path[-1].children:
            node = path.pop()
            _remove(path[-1], node)
        return True

    def walk(self, topic_filter: str) -> Iterator[Message | None]:
        """The messages inside a filter that are here now, and None for every step to none: rest whenever you like.

        What is replaced before the walk comes to it is found as it is then. Ask `find` whether a message is still there.
        """
        if "+" not in topic_filter and "#" not in topic_filter:
            return iter([self.messages.get(topic_filter)])
        return self._walk(topic_filter.split("/"), self._age)

    def _walk(self, wanted: list[str], age: int) -> Iterator[Message | None]:
        last, rooted = len(wanted) - 1, wanted[0] not in ("+", "#")
        # Each frame: a list of nodes, how far we are in it, and which level is wanted of them.
        frames: list[tuple[list[_Node], int, int]] = [([self._root], 0, -1)]
        while frames:
            nodes, position, at = frames.pop()
            node = nodes[position]
            if node.age > age:
                # Those behind it are younger still.
                continue
            if position + 1 < len(nodes):
                frames.append((nodes, position + 1, at))
            rest = at >= 0 and wanted[at] == "#"
            # MQTT 5 §4.7.1.2: `a/#` matches `a`
            ends = rest or at == last or (at == last - 1 and wanted[last] == "#")
            message = node.message if ends else None
            # [MQTT-4.7.2-1]
            yield message if message is None or rooted or not message.topic.startswith("$") else None
            children = node.children
            if not children or (at == last and not rest):
                continue
            below = at if rest else at + 1
            if wanted[below] in ("+", "#"):
                frames.append((node.order, 0, below))
            elif wanted[below] in children:
                frames.append(([children[wanted[below]]], 0, below))

    def expire(self, now: float, most: int | None = None) -> list[str]:
        """Removes what has expired, `most` at once, and names the topics."""
        gone: list[str] = []
        while self._expiring and self._expiring[0][0] <= now and (most is None or len(gone) < most):
            _, topic = heappop(self._expiring)
            message = self.messages.get(topic)
            if message is not None and 0 < message.expires_at <= now:
                self.drop(topic)
                gone.append(topic)
        return gone


def _remove(parent: _Node, node: _Node) -> None:
    children = parent.children
    if children is None:
        return
    del children[node.level]
    parent.dead += 1
    if not children:
        parent.children, parent.order, parent.dead = None, _NONE, 0
    elif parent.dead >= _DEAD_MIN and 2 * parent.dead > len(parent.order):
        parent.order, parent.dead = list(children.values()), 0
