"""The retained message of each topic, and finding those that match a filter.

In memory; what makes it durable is the journal. Messages past their expiry are never handed out.
"""

from __future__ import annotations

from .model import Message
from .topics import matches

_Tree = dict[str, "_Tree"]


class Retained:
    """Topic → last retained message, with a tree of levels beside it for wildcards."""

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self._tree: _Tree = {}

    def __len__(self) -> int:
        return len(self.messages)

    def find(self, topic: str, now: float) -> Message | None:
        """The message of the topic, if there is one that has not expired."""
        message = self.messages.get(topic)
        if message is not None and message.expires_at and message.expires_at <= now:
            return None
        return message

    def keep(self, message: Message) -> None:
        """Makes it the message of its topic."""
        if message.topic not in self.messages:
            tree = self._tree
            for level in message.topic.split("/"):
                tree = tree.setdefault(level, {})
        self.messages[message.topic] = message

    def drop(self, topic: str) -> bool:
        """Removes the topic's message; says whether there was one."""
        if self.messages.pop(topic, None) is None:
            return False
        levels = topic.split("/")
        path = [self._tree]
        for level in levels:
            path.append(path[-1][level])
        for at in range(len(levels), 0, -1):
            # A node stays while it leads to others or is itself a topic with a message.
            if path[at] or "/".join(levels[:at]) in self.messages:
                break
            del path[at - 1][levels[at - 1]]
        return True

    def match(self, topic_filter: str) -> list[str]:
        """The topics inside a filter."""
        if "+" not in topic_filter and "#" not in topic_filter:
            return [topic_filter] if topic_filter in self.messages else []
        if topic_filter == "#":
            return [topic for topic in self.messages if not topic.startswith("$")]
        found: list[str] = []
        # Each step: a node, its levels so far, the next level wanted.
        steps: list[tuple[_Tree, str | None, int]] = [(self._tree, None, 0)]
        wanted = topic_filter.split("/")
        while steps:
            tree, path, at = steps.pop()
            if at == len(wanted) or wanted[at] == "#":
                if path is not None and path in self.messages:
                    found.append(path)
                if at == len(wanted):
                    continue
                steps += [(child, _join(path, level), at) for level, child in reversed(tree.items())]
            elif wanted[at] == "+":
                steps += [(child, _join(path, level), at + 1) for level, child in reversed(tree.items())]
            elif wanted[at] in tree:
                steps.append((tree[wanted[at]], _join(path, wanted[at]), at + 1))
        return [topic for topic in found if matches(topic_filter, topic)] if wanted[0] in ("+", "#") else found

    def expire(self, now: float) -> list[str]:
        """Removes what has expired and names the topics."""
        gone = [topic for topic, message in self.messages.items() if 0 < message.expires_at <= now]
        for topic in gone:
            self.drop(topic)
        return gone


def _join(path: str | None, level: str) -> str:
    return level if path is None else f"{path}/{level}"
