"""Migrated, empty SQLite files to copy, which is quicker than migrating each time; and hashes of the tests' passwords."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import argon2

from folkmoot.domain.accounts import Passwords
from folkmoot.store import SqliteEngine, migrate

CHAINS = ("community", "broker")


@cache
def _template() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="folkmoot-template-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for chain in CHAINS:
        migrate(SqliteEngine(directory / f"{chain}.db"), chain)
    return directory


def put_databases(directory: Path, *chains: str) -> None:
    """Put migrated, empty databases into a directory, unless there are some: all, or those named."""
    directory.mkdir(parents=True, exist_ok=True)
    for chain in chains or CHAINS:
        path = directory / f"{chain}.db"
        if not path.exists():
            shutil.copyfile(_template() / path.name, path)


def quick_passwords() -> Passwords:
    """Passwords whose hashes cost next to nothing."""
    return Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@cache
def hashed(password: str) -> str:
    """A quick hash of a password, the same each time."""
    return quick_passwords().hash(password)
