"""Both databases for every test that asks for one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from folkmoot.store import Database, Engine, engine_at, migrate
from tests.databases import put_databases

POSTGRESQL_URL = os.environ.get("FOLKMOOT_TEST_POSTGRESQL", "")


# A file goes to one worker as a whole, so the long ones begin first and nobody waits for them at the end.
_LONG = ("whole", "clients", "delivery")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests with the real program in front."""
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The URL of a PostgreSQL server on which databases may be made; `make test` starts one."""
    if not POSTGRESQL_URL:
        pytest.fail(
            "FOLKMOOT_TEST_POSTGRESQL is not set; run the tests with `make test`, which starts a PostgreSQL server"
        )
    return POSTGRESQL_URL


def _make(server: str, name: str, template: str = "template1") -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        # Nothing of the copy goes through the log then; before version 15 that is the only way.
        strategy = "STRATEGY file_copy" if connection.info.server_version >= 150000 else ""
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {strategy}')
    return server.rpartition("/")[0] + "/" + name


def _drop(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """The name of a migrated, empty database to copy, which is quicker than migrating each time."""
    name = f"folkmoot_{uuid.uuid4().hex[:12]}"
    url = _make(postgresql_server, name)
    for chain in ("community", "broker"):
        migrate(engine_at(url, Path(), chain), chain)
    yield name
    _drop(postgresql_server, name)


@contextmanager
def _made(server: str, template: str = "template1") -> Iterator[str]:
    name = f"folkmoot_{uuid.uuid4().hex[:12]}"
    yield _make(server, name, template)
    _drop(server, name)


@pytest.fixture
def postgresql_url(postgresql_server: str, postgresql_template: str) -> Iterator[str]:
    """The URL of a migrated, empty database of its own."""
    with _made(postgresql_server, postgresql_template) as url:
        yield url


@pytest.fixture
def empty_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of a database without any tables."""
    with _made(postgresql_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def data_url(request: pytest.FixtureRequest) -> str:
    """Once per database: "" for SQLite in the data directory, a URL for PostgreSQL."""
    url: str = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_data_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same for all tests of a module."""
    if request.param == "sqlite":
        yield ""
        return
    server, template = (request.getfixturevalue(f"postgresql_{each}") for each in ("server", "template"))
    with _made(server, template) as url:
        yield url


@pytest.fixture
def engine(data_url: str, tmp_path: Path) -> Engine:
    """An engine for an empty community database, once per database."""
    if not data_url:
        put_databases(tmp_path, "community")
    return engine_at(data_url, tmp_path, "community")


@pytest.fixture
def database(engine: Engine) -> Iterator[Database]:
    """An open, migrated community database for the blocking doors (`read_now`, `write_now`), once per database."""
    migrate(engine, "community")
    made = Database(engine)
    made.open()
    yield made
    made.close()


@pytest.fixture(scope="module")
def lasting_database(module_data_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One community database for all tests of a module, which share what its first user writes into it; once per database."""
    directory = tmp_path_factory.mktemp("lasting")
    if not module_data_url:
        put_databases(directory, "community")
    made = Database(engine_at(module_data_url, directory, "community"))
    made.open()
    yield made
    made.close()


@pytest.fixture
def broker_database(data_url: str, tmp_path: Path) -> Iterator[Database]:
    """The same for the broker's own database."""
    if not data_url:
        put_databases(tmp_path, "broker")
    made = Database(engine_at(data_url, tmp_path, "broker"), logs_events=False)
    made.open()
    yield made
    made.close()
