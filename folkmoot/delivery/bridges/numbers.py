"""What an action or a source counts, and how fast it goes."""

from __future__ import annotations

import time
from collections import Counter, deque

# Rates are of the last so many seconds.
_WINDOW = 5
_LONG = 300

#: Why a message was given up.
DROPPED = ("queue_full", "expired", "resource_not_found", "resource_stopped", "other")


class Rate:
    """Events per second: lately, over five minutes, and at most."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()
        self._highest = 0.0
        self._begun = 0.0

    def add(self, now: float) -> None:
        """One more."""
        second = int(now)
        self._begun = self._begun or now
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
            return
        self._highest = max(self._highest, self._of(_WINDOW, now))
        self._seconds.append((second, 1))
        while self._seconds[0][0] < second - _LONG:
            self._seconds.popleft()

    def read(self, now: float) -> tuple[float, float, float]:
        """Lately, over five minutes (or since the first, if that is shorter), and at most."""
        lately = self._of(_WINDOW, now)
        self._highest = max(self._highest, lately)
        age = min(_LONG, max(_WINDOW, int(now - self._begun) + 1)) if self._begun else _LONG
        return round(lately, 2), round(self._of(_LONG, now) * _LONG / age, 2), round(self._highest, 2)

    def _of(self, seconds: int, now: float) -> float:
        first, total = int(now) - seconds, 0
        for second, count in reversed(self._seconds):
            if second <= first:
                break
            total += count
        return total / seconds


class Numbers:
    """The metrics of contract §2.14; what waits at the moment is known elsewhere."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.rate = Rate()

    def matched(self) -> None:
        """It was asked to send one more."""
        self.count["matched"] += 1
        self.rate.add(time.monotonic())

    def received(self) -> None:
        """It fetched one more."""
        self.count["received"] += 1
        self.rate.add(time.monotonic())

    def dropped(self, why: str) -> None:
        """It gave one up; `why` is one of DROPPED."""
        self.count["dropped"] += 1
        self.count[f"dropped.{why}"] += 1

    def reset(self) -> None:
        """Begins from zero; what waits or is on its way is still there."""
        self.rate = Rate()
        for name in [*self.count]:
            if name not in ("inflight", "queuing", "queuing_bytes"):
                del self.count[name]

    def read(self) -> dict[str, float]:
        """All of it."""
        names = ("matched", "success", "failed", "dropped", *(f"dropped.{why}" for why in DROPPED))
        lately, long, most = self.rate.read(time.monotonic())
        found: dict[str, float] = {name: self.count[name] for name in names}
        for name in ("inflight", "queuing", "queuing_bytes", "retried", "late_reply", "received"):
            found[name] = self.count[name]
        return found | {"rate": lately, "rate_last5m": long, "rate_max": most}
