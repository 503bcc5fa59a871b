"""Migrations: from nothing to exactly the schema that the code describes, on both databases."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from folkmoot.errors import Unavailable
from folkmoot.store import Engine, SqliteEngine, migrate, schema
from folkmoot.store.migration import HEADS, current
from folkmoot.store.postgresql import PostgresqlEngine

CHAINS = ("community", "broker")
MIGRATIONS = Path(schema.__file__).parents[1] / "migrations"

# A row of the first schema, and what reads it again.
KEPT = {
    "community": (
        "INSERT INTO accounts (label, created_at) VALUES ('mayor', 1)",
        "SELECT id, label, display_name, created_at FROM accounts",
        (1, "mayor", "", 1),
    ),
    "broker": (
        "INSERT INTO damaged_rows (source, content, reason, found_at) VALUES ('sessions', '()', 'none', 2)",
        "SELECT id, source, content, reason, found_at FROM damaged_rows",
        (1, "sessions", "()", "none", 2),
    ),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Engine, Engine]:
    """Two places for a schema in empty databases of the same kind."""
    if request.param == "sqlite":
        return SqliteEngine(tmp_path / "migrated.db"), SqliteEngine(tmp_path / "made.db")
    url = request.getfixturevalue("empty_postgresql_url")
    return PostgresqlEngine(url, "migrated"), PostgresqlEngine(url, "made")


def described(engine: Engine) -> list[Any]:
    """All that the database itself says of its tables, columns, constraints and indexes."""
    connection = engine.connect(read_only=False)
    try:
        if isinstance(engine, SqliteEngine):
            rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'")
            return sorted((kind, name, " ".join((sql or "").split())) for kind, name, sql in rows.fetchall())
        schema_name = engine.schema
        columns = (
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
            f" WHERE table_schema = '{schema_name}'"
        )
        indexes = f"SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = '{schema_name}'"
        constraints = (
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            f" WHERE connamespace = '{schema_name}'::regnamespace"
        )
        found = [row for sql in (columns, indexes, constraints) for row in connection.execute(sql).fetchall()]
        return sorted(
            tuple(re.sub(rf"\b{schema_name}\b", "x", str(cell)) for cell in row)
            for row in found
            if "alembic" not in str(row)
        )
    finally:
        connection.close()


def create_all(engine: Engine, chain: str) -> None:
    with create_engine(engine.alchemy_url()).begin() as connection:
        if isinstance(engine, PostgresqlEngine):
            connection.execute(text(f'CREATE SCHEMA "{engine.schema}"'))
            connection.execute(text(f'SET search_path = "{engine.schema}"'))
        getattr(schema, chain).create_all(connection)


@pytest.mark.parametrize("chain", CHAINS)
def test_migrating_from_nothing_ends_at_the_schema(pair: tuple[Engine, Engine], chain: str) -> None:
    migrated, made = pair
    assert migrate(migrated, chain) is True
    assert current(migrated) == HEADS[chain]
    assert migrate(migrated, chain) is False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        create_all(made, chain)
    assert described(migrated) == described(made)
    assert len(described(made)) > 1


def make_first(engine: Engine, chain: str) -> None:
    """A database as the first version left it, with a row in it."""
    kind = "postgresql" if isinstance(engine, PostgresqlEngine) else "sqlite"
    frozen = (MIGRATIONS / chain / f"0001_first.{kind}.sql").read_text("utf-8")
    with create_engine(engine.alchemy_url()).begin() as connection:
        if isinstance(engine, PostgresqlEngine):
            connection.execute(text(f'CREATE SCHEMA "{engine.schema}"'))
            connection.execute(text(f'SET search_path = "{engine.schema}"'))
        for statement in frozen.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
        connection.execute(text(KEPT[chain][0]))


@pytest.mark.parametrize("chain", CHAINS)
def test_migrating_from_the_first_version_ends_at_the_schema_and_keeps_the_rows(
    pair: tuple[Engine, Engine], chain: str
) -> None:
    migrated, made = pair
    make_first(migrated, chain)
    assert current(migrated) == "0001"
    assert migrate(migrated, chain) is True
    assert current(migrated) == HEADS[chain]
    assert migrate(migrated, chain) is False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        create_all(made, chain)
    assert described(migrated) == described(made)
    _, query, row = KEPT[chain]
    connection = migrated.connect(read_only=False)
    try:
        assert connection.execute(query).fetchall() == [row]
    finally:
        connection.close()


@pytest.mark.parametrize("chain", CHAINS)
def test_a_database_of_a_newer_version_is_refused(pair: tuple[Engine, Engine], chain: str) -> None:
    engine, _ = pair
    migrate(engine, chain)
    connection = engine.connect(read_only=False)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(Unavailable, match="newer version"):
        migrate(engine, chain)


@pytest.mark.parametrize("chain", CHAINS)
def test_the_newest_revision_is_the_one_the_code_expects(chain: str) -> None:
    assert max(path.name[:4] for path in (MIGRATIONS / chain).glob("[0-9]*.py")) == HEADS[chain]
