"""The forum's wire shapes and words: requests, views and answers, keys in the order of the contract (lemmy §2)."""

from __future__ import annotations

from typing import Literal

import msgspec

SortType = Literal["Hot", "New", "TopDay", "TopWeek", "TopMonth", "TopYear", "TopAll"]
ListingType = Literal["All", "Subscribed", "Community"]

# lemmy §8.2
CATEGORIES = (
    *("Discussion", "Humor/Memes", "Gaming", "Movies", "TV", "Music", "Literature", "Comics", "Photography", "Art"),
    *("Learning", "DIY", "Lifestyle", "News", "Politics", "Society", "Gender/Identity/Sexuality", "Race/Colonisation"),
    *("Religion", "Science/Technology", "Programming/Software", "Health/Sports/Fitness", "Porn", "Places", "Meta"),
    "Other",
)


# --- views (lemmy §2) ------------------------------------------------------------------------------------------------


class UserView(msgspec.Struct):
    id: int
    name: str
    avatar: str | None
    email: str | None
    matrix_user_id: str | None
    fedi_name: str
    admin: bool
    banned: bool
    show_avatars: bool
    send_notifications_to_email: bool
    published: str
    number_of_posts: int
    post_score: int
    number_of_comments: int
    comment_score: int


class CommunityView(msgspec.Struct):
    id: int
    name: str
    title: str
    description: str | None
    category_id: int
    creator_id: int
    removed: bool
    published: str
    updated: str | None
    deleted: bool
    nsfw: bool
    creator_name: str
    creator_avatar: str | None
    category_name: str
    number_of_subscribers: int
    number_of_posts: int
    number_of_comments: int
    hot_rank: int
    user_id: int | None
    subscribed: Literal[True] | None


class CommunityUserView(msgspec.Struct):
    """A follower, a moderator or a banned account of a community: all three look the same (lemmy §2.3)."""

    id: int
    community_id: int
    user_id: int
    published: str
    user_name: str
    avatar: str | None
    community_name: str


class PostView(msgspec.Struct):
    id: int
    name: str
    url: str | None
    body: str | None
    creator_id: int
    community_id: int
    removed: bool
    locked: bool
    published: str
    updated: str | None
    deleted: bool
    nsfw: bool
    stickied: bool
    embed_title: str | None
    embed_description: str | None
    embed_html: str | None
    thumbnail_url: str | None
    banned: bool
    banned_from_community: bool
    creator_name: str
    creator_avatar: str | None
    community_name: str
    community_removed: bool
    community_deleted: bool
    community_nsfw: bool
    number_of_comments: int
    score: int
    upvotes: int
    downvotes: int
    hot_rank: int
    newest_activity_time: str
    user_id: int | None
    my_vote: int | None
    subscribed: Literal[True] | None
    read: bool | None
    saved: Literal[True] | None


class CommentView(msgspec.Struct):
    id: int
    creator_id: int
    post_id: int
    parent_id: int | None
    content: str
    removed: bool
    read: bool
    published: str
    updated: str | None
    deleted: bool
    community_id: int
    community_name: str
    banned: bool
    banned_from_community: bool
    creator_name: str
    creator_avatar: str | None
    score: int
    upvotes: int
    downvotes: int
    hot_rank: int
    user_id: int | None
    my_vote: int | None
    subscribed: Literal[True] | None
    saved: Literal[True] | None


class SiteView(msgspec.Struct):
    id: int
    name: str
    description: str | None
    creator_id: int
    published: str
    updated: str | None
    enable_downvotes: bool
    open_registration: bool
    enable_nsfw: bool
    creator_name: str
    creator_avatar: str | None
    number_of_users: int
    number_of_posts: int
    number_of_comments: int
    number_of_communities: int


class CategoryView(msgspec.Struct):
    id: int
    name: str


# --- requests (lemmy §4) ---------------------------------------------------------------------------------------------


class Request(msgspec.Struct):
    """Any request; who needs no token has none."""


class Signed(msgspec.Struct, kw_only=True):
    """A request that may carry a token (lemmy §3)."""

    auth: str | None = None


class Login(Request):
    username_or_email: str
    password: str


class Register(Request):
    username: str
    password: str
    password_verify: str
    admin: bool
    email: str | None = None
    show_nsfw: bool | None = None


class CreateSite(Signed):
    name: str
    description: str | None = None
    enable_downvotes: bool | None = None
    open_registration: bool | None = None
    enable_nsfw: bool | None = None


class BanUser(Signed):
    user_id: int
    ban: bool
    reason: str | None = None
    expires: int | None = None


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


class CreateComment(Signed):
    content: str
    post_id: int
    parent_id: int | None = None


class EditComment(Signed):
    """`creator_id`, `post_id` and `parent_id` are sent by clients and not looked at (lemmy §3.7)."""

    content: str
    edit_id: int
    creator_id: int | None = None
    post_id: int | None = None
    parent_id: int | None = None
    removed: bool | None = None
    deleted: bool | None = None
    read: bool | None = None
    reason: str | None = None


class CreateCommentLike(Signed):
    comment_id: int
    score: int
    post_id: int | None = None


# --- answers (lemmy §2.12) -------------------------------------------------------------------------------------------


class LoginResponse(msgspec.Struct):
    jwt: str


class SiteResponse(msgspec.Struct):
    site: SiteView


class GetSiteResponse(msgspec.Struct):
    site: SiteView | None
    admins: list[UserView]
    banned: list[UserView]
    online: int


class BanUserResponse(msgspec.Struct):
    user: UserView
    banned: bool


class ListCategoriesResponse(msgspec.Struct):
    categories: list[CategoryView]


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


class CommentResponse(msgspec.Struct):
    comment: CommentView
    recipient_ids: list[int]


class UserJoinResponse(msgspec.Struct):
    user_id: int


class ErrorResponse(msgspec.Struct):
    """DOC has `op` and `message`, the clients of the era look at `error` (lemmy §1.2)."""

    op: str
    message: str
    error: str
