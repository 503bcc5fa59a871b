"""Files of SQLite that can no longer be used: telling them, and putting them out of the way.

What is damaged inside a row, SQLite cannot know; whoever reads the row does.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from folkmoot.errors import Unavailable

# https://www.sqlite.org/walformat.html §2.1: the two magic numbers of a write-ahead log's header
_LOG_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_LOG_HEADER = 32
_BUSY_SECONDS = 10
_SUFFIXES = ("", "-wal", "-shm")
#: What SQLite says of a file that is not what it should be, and never of a full disk or of one somebody else uses.
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_SHORT_READ,
        sqlite3.SQLITE_IOERR_CORRUPTFS,
    }
)


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that a file is damaged."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code in _DAMAGE or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damaged(path: Path, reason: object) -> Unavailable:
    """What is said of a damaged file that is left where it is."""
    words = f"The database {path} is damaged ({reason}); put a backup in its place."
    return Unavailable("store.damaged", words)


def find_damage(path: Path, *, everywhere: bool) -> str | None:
    """What is wrong with a file, None for a sound one or none; `everywhere` reads all of it, some 200 MB a second."""
    if not path.exists():
        return None
    return _look_at_log(path) or _look_inside(path, everywhere)


def _look_at_log(path: Path) -> str | None:
    # SQLite takes a log that makes no sense for an empty one, and what was committed to it would be lost without a word.
    log = path.with_name(path.name + "-wal")
    try:
        with log.open("rb") as file:
            header = file.read(_LOG_HEADER)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"its write-ahead log cannot be read: {error.strerror}"
    # Before it was ever synced it may be of zeros.
    if len(header) < _LOG_HEADER or not any(header):
        return None
    if header[:4] not in _LOG_MAGIC:
        return "its write-ahead log is none"
    return None if path.stat().st_size else "it is empty, but its write-ahead log is not"


def _look_inside(path: Path, everywhere: bool) -> str | None:
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            if not everywhere:
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
                return None
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        cannot_open = error.sqlite_errorcode == sqlite3.SQLITE_CANTOPEN and os.access(path, os.R_OK | os.W_OK)
        if is_damage(error) or cannot_open:
            return str(error)
        raise Unavailable("store.unreadable", f"Cannot use the database {path}: {error}.") from error
    return None if answer == "ok" else " ".join(answer.split())


def set_aside(path: Path, now: datetime) -> Path:
    """Renames a damaged file, with its log, and says what it is called now; it can still be opened there by hand."""
    stem = f"{path.stem}.damaged-{now:%Y%m%dT%H%M%S}Z"
    target, number = path.with_name(stem + path.suffix), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{stem}-{number}{path.suffix}")
    # The database first: what a kill leaves behind of the others, SQLite removes when it makes a new one.
    for suffix in _SUFFIXES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    return target


def list_set_aside(path: Path) -> Iterator[Path]:
    """What was ever set aside of a database, and is still there."""
    return iter(sorted(path.parent.glob(f"{path.stem}.damaged-*{path.suffix}")))
