"""What the forum's operations do: take the decoded request, ask the domain in one transaction, show the outcome.

The same functions answer HTTP and WebSocket; a call over WebSocket brings its `Member`. One file per part of the contract.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar, get_args

from folkmoot.domain import accounts, spaces
from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations import Order, months_before
from folkmoot.errors import Invalid
from folkmoot.house import House
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render
from folkmoot.surfaces.forum.auth import Throttle, Tokens
from folkmoot.surfaces.forum.kept import Pages, Posts
from folkmoot.surfaces.forum.previews import Previews
from folkmoot.surfaces.forum.push import Member, Rooms
from folkmoot.surfaces.forum.schema import SortType, UserView
from folkmoot.text.words import Words

T = TypeVar("T")
P = ParamSpec("P")

# Where a call over WebSocket keeps its member, in the scope of its request.
MEMBER = "folkmoot.forum.member"

_MOST_LIMIT = 9999
#: A page that ends further back than this is read out of the others' way.
DEEP = 1000
SORTS = get_args(SortType)
_WINDOWS = {"TopDay": timedelta(days=1), "TopWeek": timedelta(days=7)}
_MONTHS = {"TopMonth": 1, "TopYear": 12}


@dataclass(frozen=True, slots=True)
class Forum:
    """What the handlers work with: `call.app`."""

    house: House
    rooms: Rooms
    tokens: Tokens
    throttle: Throttle
    previews: Previews
    pages: Pages = field(default_factory=Pages)
    posts: Posts = field(default_factory=Posts)
    # Held by who changes the site's configuration.
    configuring: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def hostname(self) -> str:
        return self.house.config.site.hostname

    @property
    def words(self) -> Words:
        return _words(self.house.config.forum.word_filter)


@lru_cache(maxsize=1)
def _words(pattern: str) -> Words:
    return Words(pattern)


def member(call: Call) -> Member | None:
    """The live connection a call came through, if any."""
    found: Member | None = call.request.scope.get(MEMBER)
    return found


async def read(call: Call, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask the database."""
    forum: Forum = call.app
    return await forum.house.db.read(query, *args, **kwargs)


async def write(call: Call, action: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Change the database; the change is marked with the connection it came through."""
    forum: Forum = call.app
    came_through = member(call)
    return await forum.house.db.write_from(came_through.source if came_through else "", action, *args, **kwargs)


def page(data: Any) -> tuple[int, int]:
    """How many to skip and how many to give (lemmy §5.1)."""
    limit = data.limit if data.limit is not None and data.limit >= 1 else 10
    limit = min(limit, _MOST_LIMIT)
    number = data.page if data.page is not None and data.page >= 1 else 1
    return min(limit * (number - 1), 2**31), limit


def order_of(sort: str, now: datetime) -> tuple[Order, datetime | None]:
    """The order a sort word means, and since when what it lists was born (lemmy §5.3: the windows roll)."""
    if sort == "Hot":
        return Order.HOT, None
    if sort == "New":
        return Order.NEW, None
    if sort in _WINDOWS:
        return Order.TOP, now - _WINDOWS[sort]
    return Order.TOP, months_before(now, _MONTHS[sort]) if sort in _MONTHS else None


def instant(seconds: int | None) -> datetime | None:
    """A request's `expires`, seconds since 1970. Raises Invalid for what is no time."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid("time.invalid", "This is no time.", "expires") from error


def shows_nsfw(tx: Transaction, actor: Actor) -> bool:
    """Do the actor's listings include what is not safe for work? Nobody's do."""
    return actor.account_id is not None and accounts.shows_nsfw(tx, actor.account_id)


def admin_views(tx: Transaction, now: datetime, hostname: str) -> list[UserView]:
    """The administrators, the site's creator first."""
    site = spaces.find_site(tx)
    return render.admins(accounts.list_admin_profiles(tx, now), site.creator_id if site else None, hostname)
