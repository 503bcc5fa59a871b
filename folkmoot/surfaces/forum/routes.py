"""The table of the forum's operations: one handler each, whatever the transport (lemmy §4)."""

from __future__ import annotations

from typing import Any

from folkmoot.net.http import Call, Handler, Operation
from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import ANYBODY, NOBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import comments, communities, people, posts, sites

_ROOT = "/api/v1"
_MAX_BODY_BYTES = 256 * 1024


def _limited(kind: str, handler: Handler) -> Handler:
    async def handle(call: Call) -> Any:
        return await call.app.throttle.spend(kind, call, handler, call.app.house.now())

    return handle


def _operation(
    name: str, method: str, path: str, permission: str, handler: Handler, request: Any, response: Any, limit: str = ""
) -> Operation:
    return Operation(
        name=name,
        method=method,
        path=_ROOT + path,
        handler=_limited(limit, handler) if limit else handler,
        request=request,
        response=response,
        permission=permission,
        summary=(handler.__doc__ or "").strip(),
        max_body_bytes=_MAX_BODY_BYTES,
        tag="forum",
    )


_S = schema
OPERATIONS = (
    _operation("Login", "POST", "/user/login", NOBODY, people.login, _S.Login, _S.LoginResponse),
    _operation(
        "Register", "POST", "/user/register", NOBODY, people.register, _S.Register, _S.LoginResponse, "register"
    ),
    _operation("BanUser", "POST", "/user/ban", SIGNED_IN, people.ban_user, _S.BanUser, _S.BanUserResponse),
    _operation(
        "ListCategories", "GET", "/categories", NOBODY, sites.list_categories, _S.Request, _S.ListCategoriesResponse
    ),
    _operation("CreateSite", "POST", "/site", SIGNED_IN, sites.create_site, _S.CreateSite, _S.SiteResponse),
    _operation("GetSite", "GET", "/site", NOBODY, sites.get_site, _S.Request, _S.GetSiteResponse),
    _operation(
        "GetCommunity",
        "GET",
        "/community",
        ANYBODY,
        communities.get_community,
        _S.GetCommunity,
        _S.GetCommunityResponse,
    ),
    _operation(
        "CreateCommunity",
        "POST",
        "/community",
        SIGNED_IN,
        communities.create_community,
        _S.CreateCommunity,
        _S.CommunityResponse,
        "register",
    ),
    _operation(
        "ListCommunities",
        "GET",
        "/community/list",
        ANYBODY,
        communities.list_communities,
        _S.ListCommunities,
        _S.ListCommunitiesResponse,
    ),
    _operation(
        "FollowCommunity",
        "POST",
        "/community/follow",
        SIGNED_IN,
        communities.follow_community,
        _S.FollowCommunity,
        _S.CommunityResponse,
    ),
    _operation(
        "GetFollowedCommunities",
        "GET",
        "/user/followed_communities",
        SIGNED_IN,
        communities.get_followed_communities,
        _S.Signed,
        _S.GetFollowedCommunitiesResponse,
    ),
    _operation("CreatePost", "POST", "/post", SIGNED_IN, posts.create_post, _S.CreatePost, _S.PostResponse, "post"),
    _operation("GetPost", "GET", "/post", ANYBODY, posts.get_post, _S.GetPost, _S.GetPostResponse),
    _operation("GetPosts", "GET", "/post/list", ANYBODY, posts.get_posts, _S.GetPosts, _S.GetPostsResponse),
    _operation(
        "CreatePostLike",
        "POST",
        "/post/like",
        SIGNED_IN,
        posts.create_post_like,
        _S.CreatePostLike,
        _S.PostResponse,
        "message",
    ),
    _operation("EditPost", "PUT", "/post", SIGNED_IN, posts.edit_post, _S.EditPost, _S.PostResponse),
    _operation(
        "CreateComment",
        "POST",
        "/comment",
        SIGNED_IN,
        comments.create_comment,
        _S.CreateComment,
        _S.CommentResponse,
        "message",
    ),
    _operation("EditComment", "PUT", "/comment", SIGNED_IN, comments.edit_comment, _S.EditComment, _S.CommentResponse),
    _operation(
        "CreateCommentLike",
        "POST",
        "/comment/like",
        SIGNED_IN,
        comments.create_comment_like,
        _S.CreateCommentLike,
        _S.CommentResponse,
    ),
)

# Without an HTTP path (lemmy §4.7).
SOCKET_OPERATIONS = (
    Operation(
        name="UserJoin",
        method="",
        path="",
        handler=people.user_join,
        request=_S.Signed,
        response=_S.UserJoinResponse,
        permission=SIGNED_IN,
        summary="Bring the caller's connection into his own room.",
        tag="forum",
    ),
)
