"""Comments: the table (lemmy §4.5)."""

from __future__ import annotations

from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import ANYBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import comments
from folkmoot.surfaces.forum.routes.table import operation

OPERATIONS = (
    operation(
        "CreateComment",
        "POST",
        "/comment",
        SIGNED_IN,
        comments.create_comment,
        schema.CreateComment,
        schema.CommentResponse,
        "message",
    ),
    operation(
        "EditComment", "PUT", "/comment", SIGNED_IN, comments.edit_comment, schema.EditComment, schema.CommentResponse
    ),
    operation(
        "CreateCommentLike",
        "POST",
        "/comment/like",
        SIGNED_IN,
        comments.create_comment_like,
        schema.CreateCommentLike,
        schema.CommentResponse,
    ),
    operation(
        "GetComments",
        "GET",
        "/comment/list",
        ANYBODY,
        comments.get_comments,
        schema.GetComments,
        schema.GetCommentsResponse,
    ),
)
