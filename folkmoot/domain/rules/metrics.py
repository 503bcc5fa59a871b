"""How often a rule was matched and what became of it. In memory: a restart begins anew."""

from __future__ import annotations

from collections import Counter

from folkmoot.domain.broker import Pace

from .model import Outcome

#: In the order they are shown.
COUNTED = (
    *("matched", "passed", "failed", "failed.exception", "failed.no_result"),
    *("actions.total", "actions.success", "actions.failed", "actions.failed.out_of_service", "actions.failed.unknown"),
    "actions.discarded",
)


class Metrics:
    """The counts of one rule, and how fast it is matched."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self._pace = Pace()

    def reset(self) -> None:
        """Begins anew."""
        self.count.clear()
        self._pace = Pace()

    def match(self, now: float) -> None:
        """The rule is to be run."""
        self.count["matched"] += 1
        self._pace.note(now)

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
        pace = self._pace.read(now)
        rates = {"matched.rate": pace.lately, "matched.rate.max": pace.highest, "matched.rate.last5m": pace.long}
        return {"matched": found.pop("matched"), **rates, **found}
