"""How often a rule was matched and what became of it. In memory: a restart begins anew."""

from __future__ import annotations

from collections import Counter, deque

from .model import Outcome

#: In the order they are shown.
COUNTED = (
    *("matched", "passed", "failed", "failed.exception", "failed.no_result"),
    *("actions.total", "actions.success", "actions.failed", "actions.failed.out_of_service", "actions.failed.unknown"),
    "actions.discarded",
)
_RATE_SECONDS = 5
_LONG_SECONDS = 300


class Metrics:
    """The counts of one rule, and how fast it is matched."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self._seconds: deque[list[int]] = deque()
        """The second and how often it was matched in it; the last five minutes."""
        self._most = 0

    def reset(self) -> None:
        """Begins anew."""
        self.count.clear()
        self._seconds.clear()
        self._most = 0

    def match(self, now: float) -> None:
        """The rule is to be run."""
        self.count["matched"] += 1
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1] += 1
        else:
            self._most = max(self._most, self._last())
            self._seconds.append([second, 1])
            while self._seconds[0][0] <= second - _LONG_SECONDS:
                self._seconds.popleft()

    def _last(self) -> int:
        return self._seconds[-1][1] if self._seconds else 0

    def fail(self, why: str) -> None:
        """It was run in vain: `exception` or `no_result`."""
        self.count["failed"] += 1
        self.count[f"failed.{why}"] += 1

    def begin(self) -> None:
        """An action was begun."""
        self.count["actions.total"] += 1

    def settle(self, outcome: Outcome) -> None:
        """What became of an action."""
        self.count[f"actions.{outcome}"] += 1
        if outcome in (Outcome.OUT_OF_SERVICE, Outcome.UNKNOWN):
            self.count["actions.failed"] += 1

    def figures(self, now: float) -> dict[str, float]:
        """Everything, by the names of contract §2.13; rates are per second."""
        found: dict[str, float] = {name: self.count[name] for name in COUNTED}
        rates = {
            "matched.rate": self._rate(now, _RATE_SECONDS),
            "matched.rate.max": float(max(self._most, self._last())),
            "matched.rate.last5m": self._rate(now, _LONG_SECONDS),
        }
        return {"matched": found.pop("matched"), **rates, **found}

    def _rate(self, now: float, seconds: int) -> float:
        since = int(now) - seconds
        return round(sum(count for second, count in self._seconds if second > since) / seconds, 2)
