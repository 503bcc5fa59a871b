"""Both databases for every test that asks for one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from folkmoot.store import Database, Engine, PostgresqlEngine, SqliteEngine, migrate

POSTGRESQL_URL = os.environ.get("FOLKMOOT_TEST_POSTGRESQL", "")


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The URL of a PostgreSQL server on which databases may be made; `make test` starts one."""
    if not POSTGRESQL_URL:
        pytest.fail("FOLKMOOT_TEST_POSTGRESQL is not set; run the tests with `make test`, which starts a PostgreSQL server")
    return POSTGRESQL_URL


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of an empty database of its own."""
    name = f"folkmoot_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgresql_server.rpartition("/")[0] + "/" + name
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def data_url(request: pytest.FixtureRequest) -> str:
    """Once per database: "" for SQLite in the data directory, a URL for PostgreSQL."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.fixture
def engine(data_url: str, tmp_path: Path) -> Engine:
    """An engine for an empty community database, once per database."""
    return PostgresqlEngine(data_url, "community") if data_url else SqliteEngine(tmp_path / "community.db")


@pytest.fixture
def database(engine: Engine) -> Iterator[Database]:
    """An open, migrated community database for the blocking doors (`read_now`, `write_now`), once per database."""
    migrate(engine, "community")
    made = Database(engine)
    made.open()
    yield made
    made.close()
