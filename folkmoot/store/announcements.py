"""Tells live listeners what was committed, exactly in the order of the log.

Commits of this process arrive with their events in hand. Commits of other processes (the command line beside a running
server) are found by looking at the log four times a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from folkmoot.events import Recorded
from folkmoot.store import log
from folkmoot.store.database import Database
from folkmoot.store.transaction import Transaction

_LOOK_SECONDS = 0.25

_logger = structlog.get_logger("store")


class Announcements:
    """Listeners of the log; `follow` runs as long as the server does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Callable[[Recorded], None]] = []
        self._fresh: deque[Recorded] = deque()
        self._wake = asyncio.Event()
        self._last = 0
        database.committed = self._committed

    def listen(self, listener: Callable[[Recorded], None]) -> None:
        """Call `listener` on the loop for every event from now on; it must be quick and never block."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Begin after the newest event there is."""
        self._last = await self._database.read(log.newest)

    async def follow(self) -> None:
        """Announce until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._announce_fresh()
            except Exception:
                _logger.exception("announcing failed")

    def _committed(self, recorded: list[Recorded]) -> None:
        self._fresh.extend(recorded)
        self._wake.set()

    async def _announce_fresh(self) -> None:
        while self._fresh and self._fresh[0].id == self._last + 1:
            self._announce(self._fresh.popleft())
        # What is left does not join up with what was announced: somebody else committed in between (or nothing is left).
        while missed := await self._database.read(log.after, self._last):
            sources = {fresh.id: fresh.source for fresh in self._fresh}
            for recorded in missed:
                source = sources.get(recorded.id, "")
                self._announce(Recorded(recorded.id, recorded.recorded_at, recorded.event, source))
        while self._fresh and self._fresh[0].id <= self._last:
            self._fresh.popleft()

    def _announce(self, recorded: Recorded) -> None:
        self._last = recorded.id
        for listener in self._listeners:
            try:
                listener(recorded)
            except Exception:
                _logger.exception("a listener failed", kind=type(recorded.event).__name__)


class Reader:
    """A reader of the log with a cursor of its own: what it has not dealt with, it sees again after a crash.

    The first event is given at once, those that follow closely are gathered for `gather_seconds`: under load the reader
    then moves its cursor once for many, and its commits do not stand in the way of those that somebody waits for.
    """

    def __init__(self, database: Database, name: str, most: int = 200, gather_seconds: float = 0.0) -> None:
        self.name = name
        self._database = database
        self._most = most
        self._gather_seconds = gather_seconds
        self._looks_at = 0.0
        self._wake = asyncio.Event()

    def notice(self, recorded: Recorded) -> None:
        """Wake up; give this to `Announcements.listen`."""
        self._wake.set()

    async def waiting(self) -> list[Recorded]:
        """The next events, waiting until there are some; pass the last one's id to `log.advance` when done."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(max(0.0, self._looks_at - clock()))
            self._wake.clear()
            batch = await self._database.read(_unread, self.name, self._most)
            if batch:
                self._looks_at = clock() + (self._gather_seconds if len(batch) < self._most else 0.0)
                return batch
            await self._wake.wait()


def _unread(tx: Transaction, reader: str, most: int) -> list[Recorded]:
    return log.after(tx, log.cursor(tx, reader), most)
