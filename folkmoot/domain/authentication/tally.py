"""How often an authenticator was asked, and what it said."""

from __future__ import annotations

from collections import deque

_LONG_SECONDS = 300
_SHORT_SECONDS = 5


class Tally:
    """Counts since the start, and how many per second lately; the clock is passed in."""

    def __init__(self) -> None:
        self.success = 0
        self.failed = 0
        self.nomatch = 0
        """It had nothing to say."""
        self.errors = 0
        """It could not be asked, which is also counted as having nothing to say."""
        self.rate_max = 0.0
        self._seconds: deque[tuple[int, int]] = deque()
        """The seconds in which it was asked, and how often."""

    @property
    def total(self) -> int:
        """How often it was asked."""
        return self.success + self.failed + self.nomatch

    def note(self, answer: str, now: float) -> None:
        """It was asked and said `success`, `failed` or `nomatch`."""
        setattr(self, answer, getattr(self, answer) + 1)
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))
            while self._seconds[0][0] <= second - _LONG_SECONDS:
                self._seconds.popleft()
        self.rate_max = max(self.rate_max, self.rate(now))

    def rate(self, now: float, seconds: int = _SHORT_SECONDS) -> float:
        """How often per second in the last seconds, this one included."""
        since = int(now) - seconds
        return sum(times for second, times in self._seconds if second > since) / seconds

    def rate_last5m(self, now: float) -> float:
        """How often per second in the last five minutes."""
        return self.rate(now, _LONG_SECONDS)
