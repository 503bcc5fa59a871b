"""Which message answers which, decided from Message-IDs alone (lists.sr.ht contract §6.1). Holds no messages.

In-Reply-To names the parent. Only when it is absent or unknown, References are tried from last to first, and such a
parent is marked as inferred: it gives way when what In-Reply-To names arrives later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

REFERENCES_TRIED = 50

Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Parent:
    """A possible parent; `is_inferred` when only References named it."""

    message_id: str
    is_inferred: bool


def candidates(own_id: str, in_reply_to: str, references: Sequence[str]) -> tuple[Parent, ...]:
    """Give the possible parents of a message, best first; the first that is known is the one."""
    found = {in_reply_to: False} if in_reply_to else {}
    for message_id in references[: -REFERENCES_TRIED - 1 : -1]:
        found.setdefault(message_id, True)
    return tuple(Parent(message_id, inferred) for message_id, inferred in found.items() if message_id != own_id)


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
