"""Posts: the table (lemmy §4.4)."""

from __future__ import annotations

from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import ANYBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import posts
from folkmoot.surfaces.forum.routes.table import operation

OPERATIONS = (
    operation(
        "CreatePost", "POST", "/post", SIGNED_IN, posts.create_post, schema.CreatePost, schema.PostResponse, "post"
    ),
    operation("GetPost", "GET", "/post", ANYBODY, posts.get_post, schema.GetPost, schema.GetPostResponse),
    operation("GetPosts", "GET", "/post/list", ANYBODY, posts.get_posts, schema.GetPosts, schema.GetPostsResponse),
    operation(
        "CreatePostLike",
        "POST",
        "/post/like",
        SIGNED_IN,
        posts.create_post_like,
        schema.CreatePostLike,
        schema.PostResponse,
        "message",
    ),
    operation("EditPost", "PUT", "/post", SIGNED_IN, posts.edit_post, schema.EditPost, schema.PostResponse),
)
