"""What an action or a source counts, and how fast it goes."""

from __future__ import annotations

import time
from collections import Counter

from folkmoot.domain.broker import Pace

#: Why a message was given up.
DROPPED = ("queue_full", "expired", "resource_not_found", "resource_stopped", "other")


class Numbers:
    """The metrics of contract §2.14; what waits at the moment is known elsewhere."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.pace = Pace()

    def matched(self) -> None:
        """It was asked to send one more."""
        self.count["matched"] += 1
        self.pace.note(time.monotonic())

    def received(self) -> None:
        """It fetched one more."""
        self.count["received"] += 1
        self.pace.note(time.monotonic())

    def dropped(self, why: str) -> None:
        """It gave one up; `why` is one of DROPPED."""
        self.count["dropped"] += 1
        self.count[f"dropped.{why}"] += 1

    def reset(self) -> None:
        """Begins from zero; what waits or is on its way is still there."""
        self.pace = Pace()
        for name in [*self.count]:
            if name not in ("inflight", "queuing", "queuing_bytes"):
                del self.count[name]

    def read(self) -> dict[str, float]:
        """All of it."""
        names = ("matched", "success", "failed", "dropped", *(f"dropped.{why}" for why in DROPPED))
        pace = self.pace.read(time.monotonic())
        found: dict[str, float] = {name: self.count[name] for name in names}
        for name in ("inflight", "queuing", "queuing_bytes", "retried", "late_reply", "received"):
            found[name] = self.count[name]
        return found | {"rate": pace.lately, "rate_last5m": pace.long, "rate_max": pace.highest}
