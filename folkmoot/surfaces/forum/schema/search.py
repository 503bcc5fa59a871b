"""Search: request and answer (lemmy §4.2, §5.8)."""

from __future__ import annotations

from typing import Literal

import msgspec

from folkmoot.surfaces.forum.schema.views import CommentView, CommunityView, PostView, UserView
from folkmoot.surfaces.forum.schema.words import Signed, SortType

SearchType = Literal["All", "Comments", "Posts", "Communities", "Users", "Url"]


class Search(Signed):
    q: str
    type_: SearchType
    sort: SortType
    community_id: int | None = None
    page: int | None = None
    limit: int | None = None


class SearchResponse(msgspec.Struct):
    type_: SearchType
    comments: list[CommentView]
    posts: list[PostView]
    communities: list[CommunityView]
    users: list[UserView]
