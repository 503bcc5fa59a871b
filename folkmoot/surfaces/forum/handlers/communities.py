"""Communities: spaces with a forum face (lemmy §4.3)."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain import accounts, moderation, spaces, subscriptions
from folkmoot.domain.accounts import Actor, require_account, require_unbanned
from folkmoot.domain.conversations import hot_rank
from folkmoot.domain.spaces import Community, Rights
from folkmoot.errors import Forbidden
from folkmoot.net.http import Call
from folkmoot.store import Transaction, microseconds
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import Forum, admin_views, instant, member, page, read, shows_nsfw, write


async def get_community(call: Call) -> schema.GetCommunityResponse:
    """A community by id or name; over WebSocket the caller enters its room."""
    forum: Forum = call.app
    data: schema.GetCommunity = call.data
    now = forum.house.now()

    def look(tx: Transaction) -> schema.GetCommunityResponse:
        space_id = data.id if data.id is not None else spaces.get_forum_space(tx, data.name or "main").id
        return schema.GetCommunityResponse(
            community=view(tx, call.actor, space_id, now),
            moderators=moderator_views(tx, space_id),
            admins=admin_views(tx, now, forum.hostname),
            online=0,
        )

    response = await read(call, look)
    room = ("community", response.community.id)
    forum.rooms.enter(member(call), room, call.actor.account_id)
    response.online = forum.rooms.count(room)
    return response


async def create_community(call: Call) -> schema.CommunityResponse:
    """A new community, owned, moderated and followed by the caller."""
    data: schema.CreateCommunity = call.data
    now = call.app.house.now()
    call.app.words.require_none(data.name, data.title, data.description)

    def act(tx: Transaction) -> schema.CommunityView:
        spaces.check_forum_name(data.name)
        account_id = require_unbanned(call.actor)
        spaces.check_community(data.title, data.category_id)
        space = spaces.create_space(tx, call.actor, data.name, data.title, data.description, now)
        spaces.add_forum_face(tx, space.id, data.name, data.category_id, bool(data.nsfw))
        subscriptions.start(tx, account_id, space.id, "forum", now)
        return view(tx, call.actor, space.id, now)

    return schema.CommunityResponse(await write(call, act))


async def list_communities(call: Call) -> schema.ListCommunitiesResponse:
    """All communities the caller may see, a page of them."""
    forum: Forum = call.app
    data: schema.ListCommunities = call.data
    now = forum.house.now()

    def look(tx: Transaction) -> list[Community]:
        return spaces.list_communities(tx, call.actor, shows_nsfw(tx, call.actor), now)

    found = sort_communities(await forum.house.db.scan(look), data.sort, now)
    skip, most = page(data)
    viewer_id = call.actor.account_id
    return schema.ListCommunitiesResponse(
        [render.community(each, viewer_id, now) for each in found[skip : skip + most]]
    )


def sort_communities(found: list[Community], sort: schema.SortType, now: datetime) -> list[Community]:
    """Communities in the order a sort word means."""
    # lemmy §5.5
    if sort == "New":
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)
    if sort == "Hot":
        at = microseconds(now)
        ranks = {each.id: hot_rank(each.followers, microseconds(each.created_at), at) for each in found}
        return sorted(found, key=lambda each: (-ranks[each.id], -each.followers, each.id))
    return sorted(found, key=lambda each: (not each.is_followed, -each.followers, each.id))


async def edit_community(call: Call) -> schema.CommunityResponse:
    """Change a community: moderators what it says and whether it stays, its owner whether it is deleted."""
    forum: Forum = call.app
    data: schema.EditCommunity = call.data
    now = forum.house.now()

    def act(tx: Transaction) -> schema.CommunityView:
        actor: Actor = call.actor
        old = spaces.get_community(tx, actor, data.edit_id, now)
        spaces.check_forum_name(data.name)
        require_unbanned(actor)
        if not spaces.rights(tx, actor, spaces.get_space(tx, data.edit_id), now) & Rights.MODERATE:
            raise Forbidden("space.no_edit", "Only those who moderate a community may change it.")
        # lemmy §4.3: clients send the whole form, so only what differs from what is stored asks for a role.
        if data.deleted is not None and data.deleted != old.deleted:
            if actor.account_id != old.owner_id:
                raise Forbidden("space.no_edit", "Only its owner may delete a community.")
            spaces.set_space_deleted(tx, actor, data.edit_id, data.deleted, now)
        if data.removed is not None:
            expires = instant(data.expires)
            moderation.remove_space(tx, actor, data.edit_id, data.removed, now, data.reason, expires)
        spaces.edit_community(
            tx,
            actor,
            data.edit_id,
            now,
            name=data.name,
            title=data.title,
            category_id=data.category_id,
            description=data.description,
            nsfw=data.nsfw,
        )
        return view(tx, actor, data.edit_id, now)

    return schema.CommunityResponse(await write(call, act))


async def ban_from_community(call: Call) -> schema.BanUserResponse:
    """Ban an account from writing in one community, or lift the ban."""
    forum: Forum = call.app
    data: schema.BanFromCommunity = call.data
    now = forum.house.now()

    def act(tx: Transaction) -> schema.BanUserResponse:
        spaces.get_community(tx, call.actor, data.community_id, now)
        until = instant(data.expires)
        moderation.ban_from_space(tx, call.actor, data.community_id, data.user_id, data.ban, now, data.reason, until)
        profile = accounts.get_profile(tx, data.user_id, now)
        return schema.BanUserResponse(render.user(profile, forum.hostname), data.ban)

    return await write(call, act)


async def add_mod_to_community(call: Call) -> schema.ModeratorsResponse:
    """Appoint a moderator, or end that."""
    data: schema.AddModToCommunity = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.ModeratorsResponse:
        spaces.get_community(tx, call.actor, data.community_id, now)
        moderation.appoint(tx, call.actor, data.community_id, data.user_id, data.added, now)
        return schema.ModeratorsResponse(moderator_views(tx, data.community_id))

    return await write(call, act)


async def transfer_community(call: Call) -> schema.GetCommunityResponse:
    """Give a community to another owner."""
    forum: Forum = call.app
    data: schema.TransferCommunity = call.data
    now = forum.house.now()

    def act(tx: Transaction) -> schema.GetCommunityResponse:
        spaces.get_community(tx, call.actor, data.community_id, now)
        moderation.give_space(tx, call.actor, data.community_id, data.user_id, now)
        return schema.GetCommunityResponse(
            community=view(tx, call.actor, data.community_id, now),
            moderators=moderator_views(tx, data.community_id),
            admins=admin_views(tx, now, forum.hostname),
            online=0,
        )

    return await write(call, act)


async def follow_community(call: Call) -> schema.CommunityResponse:
    """Begin or cease to follow a community."""
    data: schema.FollowCommunity = call.data
    actor: Actor = call.actor
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.CommunityView:
        spaces.get_community(tx, actor, data.community_id, now)
        account_id = actor.account_id or 0
        if data.follow:
            subscriptions.start(tx, account_id, data.community_id, "forum", now)
        else:
            subscriptions.end(tx, account_id, data.community_id, "forum")
        return view(tx, actor, data.community_id, now)

    return schema.CommunityResponse(await write(call, act))


async def get_followed_communities(call: Call) -> schema.GetFollowedCommunitiesResponse:
    """What the caller follows."""
    actor: Actor = call.actor
    followed = await read(call, spaces.list_followed_by, actor, require_account(actor), call.app.house.now())
    return schema.GetFollowedCommunitiesResponse([render.community_user(each) for each in followed])


def view(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> schema.CommunityView:
    """A community as the actor sees it; raises NotFound."""
    return render.community(spaces.get_community(tx, actor, space_id, now), actor.account_id, now)


def moderator_views(tx: Transaction, space_id: int) -> list[schema.CommunityUserView]:
    """Who moderates a community, the first appointed first."""
    return [render.community_user(each) for each in spaces.list_moderator_standings(tx, space_id)]
