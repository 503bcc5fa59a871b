"""Looks at the files of both databases before anything uses them.

The broker starts with an empty one if its own is damaged, as it can live without its memory; the community cannot.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from folkmoot.config import Config
from folkmoot.house import engines
from folkmoot.store import SqliteEngine, damage

_logger = structlog.get_logger("folkmoot")


def check(config: Config) -> None:
    """Sets a damaged database of the broker aside; raises Unavailable for a damaged one of the community.

    Whoever calls it holds the data directory.
    """
    files = {name: engine.path for name, engine in engines(config).items() if isinstance(engine, SqliteEngine)}
    if not files:
        return
    reason = damage.find_damage(files["community"], everywhere=False)
    if reason is not None:
        raise damage.damaged(files["community"], reason)
    reason = damage.find_damage(files["broker"], everywhere=True)
    if reason is not None:
        target = damage.set_aside(files["broker"], datetime.now(UTC))
        _logger.error(
            "the broker's database is damaged and was set aside; the broker starts with an empty one: no sessions, "
            "retained or delayed messages, and none of its settings, users, rules and bridges",
            reason=reason,
            set_aside=str(target),
        )
