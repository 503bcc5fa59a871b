"""Communities: the table (lemmy §4.3)."""

from __future__ import annotations

from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import ANYBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import communities
from folkmoot.surfaces.forum.routes.table import operation

OPERATIONS = (
    operation(
        "GetCommunity",
        "GET",
        "/community",
        ANYBODY,
        communities.get_community,
        schema.GetCommunity,
        schema.GetCommunityResponse,
    ),
    operation(
        "CreateCommunity",
        "POST",
        "/community",
        SIGNED_IN,
        communities.create_community,
        schema.CreateCommunity,
        schema.CommunityResponse,
        "register",
    ),
    operation(
        "ListCommunities",
        "GET",
        "/community/list",
        ANYBODY,
        communities.list_communities,
        schema.ListCommunities,
        schema.ListCommunitiesResponse,
    ),
    operation(
        "FollowCommunity",
        "POST",
        "/community/follow",
        SIGNED_IN,
        communities.follow_community,
        schema.FollowCommunity,
        schema.CommunityResponse,
    ),
    operation(
        "GetFollowedCommunities",
        "GET",
        "/user/followed_communities",
        SIGNED_IN,
        communities.get_followed_communities,
        schema.Signed,
        schema.GetFollowedCommunitiesResponse,
    ),
    operation(
        "EditCommunity",
        "PUT",
        "/community",
        SIGNED_IN,
        communities.edit_community,
        schema.EditCommunity,
        schema.CommunityResponse,
    ),
    operation(
        "BanFromCommunity",
        "POST",
        "/community/ban_user",
        SIGNED_IN,
        communities.ban_from_community,
        schema.BanFromCommunity,
        schema.BanUserResponse,
    ),
    operation(
        "AddModToCommunity",
        "POST",
        "/community/mod",
        SIGNED_IN,
        communities.add_mod_to_community,
        schema.AddModToCommunity,
        schema.ModeratorsResponse,
    ),
    operation(
        "TransferCommunity",
        "POST",
        "/community/transfer",
        SIGNED_IN,
        communities.transfer_community,
        schema.TransferCommunity,
        schema.GetCommunityResponse,
    ),
)
