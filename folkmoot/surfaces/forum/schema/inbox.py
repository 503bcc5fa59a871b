"""The inbox and private messages: requests and answers (lemmy §4.1, §4.6, §4.7)."""

from __future__ import annotations

from typing import Literal

import msgspec

from folkmoot.surfaces.forum.schema.views import CommentView
from folkmoot.surfaces.forum.schema.words import Signed, SortType


class ReplyView(CommentView):
    """A comment as it lies in the inbox of who was answered (lemmy §2.6)."""

    recipient_id: int


class UserMentionView(msgspec.Struct):
    id: int
    user_mention_id: int
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
    saved: Literal[True] | None
    recipient_id: int


class PrivateMessageView(msgspec.Struct):
    id: int
    creator_id: int
    recipient_id: int
    content: str
    deleted: bool
    read: bool
    published: str
    updated: str | None
    creator_name: str
    creator_avatar: str | None
    recipient_name: str
    recipient_avatar: str | None


class GetReplies(Signed):
    sort: SortType
    unread_only: bool
    page: int | None = None
    limit: int | None = None


class GetUserMentions(GetReplies):
    """The same questions as for answers."""


class EditUserMention(Signed):
    user_mention_id: int
    read: bool | None = None


class CreatePrivateMessage(Signed):
    content: str
    recipient_id: int


class EditPrivateMessage(Signed):
    edit_id: int
    content: str | None = None
    deleted: bool | None = None
    read: bool | None = None


class GetPrivateMessages(Signed):
    unread_only: bool
    page: int | None = None
    limit: int | None = None


class GetRepliesResponse(msgspec.Struct):
    replies: list[ReplyView]


class GetUserMentionsResponse(msgspec.Struct):
    mentions: list[UserMentionView]


class UserMentionResponse(msgspec.Struct):
    mention: UserMentionView


class PrivateMessageResponse(msgspec.Struct):
    message: PrivateMessageView


class GetPrivateMessagesResponse(msgspec.Struct):
    messages: list[PrivateMessageView]
