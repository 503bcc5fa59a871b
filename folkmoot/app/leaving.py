"""Taking back what accounts that were deleted have said, everywhere and in pieces, so that others write in between.

Each step can be done twice: what a stop interrupts begins anew at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from folkmoot.domain import accounts, conversations, inbox, outbox, subscriptions
from folkmoot.domain.conversations import Erasure
from folkmoot.house import House
from folkmoot.store import Transaction

_PAUSE_SECONDS = 0.02


async def take_back(house: House) -> None:
    """Carry out every wish that waits, until nothing is left."""
    while (erasure := await house.db.read(conversations.find_erasure)) is not None:
        account_id, asked_at = erasure.account_id, erasure.requested_at
        await _in_pieces(house, subscriptions.unsubscribe_some, account_id, asked_at, house.now())
        await _in_pieces(house, conversations.erase_some, account_id, house.now())
        await _in_pieces(house, inbox.erase_some, account_id, asked_at)
        await _withdraw_mails(house, account_id)
        await house.db.write(conversations.tidy_some, True)
        await _in_pieces(house, conversations.tidy_some, False)
        await house.db.write(_end, erasure)


async def _in_pieces(house: House, piece: Callable[..., bool], *args: Any) -> None:
    more = True
    while more:
        more = await house.db.write(piece, *args)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _withdraw_mails(house: House, account_id: int) -> None:
    """Take what was said out of the outbox, and what was to go to whoever has left."""
    held = await house.db.read(accounts.list_addresses, account_id)
    addresses = [each.address for each in held if not each.is_primary]

    def gone(tx: Transaction, mail_ids: Collection[str]) -> set[str]:
        return conversations.erased_among(tx, account_id, mail_ids)

    at: int | None = 0
    while at is not None:
        at = await house.db.write(outbox.withdraw_some, at, addresses, gone)
        await asyncio.sleep(_PAUSE_SECONDS)


def _end(tx: Transaction, erasure: Erasure) -> None:
    if conversations.end_erasure(tx, erasure.account_id):
        accounts.forget_addresses(tx, erasure.account_id)
