"""The broker's journal in its database, and the broker that goes on from it after a start."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from folkmoot.domain.broker import (
    Broker,
    Changes,
    Damaged,
    keep,
    list_delayed,
    list_retained,
    read_sessions,
    set_aside,
)
from folkmoot.store import Database

log = logging.getLogger(__name__)


class StoredJournal:
    """The broker's journal in its database; `clock` tells seconds since 1970."""

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def load(self, broker: Broker) -> None:
        """Gives a new broker what was kept; rows that make no sense are reported and set aside."""
        now, damaged = self._clock(), list[Damaged]()
        for message in await self._db.scan(list_retained, damaged):
            broker.retained.keep(message)
        kept, sessions = await self._db.scan(read_sessions, broker.limits, damaged, now)
        delayed = await self._db.scan(list_delayed, damaged)
        kept.last = max([kept.last, *(each.number for each in delayed)])
        broker.resume(kept, sessions, now)
        broker.delayed.resume(delayed)
        for one in damaged:
            log.error("a damaged row of %s was set aside: %s", one.table, one.reason)
        if damaged:
            await self._db.write(set_aside, damaged, now)

    async def keep(self, changes: Changes) -> None:
        """Returns when the changes are committed."""
        await self._db.write(keep, changes)
