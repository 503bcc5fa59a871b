"""What every surface is given: the doors, the configuration, the clock, and the one way to sign in.

`app` makes it at start, surfaces read from it. The databases are opened here, for the server and for commands beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from folkmoot.config import Config
from folkmoot.domain import accounts
from folkmoot.domain.accounts import Account, Passwords
from folkmoot.errors import Forbidden, Unauthenticated, Unavailable
from folkmoot.net.buckets import TokenBucket
from folkmoot.store import Announcements, Database, Engine, engine_at, migrate

if TYPE_CHECKING:
    from folkmoot.net.outgoing import Outgoing

#: How many wrong passwords one name may be tried with in a minute.
SIGN_INS_PER_MINUTE = 10
_TRIED_NAMES_MAX = 10_000
# The longest mail address; what is behind it does not make another name.
_LONGEST_LOGIN = 320


def _tries() -> TokenBucket:
    return TokenBucket(SIGN_INS_PER_MINUTE, 60, max_keys=_TRIED_NAMES_MAX)


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def engines(config: Config) -> dict[str, Engine]:
    """The engines of the community's and the broker's database; makes the data directory."""
    directory = Path(config.data.dir)
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable("data.dir", f"Cannot make the data directory {directory}: {error.strerror}.") from error
    return {name: engine_at(config.data.url, directory, name) for name in ("community", "broker")}


def open_databases(config: Config) -> tuple[Database, Database]:
    """The community's and the broker's database, migrated, not yet open."""
    made = engines(config)
    for chain, engine in made.items():
        migrate(engine, chain)
    return Database(made["community"]), Database(made["broker"], logs_events=False)


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
    setup_token: str = ""
    """Opens the page that makes the first administrator; empty when there is one."""
    tries: TokenBucket = field(default_factory=_tries)
    """Wrong passwords left to each name, so that they are not guessed."""
    signing_in: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    """Held by whoever checks a password for that name."""
    origins: dict[str, str] = field(default_factory=dict)
    """Where each HTTP surface answers (`web`, `lists`, `forum`, `newsletter`, `mqtt_api`), without a trailing slash."""

    given: Config = field(init=False)
    """What the file and the environment say; over it lies, in `config`, what operators set while the server runs."""
    settled: list[Callable[[], None]] = field(default_factory=list)
    """Called when another configuration counts."""

    _outgoing: Outgoing | None = None

    def __post_init__(self) -> None:
        self.given = self.config

    def settle(self, config: Config) -> None:
        """From now on this configuration counts; what is read from it only at the start stays as it is until the next."""
        self.config = config
        for tell in self.settled:
            tell()

    @property
    def outgoing(self) -> Outgoing:
        """The guarded client for requests and connections to addresses that people set."""
        if self._outgoing is None:
            # Imported when it is needed: most communities ask nobody.
            from folkmoot.net.outgoing import Outgoing

            self._outgoing = Outgoing(allowed_networks=self.config.outgoing.allowed_networks)
        return self._outgoing

    async def close(self) -> None:
        """Ends what was opened on the way; the databases are the program's."""
        if self._outgoing is not None:
            await self._outgoing.close()

    async def sign_in(self, login: str, password: str) -> Account:
        """The account with this name or address and this password.

        A name that was tried with many wrong passwords has to wait, but for a password that was right before: whoever
        guesses shuts out nobody who is here. Raises Unauthenticated with `account.unknown` or `password.wrong`, Forbidden with
        `account.suspended`, RateLimited.
        """
        found = await self.db.read(accounts.find_credential, login)
        account, stored = found if found is not None else (None, None)
        if stored is None or not self.passwords.is_remembered(stored, password):
            right = await self._check(login, stored, password)
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

    async def _check(self, login: str, stored: str | None, password: str) -> bool:
        now, key = self.now().timestamp(), login.casefold()[:_LONGEST_LOGIN]
        # One after the other for each name: guesses do not pass together, and of programs that send the same right
        # password at once only the first waits for its hash.
        lock = self.signing_in.setdefault(key, asyncio.Lock())
        async with lock:
            if stored is not None and self.passwords.is_remembered(stored, password):
                return True
            if self.config.limits.enabled:
                self.tries.require(key, now)
            right = await asyncio.to_thread(self.passwords.check, stored, password)
            if not right and self.config.limits.enabled:
                self.tries.take(key, now)
        return right
