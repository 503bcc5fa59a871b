"""Topic names, topic filters, and the table that finds the subscriptions of a topic.

The table is a trie of levels. Each node holds the subscriptions whose filter ends there, by client, and the shared
groups. `+` and `#` are ordinary children with those names; nothing below knows of sessions or connections.
Rules for changing it: `add` and `remove` leave no empty node behind, and `match` never visits more nodes than exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar


class Entry(Protocol):
    """What the table keeps: somebody's subscription."""

    @property
    def client_id(self) -> str:
        """Whose."""
        ...

    @property
    def inner_filter(self) -> str:
        """The filter that is matched."""
        ...

    @property
    def group(self) -> str | None:
        """The shared group, None for an ordinary subscription."""
        ...


E = TypeVar("E", bound=Entry)

#: Before a filter that only one client may subscribe to (contract §3.4).
EXCLUSIVE = "$exclusive/"
#: Before the seconds to wait and the topic of a message that is published later.
DELAYED = "$delayed/"
_RESERVED = ("spaces/", "$SYS/")

#: MQTT 5 §1.5.4: what a text should not hold, and what strict receivers refuse.
_CONTROLS = re.compile("[\x01-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def is_topic(topic: str, max_levels: int = 128) -> bool:
    """Whether a message can be published to it (MQTT 5 §4.7)."""
    # [MQTT-3.3.2-2] [MQTT-4.7.3-1]
    return bool(topic) and "+" not in topic and "#" not in topic and topic.count("/") < max_levels


def is_reserved(topic: str) -> bool:
    """Whether a topic is the community's or the broker's own, at once or after a delay."""
    if topic.startswith(DELAYED):
        topic = topic[len(DELAYED) :].partition("/")[2]
    return topic.startswith(_RESERVED)


def is_wild(value: str) -> bool:
    """Whether a value would be a wildcard in a filter."""
    return "+" in value or "#" in value


def is_special_by_value(topic: str, template: str) -> bool:
    """Whether a topic begins with `$`, and by a value in it, not because the template it was made of says so."""
    return topic.startswith("$") and (not template.startswith("$") or template[1:2] in "{0123456789")


def has_controls(text: str) -> bool:
    """Whether a text holds control characters or what is no character."""
    return _CONTROLS.search(text) is not None


def is_filter(topic_filter: str) -> bool:
    """Whether a subscription can be made with it (MQTT 5 §4.7.1); `$share` is split off before."""
    if not topic_filter:
        return False
    levels = topic_filter.split("/")
    # [MQTT-4.7.1-1] [MQTT-4.7.1-2]
    return all(level in ("+", "#") or ("+" not in level and "#" not in level) for level in levels) and (
        "#" not in levels[:-1]
    )


def split_shared(topic_filter: str) -> tuple[str | None, str]:
    """The group and the filter proper: `$share/g/a/#` is ("g", "a/#"), `a/#` is (None, "a/#").

    Raises ValueError for a group without a name or a filter, or with a wildcard in its name.
    """
    if topic_filter.startswith("$queue/"):
        return "$queue", topic_filter[7:]
    if not topic_filter.startswith("$share/"):
        return None, topic_filter
    group, slash, rest = topic_filter[7:].partition("/")
    # [MQTT-4.8.2-1] [MQTT-4.8.2-2]
    if not group or not slash or not rest or "+" in group or "#" in group:
        raise ValueError(topic_filter)
    return group, rest


def matches(topic_filter: str, topic: str) -> bool:
    """Whether the topic, or a whole filter taken as one, lies inside the filter."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    # [MQTT-4.7.2-1]
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(levels) or (level != "+" and level != levels[at]) or (level == "+" and levels[at] == "#"):
            return False
    return len(wanted) == len(levels)


class Group(Generic[E]):
    """The members of one shared subscription; who gets which message is decided in `groups`."""

    __slots__ = ("members", "name", "turn")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[str, E] = {}
        self.turn = 0


#: What a node has none of, one for all, never written to: most have one child or one entry, and each empty dict is work for
#: the collector.
_NONE: dict[str, Any] = {}


class _Node(Generic[E]):
    __slots__ = ("children", "entries", "groups")

    def __init__(self) -> None:
        self.children: dict[str, _Node[E]] = _NONE
        self.entries: dict[str, E] = _NONE
        self.groups: dict[str, Group[E]] = _NONE

    def below(self, level: str) -> _Node[E]:
        """The node of the next level, made when there is none."""
        child = self.children.get(level)
        if child is None:
            if self.children is _NONE:
                self.children = {}
            child = self.children[level] = _Node()
        return child

    def join(self, group: str, entry: E) -> None:
        """Add a member to a group."""
        if self.groups is _NONE:
            self.groups = {}
        self.groups.setdefault(group, Group(group)).members[entry.client_id] = entry

    def put(self, entry: E) -> None:
        """Add an entry."""
        if self.entries is _NONE:
            self.entries = {}
        self.entries[entry.client_id] = entry

    def is_empty(self) -> bool:
        return not (self.children or self.entries or self.groups)


class Table(Generic[E]):
    """All subscriptions by filter."""

    def __init__(self) -> None:
        self._root: _Node[E] = _Node()
        self.filters: dict[str, int] = {}
        """How many subscriptions each filter has, as written by the client: the routes."""
        self.count = self.shared = 0
        """How many subscriptions there are, and how many of them are shared."""

    def begins(self, level: str) -> bool:
        """Whether any filter has this first level."""
        return level in self._root.children

    def add(self, topic_filter: str, entry: E) -> None:
        """Adds a subscription; the client must not have one with this filter."""
        node = self._root
        for level in entry.inner_filter.split("/"):
            node = node.below(level)
        if entry.group is None:
            node.put(entry)
        else:
            node.join(entry.group, entry)
            self.shared += 1
        self.count += 1
        self.filters[topic_filter] = self.filters.get(topic_filter, 0) + 1

    def remove(self, topic_filter: str, entry: E) -> None:
        """Removes a subscription that was added."""
        path = [self._root]
        levels = entry.inner_filter.split("/")
        for level in levels:
            path.append(path[-1].children[level])
        if entry.group is None:
            del path[-1].entries[entry.client_id]
        else:
            members = path[-1].groups[entry.group].members
            del members[entry.client_id]
            self.shared -= 1
            if not members:
                del path[-1].groups[entry.group]
        self.count -= 1
        for level, parent, node in zip(reversed(levels), reversed(path[:-1]), reversed(path), strict=False):
            if not node.is_empty():
                break
            del parent.children[level]
        self.filters[topic_filter] -= 1
        if not self.filters[topic_filter]:
            del self.filters[topic_filter]

    def match(self, topic: str) -> tuple[list[E], list[Group[E]]]:
        """The subscriptions that match a topic name, one per filter, and the shared groups."""
        entries: list[E] = []
        groups: list[Group[E]] = []
        for node in self._nodes(topic):
            entries += node.entries.values()
            groups += node.groups.values()
        return entries, groups

    def _nodes(self, topic: str) -> Iterator[_Node[E]]:
        levels = topic.split("/")
        nodes = [self._root]
        for at, level in enumerate(levels):
            # [MQTT-4.7.2-1]
            hidden = not at and level.startswith("$")
            following: list[_Node[E]] = []
            for node in nodes:
                children = node.children
                if level in children:
                    following.append(children[level])
                if hidden:
                    continue
                if "+" in children:
                    following.append(children["+"])
                if "#" in children:
                    yield children["#"]
            nodes = following
            if not nodes:
                return
        for node in nodes:
            yield node
            # MQTT 5 §4.7.1.2: `a/#` matches `a`
            if "#" in node.children:
                yield node.children["#"]
