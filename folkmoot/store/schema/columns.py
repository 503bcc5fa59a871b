"""How columns are written here: the kinds there are, and their names."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, MetaData, Text, TextClause
from sqlalchemy import text as clause
from sqlalchemy.sql import expression

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
community = MetaData(naming_convention=_NAMES)
broker = MetaData(naming_convention=_NAMES)

# SQLite counts up only columns of exactly this type.
Counting = BigInteger().with_variant(Integer, "sqlite")


def id_(kind: type | object = Integer) -> Column[int]:
    return Column("id", kind, primary_key=True)  # type: ignore[arg-type]


def ref(name: str, target: str, *, null: bool = False, cascade: bool = True, primary: bool = False) -> Column[int]:
    foreign = ForeignKey(target, ondelete="CASCADE" if cascade else None)
    return Column(name, Integer, foreign, nullable=null, primary_key=primary, autoincrement=False)


def at(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def text(name: str, *, null: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=null, server_default=default)


def flag(name: str, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=expression.true() if default else expression.false())


def count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def day(column: str) -> TextClause:
    """The day of an instant, for an index; queries must write it exactly like this to find the index."""
    return clause(f"({column} / 86400000000)")


def condition(sql: str) -> TextClause:
    """The condition of a partial index."""
    return clause(sql)
