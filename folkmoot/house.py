"""What every surface is given: the doors, the configuration, the clock, and the one way to sign in.

Made by `app` at start. Surfaces read from it and never change it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from folkmoot.config import Config
from folkmoot.domain import accounts
from folkmoot.domain.accounts import Account, Passwords
from folkmoot.errors import Forbidden, Unauthenticated
from folkmoot.store import Announcements, Database


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class House:
    """Everything surfaces share."""

    config: Config
    db: Database
    broker_db: Database
    announcements: Announcements
    passwords: Passwords = field(default_factory=Passwords)
    now: Callable[[], datetime] = utc_now
    demo: bool = False
    origins: dict[str, str] = field(default_factory=dict)
    """Where each HTTP surface answers (`web`, `lists`, `forum`, `newsletter`, `mqtt_api`), without a trailing slash."""

    async def sign_in(self, login: str, password: str) -> Account:
        """The account with this name or address and this password.

        Raises Unauthenticated with `account.unknown` or `password.wrong`, Forbidden with `account.suspended`.
        """
        found = await self.db.read(accounts.find_credential, login)
        account, stored = found if found is not None else (None, None)
        if stored is None or not self.passwords.is_remembered(stored, password):
            right = await asyncio.to_thread(self.passwords.check, stored, password)
            if account is None:
                raise Unauthenticated("account.unknown", "There is no account with that name or address.")
            if not right:
                raise Unauthenticated("password.wrong", "That is not the password.")
        assert account is not None
        if account.suspended_at is not None:
            raise Forbidden("account.suspended", "This account is suspended.")
        if stored is not None and self.passwords.needs_rehash(stored):
            new = await asyncio.to_thread(self.passwords.hash, password)
            await self.db.write(accounts.rehash, account.id, stored, new)
        return account
