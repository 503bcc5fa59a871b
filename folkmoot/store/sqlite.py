"""SQLite: connections set up so that a commit is on the disk when it returns, and transactions on them."""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from folkmoot.errors import Conflict, Invalid, Unavailable
from folkmoot.store.damage import is_damage
from folkmoot.store.rows import microseconds
from folkmoot.store.transaction import Transaction
from folkmoot.store.troubles import find_trouble

_FLOOR = (3, 40)
_BUSY_SECONDS = 10
#: A named parameter, or a text, in which there is none.
_NAMED = re.compile(r"'[^']*'|:(\w+)")

# Aware datetimes are parameters, stored as whole microseconds.
sqlite3.register_adapter(datetime, microseconds)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class SqliteEngine:
    """A SQLite file in write-ahead mode; raises Unavailable when the library is older than 3.40."""

    dialect = "sqlite"
    schema = ""
    reads_in_place = True
    begin_read = "BEGIN"
    begin_write = "BEGIN IMMEDIATE"

    def __init__(self, path: Path) -> None:
        if sqlite3.sqlite_version_info[:2] < _FLOOR:
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
        # What is deleted is written over, however the library was built.
        connection.execute("PRAGMA secure_delete = ON")
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


@functools.lru_cache
def _by_place(sql: str) -> tuple[str, list[str]]:
    """The statement with `?` in the place of named parameters, and their names: SQLite asks for a name with every row."""
    names = [name for name in _NAMED.findall(sql) if name]
    return _NAMED.sub(lambda found: "?" if found[1] else found[0], sql), names


class SqliteTransaction(Transaction):
    """A transaction on a SQLite connection."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._execute = connection.execute
        self._executemany = connection.executemany

    def rows(self, sql: str, **parameters: Any) -> list[Any]:
        try:
            return self._execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise _translate_sqlite(error) from error

    def version(self) -> Any:
        return self._execute("PRAGMA data_version").fetchone()

    def run(self, sql: str, **parameters: Any) -> int:
        try:
            return self._execute(sql, parameters).rowcount
        except sqlite3.Error as error:
            raise _translate_sqlite(error) from error

    def run_many(self, sql: str, parameters: Sequence[dict[str, Any]]) -> None:
        by_place, names = _by_place(sql)
        try:
            self._executemany(by_place, [tuple([row[name] for name in names]) for row in parameters])
        except sqlite3.Error as error:
            raise _translate_sqlite(error) from error


def _translate_sqlite(error: sqlite3.Error) -> Exception:
    if isinstance(error, sqlite3.IntegrityError):
        kind = error.sqlite_errorname
        if kind in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
            return Conflict("store.duplicate", "That exists already.")
        if kind == "SQLITE_CONSTRAINT_FOREIGNKEY":
            return Conflict("store.reference", "What this refers to does not exist.")
        return Invalid("store.constraint", "That value is not allowed.")
    if is_damage(error):
        return Unavailable("store.damaged", f"The database is damaged ({error}); `folkmoot doctor` says which.")
    return find_trouble(error) or error
