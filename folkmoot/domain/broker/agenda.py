"""What the broker has to do at a certain time: one piece of work per key, run when its time has come.

The broker keeps no time itself. Whoever does (the stream, or a test's clock) sets `alarm`, which hears of every earlier next
time, and calls `run` when it has come. Work must be short; what takes longer does a part and asks to be called again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from heapq import heappop, heappush
from itertools import count

log = logging.getLogger(__name__)

Work = Callable[[float], None]


class Agenda:
    """See above."""

    def __init__(self) -> None:
        self.alarm: Callable[[float], None] = _nobody
        self._work: dict[Hashable, tuple[float, Work]] = {}
        self._times: list[tuple[float, int, Hashable]] = []
        self._order = count()

    def next_at(self) -> float | None:
        """When there is something to do; None for never."""
        times = self._times
        while times:
            at, _, key = times[0]
            if key in self._work and self._work[key][0] == at:
                return at
            heappop(times)
        return None

    def add(self, key: Hashable, at: float, work: Work) -> None:
        """The work of this key is to be run at that time, or earlier if it was to be already."""
        known = self._work.get(key)
        if known is not None and known[0] <= at:
            return
        earliest = self.next_at()
        self._work[key] = (at, work)
        heappush(self._times, (at, next(self._order), key))
        if earliest is None or at < earliest:
            self.alarm(at)

    def remove(self, key: Hashable) -> None:
        """There is nothing to do for this key any more."""
        self._work.pop(key, None)

    def run(self, now: float) -> None:
        """Does what is due; what that adds has to wait for the next call."""
        due: list[Work] = []
        while (at := self.next_at()) is not None and at <= now:
            due.append(self._work.pop(self._times[0][2])[1])
        for work in due:
            try:
                work(now)
            except Exception:
                log.exception("something the broker had to do failed")


def _nobody(at: float) -> None:
    pass
