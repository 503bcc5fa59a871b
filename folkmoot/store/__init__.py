"""The database behind three doors, the event log, and what differs between SQLite and PostgreSQL."""

from folkmoot.store import damage, log
from folkmoot.store.announcements import Announcements, Reader
from folkmoot.store.database import Database
from folkmoot.store.engines import Engine, engine_at
from folkmoot.store.migration import migrate
from folkmoot.store.rows import constructor, microseconds, moment, readable
from folkmoot.store.sqlite import SqliteEngine
from folkmoot.store.transaction import Transaction, containing, expand

__all__ = [
    "Announcements",
    "Database",
    "Engine",
    "Reader",
    "SqliteEngine",
    "Transaction",
    "constructor",
    "containing",
    "damage",
    "engine_at",
    "expand",
    "log",
    "microseconds",
    "migrate",
    "moment",
    "readable",
]
