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


class EditCommunity(Signed):
    edit_id: int
    name: str
    title: str
    category_id: int
    description: str | None = None
    removed: bool | None = None
    deleted: bool | None = None
    nsfw: bool | None = None
    reason: str | None = None
    expires: int | None = None


class BanFromCommunity(Signed):
    community_id: int
    user_id: int
    ban: bool
    reason: str | None = None
    expires: int | None = None


class AddModToCommunity(Signed):
    community_id: int
    user_id: int
    added: bool


class TransferCommunity(Signed):
    community_id: int
    user_id: int


class ModeratorsResponse(msgspec.Struct):
    moderators: list[CommunityUserView]


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
