"""One action that runs: from what a rule selected to requests that wait in lanes."""

from __future__ import annotations

import asyncio

from folkmoot.domain import bridges
from folkmoot.domain.bridges import Action, Status
from folkmoot.domain.rules import Columns, Outcome
from folkmoot.text.amounts import parse_duration, parse_size

from .numbers import Numbers
from .requests import maker
from .waiting import Bounds, Item, Lane, Settle
from .ways import Link, Rejected


class RunningAction:
    """An action with what it has counted and what waits in it."""

    def __init__(self, value: Action) -> None:
        self.value = value
        self.numbers = Numbers()
        self._make = maker(value)
        self._link: Link | None = None
        resource = value.resource
        self._seconds = None if resource.request_ttl == "infinity" else parse_duration(resource.request_ttl)
        window = 1 if resource.query_mode == "sync" else resource.inflight_window
        self._bounds = Bounds(
            self.numbers,
            parse_size(resource.max_buffer_bytes),
            window,
            max(0.25, parse_duration(resource.health_check_interval)),
        )
        # One connection keeps the order of its messages; of requests on several, each publisher's go after one another.
        lanes = 1 if value.type == "mqtt" else min(window, resource.worker_pool_size)
        self._lanes = [Lane(self._bounds) for _ in range(lanes)]

    def run(self, columns: Columns, trail: tuple[str, ...], mark: str, settle: Settle) -> None:
        """Makes a request and lets it wait for its turn; `trail` is of the message, `mark` the broker's."""
        numbers = self.numbers
        numbers.matched()
        left = bridges.leave(trail, mark)
        if self._link is None:
            numbers.dropped("resource_stopped")
            settle(Outcome.OUT_OF_SERVICE)
        elif left is None:
            numbers.dropped("other")
            settle(Outcome.DISCARDED)
        else:
            try:
                request = self._make(columns, left)
            except Rejected:
                numbers.count["failed"] += 1
                settle(Outcome.UNKNOWN)
                return
            now = asyncio.get_running_loop().time()
            lane = self._lanes[hash(str(columns.get("clientid"))) % len(self._lanes)]
            lane.put(Item(request, settle, None if self._seconds is None else now + self._seconds))

    async def go_along(self, link: Link | None) -> None:
        """Sends along this link from now on, if it is on; without one, what waits is given up."""
        link = link if self.value.is_enabled else None
        if link is None or link is not self._link:
            await self.pause()
        if link is None:
            for lane in self._lanes:
                lane.clear("resource_stopped")
        elif link is not self._link:
            self._link = link
            for lane in self._lanes:
                lane.take(link.way(self.value.id))

    async def pause(self) -> None:
        """Sends no more until `go_along` says along which link."""
        self._link = None
        for lane in self._lanes:
            await lane.rest()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way or waits for an open one."""
        count = self.numbers.count
        if self._link is None or self._link.health.status is not Status.CONNECTED:
            return True
        return not (count["inflight"] or count["queuing"])

    async def hand_over(self, successor: RunningAction) -> None:
        """What waits here waits there; this one ends."""
        await self.pause()
        for place, lane in enumerate(self._lanes):
            other = successor._lanes[place % len(successor._lanes)]
            for item in lane.hand_out():
                other.put(item)
        kept = successor.numbers.count
        successor.numbers.pace = self.numbers.pace
        for name, count in self.numbers.count.items():
            if name not in ("queuing", "queuing_bytes", "inflight"):
                kept[name] += count
