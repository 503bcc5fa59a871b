"""What a client was answered, for a while (contract §2.12): bounded, and the oldest goes first."""

from __future__ import annotations

from typing import NamedTuple

from folkmoot.domain.broker import Verdict, Wish


class Answer(NamedTuple):
    """A verdict, when it was given, and in which state of the rules."""

    verdict: Verdict
    at: float
    state: int


class Cache:
    """The answers one client got; it lives as long as its connection."""

    __slots__ = ("answers",)

    def __init__(self) -> None:
        self.answers: dict[Wish, Answer] = {}

    def find(self, wish: Wish, now: float, ttl_seconds: float, state: int) -> Verdict | None:
        """The verdict that is remembered, None if none is or it is too old."""
        found = self.answers.get(wish)
        if found is None:
            return None
        if found.state != state or now - found.at >= ttl_seconds:
            del self.answers[wish]
            return None
        return found.verdict

    def keep(self, wish: Wish, verdict: Verdict, now: float, max_size: int, state: int) -> None:
        """Remembers a verdict."""
        self.answers.pop(wish, None)
        while self.answers and len(self.answers) >= max_size:
            del self.answers[next(iter(self.answers))]
        self.answers[wish] = Answer(verdict, now, state)

    def standing(self, now: float, ttl_seconds: float, state: int) -> list[tuple[Wish, Answer]]:
        """What is remembered and still holds."""
        return [
            (wish, answer)
            for wish, answer in self.answers.items()
            if answer.state == state and now - answer.at < ttl_seconds
        ]
