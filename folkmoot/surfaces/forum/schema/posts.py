"""Posts: requests and answers (lemmy §4.4)."""

from __future__ import annotations

import msgspec

from folkmoot.surfaces.forum.schema.views import CommentView, CommunityUserView, CommunityView, PostView, UserView
from folkmoot.surfaces.forum.schema.words import ListingType, Signed, SortType


class CreatePost(Signed):
    name: str
    community_id: int
    url: str | None = None
    body: str | None = None
    nsfw: bool | None = None


class GetPost(Signed):
    id: int


class GetPosts(Signed):
    type_: ListingType
    sort: SortType
    page: int | None = None
    limit: int | None = None
    community_id: int | None = None


class CreatePostLike(Signed):
    post_id: int
    score: int


class SavePost(Signed):
    post_id: int
    save: bool


class EditPost(Signed):
    """`creator_id` and `community_id` are sent by clients and not looked at (lemmy §3.7)."""

    edit_id: int
    name: str
    creator_id: int | None = None
    community_id: int | None = None
    url: str | None = None
    body: str | None = None
    removed: bool | None = None
    deleted: bool | None = None
    nsfw: bool | None = None
    locked: bool | None = None
    stickied: bool | None = None
    reason: str | None = None


class PostResponse(msgspec.Struct):
    post: PostView


class GetPostResponse(msgspec.Struct):
    post: PostView
    comments: list[CommentView]
    community: CommunityView
    moderators: list[CommunityUserView]
    admins: list[UserView]
    online: int


class GetPostsResponse(msgspec.Struct):
    posts: list[PostView]
