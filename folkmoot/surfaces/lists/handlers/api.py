"""What each operation of the API does: read the request, ask the domain, render."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.domain import accounts, conversations, spaces, subscriptions
from folkmoot.domain.accounts import Account, Actor, require_account
from folkmoot.domain.conversations import SEARCHED, ArchivedMessage, Letterhead
from folkmoot.domain.spaces import MailingList, Rights
from folkmoot.errors import Conflict, Forbidden, Invalid, NotFound
from folkmoot.house import House
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.lists import render, schema
from folkmoot.text.search import Term, parse_search

_MOST = schema.RESULTS_PER_PAGE + 1
_ID = re.compile(r"[0-9]{1,18}")


# --- users ------------------------------------------------------------------------------------------------------------


async def get_version(call: Call) -> schema.Version:
    try:
        return schema.Version(importlib.metadata.version("folkmoot"))
    except importlib.metadata.PackageNotFoundError:
        return schema.Version("unknown")


async def get_user(call: Call) -> schema.User:
    return await _house(call).db.read(_read_user, call.actor, call.path.get("username"))


def _read_user(tx: Transaction, actor: Actor, username: str | None) -> schema.User:
    account = _account(tx, actor, username)
    return render.user(account, accounts.primary_address(tx, account.id) or "")


def _account(tx: Transaction, actor: Actor, username: str | None) -> Account:
    """The account a path names, or the asking one. Contract §1.7: `~name` or an address, and nothing else."""
    if username is None:
        return accounts.get_account(tx, require_account(actor))
    if username.startswith("~"):
        return accounts.get_account_named(tx, username[1:])
    account = accounts.find_account_of_address(tx, username) if "@" in username else None
    if account is None or account.name is None:
        raise NotFound("account.unknown", "There is no such user.")
    return account


# --- lists ------------------------------------------------------------------------------------------------------------


async def list_lists(call: Call) -> schema.Page[schema.List]:
    return await _house(call).db.read(_read_lists, call.actor, call.path.get("username"), _first_id(call))


def _read_lists(tx: Transaction, actor: Actor, username: str | None, first_id: int | None) -> schema.Page[schema.List]:
    owner = _account(tx, actor, username)
    found = spaces.list_mailing_lists_of(tx, owner.id, actor, _MOST, first_id)
    total = spaces.count_mailing_lists_of(tx, owner.id, actor)
    return render.page(found, [render.mailing_list(each) for each in found], total)


async def get_list(call: Call) -> schema.List:
    return render.mailing_list(await _house(call).db.read(_readable_list, *_list_named(call)))


def _list_named(call: Call) -> tuple[Actor, str | None, str, datetime]:
    return call.actor, call.path.get("username"), call.path["name"], _house(call).now()


def _readable_list(tx: Transaction, actor: Actor, username: str | None, name: str, now: datetime) -> MailingList:
    """The list a path names. Contract §2.8: NotFound without browse."""
    owner = _account(tx, actor, username)
    face, held = spaces.get_visible_mailing_list(tx, actor, owner.label, name, now)
    if not held & Rights.BROWSE:
        raise NotFound("space.unknown", "There is no such list.")
    return face


async def create_list(call: Call) -> schema.List:
    wanted: schema.NewList = call.data
    house = _house(call)
    return render.mailing_list(
        await house.db.write(_create_list, call.actor, wanted.name, wanted.description or None, house.now())
    )


def _create_list(tx: Transaction, actor: Actor, name: str, description: str | None, now: datetime) -> MailingList:
    face = spaces.create_mailing_list(tx, actor, name, description, now)
    # contract §2.2: the owner is subscribed automatically.
    subscriptions.start(tx, face.owner_id, face.id, "mail", now)
    return face


async def update_list(call: Call) -> schema.List:
    change: schema.ListChange = call.data
    return render.mailing_list(await _house(call).db.write(_update_list, change, *_list_named(call)))


def _update_list(
    tx: Transaction, change: schema.ListChange, actor: Actor, username: str | None, name: str, now: datetime
) -> MailingList:
    face = _readable_list(tx, actor, username, name, now)
    if change.description is not msgspec.UNSET:
        spaces.edit_description(tx, actor, face.id, change.description or None, now)
    return spaces.get_mailing_list(tx, face.id)


async def delete_list(call: Call) -> None:
    await _house(call).db.write(_delete_list, *_list_named(call))


def _delete_list(tx: Transaction, actor: Actor, username: str | None, name: str, now: datetime) -> None:
    spaces.delete_space(tx, actor, _readable_list(tx, actor, username, name, now).id, now)


# --- emails -----------------------------------------------------------------------------------------------------------


async def list_posts(call: Call) -> schema.Page[schema.ShortEmail]:
    terms = _terms(call)
    db = _house(call).db
    return await (db.scan if terms else db.read)(_read_posts, terms, _first_id(call), *_list_named(call))


def _read_posts(
    tx: Transaction,
    terms: Sequence[Term],
    first_id: int | None,
    actor: Actor,
    username: str | None,
    name: str,
    now: datetime,
) -> schema.Page[schema.ShortEmail]:
    face = _readable_list(tx, actor, username, name, now)
    found = conversations.list_archived(tx, face.id, _MOST, first_id, terms)
    total = conversations.count_archived(tx, face.id, terms)
    return render.page(found, [render.short_email(each, face) for each in found], total)


async def list_emails(call: Call) -> schema.Page[schema.ShortEmail]:
    house = _house(call)
    return await house.db.read(_read_emails, call.actor, call.path.get("username"), _first_id(call), house.now())


def _read_emails(
    tx: Transaction, actor: Actor, username: str | None, first_id: int | None, now: datetime
) -> schema.Page[schema.ShortEmail]:
    author = _account(tx, actor, username)
    readable: list[int] | None = None
    if author.id != actor.account_id:
        written_to = conversations.list_spaces_written_to(tx, author.id)
        readable = [each for each in written_to if _held(tx, actor, each, now) & Rights.BROWSE]
    found = conversations.list_archived_of(tx, author.id, readable, _MOST, first_id)
    total = conversations.count_archived_of(tx, author.id, readable)
    faces = spaces.list_mailing_lists(tx, [each.space_id for each in found])
    return render.page(found, [render.short_email(each, faces[each.space_id]) for each in found], total)


def _held(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> Rights:
    return spaces.rights(tx, actor, spaces.get_space(tx, space_id), now)


async def get_email(call: Call) -> schema.Email:
    house = _house(call)
    return await house.db.read(_read_email, call.actor, call.path["email_id"], letterhead(house), house.now())


def _read_email(tx: Transaction, actor: Actor, email_id: str, written_with: Letterhead, now: datetime) -> schema.Email:
    message = _readable_message(tx, actor, email_id, now)
    data = conversations.read_mail(tx, written_with, message.id)
    return render.email(message, spaces.get_mailing_list(tx, message.space_id), data)


def _readable_message(tx: Transaction, actor: Actor, email_id: str, now: datetime) -> ArchivedMessage:
    """The message behind an id or a Message-ID: the lowest copy the actor may browse (contract §2.8).

    Raises NotFound, or Forbidden when every copy is on a list the actor may see but not browse.
    """
    if _ID.fullmatch(email_id):
        copies = [conversations.get_archived(tx, int(email_id))]
    else:
        copies = conversations.list_archived_copies(tx, email_id if email_id.startswith("<") else f"<{email_id}>")
    seen = False
    for copy in copies:
        held = _held(tx, actor, copy.space_id, now)
        if held & Rights.BROWSE:
            return copy
        seen = seen or bool(held) or spaces.get_mailing_list(tx, copy.space_id).visibility != "PRIVATE"
    if seen:
        raise Forbidden("space.not_permitted", "You may not browse this list.")
    raise NotFound("message.unknown", "There is no such message.")


async def get_thread(call: Call) -> list[schema.ShortEmail]:
    house = _house(call)
    return await house.db.read(_read_thread, call.actor, call.path["email_id"], house.now())


def _read_thread(tx: Transaction, actor: Actor, email_id: str, now: datetime) -> list[schema.ShortEmail]:
    message = _readable_message(tx, actor, email_id, now)
    if not message.is_root:
        raise NotFound("thread.unknown", "There is no such thread.")
    face = spaces.get_mailing_list(tx, message.space_id)
    return [render.short_email(each, face) for each in conversations.list_archived_thread(tx, message.id)]


# --- subscriptions ----------------------------------------------------------------------------------------------------


async def list_subscriptions(call: Call) -> schema.Page[schema.Subscription]:
    return await _house(call).db.read(_read_subscriptions, call.actor, _first_id(call))


def _read_subscriptions(tx: Transaction, actor: Actor, first_id: int | None) -> schema.Page[schema.Subscription]:
    mine = subscriptions.list_of_account(tx, require_account(actor))
    faces = spaces.list_mailing_lists(tx, [each.space_id for each in mine])
    shown = [each for each in reversed(mine) if each.channel == "mail" and each.space_id in faces]
    found = [each for each in shown if first_id is None or each.id <= first_id][:_MOST]
    return render.page(found, [render.subscription(each, faces[each.space_id]) for each in found], len(shown))


async def create_subscription(call: Call) -> schema.Subscription:
    wanted: schema.NewSubscription = call.data
    owner, slash, name = wanted.list.partition("/")
    if not slash:
        raise Invalid("list.name", "A list is written ~owner/name.", "list")
    house = _house(call)
    return await house.db.write(_create_subscription, call.actor, owner, name, house.now())


def _create_subscription(tx: Transaction, actor: Actor, owner: str, name: str, now: datetime) -> schema.Subscription:
    if not owner.startswith("~"):
        raise NotFound("space.unknown", "There is no such list.")
    face, held = spaces.get_visible_mailing_list(tx, actor, owner[1:], name, now)
    if not held & Rights.BROWSE:
        raise Forbidden("space.not_permitted", "You may not browse this list.", "list")
    try:
        made = subscriptions.start(tx, require_account(actor), face.id, "mail", now)
    except Conflict as error:
        raise Conflict(error.code, "You subscribe to this list already.", "list") from error
    return render.subscription(made, face)


async def get_subscription(call: Call) -> schema.Subscription:
    return await _house(call).db.read(_read_subscription, call.actor, call.path["id"])


def _read_subscription(tx: Transaction, actor: Actor, text: str) -> schema.Subscription:
    found = _own_subscription(tx, actor, text)
    return render.subscription(found, spaces.get_mailing_list(tx, found.space_id))


def _own_subscription(tx: Transaction, actor: Actor, text: str) -> subscriptions.Subscription:
    """The asking account's subscription behind an id; raises NotFound, or Forbidden for another's."""
    if not _ID.fullmatch(text):
        raise NotFound("subscription.unknown", "There is no such subscription.")
    found = subscriptions.get_subscription(tx, int(text))
    if found.channel != "mail":
        raise NotFound("subscription.unknown", "There is no such subscription.")
    if found.account_id != actor.account_id:
        raise Forbidden("subscription.not_own", "This is somebody else's subscription.")
    return found


async def delete_subscription(call: Call) -> None:
    await _house(call).db.write(_delete_subscription, call.actor, call.path["id"])


def _delete_subscription(tx: Transaction, actor: Actor, text: str) -> None:
    found = _own_subscription(tx, actor, text)
    subscriptions.end(tx, found.account_id, found.space_id, "mail")


# --- reading a request ------------------------------------------------------------------------------------------------


def _house(call: Call) -> House:
    house: House = call.app
    return house


def letterhead(house: House) -> Letterhead:
    """What the lists write with."""
    return Letterhead(house.config.mail.domain, house.origins.get("lists", ""))


def _first_id(call: Call) -> int | None:
    """The id a page starts with (contract §1.5); first-party clients send -1 for the first page."""
    text = call.query.get("start", "").strip()
    if text in ("", "-1"):
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise Invalid("page.start", "`start` is an id.", "start")
    return int(text)


def _terms(call: Call) -> tuple[Term, ...]:
    """The terms of `?search=`. Raises Invalid for one that cannot be searched for."""
    terms = parse_search(call.query.get("search", ""))
    for term in terms:
        if term.key and term.key not in SEARCHED:
            raise Invalid("search.key", f"There is no searching by {term.key}.", "search")
    return terms
