"""Clients whose names and passwords are in our own tables: with a hash, or with SCRAM keys for enhanced authentication."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable

from folkmoot.domain import authentication
from folkmoot.domain.authentication import (
    BuiltInConfig,
    Grant,
    PasswordUser,
    Scram,
    ScramConfig,
    ScramUser,
    Tally,
    decoy,
)
from folkmoot.domain.broker import Client, Identity
from folkmoot.errors import Unauthenticated
from folkmoot.house import House

# Slow hashes on their worker threads; more at once would only wait for each other.
_HASHES = os.cpu_count() or 1
# For challenges to users that do not exist; new with every start.
_DECOYS = secrets.token_bytes(32)


class BuiltIn:
    """Asks the table of users with passwords."""

    fault = ""
    is_outside = False

    def __init__(self, house: House, config: BuiltInConfig, tally: Tally) -> None:
        self.config = config
        self.tally = tally
        self._db = house.broker_db
        self._slots = asyncio.Semaphore(_HASHES)

    async def ask(self, client: Client, password: bytes | None) -> Grant | None:
        """The user of that name or client identifier, if there is one and it is its password."""
        user_id = client.username if self.config.user_id_type == "username" else client.client_id
        if not user_id or "\0" in user_id:
            return None
        user = await self._db.read(authentication.find_user, PasswordUser, user_id)
        if not isinstance(user, PasswordUser):
            return None
        if password is None or not await self._check(user, password):
            raise Unauthenticated("password.wrong", "That is not the password.")
        return Grant(is_superuser=user.is_superuser, user_id=user_id)

    async def _check(self, user: PasswordUser, password: bytes) -> bool:
        scheme = self.config.password_hash_algorithm
        if not scheme.is_slow:
            return scheme.check(user.kept, password)
        async with self._slots:
            return await asyncio.to_thread(scheme.check, user.kept, password)


class ScramUsers:
    """Knows nobody by a password; makes exchanges."""

    fault = ""
    is_outside = False

    def __init__(self, house: House, config: ScramConfig, tally: Tally) -> None:
        self.config = config
        self.tally = tally
        self._db = house.broker_db

    async def ask(self, client: Client, password: bytes | None) -> Grant | None:
        """Nothing: this is for clients that name its method."""
        return None

    def converse(self, client: Client, settled: Callable[[Client, ScramUsers, Grant | None], None]) -> ScramExchange:
        """A new exchange; `settled` is told how it ended, None when it failed, and may raise what ends it."""
        return ScramExchange(self, client, settled)

    async def find(self, name: str) -> ScramUser | None:
        """The user of this name."""
        user = await self._db.read(authentication.find_user, ScramUser, name)
        return user if isinstance(user, ScramUser) else None


class ScramExchange:
    """One exchange with one client."""

    def __init__(
        self, users: ScramUsers, client: Client, settled: Callable[[Client, ScramUsers, Grant | None], None]
    ) -> None:
        self._users = users
        self._client = client
        self._settled = settled
        self._scram = Scram(users.config.algorithm)
        self._invited = False
        self._name = ""
        self._user: ScramUser | None = None

    async def answer(self, data: bytes) -> tuple[bytes, Identity | None]:
        """The next message, and at the end who it is. Raises Unauthenticated."""
        try:
            return await self._answer(data)
        except Unauthenticated:
            self._settled(self._client, self._users, None)
            raise

    async def _answer(self, data: bytes) -> tuple[bytes, Identity | None]:
        if self._name:
            return self._finish(data)
        if not data and not self._invited:
            # RFC 4422 §3.3: the client speaks first, and CONNECT need not say anything yet.
            self._invited = True
            return b"", None
        name = self._scram.name_in(data)
        if self._client.username not in (None, "", name):
            # What rules say of a user name they say of the one that was shown.
            raise Unauthenticated("authentication.name", "This is not the name CONNECT has.")
        config = self._users.config
        self._name, self._user = name, await self._users.find(name)
        keys = self._user.keys if self._user is not None else None
        return self._scram.challenge(keys or decoy(name, config.algorithm, config.iteration_count, _DECOYS)), None

    def _finish(self, data: bytes) -> tuple[bytes, Identity | None]:
        final = self._scram.finish(data)
        if self._user is None:
            raise Unauthenticated("password.wrong", "That is not the password.")
        self._client.username = self._name
        self._settled(self._client, self._users, Grant(is_superuser=self._user.is_superuser))
        return final, Identity(name=self._name, realm=self._users.config.id, user_id=self._name)
