"""Why a database cannot keep anything just now, in words that say what to do."""

from __future__ import annotations

from folkmoot.errors import Unavailable

_FULL = "There is no room left on the database's disk: make some."
_BUSY = "Another program holds the database: end it."
_READ_ONLY = "The database may not be written: look at the permissions of its files and how their disk is mounted."
_WORDS = {
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_CANTOPEN": _READ_ONLY,
    "SQLITE_IOERR": "The database's disk does not work as it should.",
    # PostgreSQL's classes of errors
    "53100": _FULL,
    "25006": _READ_ONLY,
}


def find_trouble(error: BaseException) -> Unavailable | None:
    """What an error of a database's driver means, if it is about the database and not about what was asked of it."""
    name = str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")
    for beginning, words in _WORDS.items():
        if name.startswith(beginning):
            return Unavailable("store.failed", f"{words} Nothing was changed.")
    return None
