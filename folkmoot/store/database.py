"""The three doors: `read`, `scan` and `write`. Nothing else touches the database.

Theory. Every change goes through one writer thread. It takes all waiting jobs, runs each inside a savepoint, and makes
one durable commit for all of them; only then does any caller hear of success, and only then are events announced. A job
that fails takes nothing of the others with it. This is so on PostgreSQL too: one commit for many jobs costs one
synchronisation, jobs cannot deadlock each other, and the event log follows commit order (docs/decisions/0002).

Rules for changing it: no caller is told before the commit; no event is announced before the commit or out of the order
of its id; a job never runs twice; what a job raised reaches exactly its caller.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

from folkmoot.errors import FolkmootError, Unavailable
from folkmoot.events import AnyEvent, Recorded
from folkmoot.store import log
from folkmoot.store.engines import Engine
from folkmoot.store.transaction import Transaction
from folkmoot.store.troubles import find_trouble

T = TypeVar("T")
P = ParamSpec("P")

# One commit serves at most this many jobs, so that none waits for a very long group.
_MOST_IN_GROUP = 256
_READERS = 4


class _Job:
    __slots__ = ("call", "error", "events", "future", "result", "source")

    def __init__(self, call: Callable[[Transaction], Any], future: asyncio.Future[Any] | None, source: str) -> None:
        self.call = call
        self.future = future
        self.source = source
        self.events: list[AnyEvent] = []
        self.result: Any = None
        self.error: BaseException | None = None


class Database:
    """A database behind its doors; `open` before use, `close` after."""

    def __init__(self, engine: Engine, *, logs_events: bool = True) -> None:
        self.engine = engine
        self.committed: Callable[[list[Recorded]], None] = lambda events: None
        self._logs_events = logs_events
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._workers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._opened: list[Any] = []
        self._reader: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Start the writer and the readers; on the event loop's thread, or with no loop for the blocking doors."""
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._reader = self._connect(read_only=True) if self.engine.reads_in_place else None
        self._workers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._writer = threading.Thread(target=self._write_groups, name="store-writer", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Finish the jobs in hand and close every connection."""
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join()
        if self._workers is not None:
            self._workers.shutdown(wait=True)
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()
        self._writer = self._workers = self._reader = None

    # --- the doors -----------------------------------------------------------------------------------------------

    async def read(self, call: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a short, indexed read; on SQLite in place, else on a pooled worker."""
        if self._reader is not None:
            return self._query(self._reader, call, *args, **kwargs)
        return await self.scan(call, *args, **kwargs)

    async def scan(self, call: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a long read on a worker thread, out of everybody's way."""
        assert self._workers is not None, "the database is not open"
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, lambda: self._query_pooled(call, *args, **kwargs))

    async def write(self, call: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a change; returns after it is committed and on the disk."""
        return await self.write_from("", call, *args, **kwargs)

    async def write_from(
        self, source: str, call: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a change that came through the live connection named `source` (see events.Recorded)."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(lambda tx: call(tx, *args, **kwargs), future, source))
        return await future

    def read_now(self, call: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a read on the calling thread; for commands, which have no loop."""
        return self._query_pooled(call, *args, **kwargs)

    def write_now(self, call: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a change on the calling thread, as a group of one; for commands, which have no loop."""
        job = _Job(lambda tx: call(tx, *args, **kwargs), None, "")
        # Kept for the next call, with its prepared statements and its cache.
        connection = getattr(self._local, "writer", None) or self._connect(read_only=False)
        self._local.writer = None
        try:
            self._carry_out(connection, [job])
        except BaseException:
            self._opened.remove(connection)
            connection.close()
            raise
        self._local.writer = connection
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    # --- reading -------------------------------------------------------------------------------------------------

    def _connect(self, read_only: bool) -> Any:
        connection = self.engine.connect(read_only)
        self._opened.append(connection)
        return connection

    def _query_pooled(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(read_only=True)
        try:
            return self._query(connection, call, *args, **kwargs)
        except Exception as error:
            if not self.engine.is_lost(error):
                raise
            self._local.connection = None
            raise Unavailable("store.lost", "The database went away; try again.") from error

    def _query(self, connection: Any, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        connection.execute(self.engine.begin_read)
        try:
            return call(self.engine.transaction(connection), *args, **kwargs)
        finally:
            connection.execute("ROLLBACK")

    # --- writing -------------------------------------------------------------------------------------------------

    def _write_groups(self) -> None:
        connection: Any = None
        while (job := self._jobs.get()) is not None:
            group, last = self._waiting(job)
            try:
                if connection is None:
                    connection = self._connect(read_only=False)
                recorded = self._carry_out(connection, group)
            except BaseException as error:
                recorded = []
                _fail(group, error)
                if connection is not None:
                    self._opened.remove(connection)
                    connection.close()
                connection = None
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._report, group, recorded)
            if last:
                return

    def _waiting(self, first: _Job) -> tuple[list[_Job], bool]:
        group = [first]
        while len(group) < _MOST_IN_GROUP:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _carry_out(self, connection: Any, group: Sequence[_Job]) -> list[Recorded]:
        connection.execute(self.engine.begin_write)
        try:
            for job in group:
                self._carry_out_one(connection, job)
            events = [(event, job.source) for job in group for event in job.events]
            tx = self.engine.transaction(connection)
            recorded = log.append(tx, events, datetime.now(UTC)) if self._logs_events else []
            connection.execute("COMMIT")
        except BaseException:
            # A database in trouble has done so itself, and then there is nothing to roll back.
            with suppress(Exception):
                connection.execute("ROLLBACK")
            raise
        return recorded

    def _carry_out_one(self, connection: Any, job: _Job) -> None:
        connection.execute("SAVEPOINT job")
        tx = self.engine.transaction(connection)
        try:
            job.result = job.call(tx)
            job.events = tx.events
        except Exception as error:
            if self.engine.is_lost(error):
                raise
            try:
                connection.execute("ROLLBACK TO SAVEPOINT job")
            except Exception:
                # The database in trouble has given up the whole group.
                raise error from None
            job.error = error
        connection.execute("RELEASE SAVEPOINT job")

    def _report(self, group: Sequence[_Job], recorded: list[Recorded]) -> None:
        for job in group:
            if job.future is None or job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)
        if recorded:
            self.committed(recorded)


def _fail(group: Sequence[_Job], cause: BaseException) -> None:
    for job in group:
        if job.error is None or not isinstance(job.error, FolkmootError):
            generic = Unavailable("store.failed", "The database could not keep this; nothing was changed.")
            job.error = cause if isinstance(cause, Unavailable) else find_trouble(cause) or generic
            job.error.__cause__ = None if job.error is cause else cause
