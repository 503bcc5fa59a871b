"""What an authenticator says of a client it knows, and the users in our own tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

from folkmoot.errors import Invalid, NotFound
from folkmoot.text.acl import Carried

from .hashing import Hashed
from .scram import Keys

LONGEST_USER_ID = 1024

T = TypeVar("T")


class Grant(Struct, frozen=True):
    """What a client gets that an authenticator lets in."""

    is_superuser: bool = False
    attrs: dict[str, str] = {}
    expires_at: float = 0.0
    """When the connection ends; seconds since 1970, 0 for never."""
    rules: Carried | None = None
    user_id: str | None = None
    """What the authenticator calls it, if it knows it by something else than the name it gave."""


class PasswordUser(Struct, frozen=True):
    """A user of the built-in database."""

    user_id: str
    hash: str
    salt: str
    is_superuser: bool

    @property
    def kept(self) -> Hashed:
        """What its password is checked against."""
        return Hashed(self.hash, self.salt)


class ScramUser(Struct, frozen=True):
    """A user of SCRAM."""

    user_id: str
    salt: str
    stored_key: str
    server_key: str
    iterations: int
    is_superuser: bool

    @property
    def keys(self) -> Keys:
        """What it is asked and checked with."""
        return Keys(self.salt, self.stored_key, self.server_key, self.iterations)


User = PasswordUser | ScramUser


def require_user_id(user_id: str) -> str:
    """The identifier, if a user may have it. Raises Invalid."""
    if not user_id or len(user_id) > LONGEST_USER_ID or "\0" in user_id:
        raise Invalid("authentication.user_id", f"this has 1 to {LONGEST_USER_ID} characters", "user_id")
    return user_id


def moved(ids: Sequence[str], one: str, position: str) -> list[str]:
    """The order with one at another place: `front`, `rear`, `before:ID` or `after:ID`. Raises Invalid or NotFound."""
    rest = [each for each in ids if each != one]
    if position == "front":
        return [one, *rest]
    if position == "rear":
        return [*rest, one]
    found = re.fullmatch(r"(before|after):(.+)", position)
    if found is None:
        raise Invalid("authentication.position", "this is front, rear, before:ID or after:ID", "position")
    if found[2] not in rest:
        raise NotFound("authenticator.unknown", f"There is no other authenticator {found[2]}.")
    at = rest.index(found[2]) + (found[1] == "after")
    return [*rest[:at], one, *rest[at:]]


def ordered(ids: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The new order. Raises Invalid unless it names each once."""
    if sorted(ids) != sorted(wanted):
        raise Invalid("authentication.order", "The order names every authenticator once, and no other.")
    return list(wanted)
