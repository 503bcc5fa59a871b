"""What people show and set of themselves: details, settings, leaving, a forgotten password (lemmy §4.1, §4.7, §5.6)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from folkmoot.domain import accounts, conversations, inbox, spaces, subscriptions
from folkmoot.domain.accounts import Account, Actor, require_account
from folkmoot.domain.conversations import Scope
from folkmoot.errors import Invalid, Unauthenticated
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import auth, render, schema
from folkmoot.surfaces.forum.handlers import DEEP, Forum, admin_views, letters, order_of, page, shows_nsfw, write

_DEFAULT_NAME = "admin"
_SETTINGS = (
    *("show_nsfw", "theme", "default_sort_type", "default_listing_type", "lang", "avatar", "matrix_user_id"),
    *("show_avatars", "send_notifications_to_email"),
)


async def get_user_details(call: Call) -> schema.GetUserDetailsResponse:
    """An account, what it follows and moderates, and a page of what it wrote; or of what the caller saved."""
    forum: Forum = call.app
    data: schema.GetUserDetails = call.data
    now = forum.house.now()
    skip, most = page(data)
    order, since = order_of(data.sort, now)

    def look(tx: Transaction) -> schema.GetUserDetailsResponse:
        actor: Actor = call.actor
        shown = _shown(tx, data)
        threads, answers = _scopes(tx, actor, shown.id, data, now)
        thread_ids, answer_ids = (
            conversations.list_ids(tx, scope, order, since, skip, most, now) for scope in (threads, answers)
        )
        viewer_id = actor.account_id
        return schema.GetUserDetailsResponse(
            user=_user(tx, shown.id, viewer_id == shown.id, now, forum.hostname),
            follows=[render.community_user(each) for each in spaces.list_followed_by(tx, actor, shown.id, now)],
            moderates=[render.community_user(each) for each in spaces.list_moderated_by(tx, actor, shown.id, now)],
            comments=[
                render.comment(view, viewer_id, now)
                for view in conversations.list_answer_entries(tx, answer_ids, viewer_id, now)
            ],
            posts=render.posts(conversations.list_thread_entries(tx, thread_ids, viewer_id, now), viewer_id, now),
            admins=admin_views(tx, now, forum.hostname),
        )

    def is_short(tx: Transaction) -> bool:
        saved = bool(data.saved_only)
        whose = call.actor.account_id or 0 if saved else _shown(tx, data).id
        return conversations.has_little(tx, whose, saved)

    # Somebody may have written a great deal.
    short = skip + most <= DEEP and await forum.house.db.read(is_short)
    return await (forum.house.db.read(look) if short else forum.house.db.scan(look))


def _shown(tx: Transaction, data: schema.GetUserDetails) -> Account:
    if data.user_id is not None:
        return accounts.get_account(tx, data.user_id)
    return accounts.get_account_shown_as(tx, data.username or _DEFAULT_NAME)


def _scopes(
    tx: Transaction, actor: Actor, shown_id: int, data: schema.GetUserDetails, now: datetime
) -> tuple[Scope, Scope]:
    # lemmy §5.6: a community is asked of posts alone.
    nsfw, space_id = shows_nsfw(tx, actor), data.community_id
    if data.saved_only:
        return (
            conversations.threads_saved(tx, actor, nsfw, now, space_id),
            conversations.answers_saved(tx, actor, now),
        )
    return (
        conversations.threads_by(tx, actor, shown_id, nsfw, now, space_id),
        conversations.answers_by(tx, actor, shown_id, now),
    )


def _user(tx: Transaction, account_id: int, is_oneself: bool, now: datetime, hostname: str) -> schema.UserView:
    view = render.user(accounts.get_profile(tx, account_id, now), hostname)
    if is_oneself:
        # lemmy §2.1: nobody else sees it.
        view.email = accounts.primary_address(tx, account_id)
    return view


async def save_user_settings(call: Call) -> schema.LoginResponse:
    """Change the caller's settings, all or none of them; a new token tells clients of them."""
    forum: Forum = call.app
    data: schema.SaveUserSettings = call.data
    now, account_id = forum.house.now(), require_account(call.actor)
    new_hash = await _new_password(forum, call.actor, data)
    given = {name: getattr(data, name) for name in _SETTINGS}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}

    def act(tx: Transaction) -> str:
        if data.email is not None:
            accounts.change_address(tx, account_id, data.email.strip() or None)
        accounts.edit_preferences(tx, account_id, changes)
        if new_hash is not None:
            accounts.change_password(tx, account_id, new_hash, now)
        return auth.issue(tx, account_id, forum.house.config, now)

    return schema.LoginResponse(await write(call, act))


async def _new_password(forum: Forum, actor: Actor, data: schema.SaveUserSettings) -> str | None:
    if not data.new_password:
        return None
    if data.new_password != data.new_password_verify:
        raise Invalid("forum.passwords_differ", "The two passwords are not the same.", "new_password_verify")
    if data.old_password is None:
        raise Unauthenticated("password.wrong", "The present password is needed.")
    await forum.house.sign_in(actor.name, data.old_password)
    return await asyncio.to_thread(forum.house.passwords.hash, data.new_password)


async def delete_account(call: Call) -> schema.LoginResponse:
    """Take back everything the caller has said, on every surface; the account stays."""
    forum: Forum = call.app
    data: schema.DeleteAccount = call.data
    now, account_id = forum.house.now(), require_account(call.actor)
    await forum.house.sign_in(call.actor.name, data.password)

    def act(tx: Transaction) -> None:
        conversations.request_erasure(tx, account_id, now)
        subscriptions.withdraw_requests(tx, account_id)
        accounts.withdraw(tx, account_id)
        # What is little is gone when the answer comes; the rest follows in the background.
        subscriptions.unsubscribe_some(tx, account_id, now, now)
        conversations.erase_some(tx, account_id, now)
        inbox.erase_some(tx, account_id, now)

    await write(call, act)
    # lemmy §4.1: the same token.
    return schema.LoginResponse(data.auth or "")


async def password_reset(call: Call) -> schema.PasswordResetResponse:
    """Mail a link that sets a new password."""
    forum: Forum = call.app
    data: schema.PasswordReset = call.data
    now = forum.house.now()

    def act(tx: Transaction) -> None:
        account, token = accounts.request_reset(tx, data.email, now)
        text = (
            f"Somebody, probably you, wants to set a new password for {account.name}.\n\n"
            f"To do so, open {forum.house.origins.get('forum', '')}/password_change/{token}\n\n"
            "This works once, for a day. If it was not you, there is nothing to do.\n"
        )
        letters.send(tx, forum, data.email.strip(), "Set a new password", text, now)

    await write(call, act)
    return schema.PasswordResetResponse()


async def password_change(call: Call) -> schema.LoginResponse:
    """Set a new password with a mailed token, and sign in."""
    forum: Forum = call.app
    data: schema.PasswordChange = call.data
    now = forum.house.now()
    new_hash = await asyncio.to_thread(forum.house.passwords.hash, data.password)

    def act(tx: Transaction) -> str:
        # lemmy §4.7: the token is asked about first.
        account = accounts.redeem_reset(tx, data.token, now)
        if data.password != data.password_verify:
            raise Invalid("forum.passwords_differ", "The two passwords are not the same.", "password_verify")
        accounts.change_password(tx, account.id, new_hash, now)
        return auth.issue(tx, account.id, forum.house.config, now)

    return schema.LoginResponse(await write(call, act))
