"""How much may be published per second (contract §3.2, limiter); what is over it is refused.

The sockets read more slowly long before (that is the surface's); this is the line behind which a message is not taken at all.
A quota is full at two seconds' worth, so that what one read brings in at once is no offence.
"""

from __future__ import annotations

from .options import Rates

_SECONDS = 2.0


class Bucket:
    """Fills evenly; what does not fit is lost."""

    __slots__ = ("_at", "_level")

    def __init__(self) -> None:
        self._level, self._at = 0.0, float("-inf")

    def has(self, rate: float, now: float) -> bool:
        """Whether there is anything left, at this many per second."""
        self._level = min(max(1.0, rate * _SECONDS), self._level + (now - self._at) * rate)
        self._at = now
        return self._level > 0

    def spend(self, amount: float) -> None:
        """Takes that much, and may owe the rest of it."""
        self._level -= amount


class Quota:
    """What all who publish under the same rates have left; the rates are read each time."""

    __slots__ = ("_bytes", "_messages", "rates")

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self._messages, self._bytes = Bucket(), Bucket()

    @property
    def is_limited(self) -> bool:
        """Whether it refuses anything at all."""
        return self.rates.messages_rate is not None or self.rates.bytes_rate is not None

    def allows(self, size_bytes: int, now: float) -> bool:
        """Whether one more message of this size may be published, counting it if so."""
        messages, size = self.rates.messages_rate, self.rates.bytes_rate
        if messages is not None and not self._messages.has(messages, now):
            return False
        if size is not None and not self._bytes.has(size, now):
            return False
        self._messages.spend(1)
        self._bytes.spend(size_bytes)
        return True
