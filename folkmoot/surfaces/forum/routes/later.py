"""What came with the next versions of the API: the table (README.md, Clients)."""

from __future__ import annotations

from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import ANYBODY, NOBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import inbox, later
from folkmoot.surfaces.forum.routes.table import operation

_POST, _COMMENT, _COMMUNITY = schema.PostResponse, schema.CommentResponse, schema.CommunityResponse
_LETTER = schema.PrivateMessageResponse

OPERATIONS = (
    operation("DeletePost", "POST", "/post/delete", SIGNED_IN, later.delete_post, schema.Delete, _POST),
    operation("RemovePost", "POST", "/post/remove", SIGNED_IN, later.remove_post, schema.Remove, _POST),
    operation("LockPost", "POST", "/post/lock", SIGNED_IN, later.lock_post, schema.LockPost, _POST),
    operation("StickyPost", "POST", "/post/sticky", SIGNED_IN, later.sticky_post, schema.StickyPost, _POST),
    operation("DeleteComment", "POST", "/comment/delete", SIGNED_IN, later.delete_comment, schema.Delete, _COMMENT),
    operation("RemoveComment", "POST", "/comment/remove", SIGNED_IN, later.remove_comment, schema.Remove, _COMMENT),
    operation(
        "MarkCommentAsRead",
        "POST",
        "/comment/mark_as_read",
        SIGNED_IN,
        later.mark_comment_as_read,
        schema.MarkAsRead,
        _COMMENT,
    ),
    operation(
        "DeleteCommunity", "POST", "/community/delete", SIGNED_IN, later.delete_community, schema.Delete, _COMMUNITY
    ),
    operation(
        "RemoveCommunity", "POST", "/community/remove", SIGNED_IN, later.remove_community, schema.Remove, _COMMUNITY
    ),
    operation(
        "MarkUserMentionAsRead",
        "POST",
        "/user/mention/mark_as_read",
        SIGNED_IN,
        inbox.edit_user_mention,
        schema.MarkUserMentionAsRead,
        schema.UserMentionResponse,
    ),
    operation(
        "DeletePrivateMessage",
        "POST",
        "/private_message/delete",
        SIGNED_IN,
        later.delete_private_message,
        schema.Delete,
        _LETTER,
    ),
    operation(
        "MarkPrivateMessageAsRead",
        "POST",
        "/private_message/mark_as_read",
        SIGNED_IN,
        later.mark_private_message_as_read,
        schema.MarkAsRead,
        _LETTER,
    ),
    operation("PostJoin", "POST", "/post/join", ANYBODY, later.post_join, schema.PostJoin, schema.JoinResponse),
    operation(
        "CommunityJoin",
        "POST",
        "/community/join",
        ANYBODY,
        later.community_join,
        schema.CommunityJoin,
        schema.JoinResponse,
    ),
    operation(
        "GetCaptcha", "GET", "/user/get_captcha", NOBODY, later.get_captcha, schema.Request, schema.CaptchaResponse
    ),
)
