"""PostgreSQL: connections to one schema of a database, and transactions on them.

Imported only where there is a URL: the driver takes a tenth of a second that a server on SQLite can spare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import psycopg

from folkmoot.errors import Conflict, Invalid, Unavailable
from folkmoot.store.rows import microseconds
from folkmoot.store.transaction import Transaction

T = TypeVar("T")

_BUSY_SECONDS = 10

# A quoted text, a cast or a percent sign, which psycopg wants doubled; or else a parameter.
_PARAMETER = re.compile(r"(?P<text>'(?:[^']|'')*'|::\w+|%)|:(?P<name>[A-Za-z_]\w*)")


@cache
def _for_postgresql(sql: str) -> str:
    def rewrite(match: re.Match[str]) -> str:
        name = match["name"]
        return f"%({name})s" if name else match["text"].replace("%", "%%")

    return _PARAMETER.sub(rewrite, sql)


class PostgresqlEngine:
    """One schema of a PostgreSQL database."""

    dialect = "postgresql"
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
        # What is asked here is over in milliseconds; compiling it takes longer, above all where nothing was analysed yet.
        connection.execute("SET jit = off")
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


def _translate_postgresql(error: psycopg.Error) -> Exception:
    if isinstance(error, psycopg.errors.UniqueViolation):
        return Conflict("store.duplicate", "That exists already.")
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        return Conflict("store.reference", "What this refers to does not exist.")
    return Invalid("store.constraint", "That value is not allowed.")


class _InstantDumper(psycopg.adapt.Dumper):
    """Lets aware datetimes be parameters, stored as whole microseconds."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: Any) -> bytes:
        return str(microseconds(obj)).encode()


psycopg.adapters.register_dumper(datetime, _InstantDumper)
