"""The site as a whole (lemmy §4.2)."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain import accounts, spaces
from folkmoot.domain.spaces import Site
from folkmoot.errors import Invalid
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import Forum, admin_views, read, write

_LONGEST_NAME = 20


async def list_categories(call: Call) -> schema.ListCategoriesResponse:
    """What communities can be about."""
    return schema.ListCategoriesResponse(render.categories())


async def create_site(call: Call) -> schema.SiteResponse:
    """Set the site up, once."""
    data: schema.CreateSite = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.SiteView:
        accounts.require_admin(call.actor)
        if not data.name.strip() or len(data.name) > _LONGEST_NAME:
            raise Invalid("site.name", f"A site's name has 1 to {_LONGEST_NAME} characters.", "name")
        site = spaces.create_site(
            tx,
            call.actor,
            data.name,
            data.description,
            now,
            enable_downvotes=data.enable_downvotes is not False,
            open_registration=data.open_registration is not False,
            enable_nsfw=data.enable_nsfw is not False,
        )
        return _site(tx, site, now)

    return schema.SiteResponse(await write(call, act))


async def get_site(call: Call) -> schema.GetSiteResponse:
    """The site, who runs it, and how many are connected."""
    forum: Forum = call.app
    now = forum.house.now()

    def look(tx: Transaction) -> schema.GetSiteResponse:
        site = spaces.find_site(tx)
        return schema.GetSiteResponse(
            site=_site(tx, site, now) if site else None,
            admins=admin_views(tx, now, forum.hostname),
            banned=[render.user(each, forum.hostname) for each in accounts.list_banned_profiles(tx, now)],
            online=len(forum.rooms.connections),
        )

    return await read(call, look)


def _site(tx: Transaction, site: Site, now: datetime) -> schema.SiteView:
    return render.site(site, accounts.get_profile(tx, site.creator_id, now), spaces.count_site(tx))
