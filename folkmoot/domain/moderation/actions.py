"""The acts: each changes what it is about, through the concept it belongs to, and is recorded in the same transaction.

What the actor may do is asked by those concepts; what they raise is raised here.
"""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain import accounts, conversations, spaces
from folkmoot.domain.accounts import Account, Actor, require_account
from folkmoot.domain.conversations import Message, Thread
from folkmoot.domain.moderation.model import Acts
from folkmoot.domain.spaces import Site, Space
from folkmoot.errors import Forbidden, Invalid
from folkmoot.store import Transaction

_LONGEST_REASON = 10_000


def remove_message(
    tx: Transaction, actor: Actor, message_id: int, removed: bool, now: datetime, reason: str | None = None
) -> Message:
    """Take a message away, or put it back."""
    message = conversations.set_removed(tx, actor, message_id, removed, now)
    act = Acts.POST_REMOVED if message.is_root else Acts.COMMENT_REMOVED
    _record(tx, actor, act, removed, now, reason=reason, space_id=message.space_id, message_id=message.id)
    return message


def lock_thread(tx: Transaction, actor: Actor, thread_id: int, locked: bool, now: datetime) -> Thread:
    """Close a thread to answers, or open it."""
    thread = conversations.set_locked(tx, actor, thread_id, locked, now)
    _record(tx, actor, Acts.POST_LOCKED, locked, now, space_id=thread.space_id, message_id=thread.id)
    return thread


def stick_thread(tx: Transaction, actor: Actor, thread_id: int, stickied: bool, now: datetime) -> Thread:
    """Keep a thread first in its space's listing, or let it go."""
    thread = conversations.set_stickied(tx, actor, thread_id, stickied, now)
    _record(tx, actor, Acts.POST_STICKIED, stickied, now, space_id=thread.space_id, message_id=thread.id)
    return thread


def remove_space(
    tx: Transaction,
    actor: Actor,
    space_id: int,
    removed: bool,
    now: datetime,
    reason: str | None = None,
    expires_at: datetime | None = None,
) -> Space:
    """Close a space, or open it again; `expires_at` is for the record."""
    space = spaces.set_space_removed(tx, actor, space_id, removed, now)
    _record(tx, actor, Acts.SPACE_REMOVED, removed, now, reason=reason, expires_at=expires_at, space_id=space_id)
    return space


def ban(
    tx: Transaction,
    actor: Actor,
    account_id: int,
    banned: bool,
    now: datetime,
    reason: str | None = None,
    until: datetime | None = None,
) -> Account:
    """Ban an account from writing anywhere, or lift the ban; it ends by itself at `until`."""
    account = accounts.ban(tx, actor, account_id, banned, now, until if banned else None)
    _record(tx, actor, Acts.SITE_BANNED, banned, now, reason=reason, expires_at=until, account_id=account_id)
    return account


def ban_from_space(
    tx: Transaction,
    actor: Actor,
    space_id: int,
    account_id: int,
    banned: bool,
    now: datetime,
    reason: str | None = None,
    until: datetime | None = None,
) -> None:
    """Ban an account from writing in one space, or lift the ban; it ends by itself at `until`."""
    spaces.ban_from_space(tx, actor, space_id, account_id, banned, now, until)
    _record(
        tx, actor, Acts.SPACE_BANNED, banned, now,
        reason=reason, expires_at=until, space_id=space_id, account_id=account_id,
    )  # fmt: skip


def appoint(tx: Transaction, actor: Actor, space_id: int, account_id: int, added: bool, now: datetime) -> None:
    """Make an account a moderator of a space, or end that."""
    spaces.appoint(tx, actor, space_id, account_id, added, now)
    _record(tx, actor, Acts.SPACE_APPOINTED, added, now, space_id=space_id, account_id=account_id)


def appoint_admin(tx: Transaction, actor: Actor, account_id: int, added: bool, now: datetime) -> Account:
    """Make an account an administrator, or end that. Raises Forbidden when the site's creator would lose it (lemmy §3.7)."""
    accounts.require_admin(actor)
    site = spaces.find_site(tx)
    if site is not None and site.creator_id == account_id and not added:
        raise Forbidden("site.creator_stays", "The site's creator stays an administrator.")
    account = accounts.set_admin(tx, actor, account_id, added)
    _record(tx, actor, Acts.SITE_APPOINTED, added, now, account_id=account_id)
    return account


def give_site(tx: Transaction, actor: Actor, account_id: int, now: datetime) -> Site:
    """Make an account the site's creator, and an administrator. Raises Forbidden unless its creator asks, NotFound."""
    if spaces.get_site(tx).creator_id != require_account(actor):
        raise Forbidden("site.not_creator", "Only the site's creator may do this.")
    if not accounts.get_account(tx, account_id).is_admin:
        accounts.set_admin(tx, actor, account_id, True, with_site=True)
    site = spaces.give_site(tx, account_id)
    _record(tx, actor, Acts.SITE_APPOINTED, True, now, account_id=account_id)
    return site


def give_space(tx: Transaction, actor: Actor, space_id: int, account_id: int, now: datetime) -> Space:
    """Make an account the owner of a space and its first moderator."""
    space = spaces.give_space(tx, actor, space_id, account_id, now)
    _record(tx, actor, Acts.SPACE_APPOINTED, True, now, space_id=space_id, account_id=account_id)
    return space


def _record(
    tx: Transaction,
    actor: Actor,
    act: Acts,
    done: bool,
    now: datetime,
    *,
    reason: str | None = None,
    expires_at: datetime | None = None,
    space_id: int | None = None,
    message_id: int | None = None,
    account_id: int | None = None,
) -> None:
    if reason is not None and len(reason) > _LONGEST_REASON:
        raise Invalid("moderation.reason", f"A reason has at most {_LONGEST_REASON} characters.", "reason")
    tx.run(
        "INSERT INTO acts (act, moderator_id, space_id, message_id, account_id, done, reason, expires_at, acted_at)"
        " VALUES (:act, :moderator, :space, :message, :account, :done, :reason, :expires, :now)",
        act=act.value,
        moderator=require_account(actor),
        space=space_id,
        message=message_id,
        account=account_id,
        done=done,
        reason=reason,
        expires=expires_at,
        now=now,
    )
