"""Signing in, registering, and what is done to accounts (lemmy §4.1)."""

from __future__ import annotations

import asyncio
from datetime import datetime

from folkmoot.domain import accounts, moderation, spaces, subscriptions
from folkmoot.errors import Conflict, Forbidden, Invalid
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import auth, render, schema
from folkmoot.surfaces.forum.handlers import Forum, admin_views, instant, member, write
from folkmoot.text.words import Words

_MAIN = "main"
_MAIN_TITLE = "The Default Community"


async def login(call: Call) -> schema.LoginResponse:
    """A new session for a name or address and a password."""
    forum: Forum = call.app
    data: schema.Login = call.data
    account = await forum.house.sign_in(data.username_or_email, data.password)
    return schema.LoginResponse(await write(call, auth.issue, account.id, forum.house.config, forum.house.now()))


async def register(call: Call) -> schema.LoginResponse:
    """A new account, which follows the community `main`, and its first session."""
    forum: Forum = call.app
    data: schema.Register = call.data
    # Asked again inside the change; here it spares the slow hash.
    await forum.house.db.read(_check_registration, data, forum.words)
    password_hash = await asyncio.to_thread(forum.house.passwords.hash, data.password)
    now = forum.house.now()

    def act(tx: Transaction) -> str:
        return auth.issue(tx, enrol(tx, data, password_hash, now, forum.words), forum.house.config, now)

    return schema.LoginResponse(await write(call, act))


def _check_registration(tx: Transaction, data: schema.Register, words: Words) -> None:
    site = spaces.find_site(tx)
    if site is not None and not site.open_registration:
        raise Forbidden("forum.registration_closed", "Nobody can register here at the moment.")
    if data.password != data.password_verify:
        raise Invalid("forum.passwords_differ", "The two passwords are not the same.", "password_verify")
    words.require_none(data.username)
    if data.admin and accounts.list_admins(tx):
        raise Conflict("forum.admin_exists", "There is an administrator already.", "admin")
    # lemmy §3.3: stricter than what an account may be called elsewhere.
    name = data.username
    if not (3 <= len(name) <= 20 and name.isascii() and name.replace("_", "a").isalnum()):
        raise Invalid("account.name", "A name has 3 to 20 letters, digits or underscores.", "username")
    if data.email and not data.email.strip().isprintable():
        raise Invalid("request.value", "This is not a mail address.", "email")


def enrol(tx: Transaction, data: schema.Register, password_hash: str, now: datetime, words: Words) -> int:
    """Make an account that follows the community `main`, and moderates it if it is an administrator's; its id."""
    _check_registration(tx, data, words)
    address = (data.email or "").strip() or None
    account_id = accounts.register(tx, data.username, password_hash, now, address=address, is_admin=data.admin)
    if data.show_nsfw:
        accounts.set_show_nsfw(tx, account_id, True)
    main = spaces.find_forum_space(tx, _MAIN)
    if main is None:
        actor = accounts.actor_of_account(tx, account_id, now)
        main = spaces.create_space(tx, actor, _MAIN, _MAIN_TITLE, _MAIN_TITLE, now)
        spaces.add_forum_face(tx, main.id, _MAIN, 1, False)
    elif data.admin:
        spaces.add_moderator(tx, main.id, account_id, now)
    subscriptions.start(tx, account_id, main.id, "forum", now)
    return account_id


async def add_admin(call: Call) -> schema.AdminsResponse:
    """Make an account an administrator, or end that."""
    forum: Forum = call.app
    data: schema.AddAdmin = call.data
    now = forum.house.now()

    def act(tx: Transaction) -> schema.AdminsResponse:
        moderation.appoint_admin(tx, call.actor, data.user_id, data.added, now)
        return schema.AdminsResponse(admin_views(tx, now, forum.hostname))

    return await write(call, act)


async def ban_user(call: Call) -> schema.BanUserResponse:
    """Ban an account from writing on any surface, or lift the ban."""
    forum: Forum = call.app
    data: schema.BanUser = call.data
    now = forum.house.now()

    def act(tx: Transaction) -> accounts.Profile:
        moderation.ban(tx, call.actor, data.user_id, data.ban, now, data.reason, instant(data.expires))
        return accounts.get_profile(tx, data.user_id, now)

    return schema.BanUserResponse(render.user(await write(call, act), forum.hostname), data.ban)


async def user_join(call: Call) -> schema.UserJoinResponse:
    """Bring the caller's connection into his own room; over HTTP it says who he is."""
    forum: Forum = call.app
    forum.rooms.join(member(call), call.actor.account_id)
    return schema.UserJoinResponse(call.actor.account_id)
