"""How times are written."""

from __future__ import annotations

from datetime import datetime


def instant(seconds: float) -> str:
    """A time of the broker's, with milliseconds and the local offset."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")


def whole_instant(at: datetime) -> str:
    """A time of a key: without a fraction, with the local offset."""
    return at.astimezone().isoformat(timespec="seconds")
