"""From the domain's values to the forum's views; pure."""

from folkmoot.surfaces.forum.render.feeds import answer_item, feed, post_item
from folkmoot.surfaces.forum.render.inbox import mention, private_message, reply
from folkmoot.surfaces.forum.render.modlog import LISTS, OF_THE_SITE, mod_act
from folkmoot.surfaces.forum.render.times import stored_timestamp, timestamp
from folkmoot.surfaces.forum.render.views import (
    admins,
    categories,
    comment,
    community,
    community_user,
    content,
    folded,
    post,
    posts,
    site,
    user,
)
from folkmoot.surfaces.forum.render.written import WrittenPost, page_of_posts, written_posts

__all__ = [
    "LISTS",
    "OF_THE_SITE",
    "WrittenPost",
    "admins",
    "answer_item",
    "categories",
    "comment",
    "community",
    "community_user",
    "content",
    "feed",
    "folded",
    "mention",
    "mod_act",
    "page_of_posts",
    "post",
    "post_item",
    "posts",
    "private_message",
    "reply",
    "site",
    "stored_timestamp",
    "timestamp",
    "user",
    "written_posts",
]
