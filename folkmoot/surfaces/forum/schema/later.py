"""Requests and answers that came with the next versions of the API, as their clients send them (README.md, Clients)."""

from __future__ import annotations

import msgspec

from folkmoot.surfaces.forum.schema.words import Signed


class Delete(Signed):
    edit_id: int
    deleted: bool


class Remove(Signed):
    edit_id: int
    removed: bool
    reason: str | None = None
    expires: int | None = None


class LockPost(Signed):
    edit_id: int
    locked: bool


class StickyPost(Signed):
    edit_id: int
    stickied: bool


class MarkAsRead(Signed):
    edit_id: int
    read: bool


class MarkUserMentionAsRead(Signed):
    user_mention_id: int
    read: bool


class PostJoin(Signed):
    post_id: int


class CommunityJoin(Signed):
    """Of the community 0 all are parts."""

    community_id: int


class JoinResponse(msgspec.Struct):
    """Over HTTP there is nothing that could join."""

    joined: bool


class CaptchaResponse(msgspec.Struct):
    """Null: nobody is asked for one."""

    ok: None
