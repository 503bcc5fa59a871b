"""What the forum shows of accounts, communities, posts and comments, keys in the order of the contract (lemmy §2)."""

from __future__ import annotations

from typing import Literal

import msgspec


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
