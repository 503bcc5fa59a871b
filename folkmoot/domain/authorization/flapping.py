"""Clients that come and go too often, counted, so that they can be kept out for a while (contract §3.2, flapping_detect)."""

from __future__ import annotations

from folkmoot.domain.broker import Options

_CLIENTS_MAX = 10_000


class Flapping:
    """How often each client has left within its window; bounded, whoever is counted longest goes first."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._seen: dict[str, tuple[float, int]] = {}

    def left(self, client_id: str, now: float) -> bool:
        """A connection of this client ended; whether that was once too often."""
        limits = self._options.flapping_detect
        if not limits.enable:
            self._seen.clear()
            return False
        began, times = self._seen.get(client_id, (now, 0))
        if now - began >= limits.window_time:
            began, times = now, 0
            # So that whoever is new stands at the end.
            self._seen.pop(client_id, None)
        if times + 1 >= limits.max_count:
            self._seen.pop(client_id, None)
            return True
        self._seen[client_id] = (began, times + 1)
        if len(self._seen) > _CLIENTS_MAX:
            del self._seen[next(iter(self._seen))]
        return False
