"""Which member of a shared subscription gets a message (contract §3.5).

What a strategy has to remember lies in the group when it is the group's, and else with the publishing connection, in `Turns`.
All members are here, so none is ever out of reach: who is offline gets its share into its queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import randrange
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

from .options import Options, Strategy
from .topics import Group

if TYPE_CHECKING:
    from .links import Link
    from .sessions import Subscription

T = TypeVar("T")

#: A member, and its link if that takes messages as the bytes they came in.
Member = tuple["Subscription", "Link | None"]
#: Of one publisher: whose turn it is in each group, or who it sticks to.
Turns = dict[Group["Subscription"], "int | Subscription"]

#: Groups a publisher remembers; beyond that it starts again.
_TURNS_MAX = 1024


class Share:
    """A group as a route sees it: the members that may receive the topic."""

    __slots__ = ("_options", "_topic", "group", "members")

    def __init__(self, group: Group[Subscription], members: list[Member], topic: str, options: Options) -> None:
        self.group = group
        self.members = members
        self._topic = topic
        self._options = options

    def pick(self, turns: Turns, client_id: str) -> Member:
        """The member that gets the next message of this client."""
        return next(self.deal((None,), turns, client_id))[0]

    def deal(self, things: Sequence[T], turns: Turns, client_id: str) -> Iterator[tuple[Member, Sequence[T]]]:
        """Shares out messages, given as anything, that one client published; each member's stay in their order."""
        members, size = self.members, len(self.members)
        own = self._options.shared_subscription_group.get(self.group.name)
        strategy = own.strategy if own else self._options.mqtt.shared_subscription_strategy
        if strategy == "round_robin":
            turn = turns.get(self.group)
            if not isinstance(turn, int):
                if len(turns) >= _TURNS_MAX:
                    turns.clear()
                turn = randrange(size)
            turns[self.group] = turn + len(things)
        elif strategy == "round_robin_per_group":
            turn = self.group.turn
            self.group.turn += len(things)
        elif strategy in ("random", "local") and len(things) > 1:
            yield from self._scatter(things)
            return
        elif strategy == "sticky":
            yield self._stick(own, turns, client_id), things
            return
        else:
            yield members[self._choose(strategy, client_id)], things
            return
        for at in range(min(size, len(things))):
            yield members[(turn + at) % size], things[at::size]

    def _scatter(self, things: Sequence[T]) -> Iterator[tuple[Member, Sequence[T]]]:
        hands: dict[int, list[T]] = {}
        for thing in things:
            hands.setdefault(randrange(len(self.members)), []).append(thing)
        for at, hand in hands.items():
            yield self.members[at], hand

    def _stick(self, own: Strategy | None, turns: Turns, client_id: str) -> Member:
        before = turns.get(self.group)
        for member in self.members:
            if member[0] is before:
                return member
        first = own.initial_sticky_pick if own else self._options.mqtt.shared_subscription_initial_sticky_pick
        member = self.members[self._choose(first, client_id)]
        if len(turns) >= _TURNS_MAX:
            turns.clear()
        turns[self.group] = member[0]
        return member

    def _choose(self, strategy: str, client_id: str) -> int:
        """By a strategy that remembers nothing."""
        if strategy in ("hash_topic", "hash_clientid"):
            text = self._topic if strategy == "hash_topic" else client_id
            return crc32(text.encode()) % len(self.members)
        return randrange(len(self.members))
