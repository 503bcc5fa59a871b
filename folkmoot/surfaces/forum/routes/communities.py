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
)
