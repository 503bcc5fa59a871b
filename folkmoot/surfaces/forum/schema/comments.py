"""Comments: requests and answers (lemmy §4.5)."""

from __future__ import annotations

import msgspec

from folkmoot.surfaces.forum.schema.views import CommentView
from folkmoot.surfaces.forum.schema.words import ListingType, Signed, SortType


class CreateComment(Signed):
    content: str
    post_id: int
    parent_id: int | None = None


class SaveComment(Signed):
    comment_id: int
    save: bool


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


class GetComments(Signed):
    type_: ListingType
    sort: SortType
    page: int | None = None
    limit: int | None = None
    community_id: int | None = None


class GetCommentsResponse(msgspec.Struct):
    comments: list[CommentView]


class CommentResponse(msgspec.Struct):
    comment: CommentView
    recipient_ids: list[int]
