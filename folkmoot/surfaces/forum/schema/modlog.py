"""The record of moderation: its nine lists (lemmy §2.10, §4.2). The key really is `when_`."""

from __future__ import annotations

import msgspec


class ModRemovePostView(msgspec.Struct):
    id: int
    mod_user_id: int
    post_id: int
    reason: str | None
    removed: bool | None
    when_: str
    mod_user_name: str
    post_name: str
    community_id: int
    community_name: str


class ModLockPostView(msgspec.Struct):
    id: int
    mod_user_id: int
    post_id: int
    locked: bool | None
    when_: str
    mod_user_name: str
    post_name: str
    community_id: int
    community_name: str


class ModStickyPostView(msgspec.Struct):
    id: int
    mod_user_id: int
    post_id: int
    stickied: bool | None
    when_: str
    mod_user_name: str
    post_name: str
    community_id: int
    community_name: str


class ModRemoveCommentView(msgspec.Struct):
    id: int
    mod_user_id: int
    comment_id: int
    reason: str | None
    removed: bool | None
    when_: str
    mod_user_name: str
    comment_user_id: int
    comment_user_name: str
    comment_content: str
    post_id: int
    post_name: str
    community_id: int
    community_name: str


class ModRemoveCommunityView(msgspec.Struct):
    id: int
    mod_user_id: int
    community_id: int
    reason: str | None
    removed: bool | None
    expires: str | None
    when_: str
    mod_user_name: str
    community_name: str


class ModBanFromCommunityView(msgspec.Struct):
    id: int
    mod_user_id: int
    other_user_id: int
    community_id: int
    reason: str | None
    banned: bool | None
    expires: str | None
    when_: str
    mod_user_name: str
    other_user_name: str
    community_name: str


class ModBanView(msgspec.Struct):
    id: int
    mod_user_id: int
    other_user_id: int
    reason: str | None
    banned: bool | None
    expires: str | None
    when_: str
    mod_user_name: str
    other_user_name: str


class ModAddCommunityView(msgspec.Struct):
    id: int
    mod_user_id: int
    other_user_id: int
    community_id: int
    removed: bool | None
    when_: str
    mod_user_name: str
    other_user_name: str
    community_name: str


class ModAddView(msgspec.Struct):
    id: int
    mod_user_id: int
    other_user_id: int
    removed: bool | None
    when_: str
    mod_user_name: str
    other_user_name: str


class GetModlog(msgspec.Struct):
    mod_user_id: int | None = None
    community_id: int | None = None
    page: int | None = None
    limit: int | None = None


class GetModlogResponse(msgspec.Struct):
    removed_posts: list[ModRemovePostView]
    locked_posts: list[ModLockPostView]
    stickied_posts: list[ModStickyPostView]
    removed_comments: list[ModRemoveCommentView]
    removed_communities: list[ModRemoveCommunityView]
    banned_from_community: list[ModBanFromCommunityView]
    banned: list[ModBanView]
    added_to_community: list[ModAddCommunityView]
    added: list[ModAddView]
