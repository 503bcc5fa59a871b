"""How often per second something happens, as the management API shows it of authenticators, sources, rules and bridges."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

_LATELY_SECONDS = 5
_LONG_SECONDS = 300


class Paces(NamedTuple):
    """Per second, with two decimals."""

    lately: float
    """In the last five seconds, this one included."""
    long: float
    """In the last five minutes, or since the first time, if that is shorter."""
    highest: float
    """The highest `lately` there has been."""


class Pace:
    """Counts by the second; the clock is passed in."""

    __slots__ = ("_begun", "_highest", "_seconds")

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()
        """The seconds in which it happened, and how often; of the last five minutes."""
        self._begun = 0
        self._highest = 0.0

    def note(self, now: float) -> None:
        """It happened once more."""
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1] += 1
            return
        if self._seconds:
            # The second that is over now was the last in which there can have been more than before.
            self._highest = max(self._highest, self._mean(self._seconds[-1][0], _LATELY_SECONDS))
        else:
            self._begun = self._begun or second
        self._seconds.append([second, 1])
        while self._seconds[0][0] <= second - _LONG_SECONDS:
            self._seconds.popleft()

    def read(self, now: float) -> Paces:
        """How it is at this moment."""
        second = int(now)
        if self._seconds:
            self._highest = max(self._highest, self._mean(self._seconds[-1][0], _LATELY_SECONDS))
        age = min(_LONG_SECONDS, max(_LATELY_SECONDS, second - self._begun + 1))
        long = self._mean(second, _LONG_SECONDS) * _LONG_SECONDS / age
        return Paces(round(self._mean(second, _LATELY_SECONDS), 2), round(long, 2), round(self._highest, 2))

    def _mean(self, until: int, seconds: int) -> float:
        since, total = until - seconds, 0
        for second, times in reversed(self._seconds):
            if second <= since:
                break
            total += times
        return total / seconds
