"""The site's configuration, and setting a site up from it (lemmy §4.2, §8.3)."""

from __future__ import annotations

import asyncio

import structlog

from folkmoot.domain import accounts, spaces
from folkmoot.errors import FolkmootError, Invalid
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import schema, settings
from folkmoot.surfaces.forum.handlers import Forum, member, read, write
from folkmoot.surfaces.forum.handlers.people import enrol

_logger = structlog.get_logger("forum")


async def get_site_config(call: Call) -> schema.SiteConfigResponse:
    """The site's configuration as it was saved."""
    accounts.require_admin(call.actor)
    return schema.SiteConfigResponse(await read(call, settings.find_text))


async def save_site_config(call: Call) -> schema.SiteConfigResponse:
    """Replace the site's configuration; it counts at once."""
    forum: Forum = call.app
    data: schema.SaveSiteConfig = call.data
    accounts.require_admin(call.actor)
    try:
        words = settings.read(data.config_hjson)
    except Invalid as error:
        _logger.info("the site's configuration was refused", reason=error.message)
        raise Invalid("site.config", error.message, "config_hjson") from error
    house = forum.house
    async with forum.configuring:
        await write(call, settings.keep_text, data.config_hjson)
        before = house.config.forum.jwt_secret
        house.settle(settings.lay_over(house.given, words))
    if house.config.forum.jwt_secret != before:
        # lemmy §8.3: a new secret ends all sessions.
        forum.rooms.sign_out(member(call))
    return schema.SiteConfigResponse(data.config_hjson)


async def set_up(forum: Forum) -> None:
    """Make the site that the configuration describes, if it does: its administrator, and what it is called."""
    house = forum.house
    try:
        setup = settings.read(await house.db.read(settings.find_text)).setup
    except Invalid:
        return
    if setup is None:
        return
    hashed = await asyncio.to_thread(house.passwords.hash, setup.admin_password)
    form = schema.Register(setup.admin_username, setup.admin_password, setup.admin_password, True, setup.admin_email)
    now = house.now()

    def act(tx: Transaction) -> None:
        if spaces.find_site(tx) is not None:
            return
        named = next((each for each in accounts.list_admins(tx) if each.name == setup.admin_username), None)
        account_id = named.id if named else enrol(tx, form, hashed, now, forum.words)
        actor = accounts.actor_of_account(tx, account_id, now)
        # lemmy §4.2: all three off.
        spaces.create_site(
            tx, actor, setup.site_name, None, now, enable_downvotes=False, open_registration=False, enable_nsfw=False
        )

    try:
        await house.db.write(act)
        _logger.info("set the site up from its configuration", name=setup.site_name)
    except FolkmootError as error:
        _logger.warning("the site cannot be set up from its configuration", reason=error.message)
