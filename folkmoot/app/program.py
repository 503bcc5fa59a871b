"""What runs: the parts in the order they were started, how they end, and what the data directory tells of them."""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

import structlog

from folkmoot.config import Config
from folkmoot.errors import Unavailable
from folkmoot.house import House

_STOP_SECONDS = 9.0

_logger = structlog.get_logger("folkmoot")


class Program:
    """Everything that runs, in the order it was started."""

    def __init__(self, house: House, lock: IO[str]) -> None:
        self.house = house
        self._lock = lock
        self.addresses: dict[str, str] = {}
        self.ready = False
        self._stops: list[Callable[[], Awaitable[None]]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def on_stop(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Call and await `stop` when the program ends; the last registered comes first."""
        self._stops.append(stop)

    def keep_running(self, name: str, work: Any) -> None:
        """Run a coroutine for as long as the program does."""
        self._tasks.append(asyncio.create_task(work, name=name))

    async def stop(self) -> None:
        """Refuse new work, finish what is in hand, flush."""
        self.ready = False
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                for stop in reversed(self._stops):
                    await self._end(stop)
        except TimeoutError:
            _logger.warning("not everything ended in time")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end(self.house.close)
        self.house.db.close()
        self.house.broker_db.close()
        # Only now may another server have the data.
        self._lock.close()

    async def _end(self, stop: Callable[[], Awaitable[None]]) -> None:
        try:
            await stop()
        except Exception:
            # What cannot end in order must not keep the rest from it.
            _logger.exception("a part did not end in order")


def lock_directory(config: Config) -> IO[str]:
    """Hold the data directory for this process alone; raises Unavailable when another server has it."""
    directory = Path(config.data.dir)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Unavailable("data.locked", f"Another server is running on the data directory {directory}.") from error
    return lock


def write_listeners(program: Program) -> None:
    """Tell in `<data>/listeners.json` where everything answers, whole or not at all."""
    path = Path(program.house.config.data.dir) / "listeners.json"
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(program.addresses, indent=2) + "\n")
    draft.replace(path)
    _logger.info("ready", **program.addresses)
