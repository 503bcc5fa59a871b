"""What an action has been asked to send and what is not yet answered for: in memory, bounded in bytes and time, in order.

A lane sends one after the other; as many as the window allows are on their way unanswered. When the way breaks, all that are
on their way go back to the front, in order, and are sent again once it is mended. A request is settled once: sent, refused,
too late, or pushed out by newer ones when there is no more room.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from folkmoot.domain.rules import Outcome

from .numbers import Numbers
from .ways import HttpCall, Rejected, Request, Unreachable, Way

Settle = Callable[[Outcome], None]

# What an item takes beside its texts.
_OVERHEAD_BYTES = 400
_FIRST_PAUSE_SECONDS = 0.25


class Item:
    """One request on its way."""

    __slots__ = ("expires_at", "request", "round", "settle", "size")

    def __init__(self, request: Request, settle: Settle, expires_at: float | None) -> None:
        self.request = request
        self.settle = settle
        self.expires_at = expires_at
        self.round = 0
        """How often it was taken back."""
        self.size = _OVERHEAD_BYTES + _size(request)


class Bounds:
    """What all lanes of an action have together."""

    def __init__(self, numbers: Numbers, max_bytes: int, window: int, longest_pause: float) -> None:
        self.numbers = numbers
        self.max_bytes = max_bytes
        self.window = asyncio.Semaphore(window)
        self.longest_pause = longest_pause
        self.lanes: list[Lane] = []

    def make_room(self, lane: Lane) -> None:
        """Gives up the oldest until what waits fits."""
        count = self.numbers.count
        while count["queuing_bytes"] > self.max_bytes:
            fullest = lane if len(lane.waiting) > 1 else max(self.lanes, key=lambda each: len(each.waiting))
            if not fullest.waiting:
                return
            fullest.give_up(fullest.waiting[0], "queue_full")


class Lane:
    """See above."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._numbers = bounds.numbers
        self.waiting: deque[Item] = deque()
        self.flying: deque[Item] = deque()
        self._more = asyncio.Event()
        self._hurt = False
        """Something was refused for now, so the next must not follow at once."""
        self._way: Way | None = None
        self._task: asyncio.Task[None] | None = None
        bounds.lanes.append(self)

    def put(self, item: Item) -> None:
        """One more to send."""
        self.waiting.append(item)
        count = self._numbers.count
        count["queuing"] += 1
        count["queuing_bytes"] += item.size
        if count["queuing_bytes"] > self._bounds.max_bytes:
            self._bounds.make_room(self)
        if self._task is None and self._way is not None:
            self._task = asyncio.create_task(self._run(self._way))
        self._more.set()

    def give_up(self, item: Item, why: str) -> None:
        """Forgets one of those that wait."""
        self.waiting.remove(item)
        self._count_out(item)
        self._numbers.dropped(why)
        item.settle(Outcome.DISCARDED)

    def take(self, way: Way) -> None:
        """Goes on along this way; `rest` comes before."""
        self._way = way
        if self.waiting:
            self._task = asyncio.create_task(self._run(way))

    async def rest(self) -> None:
        """Sends no more until there is a way again; what was on its way waits again."""
        task, self._task, self._way = self._task, None, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._take_back()

    def hand_out(self) -> list[Item]:
        """Everything that waits, which is then another lane's; `rest` comes before."""
        items = list(self.waiting)
        self.waiting.clear()
        for item in items:
            self._count_out(item)
        return items

    def clear(self, why: str) -> None:
        """Gives everything up; `rest` comes before."""
        for item in list(self.waiting):
            self.give_up(item, why)

    async def _run(self, way: Way) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            item = await self._next(way)
            if self._hurt:
                self._hurt = False
                await asyncio.sleep(pause)
                continue
            await self._bounds.window.acquire()
            if not self.waiting or self.waiting[0] is not item:
                self._bounds.window.release()
                continue
            self.waiting.popleft()
            self._count_out(item)
            self.flying.append(item)
            self._numbers.count["inflight"] += 1
            tried = item.round
            try:
                left = None if item.expires_at is None else max(0.1, item.expires_at - _now())
                answer = await way.send(item.request, left)
            except Rejected:
                self._land(item, Outcome.UNKNOWN)
            except Unreachable:
                if item.round == tried:
                    self._take_back()
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._bounds.longest_pause)
                continue
            else:
                if answer is None:
                    self._land(item, Outcome.SUCCESS)
                else:
                    answer.add_done_callback(partial(self._answered, item, tried))
            pause = _FIRST_PAUSE_SECONDS

    async def _next(self, way: Way) -> Item:
        """The oldest that is not too late, once there is one and the way is open."""
        while True:
            if not self.waiting:
                self._more.clear()
                await self._more.wait()
                continue
            item = self.waiting[0]
            left = None if item.expires_at is None else item.expires_at - _now()
            if left is not None and left <= 0:
                self.give_up(item, "expired")
            elif way.up.is_set():
                return item
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await way.up.wait()

    def _answered(self, item: Item, tried: int, answer: asyncio.Future[None]) -> None:
        error = None if answer.cancelled() else answer.exception()
        if item.round != tried:
            if error is None:
                self._numbers.count["late_reply"] += 1
        elif isinstance(error, Rejected):
            self._land(item, Outcome.UNKNOWN)
        elif error is not None or answer.cancelled():
            self._hurt = True
            self._take_back()
        else:
            self._land(item, Outcome.SUCCESS)

    def _land(self, item: Item, outcome: Outcome) -> None:
        item.round = -1
        self.flying.remove(item)
        self._count_down()
        self._numbers.count["success" if outcome is Outcome.SUCCESS else "failed"] += 1
        item.settle(outcome)

    def _take_back(self) -> None:
        while self.flying:
            item = self.flying.pop()
            item.round += 1
            self.waiting.appendleft(item)
            self._count_down()
            count = self._numbers.count
            count["queuing"] += 1
            count["queuing_bytes"] += item.size
            count["retried"] += 1
        self._more.set()

    def _count_out(self, item: Item) -> None:
        self._numbers.count["queuing"] -= 1
        self._numbers.count["queuing_bytes"] -= item.size

    def _count_down(self) -> None:
        self._bounds.window.release()
        self._numbers.count["inflight"] -= 1


def _size(request: Request) -> int:
    if isinstance(request, HttpCall):
        return (
            len(request.path) + len(request.body) + sum(len(name) + len(text) for name, text in request.headers.items())
        )
    return len(request.topic) + len(request.payload)


def _now() -> float:
    return asyncio.get_running_loop().time()
