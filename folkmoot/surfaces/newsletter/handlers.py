"""What each operation does: read the request, call the domain once, render."""

from __future__ import annotations

import re

import msgspec
from starlette.responses import Response

from folkmoot.domain import spaces, subscriptions
from folkmoot.domain.spaces import Newsletter, NewsletterChange, NewsletterFace, NewsletterFilter
from folkmoot.errors import Invalid
from folkmoot.net.http import Call, json_response
from folkmoot.store import Transaction
from folkmoot.surfaces.newsletter import auth, render
from folkmoot.surfaces.newsletter.schema import ListBody, ListOut, ListsDeletion, ListsPage, ListsQuery

_DEFAULT_PER_PAGE = 20
# Longer pages are read on a worker thread, out of everybody's way.
_LONG_PAGE = 100
_ORDERS = ("name", "status", "created_at", "updated_at", "subscriber_count")
_NUMBER = re.compile(r"-?[0-9]{1,15}")
_ID = re.compile(r"[0-9]{1,15}")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")


async def health(call: Call) -> bool:
    """Whoever gets here has a credential that is right, or needed none."""
    return True


# --- lists ----------------------------------------------------------------------------------------------------------


async def get_lists(call: Call) -> ListsPage:
    asked: ListsQuery = call.data
    chosen = _filter(asked, auth.permitted_lists(call.actor, "get"))
    if asked.minimal in _TRUE:
        return await _minimal(call, asked, chosen)
    page, per_page = _page(asked.page), _per_page(asked.per_page)
    if per_page:
        chosen = msgspec.structs.replace(chosen, most=per_page, skip=min((page - 1) * per_page, 2**62))
    short = 0 < per_page <= _LONG_PAGE and not chosen.words
    found, total = await (call.app.db.read if short else call.app.db.scan)(_lists_with_total, chosen)
    results = [render.newsletter(each) for each in found]
    return ListsPage(results=results, query=asked.query, total=total, per_page=per_page, page=page)


def _lists_with_total(tx: Transaction, chosen: NewsletterFilter) -> tuple[list[Newsletter], int]:
    return spaces.list_newsletters(tx, chosen), spaces.count_newsletters(tx, chosen)


async def _minimal(call: Call, asked: ListsQuery, chosen: NewsletterFilter) -> ListsPage:
    # listmonk §4.2: all rows, by id
    chosen = msgspec.structs.replace(chosen, order_by="id", descending=False)
    found = await call.app.db.scan(_faces_with_tags, chosen)
    results = [render.minimal_newsletter(face, tags) for face, tags in found]
    return ListsPage(results=results, query=asked.query, total=len(results), per_page=len(results), page=1)


def _faces_with_tags(tx: Transaction, chosen: NewsletterFilter) -> list[tuple[NewsletterFace, tuple[str, ...]]]:
    faces = spaces.list_newsletter_faces(tx, chosen)
    tags = spaces.list_newsletter_tags(tx, [face.space_id for face in faces])
    return [(face, tags.get(face.space_id, ())) for face in faces]


async def get_list(call: Call) -> ListOut:
    wanted = list_id(call)
    auth.require_list(call.actor, "get", wanted)
    return render.newsletter(await call.app.db.read(spaces.get_newsletter, wanted))


async def create_list(call: Call) -> ListOut:
    made = await call.app.db.write(spaces.create_newsletter, call.actor, _change(call.data), call.app.now())
    return render.newsletter(made)


async def update_list(call: Call) -> ListOut:
    wanted = list_id(call)
    auth.require_list(call.actor, "manage", wanted)
    changed = await call.app.db.write(spaces.edit_newsletter, call.actor, wanted, _change(call.data), call.app.now())
    return render.newsletter(changed)


async def delete_list(call: Call) -> bool:
    wanted = list_id(call)
    auth.require_list(call.actor, "manage", wanted)
    await call.app.db.write(subscriptions.close_newsletters, call.actor, [wanted])
    return True


async def delete_lists(call: Call) -> bool:
    asked: ListsDeletion = call.data
    if asked.id:
        wanted = [_positive(text) for text in asked.id]
        for each in wanted:
            auth.require_list(call.actor, "manage", each)
        await call.app.db.write(subscriptions.close_newsletters, call.actor, wanted)
        return True
    everything = asked.all in _TRUE
    if not everything and not asked.query.strip():
        raise Invalid("request.missing", "no list IDs, `query` or `all` given", "id")
    # listmonk §4.2: what may not be managed is skipped
    permitted = auth.permitted_lists(call.actor, "manage")
    text = None if everything else asked.query
    await call.app.db.write(subscriptions.close_newsletters_named, call.actor, text, permitted)
    return True


async def get_public_lists(call: Call) -> Response:
    found = await call.app.db.read(spaces.list_public_newsletters)
    # listmonk: a bare array, without the envelope
    return json_response([render.public_list(face) for face in found])


# --- reading a request ----------------------------------------------------------------------------------------------


def list_id(call: Call) -> int:
    """The id in the path. Raises Invalid unless it is a positive integer."""
    return _positive(call.path["id"])


def _positive(text: str) -> int:
    number = int(text) if _ID.fullmatch(text) else 0
    if number < 1:
        raise Invalid("request.id", "invalid ID", "id")
    return number


def _filter(asked: ListsQuery, permitted: frozenset[int] | None) -> NewsletterFilter:
    return NewsletterFilter(
        words=spaces.search_words(asked.query),
        statuses=_given(asked.status),
        types=_given([asked.type]),
        optins=_given([asked.optin]),
        tags=spaces.newsletter_tags(asked.tag),
        permitted=permitted,
        order_by=asked.order_by if asked.order_by in _ORDERS else "created_at",
        descending=asked.order.lower() != "asc",
    )


def _given(words: list[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word)


def _page(text: str) -> int:
    return max(int(text), 1) if _NUMBER.fullmatch(text) else 1


def _per_page(text: str) -> int:
    """How many to a page; 0 for all of them (listmonk §2.1)."""
    if text == "all":
        return 0
    number = int(text) if _NUMBER.fullmatch(text) else 0
    return 0 if number < 0 else number or _DEFAULT_PER_PAGE


def _change(body: ListBody) -> NewsletterChange:
    return NewsletterChange(
        name=body.name or None,
        type=body.type or None,
        optin=body.optin or None,
        status=body.status or None,
        description=body.description or None,
        tags=None if body.tags is None else spaces.newsletter_tags(body.tags),
    )
