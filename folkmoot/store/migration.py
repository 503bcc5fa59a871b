"""Brings a database to this version's schema.

Starting a server whose schema is current costs one query. An empty database gets all frozen revisions as the SQL they are;
Alembic is imported only when there is something to migrate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from folkmoot.errors import Unavailable
from folkmoot.store.damage import damaged, is_damage
from folkmoot.store.engines import Engine
from folkmoot.store.sqlite import SqliteEngine

_HERE = Path(__file__).parent / "migrations"

# As Alembic makes it.
_VERSION_TABLE = """CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""

# The newest revision of each database's chain; a test holds this against the files.
HEADS = {"community": "0003", "broker": "0002"}


def current(engine: Engine) -> str | None:
    """The revision a database is at, None for an empty one."""
    connection = engine.connect(read_only=False)
    try:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return str(rows[0][0]) if rows else None
    except Exception as error:
        if isinstance(engine, SqliteEngine) and is_damage(error):
            raise damaged(engine.path, error) from error
        return None
    finally:
        connection.close()


def migrate(engine: Engine, chain: str) -> bool:
    """Bring one database (`community` or `broker`) up to date; true if anything was done.

    Raises Unavailable when the database was written by a newer version.
    """
    at = current(engine)
    if at == HEADS[chain]:
        return False
    if at is not None and at > HEADS[chain]:
        raise Unavailable(
            "store.newer",
            f"{engine.describe()} was written by a newer version (revision {at}); this one knows {HEADS[chain]}.",
        )
    frozen = _frozen(engine, chain)
    if at is not None or frozen is None or not _make(engine, frozen, HEADS[chain]):
        _upgrade(engine, chain)
    return True


def statements(text: str) -> list[str]:
    """The statements of a frozen revision: each ends with a semicolon at the end of a line, but not inside `$$`."""
    found, pending = list[str](), ""
    for piece in text.split(";\n"):
        pending += piece
        if pending.count("$$") % 2:
            pending += ";\n"
            continue
        if pending.strip():
            found.append(pending.strip())
        pending = ""
    return found


def _frozen(engine: Engine, chain: str) -> list[str] | None:
    """The statements of all revisions, or None while one of them is not frozen."""
    files = [each.with_suffix(f".{engine.dialect}.sql") for each in sorted((_HERE / chain).glob("[0-9]*.py"))]
    if not all(each.exists() for each in files):
        return None
    return [one for each in files for one in statements(each.read_text("utf-8"))]


def _make(engine: Engine, sql: list[str], head: str) -> bool:
    """Makes everything in an empty database; False when it is not empty."""
    connection: Any = engine.connect(read_only=False)
    if engine.schema:
        tables = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() LIMIT 1"
    else:
        tables = "SELECT 1 FROM sqlite_master LIMIT 1"
    try:
        connection.execute(engine.begin_write)
        if connection.execute(tables).fetchall():
            return False
        for statement in (*sql, _VERSION_TABLE, f"INSERT INTO alembic_version (version_num) VALUES ('{head}')"):
            connection.execute(statement)
        connection.execute("COMMIT")
        return True
    finally:
        # Whatever was not committed never was.
        connection.close()


def _upgrade(engine: Engine, chain: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    from folkmoot.store import schema

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("version_locations", str(_HERE / chain))
    config.set_main_option("path_separator", "os")
    alchemy = create_engine(engine.alchemy_url(), poolclass=NullPool)
    attributes: dict[str, Any] = {"metadata": getattr(schema, chain), "schema": None}
    with alchemy.connect() as connection:
        if engine.schema:
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{engine.schema}"'))
            connection.execute(text(f'SET search_path = "{engine.schema}"'))
            connection.commit()
        config.attributes.update(attributes, connection=connection)
        command.upgrade(config, "head")
        connection.commit()
    alchemy.dispose()
