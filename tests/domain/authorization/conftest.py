"""The broker's own database, of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.store import Database, PostgresqlEngine, SqliteEngine, migrate


@pytest.fixture
def broker_database(data_url: str, tmp_path: Path) -> Iterator[Database]:
    """Migrated, open and empty."""
    engine = PostgresqlEngine(data_url, "broker") if data_url else SqliteEngine(tmp_path / "broker.db")
    migrate(engine, "broker")
    found = Database(engine, logs_events=False)
    found.open()
    yield found
    found.close()
