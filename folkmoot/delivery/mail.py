"""Sends what is in the outbox: claims copies that are due, hands them to the relay, notes what became of each.

Theory. A worker connects first and claims then, so an unreachable relay costs no attempts. It claims a batch, sends it
pipelined, settles it, and goes on until nothing is due. While something is due and fewer workers run than may, another
is started: a worker that hangs on a slow answer keeps up only its own batch. What was claimed and not settled when the
process ended is queued again at the next start, so a kill repeats at most the batches in flight, and skips nobody.

Without a relay mail is caught: it is never sent, and stays to be looked at for as long as the configuration says.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from folkmoot.delivery import queue
from folkmoot.domain import outbox
from folkmoot.domain.outbox import Outcome, Outgoing
from folkmoot.errors import NotFound, Unavailable
from folkmoot.events import Recorded
from folkmoot.net import smtp
from folkmoot.store import Database

_CONNECTIONS = 4
_BATCH = 100
# So much of the bodies is held in memory per worker, or one larger one.
_BODY_OCTETS = 8 * 1024 * 1024
_SHORTEST_LOOK_SECONDS = 0.02
_LONGEST_LOOK_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
_IDLE_SECONDS = 5.0
_STOP_SECONDS = 5.0

_NO_BODY = smtp.Reply(554, "5.6.0", "The message is gone")

_logger = structlog.get_logger("delivery")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sender:
    """The way of mail out of the house; `relay` is a URL (see `net.smtp.parse_relay`), or "" to catch everything.

    Raises Invalid for a relay that cannot be read.
    """

    def __init__(
        self,
        database: Database,
        relay: str,
        hostname: str,
        *,
        options: smtp.ClientOptions | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._database = database
        self._relay = smtp.parse_relay(relay) if relay else None
        self._options = options or smtp.ClientOptions(hostname=hostname)
        self._now = now
        self._wake = asyncio.Event()
        self._workers: set[asyncio.Task[None]] = set()
        self._resting: list[smtp.Connection] = []
        self._starting = False
        self._failures = 0
        self._blocked_until = 0.0
        self._stopping = False

    def notice(self, recorded: Recorded) -> None:
        """Look sooner, since something has happened; give this to `Announcements.listen`."""
        self._wake.set()

    def use(self, relay: str) -> None:
        """Send through this relay from now on; what is in hand goes the old way. Raises Invalid."""
        found = smtp.parse_relay(relay) if relay else None
        if found == self._relay:
            return
        self._relay = found
        self._failures, self._blocked_until = 0, 0.0
        for connection in self._resting:
            connection.abort()
        self._resting.clear()
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled, or until `stop`."""
        await self._persist(outbox.reclaim)
        clock = asyncio.get_running_loop().time
        look_seconds, busy_at = _SHORTEST_LOOK_SECONDS, clock()
        while not self._stopping:
            if await self._is_due():
                busy_at = clock()
                if self._may_start(busy_at):
                    self._start_worker()
                    look_seconds = _SHORTEST_LOOK_SECONDS
            elif clock() - busy_at > _IDLE_SECONDS:
                await self._close_resting()
            try:
                async with asyncio.timeout(look_seconds):
                    await self._wake.wait()
                look_seconds = _SHORTEST_LOOK_SECONDS
            except TimeoutError:
                look_seconds = min(look_seconds * 2, _LONGEST_LOOK_SECONDS)
            self._wake.clear()

    async def stop(self) -> None:
        """Finish the batches in hand, for a while, and take no more."""
        self._stopping = True
        self._wake.set()
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._close_resting()

    # Workers

    def _may_start(self, moment: float) -> bool:
        # One at a time connects: by then it may have claimed all there is.
        room = not self._starting and len(self._workers) < _CONNECTIONS
        return room and moment >= self._blocked_until and not self._stopping

    def _start_worker(self) -> None:
        self._starting = True
        task = asyncio.create_task(self._work())
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        try:
            if self._relay is None:
                await self._catch()
            else:
                await self._send(self._relay)
        except smtp.ConnectError as error:
            pause_seconds = self._pause()
            level = _logger.error if error.ours else _logger.warning
            level("the mail relay cannot be used", reason=str(error), again_in_seconds=pause_seconds)
        except Exception:
            self._pause()
            _logger.exception("sending mail failed")
        finally:
            self._starting = False

    async def _catch(self) -> None:
        while self._relay is None and (copies := await self._claim()):
            now = self._now()
            await self._settle([Outcome(copy.id, "caught", "No relay is configured", now) for copy in copies])

    async def _send(self, relay: smtp.Relay) -> None:
        connection = await self._connection(relay)
        try:
            while connection.usable and relay == self._relay and (copies := await self._claim()):
                await self._send_batch(connection, copies)
        except BaseException:
            connection.abort()
            raise
        if not connection.usable:
            self._pause()
            await connection.close()
        elif self._stopping or relay != self._relay:
            await connection.close()
        else:
            self._failures = 0
            self._resting.append(connection)

    async def _connection(self, relay: smtp.Relay) -> smtp.Connection:
        while self._resting:
            connection = self._resting.pop()
            if connection.usable:
                return connection
            connection.abort()
        return await smtp.connect(relay, self._options)

    async def _claim(self) -> list[Outgoing]:
        if self._stopping:
            return []
        copies = await self._database.write(outbox.claim, self._now(), _BATCH)
        self._starting = False
        return copies

    async def _send_batch(self, connection: smtp.Connection, copies: Sequence[Outgoing]) -> None:
        ready: list[tuple[queue.Bundle, smtp.Mail]] = []
        octets = 0
        for bundle in queue.bundle(copies):
            try:
                data = queue.with_crlf(await self._database.read(outbox.get_body, bundle.body_id))
            except NotFound:
                await self._note(bundle.copies, [smtp.Outcome(copy.recipient, _NO_BODY) for copy in bundle.copies])
                continue
            if ready and octets + len(data) > _BODY_OCTETS:
                await self._send_ready(connection, ready)
                ready, octets = [], 0
            ready.append((bundle, smtp.Mail(bundle.sender, tuple(copy.recipient for copy in bundle.copies), data)))
            octets += len(data)
        await self._send_ready(connection, ready)

    async def _send_ready(self, connection: smtp.Connection, ready: Sequence[tuple[queue.Bundle, smtp.Mail]]) -> None:
        results = await connection.send([mail for _, mail in ready])
        copies = [copy for bundle, _ in ready for copy in bundle.copies]
        await self._note(copies, [outcome for outcomes in results for outcome in outcomes])

    async def _note(self, copies: Sequence[Outgoing], outcomes: Sequence[smtp.Outcome]) -> None:
        now = self._now()
        pairs = zip(copies, outcomes, strict=True)
        await self._settle([queue.judge(copy, outcome, now, random.random) for copy, outcome in pairs])

    def _pause(self) -> float:
        """Leave the relay alone for a while, longer each time; how long, in seconds."""
        pause_seconds = min(2.0**self._failures, _LONGEST_PAUSE_SECONDS)
        self._failures = min(self._failures + 1, 10)
        self._blocked_until = asyncio.get_running_loop().time() + pause_seconds
        return pause_seconds

    async def _close_resting(self) -> None:
        resting, self._resting = self._resting, []
        await asyncio.gather(*(connection.close() for connection in resting), return_exceptions=True)

    # The database, which may be away for a moment

    async def _is_due(self) -> bool:
        try:
            due_at = await self._database.read(outbox.next_due_at)
        except Exception:
            _logger.exception("cannot look into the outbox")
            return False
        return due_at is not None and due_at <= self._now()

    async def _settle(self, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            await self._persist(outbox.settle, outcomes)

    async def _persist(self, change: Callable[..., object], *args: Any) -> None:
        """Make a change that must not be lost, as soon as the database takes it."""
        while True:
            try:
                await self._database.write(change, *args)
                return
            except Unavailable:
                _logger.exception("the outbox cannot be written to")
            await asyncio.sleep(_LONGEST_LOOK_SECONDS)
