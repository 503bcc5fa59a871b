"""What people show of themselves in the forum: preferences and counts beside the account."""

from __future__ import annotations

from datetime import datetime

import msgspec

from folkmoot.domain.accounts.model import LONGEST_NAME
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, containing, expand


class Preferences(msgspec.Struct, frozen=True):
    """An account's settings; sort and listing types are the forum's numbers."""

    account_id: int
    avatar: str | None
    matrix_user_id: str | None
    show_nsfw: bool
    theme: str
    default_sort_type: int
    default_listing_type: int
    lang: str
    show_avatars: bool
    send_notifications_to_email: bool


class Profile(msgspec.Struct, frozen=True):
    """An account as others see it. Its counts include what was removed."""

    id: int
    label: str
    avatar: str | None
    matrix_user_id: str | None
    is_admin: bool
    is_banned: bool
    show_avatars: bool
    send_notifications_to_email: bool
    created_at: datetime
    posts: int
    post_score: int
    comments: int
    comment_score: int


_PROFILE = (
    "SELECT a.id, a.label, p.avatar, p.matrix_user_id, a.is_admin,"
    " (a.banned_at IS NOT NULL AND (a.banned_until IS NULL OR a.banned_until > :now)),"
    " p.show_avatars, p.send_notifications_to_email, a.created_at, c.posts, c.post_score, c.comments, c.comment_score"
    " FROM accounts a JOIN preferences p ON p.account_id = a.id JOIN account_counts c ON c.account_id = a.id"
)


def get_preferences(tx: Transaction, account_id: int) -> Preferences:
    """An account's settings; raises NotFound."""
    found = tx.one(
        Preferences,
        "SELECT account_id, avatar, matrix_user_id, show_nsfw, theme, default_sort_type, default_listing_type, lang,"
        " show_avatars, send_notifications_to_email FROM preferences WHERE account_id = :id",
        id=account_id,
    )
    if found is None:
        raise NotFound("account.unknown", "There is no such account.")
    return found


def shows_nsfw(tx: Transaction, account_id: int) -> bool:
    """Do an account's listings include what is not safe for work?"""
    return bool(tx.value("SELECT show_nsfw FROM preferences WHERE account_id = :id", id=account_id))


def set_show_nsfw(tx: Transaction, account_id: int, show_nsfw: bool) -> None:
    """Say whether an account's listings include what is not safe for work."""
    tx.run("UPDATE preferences SET show_nsfw = :show WHERE account_id = :id", show=show_nsfw, id=account_id)


def list_notified(tx: Transaction, account_ids: list[int]) -> list[int]:
    """Which of these accounts want mail of what is for them, and may sign in."""
    if not account_ids:
        return []
    words, parameters = expand("id", account_ids)
    found: list[int] = tx.column(
        "SELECT p.account_id FROM preferences p JOIN accounts a ON a.id = p.account_id"
        f" WHERE p.send_notifications_to_email AND a.suspended_at IS NULL AND p.account_id IN {words} ORDER BY p.account_id",
        **parameters,
    )
    return found


def get_profile(tx: Transaction, account_id: int, now: datetime) -> Profile:
    """An account as others see it; raises NotFound."""
    found = tx.one(Profile, f"{_PROFILE} WHERE a.id = :id", id=account_id, now=now)
    if found is None:
        raise NotFound("account.unknown", "There is no such account.")
    return found


def search_profiles(tx: Transaction, query: str, now: datetime, most: int = 10_000) -> list[Profile]:
    """The accounts that can sign in and have these words in their name, in this order and whatever their case."""
    words = query.lower().split()
    # More than a name holds is in none, and patterns have a limit of their own.
    if not words or sum(map(len, words)) > LONGEST_NAME:
        return []
    return tx.all(
        Profile,
        f"{_PROFILE} WHERE a.name_key LIKE :pattern ESCAPE '!' AND NOT a.is_program ORDER BY a.id LIMIT :most",
        pattern=containing(words),
        now=now,
        most=most,
    )


def list_admin_profiles(tx: Transaction, now: datetime) -> list[Profile]:
    """All administrators, in the order they came."""
    return tx.all(Profile, f"{_PROFILE} WHERE a.is_admin ORDER BY a.id", now=now)


def list_banned_profiles(tx: Transaction, now: datetime) -> list[Profile]:
    """All accounts under a site ban at this moment, in the order they came."""
    return tx.all(
        Profile,
        f"{_PROFILE} WHERE a.banned_at IS NOT NULL AND (a.banned_until IS NULL OR a.banned_until > :now) ORDER BY a.id",
        now=now,
    )
