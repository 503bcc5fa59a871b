"""Connections to the two databases, set up so that a commit is on the disk when it returns.

An engine opens connections and speaks the few statements the doors need. It knows nothing of threads or of the loop.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Protocol

import psycopg

from folkmoot.errors import Unavailable
from folkmoot.store.transaction import PostgresqlTransaction, SqliteTransaction, Transaction

_SQLITE_FLOOR = (3, 40)
_BUSY_SECONDS = 10


class Connection(Protocol):
    """An open connection of either database."""

    def execute(self, sql: str) -> Any: ...
    def close(self) -> None: ...


class Engine(Protocol):
    """What the doors need of a database."""

    # May short reads run on the event loop itself?
    reads_in_place: bool
    begin_read: str
    begin_write: str

    def connect(self, read_only: bool) -> Any: ...
    def transaction(self, connection: Any) -> Transaction: ...
    def is_lost(self, error: BaseException) -> bool: ...
    def describe(self) -> str: ...
    def alchemy_url(self) -> str: ...


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class SqliteEngine:
    """A SQLite file in write-ahead mode; raises Unavailable when the library is older than 3.40."""

    reads_in_place = True
    begin_read = "BEGIN"
    begin_write = "BEGIN IMMEDIATE"

    def __init__(self, path: Path) -> None:
        if sqlite3.sqlite_version_info[:2] < _SQLITE_FLOOR:
            raise Unavailable("store.old", f"SQLite 3.40 or newer is needed, this is {sqlite3.sqlite_version}.")
        self.path = path

    def connect(self, read_only: bool) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=1024
            )
        except sqlite3.OperationalError as error:
            raise Unavailable("store.unreadable", f"Cannot open the database {self.path}: {error}.") from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.DatabaseError as error:
            connection.close()
            raise Unavailable("store.unreadable", f"Cannot use the database {self.path}: {error}.") from error
        # FULL: the write-ahead log is synced at every commit, so what was acknowledged survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        # SQLite's own knows only the letters A to Z.
        connection.create_function("lower", 1, _lower, deterministic=True)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -16000")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        return connection

    def transaction(self, connection: sqlite3.Connection) -> Transaction:
        return SqliteTransaction(connection)

    def is_lost(self, error: BaseException) -> bool:
        return False

    def describe(self) -> str:
        return str(self.path)

    def alchemy_url(self) -> str:
        return f"sqlite:///{self.path}"


class PostgresqlEngine:
    """One schema of a PostgreSQL database."""

    reads_in_place = False
    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    begin_write = "BEGIN"

    def __init__(self, url: str, schema: str) -> None:
        self.url = url
        self.schema = schema

    def connect(self, read_only: bool) -> psycopg.Connection[Any]:
        try:
            connection = psycopg.connect(self.url, autocommit=True, connect_timeout=_BUSY_SECONDS)
        except psycopg.OperationalError as error:
            raise Unavailable("store.unreachable", f"PostgreSQL does not answer: {error}") from error
        except psycopg.Error as error:
            raise Unavailable("store.url", f"Cannot read the PostgreSQL URL: {error}") from error
        connection.prepare_threshold = 3
        if not read_only:
            self._make_schema(connection)
        connection.execute(f'SET search_path = "{self.schema}"')
        connection.execute("SET synchronous_commit = on")
        connection.execute("SET timezone = 'UTC'")
        return connection

    def _make_schema(self, connection: psycopg.Connection[Any]) -> None:
        try:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')
        except psycopg.errors.InsufficientPrivilege as error:
            connection.close()
            words = f"PostgreSQL does not let this user make the schema {self.schema}: {error}"
            raise Unavailable("store.permission", words) from error

    def transaction(self, connection: psycopg.Connection[Any]) -> Transaction:
        return PostgresqlTransaction(connection)

    def is_lost(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)

    def describe(self) -> str:
        return f"{psycopg.conninfo.make_conninfo(self.url, password='')} schema {self.schema}"

    def alchemy_url(self) -> str:
        _, _, rest = self.url.partition("://")
        return f"postgresql+psycopg://{rest}"
