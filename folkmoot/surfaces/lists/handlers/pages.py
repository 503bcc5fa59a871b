"""The archive's pages: lists, threads, raw messages and mailboxes (contract §6.4, §7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response, StreamingResponse

from folkmoot.domain import conversations, spaces
from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations import ArchivedMessage, Letterhead, MessageView
from folkmoot.domain.spaces import MailingList, Rights
from folkmoot.errors import Forbidden, Invalid, NotFound, Unauthenticated
from folkmoot.house import House
from folkmoot.net.http import Call
from folkmoot.net.pages import SECURITY_HEADERS, csrf_token, html_page, require_csrf, set_csrf_cookie
from folkmoot.store import Transaction
from folkmoot.surfaces.lists import render, schema
from folkmoot.surfaces.lists.handlers.api import letterhead
from folkmoot.text import mail

_MOST_LISTS = 100
_BATCH = 50
_HIGHEST_PAGE = 100_000


async def show_style(call: Call) -> Response:
    return Response(render.STYLE, media_type="text/css", headers={"cache-control": "max-age=3600"})


async def show_index(call: Call) -> Response:
    house: House = call.app
    found = await house.db.read(spaces.list_public_mailing_lists, _MOST_LISTS)
    return html_page(render.TEMPLATES.get_template("index.html"), render.index_values(found))


# --- a list -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Archive:
    """A page of a list's archive."""

    face: MailingList
    may_browse: bool
    roots: Sequence[ArchivedMessage]
    pages: int


async def show_list(call: Call) -> Response:
    house: House = call.app
    number = _page_number(call)
    owner, name = call.path["owner"], call.path["name"]
    archive = await house.db.read(_read_archive, call.actor, owner, name, number, house.now())
    token = csrf_token(call.request)
    values = render.list_values(
        archive.face,
        archive.roots,
        number,
        archive.pages,
        domain=house.config.mail.domain,
        may_browse=archive.may_browse,
        csrf=token,
    )
    response = html_page(render.TEMPLATES.get_template("list.html"), values)
    set_csrf_cookie(response, token, secure=house.origins.get("lists", "").startswith("https:"))
    return response


def _read_archive(tx: Transaction, actor: Actor, owner: str, name: str, number: int, now: datetime) -> _Archive:
    face, held = _visible_list(tx, actor, owner, name, now)
    if not held & Rights.BROWSE:
        return _Archive(face, False, (), 1)
    size = schema.THREADS_PER_PAGE
    roots = conversations.list_archived_roots(tx, face.id, size, (number - 1) * size)
    return _Archive(face, True, roots, max(1, -(-conversations.count_archived_roots(tx, face.id) // size)))


def _visible_list(tx: Transaction, actor: Actor, owner: str, name: str, now: datetime) -> tuple[MailingList, Rights]:
    """The list a page is about. Contract §7: NotFound when missing, Unauthenticated when private."""
    face = spaces.find_mailing_list(tx, owner, name)
    if face is None:
        raise NotFound("space.unknown", "There is no such list.")
    held = spaces.rights(tx, actor, spaces.get_space(tx, face.id), now)
    if face.visibility == "PRIVATE" and not held:
        raise Unauthenticated("space.private", "This list is private.")
    return face, held


def _readable_list(tx: Transaction, actor: Actor, owner: str, name: str, now: datetime) -> MailingList:
    face, held = _visible_list(tx, actor, owner, name, now)
    if not held & Rights.BROWSE:
        raise Forbidden("space.not_permitted", "You may not read this list.")
    return face


def _page_number(call: Call) -> int:
    text = call.query.get("page", "") or "1"
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:9]) <= _HIGHEST_PAGE:
        raise Invalid("page.number", "There is no such page.", "page")
    return int(text[:9])


# --- a thread, a message ----------------------------------------------------------------------------------------------


async def show_message(call: Call) -> Response:
    """A thread, or what the words behind its Message-ID ask for: `/raw`, `/mbox`."""
    house: House = call.app
    rest = call.path["message"]
    what, mail_id = "", rest
    for word in ("raw", "mbox"):
        if rest.endswith(f"/{word}"):
            what, mail_id = word, rest.removesuffix(f"/{word}")
    owner, name = call.path["owner"], call.path["name"]
    face, message = await house.db.read(_read_message, call.actor, owner, name, mail_id, house.now())
    if what == "raw":
        data = await house.db.read(conversations.read_mail, letterhead(house), message.id)
        return Response(data, media_type="text/plain", headers=dict(SECURITY_HEADERS))
    if not message.is_root:
        if what == "mbox":
            raise NotFound("thread.unknown", "There is no such thread.")
        return await _redirect_to_root(house, face, message)
    thread = conversations.order_by_answer(await house.db.read(conversations.list_archived_thread, message.id))
    if what == "mbox":
        return _mailbox(house, [each.id for each in thread], "thread.mbox")
    views = await house.db.read(_read_views, message.id)
    values = render.thread_values(face, thread, views, domain=house.config.mail.domain)
    return html_page(render.TEMPLATES.get_template("thread.html"), values)


def _read_message(
    tx: Transaction, actor: Actor, owner: str, name: str, mail_id: str, now: datetime
) -> tuple[MailingList, ArchivedMessage]:
    face = _readable_list(tx, actor, owner, name, now)
    message = conversations.find_archived_in(tx, face.id, mail_id if mail_id.startswith("<") else f"<{mail_id}>")
    if message is None:
        raise NotFound("message.unknown", "There is no such message.")
    return face, message


def _read_views(tx: Transaction, thread_id: int) -> dict[int, MessageView]:
    return {view.id: view for view in conversations.list_thread_views(tx, thread_id)}


async def _redirect_to_root(house: House, face: MailingList, message: ArchivedMessage) -> Response:
    root = await house.db.read(conversations.get_archived, message.thread_id)
    return RedirectResponse(f"{render.message_path(face, root.mail_id)}#{quote(message.mail_id, safe='')}", 302)


# --- mailboxes --------------------------------------------------------------------------------------------------------


async def export_list(call: Call) -> Response:
    """A list's mailbox, by date: everything, or the last days of it."""
    house: House = call.app
    form: schema.Export = call.data
    require_csrf(call.request, form.csrf)
    if not (form.days.isascii() and form.days.isdigit() and len(form.days) <= 6):
        raise Invalid("export.days", "The number of days is a number; 0 is all.", "days")
    since = house.now() - timedelta(days=int(form.days)) if int(form.days) else None
    owner, name = call.path["owner"], call.path["name"]
    face, ids = await house.db.scan(_read_ids, call.actor, owner, name, since, house.now())
    return _mailbox(house, ids, f"{face.owner_name}-{face.name}.mbox")


def _read_ids(
    tx: Transaction, actor: Actor, owner: str, name: str, since: datetime | None, now: datetime
) -> tuple[MailingList, list[int]]:
    face = _readable_list(tx, actor, owner, name, now)
    return face, conversations.list_archived_ids(tx, face.id, since)


def _mailbox(house: House, ids: Sequence[int], filename: str) -> Response:
    """An answer that is written while it is read from the database, a few messages at a time."""
    headers = {**SECURITY_HEADERS, "content-disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(_spool(house, ids), media_type="application/mbox", headers=headers)


async def _spool(house: House, ids: Sequence[int]) -> AsyncIterator[bytes]:
    for start in range(0, len(ids), _BATCH):
        yield await house.db.scan(_read_batch, letterhead(house), ids[start : start + _BATCH])


def _read_batch(tx: Transaction, written_with: Letterhead, ids: Sequence[int]) -> bytes:
    return b"".join(mail.write_mbox(conversations.read_mailbox(tx, written_with, ids)))
