"""The site as a whole (lemmy §4.2)."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain import accounts, moderation, spaces
from folkmoot.domain.spaces import Site
from folkmoot.errors import Invalid
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import Forum, admin_views, configuring, read, write

_LONGEST_NAME = 20


async def list_categories(call: Call) -> schema.ListCategoriesResponse:
    """What communities can be about."""
    return schema.ListCategoriesResponse(render.categories())


async def create_site(call: Call) -> schema.SiteResponse:
    """Set the site up, once."""
    data: schema.CreateSite = call.data
    now = call.app.house.now()
    call.app.words.require_none(data.name, data.description)

    def act(tx: Transaction) -> schema.SiteView:
        accounts.require_admin(call.actor)
        _check(data)
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
        return site_view(tx, site, now)

    return schema.SiteResponse(await write(call, act))


async def edit_site(call: Call) -> schema.SiteResponse:
    """Change the site."""
    data: schema.EditSite = call.data
    now = call.app.house.now()
    call.app.words.require_none(data.name, data.description)

    def act(tx: Transaction) -> schema.SiteView:
        accounts.require_admin(call.actor)
        _check(data)
        site = spaces.edit_site(
            tx,
            call.actor,
            now,
            name=data.name,
            description=data.description,
            enable_downvotes=data.enable_downvotes,
            open_registration=data.open_registration,
            enable_nsfw=data.enable_nsfw,
        )
        return site_view(tx, site, now)

    return schema.SiteResponse(await write(call, act))


async def transfer_site(call: Call) -> schema.GetSiteResponse:
    """Give the site to another creator."""
    forum: Forum = call.app
    data: schema.TransferSite = call.data
    now = forum.house.now()

    def act(tx: Transaction) -> schema.GetSiteResponse:
        moderation.give_site(tx, call.actor, data.user_id, now)
        return _whole_site(tx, forum, now)

    return await write(call, act)


async def get_site(call: Call) -> schema.GetSiteResponse:
    """The site, who runs it, and how many are connected."""
    forum: Forum = call.app
    now = forum.house.now()

    found = await read(call, _whole_site, forum, now)
    if found.site is None:
        await configuring.set_up(forum)
        found = await read(call, _whole_site, forum, now)
    found.online = len(forum.rooms.connections)
    return found


def _whole_site(tx: Transaction, forum: Forum, now: datetime) -> schema.GetSiteResponse:
    site = spaces.find_site(tx)
    return schema.GetSiteResponse(
        site=site_view(tx, site, now) if site else None,
        admins=admin_views(tx, now, forum.hostname),
        banned=[render.user(each, forum.hostname) for each in accounts.list_banned_profiles(tx, now)],
        online=0,
    )


def _check(data: schema.CreateSite) -> None:
    if not data.name.strip() or len(data.name) > _LONGEST_NAME:
        raise Invalid("site.name", f"A site's name has 1 to {_LONGEST_NAME} characters.", "name")
    spaces.check_description(data.description)


def site_view(tx: Transaction, site: Site, now: datetime) -> schema.SiteView:
    """The site with what it counts of itself."""
    return render.site(site, accounts.get_profile(tx, site.creator_id, now), spaces.count_site(tx))
