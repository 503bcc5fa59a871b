"""Instants in the forum's form."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from folkmoot.store import microseconds, moment


def timestamp(at: datetime) -> str:
    """An instant in the forum's form: UTC without a zone, with as many digits as it needs (lemmy §1.1)."""
    return stored_timestamp(microseconds(at))


@lru_cache(maxsize=65_536)
def stored_timestamp(at: int) -> str:
    """The same for an instant as stored; the same ones are shown again and again."""
    text = moment(at).replace(tzinfo=None).isoformat()
    return text[:-3] if at % 1_000_000 and not at % 1000 else text


def optional_timestamp(at: datetime | None) -> str | None:
    """The same for an instant that may be missing."""
    return None if at is None else timestamp(at)
