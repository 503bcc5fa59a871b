"""Token buckets: how often one address may do one kind of thing. Pure; the clock is passed in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from folkmoot.errors import RateLimited


class TokenBucket:
    """`rate` things per `per_seconds` for each key (a class and an address, say).

    A bucket starts full, refills evenly and never holds more than `rate`. At most `max_keys` are kept; the one unused
    for longest goes first.
    """

    def __init__(self, rate: int, per_seconds: float, *, max_keys: int = 50_000) -> None:
        if rate < 1 or per_seconds <= 0 or max_keys < 1:
            raise ValueError("a bucket needs a positive rate, time and number of keys")
        self.rate = rate
        self.per_seconds = per_seconds
        self._max_keys = max_keys
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def require(self, key: Hashable, now_seconds: float) -> None:
        """Check that there is a token without taking it. Raises RateLimited."""
        self._level(key, now_seconds)

    def take(self, key: Hashable, now_seconds: float) -> None:
        """Take a token. Raises RateLimited when there is none."""
        level = self._level(key, now_seconds)
        self._levels[key] = (level - 1, now_seconds)
        self._levels.move_to_end(key)
        if len(self._levels) > self._max_keys:
            self._levels.popitem(last=False)

    def _level(self, key: Hashable, now_seconds: float) -> float:
        level, since = self._levels.get(key, (float(self.rate), now_seconds))
        level = min(float(self.rate), level + max(0.0, now_seconds - since) * self.rate / self.per_seconds)
        if level < 1:
            raise RateLimited(
                "rate.limited",
                f"Too many requests. {self.rate} per {self.per_seconds:g} seconds",
                retry_after_seconds=(1 - level) * self.per_seconds / self.rate,
            )
        return level
