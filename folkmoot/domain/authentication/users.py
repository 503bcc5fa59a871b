"""The users in our own tables: those with a password's hash, and those with SCRAM keys. The SQL, and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, field, structs

from folkmoot.errors import Conflict, NotFound
from folkmoot.store import Transaction

from .model import PasswordUser, ScramUser, User, require_user_id

Kind = type[PasswordUser] | type[ScramUser]

_TABLES: dict[type, str] = {PasswordUser: "password_users", ScramUser: "scram_users"}


class Kept(Struct):
    """What became of users that came together."""

    success: int = 0
    override: int = 0
    skipped: int = 0
    changed: list[str] = field(default_factory=list)
    """Those that are not what they were."""


def find_user(tx: Transaction, kind: Kind, user_id: str) -> User | None:
    """The user with this identifier, or None."""
    columns = ", ".join(kind.__struct_fields__)
    return tx.one(kind, f"SELECT {columns} FROM {_TABLES[kind]} WHERE user_id = :id", id=user_id)


def get_user(tx: Transaction, kind: Kind, user_id: str) -> User:
    """The user with this identifier. Raises NotFound."""
    found = find_user(tx, kind, user_id)
    if found is None:
        raise NotFound("authentication.user_unknown", f"There is no user {user_id}.")
    return found


def list_users(
    tx: Transaction, kind: Kind, first: int, most: int, like: str | None = None, is_superuser: bool | None = None
) -> tuple[list[tuple[str, bool]], int]:
    """A page of identifiers with whether they are superusers, and how many there are altogether."""
    # `replace` is the comparison that minds case on every database.
    conditions = ["replace(user_id, :like, '') <> user_id"] if like else []
    if is_superuser is not None:
        conditions.append("is_superuser" if is_superuser else "NOT is_superuser")
    source = f"FROM {_TABLES[kind]}" + (" WHERE " + " AND ".join(conditions) if conditions else "")
    named = {"like": like} if like else {}
    count = int(tx.value(f"SELECT count(*) {source}", **named))
    rows = tx.rows(
        f"SELECT user_id, is_superuser {source} ORDER BY user_id LIMIT :most OFFSET :first",
        most=most,
        first=first,
        **named,
    )
    return [(user_id, bool(superuser)) for user_id, superuser in rows], count


def add_user(tx: Transaction, user: User) -> None:
    """Keep a new user. Raises Conflict, or Invalid for an identifier that is none."""
    if not _insert(tx, user, "DO NOTHING"):
        raise Conflict("authentication.user_exists", f"There is a user {user.user_id} already.", "user_id")


def keep_users(tx: Transaction, users: Sequence[User], *, existing: Literal["override", "skip"]) -> Kept:
    """Keep many users; of those that are there the new or the old ones stay."""
    kept = Kept()
    for user in users:
        if _insert(tx, user, "DO NOTHING"):
            kept.success += 1
        elif existing == "skip":
            kept.skipped += 1
        else:
            if find_user(tx, type(user), user.user_id) != user:
                kept.changed.append(user.user_id)
            replace_user(tx, user)
            kept.override += 1
    return kept


def replace_user(tx: Transaction, user: User) -> None:
    """Keep a user in the place of the one with its identifier."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in type(user).__struct_fields__ if name != "user_id")
    _insert(tx, user, f"DO UPDATE SET {changes}")


def _insert(tx: Transaction, user: User, otherwise: str) -> bool:
    require_user_id(user.user_id)
    names = type(user).__struct_fields__
    return bool(
        tx.run(
            f"INSERT INTO {_TABLES[type(user)]} ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"
            f" ON CONFLICT (user_id) {otherwise}",
            **structs.asdict(user),
        )
    )


def change_user(tx: Transaction, kind: Kind, user_id: str, replacement: User | None, is_superuser: bool | None) -> User:
    """Give a user another password, another rank, or both; returns it. Raises NotFound."""
    before = get_user(tx, kind, user_id)
    user = replacement or before
    user = structs.replace(user, is_superuser=before.is_superuser if is_superuser is None else is_superuser)
    replace_user(tx, user)
    return user


def delete_user(tx: Transaction, kind: Kind, user_id: str) -> None:
    """Forget a user. Raises NotFound."""
    if not tx.run(f"DELETE FROM {_TABLES[kind]} WHERE user_id = :id", id=user_id):
        raise NotFound("authentication.user_unknown", f"There is no user {user_id}.")


def delete_users(tx: Transaction, kind: Kind) -> None:
    """Forget all."""
    tx.run(f"DELETE FROM {_TABLES[kind]}")
