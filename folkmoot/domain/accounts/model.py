"""Who somebody is and what an account may be called; no database here."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from folkmoot.errors import Forbidden, Unauthenticated

LONGEST_NAME = 100
#: Of those who are part of the community: a name is in the addresses of its lists (RFC 5321 §4.5.3.1.1).
LONGEST_MEMBER_NAME = 64
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


class Account(msgspec.Struct, frozen=True):
    """A person or a program, with or without a login."""

    id: int
    name: str | None
    label: str
    display_name: str
    is_admin: bool
    is_program: bool
    created_at: datetime
    banned_at: datetime | None
    banned_until: datetime | None
    suspended_at: datetime | None

    def is_banned(self, now: datetime) -> bool:
        """Is writing anywhere forbidden to it at this moment?"""
        return self.banned_at is not None and (self.banned_until is None or self.banned_until > now)


class Address(msgspec.Struct, frozen=True):
    """A mail address of an account; `verified_at` once its holder has shown to read its mail."""

    id: int
    account_id: int
    address: str
    verified_at: datetime | None
    is_primary: bool


class Credential(msgspec.Struct, frozen=True):
    """What a password is checked against."""

    account_id: int
    hash: str


class Token(msgspec.Struct, frozen=True):
    """A secret that stands for an account at one surface; only its hash is kept."""

    id: int
    account_id: int
    surface: str
    name: str
    key: str
    scopes: str
    description: str
    is_enabled: bool
    created_at: datetime
    expires_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Would it be taken at this moment?"""
        return self.is_enabled and (self.expires_at is None or self.expires_at > now)


class Actor(msgspec.Struct, frozen=True):
    """Who is asking: built once per request by the surface, handed to every action.

    `scopes` are the words of the token it came with, in the surface's own vocabulary; they narrow what the account may do.
    """

    account_id: int | None
    name: str = ""
    is_admin: bool = False
    is_banned: bool = False
    token_id: int | None = None
    token_name: str = ""
    scopes: frozenset[str] = frozenset()
    address: str = ""


ANONYMOUS = Actor(None)


#: What only operators are called: the broker's rules at first let this one read `$SYS/#` (emqx contract §2.12).
RESERVED_NAMES = frozenset({"dashboard"})


def is_valid_name(name: str, longest: int = LONGEST_MEMBER_NAME) -> bool:
    """May an account be called this? Letters, digits, `_`, `.`, `-`, the first no `.` or `-`; up to `longest` characters.

    Surfaces may be stricter.
    """
    return len(name) <= longest and _NAME.fullmatch(name) is not None


def address_key(address: str) -> str:
    """The form in which addresses are compared: case does not matter."""
    return address.strip().casefold()


def require_account(actor: Actor) -> int:
    """The id of the asking account; raises Unauthenticated for nobody."""
    if actor.account_id is None:
        raise Unauthenticated("account.required", "Sign in first.")
    return actor.account_id


def require_admin(actor: Actor) -> int:
    """The id of the asking administrator; raises Unauthenticated or Forbidden."""
    account_id = require_account(actor)
    if not actor.is_admin:
        raise Forbidden("account.not_admin", "Only an administrator may do this.")
    return account_id


def require_unbanned(actor: Actor) -> int:
    """The id of an asking account that may write; raises Unauthenticated, or Forbidden when it is banned."""
    account_id = require_account(actor)
    if actor.is_banned:
        raise Forbidden("account.banned", "This account is banned from writing here.")
    return account_id
