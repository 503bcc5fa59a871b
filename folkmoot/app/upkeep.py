"""What goes on in the background: forgetting what nobody needs, taking back what people want gone, indexing what is new."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from folkmoot.domain import conversations, outbox
from folkmoot.errors import FolkmootError
from folkmoot.house import House
from folkmoot.store import log

from . import leaving
from .program import Program

_RETENTION_SECONDS = 3600.0
_ERASING_SECONDS = 2.0
_INDEXING_SECONDS = 5.0
# Others write in between.
_PAUSE_SECONDS = 0.02

_logger = structlog.get_logger("folkmoot")


def start(program: Program) -> None:
    """Begin all of it."""
    program.keep_running("retention", _retain(program.house))
    program.keep_running("erasures", _erase(program.house))
    program.keep_running("search", _index(program.house))


async def _retain(house: House) -> None:
    """Drop what nobody needs any more, hourly."""
    while True:
        now = house.now()
        try:
            await house.db.write(log.forget, now - timedelta(days=house.config.data.event_retention_days))
            await house.db.write(outbox.forget, now - timedelta(days=house.config.mail.caught_retention_days))
        except FolkmootError:
            _logger.exception("retention failed")
        await asyncio.sleep(_RETENTION_SECONDS)


async def _erase(house: House) -> None:
    """Take back, piece by piece, what accounts that were deleted have said."""
    while True:
        try:
            await leaving.take_back(house)
        except FolkmootError:
            _logger.exception("erasing failed")
        await asyncio.sleep(_ERASING_SECONDS)


async def _index(house: House) -> None:
    """Take what is said into the full text, a little at a time."""
    while True:
        try:
            while await house.db.read(conversations.is_unindexed):
                await house.db.write(conversations.index_some)
                await asyncio.sleep(_PAUSE_SECONDS)
        except FolkmootError:
            _logger.exception("indexing failed")
        await asyncio.sleep(_INDEXING_SECONDS)
