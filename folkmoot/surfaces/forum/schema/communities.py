"""Communities: requests and answers (lemmy §4.3)."""

from __future__ import annotations

import msgspec

from folkmoot.surfaces.forum.schema.views import CommunityUserView, CommunityView, UserView
from folkmoot.surfaces.forum.schema.words import Signed, SortType


class GetCommunity(Signed):
    id: int | None = None
    name: str | None = None


class CreateCommunity(Signed):
    name: str
    title: str
    category_id: int
    description: str | None = None
    nsfw: bool | None = None


class ListCommunities(Signed):
    sort: SortType
    page: int | None = None
    limit: int | None = None


class FollowCommunity(Signed):
    community_id: int
    follow: bool


class CommunityResponse(msgspec.Struct):
    community: CommunityView


class GetCommunityResponse(msgspec.Struct):
    community: CommunityView
    moderators: list[CommunityUserView]
    admins: list[UserView]
    online: int


class ListCommunitiesResponse(msgspec.Struct):
    communities: list[CommunityView]


class GetFollowedCommunitiesResponse(msgspec.Struct):
    communities: list[CommunityUserView]
