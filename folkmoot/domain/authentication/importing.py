"""Users that come many at once, as CSV or JSON, with their passwords or with hashes of them. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from folkmoot.errors import Invalid

from .model import LONGEST_USER_ID

USERS_MAX = 100_000
_LONGEST_SECRET = 4096
_WORDS = {"true": True, "1": True, "false": False, "0": False, "": False}

Form = Literal["plain", "hash"]


class Newcomer(Struct, frozen=True):
    """A user to be kept; of `password` and `hash` the one that came."""

    user_id: str
    password: str | None = None
    hash: str = ""
    salt: str = ""
    is_superuser: bool = False


class Newcomers(Struct):
    """Those that can be read, and how many cannot."""

    users: list[Newcomer]
    failed: int = 0


def read_users(data: bytes, is_csv: bool, form: Form) -> Newcomers:
    """The users in a file. Raises Invalid when it is none; a user that makes no sense is counted."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable("The users are not UTF-8.") from error
    found = Newcomers([])
    for row in _read_csv(text, form) if is_csv else _read_json(text):
        if len(found.users) + found.failed >= USERS_MAX:
            raise _unreadable(f"At most {USERS_MAX} users come at once.")
        user = _newcomer(row, form)
        if user is None:
            found.failed += 1
        else:
            found.users.append(user)
    return found


def _read_csv(text: str, form: Form) -> list[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text), restkey="", strict=True)
    try:
        rows: list[Mapping[str, Any]] = list(reader)
    except csv.Error as error:
        raise _unreadable(f"Line {reader.line_num} is no CSV.") from error
    missing = {"user_id", "password" if form == "plain" else "password_hash"} - set(reader.fieldnames or ())
    if missing:
        raise _unreadable(f"There is no column {sorted(missing)[0]}.")
    return rows


def _read_json(text: str) -> list[Mapping[str, Any]]:
    try:
        rows: list[Mapping[str, Any]] = msgspec.json.decode(text, type=list[dict[str, Any]])
        return rows
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unreadable("The users are no JSON array of objects.") from error


def _newcomer(row: Mapping[str, Any], form: Form) -> Newcomer | None:
    user_id, superuser = row.get("user_id"), row.get("is_superuser", False)
    if isinstance(superuser, str):
        superuser = _WORDS.get(superuser.strip().lower())
    secret = row.get("password" if form == "plain" else "password_hash")
    salt = row.get("salt") or ""
    if not (isinstance(user_id, str) and isinstance(secret, str) and isinstance(salt, str)):
        return None
    if not 0 < len(user_id) <= LONGEST_USER_ID or not secret or not isinstance(superuser, bool):
        return None
    if len(secret) > _LONGEST_SECRET or len(salt) > _LONGEST_SECRET or "\0" in user_id + secret + salt:
        return None
    if form == "plain":
        return Newcomer(user_id, password=secret, is_superuser=superuser)
    return Newcomer(user_id, hash=secret, salt=salt, is_superuser=superuser)


def _unreadable(message: str) -> Invalid:
    return Invalid("authentication.import", message, "filename")
