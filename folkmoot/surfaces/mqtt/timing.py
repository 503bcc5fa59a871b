"""Wakes the broker when there is something on its agenda."""

from __future__ import annotations

import asyncio

from folkmoot.domain.broker import Agenda


class Timer:
    """Runs an agenda on the loop; the broker's clock is the loop's and `offset`. Call `cancel` at the end."""

    def __init__(self, agenda: Agenda, loop: asyncio.AbstractEventLoop, offset: float) -> None:
        self._agenda = agenda
        self._loop = loop
        self._offset = offset
        self._handle: asyncio.TimerHandle | None = None
        self._at = 0.0
        agenda.alarm = self._set
        first = agenda.next_at()
        if first is not None:
            self._set(first)

    def cancel(self) -> None:
        """Nothing more is run."""
        self._agenda.alarm = _nobody
        if self._handle is not None:
            self._handle.cancel()

    def _set(self, at: float) -> None:
        if self._handle is not None:
            if at >= self._at:
                return
            self._handle.cancel()
        self._at = at
        self._handle = self._loop.call_at(at - self._offset, self._ring)

    def _ring(self) -> None:
        self._handle = None
        self._agenda.run(self._loop.time() + self._offset)
        following = self._agenda.next_at()
        if following is not None:
            self._set(following)


def _nobody(at: float) -> None:
    pass
