"""How much may come in per second: connections of a listener, messages and bytes of a client, and of everybody together.

Who sends more is not read from until its debt is paid; a connection too many is closed. Rates are read each time.
"""

from __future__ import annotations

from typing import Protocol


class Rated(Protocol):
    """Whatever has rates per second; None is unlimited."""

    @property
    def max_conn_rate(self) -> float | None: ...

    @property
    def messages_rate(self) -> float | None: ...

    @property
    def bytes_rate(self) -> float | None: ...


class Ration:
    """A share that fills evenly, never holds more than a second's worth, and may be overdrawn."""

    __slots__ = ("_at", "_level")

    def __init__(self) -> None:
        self._level = 0.0
        self._at = float("-inf")

    def _fill(self, rate: float, now: float) -> None:
        self._level = min(max(rate, 1.0), self._level + (now - self._at) * rate)
        self._at = now

    def spend(self, much: float, rate: float, now: float) -> float:
        """Takes it, and returns after how many seconds the debt is paid."""
        self._fill(rate, now)
        self._level -= much
        return max(0.0, -self._level / rate)

    def allows_one(self, rate: float, now: float) -> bool:
        """Takes one if there is one."""
        self._fill(rate, now)
        if self._level < 1:
            return False
        self._level -= 1
        return True


class Rations:
    """What one thing (the node, a listener, a connection) has used of its rates."""

    __slots__ = ("_bytes", "_connections", "_messages", "rates")

    def __init__(self, rates: Rated) -> None:
        self.rates = rates
        self._connections, self._messages, self._bytes = Ration(), Ration(), Ration()

    @property
    def limits_reading(self) -> bool:
        """Whether messages or bytes are limited at all."""
        return self.rates.messages_rate is not None or self.rates.bytes_rate is not None

    def allows_connection(self, now: float) -> bool:
        """Whether one more connection may come, counting it."""
        rate = self.rates.max_conn_rate
        return rate is None or self._connections.allows_one(rate, now)

    def rest_seconds(self, messages: int, size_bytes: int, now: float) -> float:
        """How long not to read after having read this."""
        longest = 0.0
        if self.rates.messages_rate is not None and messages:
            longest = self._messages.spend(messages, self.rates.messages_rate, now)
        if self.rates.bytes_rate is not None:
            longest = max(longest, self._bytes.spend(size_bytes, self.rates.bytes_rate, now))
        return longest
