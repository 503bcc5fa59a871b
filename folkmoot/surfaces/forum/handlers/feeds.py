"""The feeds, and what the forum says of itself to other servers (lemmy §8.1, §8.4): pages beside the table of operations."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from folkmoot import __version__
from folkmoot.domain import accounts, conversations, inbox, spaces
from folkmoot.domain.accounts import ANONYMOUS, Actor
from folkmoot.domain.conversations import Order, Scope
from folkmoot.domain.spaces import Site
from folkmoot.errors import FolkmootError, Invalid
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render
from folkmoot.surfaces.forum.handlers import SORTS, Forum, order_of
from folkmoot.surfaces.forum.render.feeds import Item

_MOST_ITEMS = 10
_CONTENT_TYPE = "application/rss+xml"

_MOST_EDITIONS = 4096


class Editions:
    """Since when each feed has read as it does: what its Last-Modified is.

    Votes, edits and the hour itself change a feed, so its items' dates do not say it. A date has seconds only: what
    changed within the second of an edition before is given none until that is over, or who has the first of two would
    be told that he has the second.
    """

    def __init__(self) -> None:
        self._newest: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def since(self, key: str, tag: str, now: datetime) -> datetime | None:
        """Whole seconds; None when it cannot be said yet."""
        second = now.replace(microsecond=0)
        known = self._newest.get(key)
        if known is None or (known[0] != tag and known[1] < second):
            known = self._newest[key] = (tag, second)
            if len(self._newest) > _MOST_EDITIONS:
                self._newest.popitem(last=False)
        self._newest.move_to_end(key)
        return known[1] if known[0] == tag else None


def routes(forum: Forum) -> list[Route]:
    """The addresses of the feeds and of nodeinfo."""
    editions = Editions()

    async def feed(request: Request) -> Response:
        return await _answer(forum, editions, request, request.path_params.get("name", ""))

    async def nodeinfo(request: Request) -> Response:
        return await _nodeinfo(forum)

    async def well_known(request: Request) -> Response:
        return _well_known(forum)

    return [
        Route("/feeds/{kind}.xml", feed),
        Route("/feeds/{kind}/{name}.xml", feed),
        Route("/nodeinfo/2.0.json", nodeinfo),
        Route("/.well-known/nodeinfo", well_known),
    ]


async def _answer(forum: Forum, editions: Editions, request: Request, name: str) -> Response:
    kind, sort = request.path_params["kind"], request.query_params.get("sort", "Hot")
    now = forum.house.now()
    try:
        if sort not in SORTS:
            raise Invalid("feed.sort", "unknown sort")
        if kind in ("front", "inbox"):
            actor = await forum.tokens.actor(name, request.client.host if request.client else "")
        else:
            actor = ANONYMOUS
        data = await forum.house.db.read(_BY_KIND[kind, bool(name)], forum, actor, name, sort, now)
    except KeyError:
        return PlainTextResponse("wrong_type", 400)
    except FolkmootError as error:
        return PlainTextResponse(error.code, 400)
    tag = sha256(data).hexdigest()[:32]
    # Its address holds a token.
    key = sha256(f"{kind}/{name}?{sort}".encode("utf-8", "replace")).hexdigest()
    return _conditional(request, data, f'"{tag}"', editions.since(key, tag, now))


def _conditional(request: Request, data: bytes, tag: str, changed_at: datetime | None) -> Response:
    """The feed, or 304 for who has it already (RFC 9110 §13)."""
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if changed_at is not None:
        headers["last-modified"] = format_datetime(changed_at, usegmt=True)
    given = request.headers.get("if-none-match")
    if given is not None:
        same = given.strip() == "*" or tag in [each.strip().removeprefix("W/") for each in given.split(",")]
    else:
        same = changed_at is not None and _not_after(changed_at, request.headers.get("if-modified-since"))
    return Response(None, 304, headers) if same else Response(data, 200, headers, media_type=_CONTENT_TYPE)


def _not_after(changed_at: datetime, since: str | None) -> bool:
    try:
        return since is not None and changed_at <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


def _all(tx: Transaction, forum: Forum, actor: Actor, name: str, sort: str, now: datetime) -> bytes:
    site = _site(tx)
    scope = conversations.everywhere(True)
    return _posts(tx, forum, site, "All", "", site.description, scope, sort, now)


def _community(tx: Transaction, forum: Forum, actor: Actor, name: str, sort: str, now: datetime) -> bytes:
    space = spaces.get_forum_space(tx, name)
    scope = conversations.within(tx, ANONYMOUS, space.id, True, now)
    return _posts(tx, forum, _site(tx), name, f"/c/{name}", space.description, scope, sort, now)


def _user(tx: Transaction, forum: Forum, actor: Actor, name: str, sort: str, now: datetime) -> bytes:
    account = accounts.get_account_shown_as(tx, name)
    scope = conversations.threads_by(tx, ANONYMOUS, account.id, True, now)
    return _posts(tx, forum, _site(tx), account.label, f"/u/{account.label}", None, scope, sort, now)


def _front(tx: Transaction, forum: Forum, actor: Actor, name: str, sort: str, now: datetime) -> bytes:
    site = _site(tx)
    scope = conversations.followed(tx, actor, True, now)
    return _posts(tx, forum, site, "Subscribed", "", site.description, scope, sort, now)


def _inbox(tx: Transaction, forum: Forum, actor: Actor, name: str, sort: str, now: datetime) -> bytes:
    site, host = _site(tx), forum.hostname
    replies = inbox.list_received(tx, actor, Order.NEW, None, 0, _MOST_ITEMS, now, unread_only=False)
    mentions = inbox.list_mentions(tx, actor, Order.NEW, None, 0, _MOST_ITEMS, now, unread_only=False, shown_only=True)
    items: list[Item] = []
    for ids in ([each.message_id for each in replies], [each.message_id for each in mentions]):
        views = conversations.list_answer_entries(tx, ids, actor.account_id, now)
        items += [render.answer_item(view, host) for view in views]
    return _feed(site, "Inbox", f"https://{host}/inbox", site.description, host, items)


_BY_KIND: dict[tuple[str, bool], Callable[[Transaction, Forum, Actor, str, str, datetime], bytes]] = {
    ("all", False): _all,
    ("c", True): _community,
    ("u", True): _user,
    ("front", True): _front,
    ("inbox", True): _inbox,
}


def _posts(
    tx: Transaction,
    forum: Forum,
    site: Site,
    title: str,
    path: str,
    description: str | None,
    scope: Scope,
    sort: str,
    now: datetime,
) -> bytes:
    host = forum.hostname
    ids = conversations.list_ids(tx, scope, *order_of(sort, now), 0, _MOST_ITEMS, now)
    items = [render.post_item(each, host) for each in conversations.list_thread_entries(tx, ids, None, now)]
    return _feed(site, title, f"https://{host}{path}", description, host, items)


def _feed(site: Site, title: str, link: str, description: str | None, host: str, items: list[Item]) -> bytes:
    return render.feed(f"{site.name} - {title}", link, description or "", host, items)


def _site(tx: Transaction) -> Site:
    return spaces.get_site(tx)


async def _nodeinfo(forum: Forum) -> Response:
    def look(tx: Transaction) -> Response:
        site, totals = _site(tx), spaces.count_site(tx)
        return JSONResponse(
            {
                "version": "2.0",
                "software": {"name": "folkmoot", "version": __version__},
                "protocols": [],
                "usage": {
                    "users": {"total": totals.accounts},
                    "localPosts": totals.posts,
                    "localComments": totals.comments,
                    # lemmy §8.4 has it here, the standard beside it.
                    "openRegistrations": site.open_registration,
                },
                "openRegistrations": site.open_registration,
            }
        )

    try:
        return await forum.house.db.read(look)
    except FolkmootError as error:
        return PlainTextResponse(error.code, 400)


def _well_known(forum: Forum) -> Response:
    return JSONResponse(
        {
            "links": {
                "rel": "http://nodeinfo.diaspora.software/ns/schema/2.0",
                "href": f"https://{forum.hostname}/nodeinfo/2.0.json",
            }
        }
    )
