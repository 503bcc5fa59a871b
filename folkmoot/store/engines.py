"""What the doors need of a database, and which of the two it is.

An engine opens connections and speaks the few statements the doors need. It knows nothing of threads or of the loop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from folkmoot.store.sqlite import SqliteEngine
from folkmoot.store.transaction import Transaction


class Engine(Protocol):
    """A database that transactions can be had of."""

    dialect: str
    # The schema of PostgreSQL everything is in; SQLite has none.
    schema: str
    # May short reads run on the event loop itself?
    reads_in_place: bool
    begin_read: str
    begin_write: str

    def connect(self, read_only: bool) -> Any: ...
    def transaction(self, connection: Any) -> Transaction: ...
    def is_lost(self, error: BaseException) -> bool: ...
    def describe(self) -> str: ...
    def alchemy_url(self) -> str: ...


def engine_at(url: str, directory: Path, name: str) -> Engine:
    """The schema of that name in the PostgreSQL database at a URL; without a URL, the SQLite file of that name in a directory."""
    if url:
        from folkmoot.store.postgresql import PostgresqlEngine

        return PostgresqlEngine(url, name)
    return SqliteEngine(directory / f"{name}.db")
