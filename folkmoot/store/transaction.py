"""What a domain function gets to work with: one open transaction.

SQL is written by hand in the subset that SQLite and PostgreSQL share, with `:name` parameters; where the two differ, the
transaction offers one word for both (`dialect`). Events recorded here are written to the log just before the commit.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import psycopg

from folkmoot.errors import Conflict, Invalid, Unavailable
from folkmoot.events import AnyEvent
from folkmoot.store.damage import is_damage
from folkmoot.store.rows import constructor, microseconds

T = TypeVar("T")

# A quoted text, a cast or a percent sign, which psycopg wants doubled; or else a parameter.
_PARAMETER = re.compile(r"(?P<text>'(?:[^']|'')*'|::\w+|%)|:(?P<name>[A-Za-z_]\w*)")


@cache
def _for_postgresql(sql: str) -> str:
    def rewrite(match: re.Match[str]) -> str:
        name = match["name"]
        return f"%({name})s" if name else match["text"].replace("%", "%%")

    return _PARAMETER.sub(rewrite, sql)


def expand(name: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """The right side of an `IN` for a short list of values, and its parameters: `(:id_0, :id_1)`.

    An empty list gives `(NULL)`, which nothing is in.
    """
    parameters = {f"{name}_{position}": value for position, value in enumerate(values)}
    return f"({', '.join(':' + key for key in parameters) or 'NULL'})", parameters


class Transaction:
    """One transaction; made by the doors, handed to one domain function, not kept."""

    dialect: str

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []

    def rows(self, sql: str, **parameters: Any) -> list[Any]:
        """All rows of a query, as tuples."""
        raise NotImplementedError

    def version(self) -> Any:
        """What this transaction sees of the changes of others: the same again on the same door means that nothing changed.

        For `read`, whose transactions share a connection on SQLite; what `scan` gives compares with nothing.
        """
        raise NotImplementedError

    def run(self, sql: str, **parameters: Any) -> int:
        """Carry out a change; the number of rows it touched."""
        raise NotImplementedError

    def run_many(self, sql: str, parameters: Sequence[dict[str, Any]]) -> None:
        """Carry out the same change for many sets of parameters."""
        raise NotImplementedError

    def all(self, into: type[T], sql: str, **parameters: Any) -> list[T]:
        """All rows of a query, as values of class `into` (see `rows.constructor`)."""
        make = constructor(into)
        return [make(row) for row in self.rows(sql, **parameters)]

    def one(self, into: type[T], sql: str, **parameters: Any) -> T | None:
        """The first row of a query as a value of class `into`, or None."""
        rows = self.rows(sql, **parameters)
        return constructor(into)(rows[0]) if rows else None

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        rows = self.rows(sql, **parameters)
        return rows[0][0] if rows else None

    def column(self, sql: str, **parameters: Any) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.rows(sql, **parameters)]

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done inside if it raises, and only that; for batches in which one part may fail."""
        recorded = len(self.events)
        self.run("SAVEPOINT part")
        try:
            yield
        except Exception:
            self.run("ROLLBACK TO SAVEPOINT part")
            self.run("RELEASE SAVEPOINT part")
            del self.events[recorded:]
            raise
        self.run("RELEASE SAVEPOINT part")

    def record(self, event: AnyEvent) -> None:
        """Note what happened; it reaches the log with this transaction's commit and listeners after it."""
        self.events.append(event)


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
        try:
            self._executemany(sql, parameters)
        except sqlite3.Error as error:
            raise _translate_sqlite(error) from error


class PostgresqlTransaction(Transaction):
    """A transaction on a PostgreSQL connection."""

    dialect = "postgresql"

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__()
        self._connection = connection

    def _run(self, sql: str, parameters: Any, call: Callable[[psycopg.Cursor[Any]], T], many: bool = False) -> T:
        try:
            with self._connection.cursor() as cursor:
                text: Any = _for_postgresql(sql)
                if many:
                    cursor.executemany(text, parameters)
                else:
                    cursor.execute(text, parameters)
                return call(cursor)
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
            raise _translate_postgresql(error) from error

    def rows(self, sql: str, **parameters: Any) -> list[Any]:
        return self._run(sql, parameters, lambda cursor: cursor.fetchall())

    def version(self) -> Any:
        return self.value("SELECT pg_current_snapshot()::text")

    def run(self, sql: str, **parameters: Any) -> int:
        return self._run(sql, parameters, lambda cursor: cursor.rowcount)

    def run_many(self, sql: str, parameters: Sequence[dict[str, Any]]) -> None:
        if parameters:
            self._run(sql, parameters, lambda cursor: None, many=True)


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
    return error


def _translate_postgresql(error: psycopg.Error) -> Exception:
    if isinstance(error, psycopg.errors.UniqueViolation):
        return Conflict("store.duplicate", "That exists already.")
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        return Conflict("store.reference", "What this refers to does not exist.")
    return Invalid("store.constraint", "That value is not allowed.")


def _adapt_instants() -> None:
    """Let both drivers take aware datetimes as parameters, stored as whole microseconds."""
    sqlite3.register_adapter(datetime, microseconds)

    class InstantDumper(psycopg.adapt.Dumper):
        oid = psycopg.adapters.types["int8"].oid

        def dump(self, obj: Any) -> bytes:
            return str(microseconds(obj)).encode()

    psycopg.adapters.register_dumper(datetime, InstantDumper)


_adapt_instants()
