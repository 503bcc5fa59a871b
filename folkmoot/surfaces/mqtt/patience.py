"""How long a peer may read nothing of what waits for it: with each look it must have taken something since the last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Patience:
    """One connection's. It costs nothing until `begin`, which is when the socket takes no more."""

    def __init__(self, seconds: float, taken: Callable[[], int], give_up: Callable[[], object]) -> None:
        """`taken` says how many bytes the peer has taken so far; `give_up` ends the connection."""
        self._seconds = seconds
        self._taken = taken
        self._give_up = give_up
        self._timer: asyncio.TimerHandle | None = None
        self._before = 0

    def begin(self) -> None:
        """Look after a while, and again, until `end`."""
        self.end()
        self._before = self._taken()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def end(self) -> None:
        """The peer reads again, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._taken() > self._before:
            self.begin()
        else:
            self._timer = None
            self._give_up()
