"""What each page does: read the request, ask the domain, render."""

from __future__ import annotations

import asyncio
import mimetypes
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from starlette.responses import RedirectResponse, Response

from folkmoot.domain import accounts, conversations, outbox, spaces, subscriptions
from folkmoot.domain.conversations import MessageView
from folkmoot.domain.spaces import CommunityTotals, Site, SpaceEntry
from folkmoot.domain.subscriptions import LINK_SECRET, ONE_CLICK
from folkmoot.errors import Conflict, FolkmootError, Invalid, NotFound, RateLimited
from folkmoot.house import House
from folkmoot.ids import new_hex
from folkmoot.net.http import Call, json_response
from folkmoot.net.pages import csrf_token, require_csrf, set_csrf_cookie
from folkmoot.store import Transaction
from folkmoot.surfaces.web import auth, render
from folkmoot.surfaces.web.schema import (
    AddressForm,
    ChoicesForm,
    Health,
    MailsQuery,
    SavedQuery,
    SetupForm,
    UnsubscribeForm,
)

_LATEST = 8
_SPACES = 12
_MAILS = 30
_COPIES = 100
# The first page is put together at most once in this time, however many look at it.
_FACTS_SECONDS = 1.0
_LINK_EVERY = timedelta(minutes=10)
_MOST_REMEMBERED = 10_000
_STATIC = Path(__file__).parent / "static"


@dataclass(slots=True)
class Website:
    """What the handlers work with."""

    house: House
    addresses: Mapping[str, str]
    is_ready: Callable[[], bool]
    facts: Facts | None = None
    facts_until: float = 0.0
    linked_at: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    """When a link was last mailed to an address; only the newest are remembered."""
    setting_up: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever becomes the first administrator."""


class Facts(msgspec.Struct, frozen=True):
    """What the first page says of the community."""

    site: Site | None
    totals: CommunityTotals
    spaces: list[SpaceEntry]
    latest: list[MessageView]
    entries: dict[int, SpaceEntry]


# --- the first page -------------------------------------------------------------------------------------------------


async def landing(call: Call) -> Response:
    website: Website = call.app
    house = website.house
    facts = await _facts(website)
    hidden = auth.mail_hidden_because(house, call)
    mails = [] if hidden else await house.db.read(outbox.list_mails, 5)
    now = house.now()
    return render.page(
        "landing.html",
        site=render.site_words(facts.site, demo=house.demo),
        totals=facts.totals,
        doors=render.doors(website.addresses, house, facts.spaces),
        spaces=[render.space(entry, house) for entry in facts.spaces],
        latest=[render.voice(view, facts.entries.get(view.space_id), house, now) for view in facts.latest],
        mail_hidden=hidden,
        mails=[render.mail_row(each, now) for each in mails],
    )


async def _facts(website: Website) -> Facts:
    time = asyncio.get_running_loop().time()
    if website.facts is None or time >= website.facts_until:
        website.facts_until = time + _FACTS_SECONDS
        website.facts = await website.house.db.scan(_read_facts)
    return website.facts


def _read_facts(tx: Transaction) -> Facts:
    latest = conversations.latest_views(tx, _LATEST)
    return Facts(
        spaces.find_site(tx),
        spaces.count_community(tx),
        spaces.list_directory(tx, _SPACES),
        latest,
        spaces.list_entries(tx, [view.space_id for view in latest]),
    )


async def health(call: Call) -> Response:
    website: Website = call.app
    ready = website.is_ready()
    body = Health(status="ok" if ready else "starting", listeners=dict(website.addresses))
    return json_response(body, 200 if ready else 503, {"cache-control": "no-store"})


async def static(call: Call) -> Response:
    found = _static_files().get(call.path["name"])
    if found is None:
        raise NotFound("file.unknown", "There is no such file.")
    data, kind = found
    headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
    return Response(data, media_type=kind, headers=headers)


@cache
def _static_files() -> dict[str, tuple[bytes, str]]:
    return {
        path.name: (path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream")
        for path in _STATIC.iterdir()
        if path.is_file()
    }


# --- outgoing mail --------------------------------------------------------------------------------------------------


async def mails(call: Call) -> Response:
    website: Website = call.app
    house = website.house
    auth.require_mail_viewer(house, call)
    asked: MailsQuery = call.data
    found = await house.db.scan(outbox.list_mails, _MAILS + 1, asked.before)
    now = house.now()
    return render.page(
        "mails.html",
        mails=[render.mail_row(each, now) for each in found[:_MAILS]],
        older=found[_MAILS - 1].id if len(found) > _MAILS else None,
        is_first=asked.before is None,
        private=True,
    )


async def mail(call: Call) -> Response:
    house, body_id = _mail_asked(call)
    data = await house.db.scan(outbox.get_body, body_id)
    copies = await house.db.read(outbox.list_copies, body_id, _COPIES)
    shown = await asyncio.to_thread(render.mail_words, data)
    return render.page("mail.html", mail=shown, copies=copies, id=body_id, private=True)


async def raw_mail(call: Call) -> Response:
    house, body_id = _mail_asked(call)
    data = await house.db.scan(outbox.get_body, body_id)
    headers = {
        "content-disposition": f'attachment; filename="mail-{body_id}.eml"',
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return Response(data, media_type="message/rfc822", headers=headers)


def _mail_asked(call: Call) -> tuple[House, int]:
    house: House = call.app.house
    auth.require_mail_viewer(house, call)
    text = call.path["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound("outgoing.unknown", "There is no such mail.")
    return house, int(text)


# --- subscriptions --------------------------------------------------------------------------------------------------


async def ask_link(call: Call) -> Response:
    return _with_csrf(call, "address.html", sent=False)


async def mail_link(call: Call) -> Response:
    website: Website = call.app
    house = website.house
    form: AddressForm = call.data
    require_csrf(call.request, form.csrf)
    address = form.address.strip()
    if "@" not in address or len(address) > 320:
        raise Invalid("address.invalid", "That does not look like a mail address.", "address")
    now = house.now()
    _require_pause(website, address, now)
    await house.db.write(_send_link, house, address, now)
    # The same answer whoever asks for whichever address: nobody learns who is here.
    return _with_csrf(call, "address.html", sent=True)


def _require_pause(website: Website, address: str, now: datetime) -> None:
    if not website.house.config.limits.enabled:
        return
    key = accounts.address_key(address)
    last = website.linked_at.get(key)
    if last is not None and now - last < _LINK_EVERY:
        seconds = (last + _LINK_EVERY - now).total_seconds()
        raise RateLimited("link.often", "A link was asked for not long ago. Look into your mail, or wait.", seconds)
    website.linked_at[key] = now
    website.linked_at.move_to_end(key)
    while len(website.linked_at) > _MOST_REMEMBERED:
        website.linked_at.popitem(last=False)


def _send_link(tx: Transaction, house: House, address: str, now: datetime) -> None:
    account = accounts.find_account_of_address(tx, address)
    if account is None or account.suspended_at is not None:
        return
    key = accounts.address_key(address)
    known = next(each for each in accounts.list_addresses(tx, account.id) if accounts.address_key(each.address) == key)
    url = subscriptions.manage_url(house.origins["web"], accounts.keep_secret(tx, LINK_SECRET), account.id)
    site = spaces.find_site(tx)
    domain = house.config.mail.domain
    try:
        data = render.link_mail(known.address, url, site.name if site else "Folkmoot", domain, new_hex(), now)
        outbox.enqueue(tx, data, f"bounces@{domain}", [known.address], now)
    except FolkmootError:
        # An address that no mail can be written to has no reader either, and the answer is the same for all.
        return


async def choices(call: Call) -> Response:
    website: Website = call.app
    account_id = await auth.account_of_link(website.house, call.path["token"])
    offered, address = await website.house.db.scan(_offer, account_id, website.house.now())
    asked: SavedQuery = call.data
    return _with_csrf(call, "subscriptions.html", groups=render.groups(offered), address=address, saved=asked.saved)


def _offer(tx: Transaction, account_id: int, now: datetime) -> tuple[list[subscriptions.Choice], str]:
    return subscriptions.list_choices(tx, account_id, now), accounts.primary_address(tx, account_id) or ""


async def choose(call: Call) -> Response:
    house: House = call.app.house
    form: ChoicesForm = call.data
    account_id = await auth.account_of_link(house, call.path["token"])
    require_csrf(call.request, form.csrf)
    if form.everything:
        saved = await house.db.write(subscriptions.unsubscribe_all, account_id, house.now())
    else:
        ticked = set(form.on)
        wanted = {_channel(text): text in ticked for text in form.shown}
        saved = len(await house.db.write(subscriptions.choose, account_id, wanted, house.now()))
    return RedirectResponse(f"/subscriptions/{call.path['token']}?saved={saved}", 303)


def _channel(text: str) -> tuple[int, str]:
    number, _, channel = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 10) or channel not in subscriptions.CHANNELS:
        raise Invalid("choice.invalid", "That choice cannot be read. Load the page again.", "shown")
    return int(number), channel


async def ask_unsubscribe(call: Call) -> Response:
    house: House = call.app.house
    ending = await auth.unsubscription_of_link(house, call.path["token"])
    entry = await house.db.read(_space_of, ending.space_id)
    return render.page(
        "unsubscribe.html",
        private=True,
        done=False,
        what=render.received(entry, ending.channel),
        token=call.path["token"],
    )


async def unsubscribe(call: Call) -> Response:
    # Nothing but the link is asked for: RFC 8058 §3.2 posts without cookies, and who holds the link may do this.
    house: House = call.app.house
    form: UnsubscribeForm = call.data
    ending = await auth.unsubscription_of_link(house, call.path["token"])
    if form.one_click != ONE_CLICK[1]:
        raise Invalid("unsubscribe.unclear", "Open the link in a browser and press the button there.")
    entry = await house.db.read(_space_of, ending.space_id)
    await house.db.write(subscriptions.unsubscribe, ending.account_id, ending.space_id, ending.channel, house.now())
    return render.page(
        "unsubscribe.html",
        private=True,
        done=True,
        what=render.received(entry, ending.channel),
        token=call.path["token"],
    )


def _space_of(tx: Transaction, space_id: int) -> SpaceEntry:
    entry = spaces.list_entries(tx, [space_id]).get(space_id)
    if entry is None:
        raise NotFound("space.unknown", "What this link belonged to is gone; nothing is sent from it any more.")
    return entry


# --- setting up -----------------------------------------------------------------------------------------------------


async def ask_administrator(call: Call) -> Response:
    await auth.require_setup(call.app.house, call.path["token"])
    return _with_csrf(call, "setup.html", token=call.path["token"], problem="", name="")


async def make_administrator(call: Call) -> Response:
    house: House = call.app.house
    form: SetupForm = call.data
    token, name = call.path["token"], form.name.strip()
    await auth.require_setup(house, token)
    require_csrf(call.request, form.csrf)
    try:
        if len(form.password) < 8:
            raise Invalid("password.short", "Choose a password of at least 8 characters.", "password")
        if form.password != form.password_again:
            raise Invalid("password.differs", "The two passwords are not the same.", "password_again")
        hashed = await asyncio.to_thread(house.passwords.hash, form.password)
        async with call.app.setting_up:
            # Somebody else may have been quicker.
            await auth.require_setup(house, token)
            await house.db.write(accounts.register, name, hashed, house.now(), is_admin=True)
    except (Invalid, Conflict) as error:
        return _with_csrf(call, "setup.html", status=400, token=token, problem=error.message, name=name)
    house.setup_token = ""
    return RedirectResponse("/", 303)


def _with_csrf(call: Call, template: str, *, status: int = 200, **values: Any) -> Response:
    token = csrf_token(call.request)
    response = render.page(template, private=True, status=status, csrf=token, **values)
    secure = call.app.house.origins.get("web", "").startswith("https://")
    set_csrf_cookie(response, token, secure=secure)
    return response
