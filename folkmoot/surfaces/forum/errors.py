"""The forum's answers to what goes wrong: its stable codes (lemmy §4.8), always as JSON with all three keys."""

from __future__ import annotations

from starlette.responses import Response

from folkmoot.errors import FolkmootError, RateLimited, TooLarge, Unauthenticated, Unavailable
from folkmoot.net.errors import TooSlow, Unexpected, UnknownPath, WrongMethod
from folkmoot.net.http import json_response
from folkmoot.surfaces.forum.schema import ErrorResponse

UNKNOWN_OP = "Unknown op type"

_CODES = {
    "account.address_taken": "email_already_exists",
    "account.banned": "site_ban",
    "account.matrix_taken": "user_already_exists",
    "account.name": "invalid_username",
    "account.reset_unknown": "couldnt_update_user",
    "account.name_taken": "user_already_exists",
    "account.not_admin": "not_an_admin",
    "account.required": "not_logged_in",
    "account.suspended": "site_ban",
    "account.unknown": "couldnt_find_that_username_or_email",
    "forum.admin_exists": "admin_already_created",
    "forum.passwords_differ": "passwords_dont_match",
    "forum.registration_closed": "registration_closed",
    "message.title_too_long": "post_title_too_long",
    "password.wrong": "password_incorrect",
    "site.exists": "site_already_exists",
    "mention.not_recipient": "couldnt_update_comment",
    "message.not_recipient": "couldnt_update_comment",
    "private_message.not_author": "no_private_message_edit_allowed",
    "private_message.not_recipient": "no_private_message_edit_allowed",
    "site.creator_stays": "couldnt_update_user",
    "site.not_creator": "not_an_admin",
    "site.unknown": "couldnt_update_site",
    "space.ban_refused": "not_a_mod_or_admin",
    "space.banned": "community_ban",
    "space.banned_already": "community_user_already_banned",
    "space.moderator_already": "community_moderator_already_exists",
    "space.no_edit": "no_community_edit_allowed",
    "space.not_owner": "not_an_admin",
    "space.not_permitted": "not_a_mod_or_admin",
    "space.owner_stays": "not_a_mod_or_admin",
    "space.forum_name": "invalid_community_name",
    "space.forum_name_taken": "community_already_exists",
    "subscription.exists": "community_follower_already_exists",
    "thread.locked": "locked",
    "vote.no_downvotes": "downvotes_disabled",
}
# What an operation says when nothing better fits it.
_OWN = {
    "AddAdmin": "couldnt_update_user",
    "AddModToCommunity": "community_moderator_already_exists",
    "BanFromCommunity": "community_user_already_banned",
    "CreatePrivateMessage": "couldnt_create_private_message",
    "EditCommunity": "couldnt_update_community",
    "EditPrivateMessage": "couldnt_update_private_message",
    "EditSite": "couldnt_update_site",
    "SaveSiteConfig": "couldnt_update_site",
    "EditUserMention": "couldnt_update_comment",
    "SaveComment": "couldnt_save_comment",
    "SavePost": "couldnt_save_post",
    "TransferCommunity": "couldnt_update_community",
    "TransferSite": "couldnt_update_site",
    "BanUser": "couldnt_update_user",
    "CreateComment": "couldnt_create_comment",
    "CreateCommentLike": "couldnt_like_comment",
    "CreateCommunity": "community_already_exists",
    "CreatePost": "couldnt_create_post",
    "CreatePostLike": "couldnt_like_post",
    "CreateSite": "site_already_exists",
    "EditComment": "couldnt_update_comment",
    "EditPost": "couldnt_update_post",
    "GetComments": "couldnt_get_comments",
    "PasswordChange": "couldnt_update_user",
    "SaveUserSettings": "couldnt_update_user",
    "FollowCommunity": "community_follower_already_exists",
    "GetCommunity": "couldnt_find_community",
    "GetPost": "couldnt_find_post",
    "GetPosts": "couldnt_get_posts",
}
# Where an operation names something more exactly than the table above.
_BY_OPERATION = {
    ("AddAdmin", "account.unknown"): "couldnt_update_user",
    ("AddModToCommunity", "account.unknown"): "community_moderator_already_exists",
    ("BanFromCommunity", "account.unknown"): "community_user_already_banned",
    ("CreatePrivateMessage", "account.unknown"): "couldnt_create_private_message",
    ("EditCommunity", "space.forum_name_taken"): "couldnt_update_community",
    ("TransferCommunity", "account.unknown"): "couldnt_update_community",
    ("TransferSite", "account.unknown"): "couldnt_update_site",
    **{
        (operation, "space.unknown"): "couldnt_find_community"
        for operation in ("AddModToCommunity", "BanFromCommunity", "EditCommunity", "TransferCommunity")
    },
    ("BanUser", "account.unknown"): "couldnt_update_user",
    ("CreateComment", "space.not_permitted"): "couldnt_create_comment",
    ("CreateComment", "thread.unknown"): "couldnt_find_post",
    # lemmy §3.7: a community that was removed takes no posts.
    ("CreatePost", "space.not_permitted"): "couldnt_create_post",
    ("EditComment", "message.not_author"): "no_comment_edit_allowed",
    ("EditPost", "message.not_author"): "no_post_edit_allowed",
    # What one may not see answers like what does not exist.
    **{
        (operation, code): f"couldnt_find_{what}"
        for what, operations in (
            ("post", ("CreatePostLike", "EditPost")),
            ("comment", ("CreateCommentLike", "EditComment")),
        )
        for operation in operations
        for code in ("message.unknown", "space.unknown", "thread.unknown")
    },
}
# What came later is refused with what it came from.
_CAME_FROM = {
    **dict.fromkeys(("DeletePost", "RemovePost", "LockPost", "StickyPost"), "EditPost"),
    **dict.fromkeys(("DeleteComment", "RemoveComment", "MarkCommentAsRead"), "EditComment"),
    **dict.fromkeys(("DeleteCommunity", "RemoveCommunity"), "EditCommunity"),
    **dict.fromkeys(("DeletePrivateMessage", "MarkPrivateMessageAsRead"), "EditPrivateMessage"),
    "MarkUserMentionAsRead": "EditUserMention",
    "PostJoin": "GetPost",
    "CommunityJoin": "GetCommunity",
}
# Mistakes in the request itself are told in words.
_IN_WORDS = ("forum.words", "body.", "path.", "request.", "rate.", "method.", "store.lost", "store.failed", "internal")

_STATUSES: tuple[tuple[type[FolkmootError], int], ...] = (
    (UnknownPath, 404),
    (WrongMethod, 405),
    (TooLarge, 413),
    (RateLimited, 429),
    (TooSlow, 408),
    (Unexpected, 500),
    (Unavailable, 503),
)


def message(error: FolkmootError, operation: str) -> str:
    """What a client is told: a stable code, or words when the request itself could not be read."""
    operation = _CAME_FROM.get(operation, operation)
    exact = _BY_OPERATION.get((operation, error.code)) or _CODES.get(error.code)
    if exact is not None:
        return exact
    if isinstance(error, UnknownPath):
        return UNKNOWN_OP
    if isinstance(error, Unauthenticated):
        return "not_logged_in"
    if error.code.startswith(_IN_WORDS):
        return error.message
    return _OWN.get(operation, error.message)


def body(operation: str, text: str) -> ErrorResponse:
    """The error's JSON, for both transports."""
    return ErrorResponse(op=operation, message=text, error=text)


def answer(error: FolkmootError, operation: str) -> Response:
    """The HTTP answer: 400 but for the few that have a status of their own (lemmy §1.3)."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 400)
    headers: dict[str, str] = {}
    if isinstance(error, WrongMethod):
        headers["allow"] = ", ".join(error.allow)
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(int(error.retry_after_seconds) + 1)
    return json_response(body(operation, message(error, operation)), status, headers)
