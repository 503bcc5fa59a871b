"""The inbox and private messages: the table (lemmy §4.1, §4.6, §4.7)."""

from __future__ import annotations

from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import SIGNED_IN
from folkmoot.surfaces.forum.handlers import inbox
from folkmoot.surfaces.forum.routes.table import operation

OPERATIONS = (
    operation(
        "GetReplies",
        "GET",
        "/user/replies",
        SIGNED_IN,
        inbox.get_replies,
        schema.GetReplies,
        schema.GetRepliesResponse,
    ),
    operation(
        "GetUserMentions",
        "GET",
        "/user/mentions",
        SIGNED_IN,
        inbox.get_user_mentions,
        schema.GetUserMentions,
        schema.GetUserMentionsResponse,
        also=("GET", "/user/mention"),
    ),
    operation(
        "EditUserMention",
        "PUT",
        "/user/mention",
        SIGNED_IN,
        inbox.edit_user_mention,
        schema.EditUserMention,
        schema.UserMentionResponse,
    ),
    operation(
        "MarkAllAsRead",
        "POST",
        "/user/mark_all_as_read",
        SIGNED_IN,
        inbox.mark_all_as_read,
        schema.Signed,
        schema.GetRepliesResponse,
    ),
    operation(
        "SavePost",
        "POST",
        "/post/save",
        SIGNED_IN,
        inbox.save_post,
        schema.SavePost,
        schema.PostResponse,
        also=("PUT", "/post/save"),
    ),
    operation(
        "SaveComment",
        "POST",
        "/comment/save",
        SIGNED_IN,
        inbox.save_comment,
        schema.SaveComment,
        schema.CommentResponse,
        also=("PUT", "/comment/save"),
    ),
    operation(
        "CreatePrivateMessage",
        "POST",
        "/private_message",
        SIGNED_IN,
        inbox.create_private_message,
        schema.CreatePrivateMessage,
        schema.PrivateMessageResponse,
    ),
    operation(
        "EditPrivateMessage",
        "PUT",
        "/private_message",
        SIGNED_IN,
        inbox.edit_private_message,
        schema.EditPrivateMessage,
        schema.PrivateMessageResponse,
    ),
    operation(
        "GetPrivateMessages",
        "GET",
        "/private_message/list",
        SIGNED_IN,
        inbox.get_private_messages,
        schema.GetPrivateMessages,
        schema.GetPrivateMessagesResponse,
    ),
)
