"""The trail of a message between brokers, which ends loops.

A message that leaves through a bridge carries, as one user property, the marks of all brokers it left so. A broker that finds its
own mark on a message does not send it out again, nor tells its rules of it when one of its sources fetched it. Inside a
broker the marks stand in `Message.trail`, among the ids of rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: The user property with the marks, separated by commas.
TRAIL = "folkmoot-trail"
_MARK = "broker:"
_MOST = 16


def read_trail(pub_props: Any) -> tuple[str, ...]:
    """What stands in `Message.trail` for the brokers that a message's properties (as rules see them) name."""
    users = pub_props.get("User-Property") if isinstance(pub_props, Mapping) else None
    text = users.get(TRAIL) if isinstance(users, Mapping) else None
    if not isinstance(text, str):
        return ()
    return tuple(_MARK + each for each in dict.fromkeys(text.split(",")) if each)


def join_trail(trail: tuple[str, ...], pub_props: Any) -> tuple[str, ...]:
    """A trail with the brokers that a message's properties name, each once."""
    return tuple(dict.fromkeys([*trail, *found])) if (found := read_trail(pub_props)) else trail


def write_trail(trail: Sequence[str]) -> str:
    """The user property TRAIL for a message with this trail; empty if it has been through no other broker."""
    return ",".join(each.removeprefix(_MARK) for each in dict.fromkeys(trail) if each.startswith(_MARK))


def leave(trail: Sequence[str], mark: str) -> str | None:
    """The property for a message that leaves the broker with this mark; None if it must not leave again."""
    marks = write_trail(trail)
    passed = marks.split(",") if marks else []
    if mark in passed or len(passed) >= _MOST:
        return None
    return ",".join([*passed, mark])
