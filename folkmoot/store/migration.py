"""Brings a database to this version's schema with Alembic.

Starting a server whose schema is current costs one query: Alembic is imported only when there is something to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from folkmoot.errors import Unavailable
from folkmoot.store.damage import damaged, is_damage
from folkmoot.store.engines import Engine, PostgresqlEngine, SqliteEngine

_HERE = Path(__file__).parent / "migrations"

# The newest revision of each database's chain; a test holds this against the files.
HEADS = {"community": "0002", "broker": "0002"}


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
    _upgrade(engine, chain)
    return True


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
        if isinstance(engine, PostgresqlEngine):
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{engine.schema}"'))
            connection.execute(text(f'SET search_path = "{engine.schema}"'))
            connection.commit()
        config.attributes.update(attributes, connection=connection)
        command.upgrade(config, "head")
        connection.commit()
    alchemy.dispose()
