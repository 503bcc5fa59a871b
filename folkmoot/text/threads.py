"""Which message answers which, decided from Message-IDs alone (lists.sr.ht contract §6.1). Holds no messages.

In-Reply-To names the parent. Only when it is absent or unknown, References are tried from last to first, and such a
parent is marked as inferred: when a better one arrives later it takes over. Whatever the order of arrival, messages end
up below the same parents; a reply that would close a circle is left where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

REFERENCES_TRIED = 50

Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Parent:
    """The chosen parent; `is_inferred` when only References named it."""

    message_id: str
    is_inferred: bool


@dataclass(frozen=True, slots=True)
class Links:
    """What a message says about its place."""

    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


def candidates(links: Links) -> tuple[Parent, ...]:
    """Give the possible parents, best first; the domain looks these up among the list's messages."""
    found = {links.in_reply_to: False} if links.in_reply_to else {}
    for message_id in links.references[: -REFERENCES_TRIED - 1 : -1]:
        found.setdefault(message_id, True)
    return tuple(
        Parent(message_id, inferred) for message_id, inferred in found.items() if message_id != links.message_id
    )


def choose_parent(links: Links, known: Container[str]) -> Parent | None:
    """Choose among the known Message-IDs; None means the message starts a thread, for now."""
    return next((parent for parent in candidates(links) if parent.message_id in known), None)


def adopts(arrived: str, child: Links, current: Parent | None) -> Parent | None:
    """Tell whether a message archived earlier belongs below the one that has just arrived, as its parent; else None."""
    for parent in candidates(child):
        if current is not None and parent.message_id == current.message_id:
            return None
        if parent.message_id == arrived:
            return parent
    return None


def find_root(start: Key, parent_of: Callable[[Key], Key | None]) -> Key:
    """Follow parents to the top; in a circle, the smallest key of those on it counts as the top."""
    seen: dict[Key, None] = {}
    at = start
    while at not in seen:
        seen[at] = None
        above = parent_of(at)
        if above is None:
            return at
        at = above
    order = list(seen)
    return min(order[order.index(at) :])


def closes_circle(child: Key, parent: Key, parent_of: Callable[[Key], Key | None]) -> bool:
    """Tell whether the parent is the child itself or lies below it."""
    seen: set[Key] = set()
    at: Key | None = parent
    while at is not None and at not in seen:
        if at == child:
            return True
        seen.add(at)
        at = parent_of(at)
    return False


def arrange(messages: Iterable[Links]) -> dict[str, Parent | None]:
    """Thread messages in the order of their arrival, as an archive would that gets them one by one.

    Of several messages with one Message-ID only the first counts.
    """
    links: dict[str, Links] = {}
    parents: dict[str, Parent | None] = {}
    waiting: dict[str, list[str]] = {}

    def above(message_id: str) -> str | None:
        parent = parents.get(message_id)
        return parent.message_id if parent else None

    for message in messages:
        if message.message_id in links:
            continue
        links[message.message_id] = message
        parents[message.message_id] = choose_parent(message, links)
        for named in candidates(message):
            waiting.setdefault(named.message_id, []).append(message.message_id)
        for child in waiting.get(message.message_id, ()):
            better = adopts(message.message_id, links[child], parents[child])
            if better and not closes_circle(child, message.message_id, above):
                parents[child] = better
    return parents


def depth_first(root: Key, children: Mapping[Key, Sequence[Key]]) -> Iterator[Key]:
    """Give the root and its descendants, each followed by its replies in the order given; a circle is walked once."""
    seen: set[Key] = set()
    stack = [root]
    while stack:
        at = stack.pop()
        if at not in seen:
            seen.add(at)
            yield at
            stack.extend(reversed(children.get(at, ())))
