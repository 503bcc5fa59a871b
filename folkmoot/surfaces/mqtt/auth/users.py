"""The users of the authenticators that have their own: made, changed, imported. Hashing happens on worker threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from folkmoot.domain import authentication
from folkmoot.domain.authentication import (
    AnyConfig,
    BuiltInConfig,
    Form,
    Kept,
    Kind,
    Newcomer,
    PasswordUser,
    ScramConfig,
    ScramUser,
    User,
    make_keys,
    read_users,
    require_user_id,
)
from folkmoot.errors import Invalid
from folkmoot.house import House

#: The largest file of users taken.
FILE_MAX_BYTES = 16 * 1024 * 1024
# Plain passwords whose hashes are slow: more would keep a core busy for minutes.
_SLOW_MAX = 1000
# So many at once are hashed, and kept in one commit.
_PART = 500


def kind_of(config: AnyConfig) -> Kind | None:
    """Which users an authenticator has, None when it has none."""
    if isinstance(config, BuiltInConfig):
        return PasswordUser
    return ScramUser if isinstance(config, ScramConfig) else None


def require_kind(config: AnyConfig) -> Kind:
    """Which users an authenticator has. Raises Invalid when it has none."""
    kind = kind_of(config)
    if kind is None:
        raise Invalid("authentication.no_users", f"{config.id} has no users.")
    return kind


class Users:
    """Does it in the broker's database."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._db = house.broker_db
        self.ended: Callable[[str, str | None], object] = _nobody
        """Told the authenticator and the user (None for all) whose connections end, after the commit."""

    async def get(self, config: AnyConfig, user_id: str) -> User:
        """One user. Raises Invalid, NotFound."""
        return await self._db.read(authentication.get_user, require_kind(config), user_id)

    async def list_page(
        self, config: AnyConfig, first: int, most: int, like: str | None, is_superuser: bool | None
    ) -> tuple[list[tuple[str, bool]], int]:
        """A page of identifiers with whether they are superusers, and how many there are. Raises Invalid."""
        return await self._db.scan(authentication.list_users, require_kind(config), first, most, like, is_superuser)

    async def add(self, config: AnyConfig, user_id: str, password: str, is_superuser: bool) -> None:
        """A new user. Raises Invalid, Conflict."""
        require_kind(config)
        require_user_id(user_id)
        user = await asyncio.to_thread(_make, config, Newcomer(user_id, password, is_superuser=is_superuser))
        await self._db.write(authentication.add_user, user)

    async def change(self, config: AnyConfig, user_id: str, password: str | None, is_superuser: bool | None) -> User:
        """Another password, another rank, or both. Raises Invalid, NotFound."""
        kind = require_kind(config)
        await self._db.read(authentication.get_user, kind, user_id)
        replacement = None if password is None else await asyncio.to_thread(_make, config, Newcomer(user_id, password))
        user = await self._db.write(authentication.change_user, kind, user_id, replacement, is_superuser)
        self.ended(config.id, user_id)
        return user

    async def delete(self, config: AnyConfig, user_id: str) -> None:
        """Forget one. Raises Invalid, NotFound."""
        await self._db.write(authentication.delete_user, require_kind(config), user_id)
        self.ended(config.id, user_id)

    async def load(
        self, config: AnyConfig, data: bytes, is_csv: bool, form: Form, *, existing: Literal["override", "skip"]
    ) -> tuple[Kept, int]:
        """Keep the users in a file; what became of them, and how many made no sense. Raises Invalid."""
        require_kind(config)
        if form == "hash" and isinstance(config, ScramConfig):
            raise Invalid("authentication.import", "keys of SCRAM are made of passwords: type=plain", "type")
        found = await asyncio.to_thread(read_users, data, is_csv, form)
        slow = isinstance(config, ScramConfig) or (
            isinstance(config, BuiltInConfig) and config.password_hash_algorithm.is_slow
        )
        if slow and form == "plain" and len(found.users) > _SLOW_MAX:
            raise Invalid(
                "authentication.import", f"at most {_SLOW_MAX} passwords come at once for slow hashes", "filename"
            )
        kept = Kept()
        for start in range(0, len(found.users), _PART):
            users = await asyncio.to_thread(_make_all, config, found.users[start : start + _PART])
            part = await self._db.write(authentication.keep_users, users, existing=existing)
            kept = Kept(kept.success + part.success, kept.override + part.override, kept.skipped + part.skipped)
            for user_id in part.changed:
                self.ended(config.id, user_id)
        return kept, found.failed

    async def bootstrap(self, config: AnyConfig) -> None:
        """Keep those of the file an authenticator begins with that are not there yet. Raises Invalid."""
        if not isinstance(config, BuiltInConfig) or not config.bootstrap_file:
            return
        path = Path(self._house.config.data.dir) / config.bootstrap_file
        try:
            data = await asyncio.to_thread(_read_file, path)
            await self.load(config, data, path.suffix != ".json", config.bootstrap_type, existing="skip")
        except (Invalid, OSError) as error:
            reason = error.message if isinstance(error, Invalid) else error.strerror or "it cannot be read"
            raise Invalid("authentication.config", reason, "bootstrap_file") from error


def _nobody(authenticator_id: str, user_id: str | None) -> None:
    pass


def _read_file(path: Path) -> bytes:
    if not path.is_file():
        raise Invalid("authentication.import", "There is no such file.")
    with path.open("rb") as file:
        data = file.read(FILE_MAX_BYTES + 1)
    if len(data) > FILE_MAX_BYTES:
        raise Invalid("authentication.import", "The file is too large.")
    return data


def _make(config: AnyConfig, came: Newcomer) -> User:
    if isinstance(config, ScramConfig):
        keys = make_keys(came.password or "", config.algorithm, config.iteration_count)
        return ScramUser(came.user_id, keys.salt, keys.stored_key, keys.server_key, keys.iterations, came.is_superuser)
    assert isinstance(config, BuiltInConfig)
    if came.password is None:
        return PasswordUser(came.user_id, came.hash, came.salt, came.is_superuser)
    hashed = config.password_hash_algorithm.make(came.password.encode())
    return PasswordUser(came.user_id, hashed.hash, hashed.salt, came.is_superuser)


def _make_all(config: AnyConfig, users: Sequence[Newcomer]) -> list[User]:
    return [_make(config, each) for each in users]
