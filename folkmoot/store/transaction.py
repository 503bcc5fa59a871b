"""What a domain function gets to work with: one open transaction.

SQL is written by hand in the subset that SQLite and PostgreSQL share, with `:name` parameters; where the two differ, the
transaction offers one word for both (`dialect`). Events recorded here are written to the log just before the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from folkmoot.events import AnyEvent
from folkmoot.store.rows import constructor

T = TypeVar("T")


def expand(name: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """The right side of an `IN` for a short list of values, and its parameters: `(:id_0, :id_1)`.

    An empty list gives `(NULL)`, which nothing is in.
    """
    parameters = {f"{name}_{position}": value for position, value in enumerate(values)}
    return f"({', '.join(':' + key for key in parameters) or 'NULL'})", parameters


def containing(words: Sequence[str]) -> str:
    """The pattern of a `LIKE … ESCAPE '!'` for texts that have these words, in this order, anywhere in them."""
    escaped = (word.replace("!", "!!").replace("%", "!%").replace("_", "!_") for word in words)
    return f"%{'%'.join(escaped)}%"


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
