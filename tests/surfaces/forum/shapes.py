"""What every answer of the forum looks like, written down from the contract and not from the code (lemmy §2).

`check` is called for everything the forum's tests see, over both transports: keys, their order, types, and what may be null.
"""

from __future__ import annotations

import re
from typing import Any

from folkmoot.surfaces.forum.routes import OPERATIONS

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?")

# name:type, `?` where null may stand; a list of a view is `[view]`, `yes` is true or (with `?`) null.
_COMMENT = """id:int creator_id:int post_id:int parent_id:int? content:str removed:bool read:bool published:time updated:time?
    deleted:bool community_id:int community_name:str banned:bool banned_from_community:bool creator_name:str
    creator_avatar:str? score:int upvotes:int downvotes:int hot_rank:int user_id:int? my_vote:vote? subscribed:yes?
    saved:yes?"""
_OF_COMMUNITY = "id:int community_id:int user_id:int published:time user_name:str avatar:str? community_name:str"
_ACT = "id:int mod_user_id:int"
VIEWS = {
    "user": """id:int name:str avatar:str? email:str? matrix_user_id:str? fedi_name:str admin:bool banned:bool
        show_avatars:bool send_notifications_to_email:bool published:time number_of_posts:int post_score:int
        number_of_comments:int comment_score:int""",
    "community": """id:int name:str title:str description:str? category_id:int creator_id:int removed:bool published:time
        updated:time? deleted:bool nsfw:bool creator_name:str creator_avatar:str? category_name:str
        number_of_subscribers:int number_of_posts:int number_of_comments:int hot_rank:int user_id:int? subscribed:yes?""",
    "standing": _OF_COMMUNITY,
    "post": """id:int name:str url:str? body:str? creator_id:int community_id:int removed:bool locked:bool published:time
        updated:time? deleted:bool nsfw:bool stickied:bool embed_title:str? embed_description:str? embed_html:str?
        thumbnail_url:str? banned:bool banned_from_community:bool creator_name:str creator_avatar:str? community_name:str
        community_removed:bool community_deleted:bool community_nsfw:bool number_of_comments:int score:int upvotes:int
        downvotes:int hot_rank:int newest_activity_time:time user_id:int? my_vote:vote? subscribed:yes? read:null
        saved:yes?""",
    "comment": _COMMENT,
    "reply": f"{_COMMENT} recipient_id:int",
    "mention": """id:int user_mention_id:int creator_id:int post_id:int parent_id:int? content:str removed:bool read:bool
        published:time updated:time? deleted:bool community_id:int community_name:str banned:bool
        banned_from_community:bool creator_name:str creator_avatar:str? score:int upvotes:int downvotes:int hot_rank:int
        user_id:int? my_vote:vote? saved:yes? recipient_id:int""",
    "site": """id:int name:str description:str? creator_id:int published:time updated:time? enable_downvotes:bool
        open_registration:bool enable_nsfw:bool creator_name:str creator_avatar:str? number_of_users:int
        number_of_posts:int number_of_comments:int number_of_communities:int""",
    "category": "id:int name:str",
    "post_removed": f"""{_ACT} post_id:int reason:str? removed:bool? when_:time mod_user_name:str post_name:str
        community_id:int community_name:str""",
    "post_locked": f"""{_ACT} post_id:int locked:bool? when_:time mod_user_name:str post_name:str community_id:int
        community_name:str""",
    "post_stickied": f"""{_ACT} post_id:int stickied:bool? when_:time mod_user_name:str post_name:str community_id:int
        community_name:str""",
    "comment_removed": f"""{_ACT} comment_id:int reason:str? removed:bool? when_:time mod_user_name:str
        comment_user_id:int comment_user_name:str comment_content:str post_id:int post_name:str community_id:int
        community_name:str""",
    "community_removed": f"""{_ACT} community_id:int reason:str? removed:bool? expires:time? when_:time mod_user_name:str
        community_name:str""",
    "community_banned": f"""{_ACT} other_user_id:int community_id:int reason:str? banned:bool? expires:time? when_:time
        mod_user_name:str other_user_name:str community_name:str""",
    "site_banned": f"""{_ACT} other_user_id:int reason:str? banned:bool? expires:time? when_:time mod_user_name:str
        other_user_name:str""",
    "community_appointed": f"""{_ACT} other_user_id:int community_id:int removed:bool? when_:time mod_user_name:str
        other_user_name:str community_name:str""",
    "site_appointed": f"{_ACT} other_user_id:int removed:bool? when_:time mod_user_name:str other_user_name:str",
    "private": """id:int creator_id:int recipient_id:int content:str deleted:bool read:bool published:time updated:time?
        creator_name:str creator_avatar:str? recipient_name:str recipient_avatar:str?""",
}

# lemmy §2.12
_ENVELOPES = {
    "Login Register SaveUserSettings DeleteAccount PasswordChange": "jwt:str",
    "GetUserDetails": "user:user follows:[standing] moderates:[standing] comments:[comment] posts:[post] admins:[user]",
    "GetReplies MarkAllAsRead": "replies:[reply]",
    "GetUserMentions": "mentions:[mention]",
    "EditUserMention": "mention:mention",
    "AddAdmin": "admins:[user]",
    "BanUser BanFromCommunity": "user:user banned:bool",
    "ListCategories": "categories:[category]",
    "Search": "type_:str comments:[comment] posts:[post] communities:[community] users:[user]",
    "GetModlog": """removed_posts:[post_removed] locked_posts:[post_locked] stickied_posts:[post_stickied]
        removed_comments:[comment_removed] removed_communities:[community_removed]
        banned_from_community:[community_banned] banned:[site_banned] added_to_community:[community_appointed]
        added:[site_appointed]""",
    "CreateSite EditSite": "site:site",
    "GetSite TransferSite": "site:site? admins:[user] banned:[user] online:int",
    "GetSiteConfig SaveSiteConfig": "config_hjson:str",
    "GetCommunity TransferCommunity": "community:community moderators:[standing] admins:[user] online:int",
    "CreateCommunity EditCommunity FollowCommunity": "community:community",
    "ListCommunities": "communities:[community]",
    "GetFollowedCommunities": "communities:[standing]",
    "AddModToCommunity": "moderators:[standing]",
    "CreatePost EditPost SavePost CreatePostLike": "post:post",
    "GetPost": """post:post comments:[comment] community:community moderators:[standing] admins:[user] online:int""",
    "GetPosts": "posts:[post]",
    "CreateComment EditComment SaveComment CreateCommentLike": "comment:comment recipient_ids:[int]",
    "GetComments": "comments:[comment]",
    "UserJoin": "user_id:int",
    "CreatePrivateMessage EditPrivateMessage": "message:private",
    "GetPrivateMessages": "messages:[private]",
    "PasswordReset": "",
    # Beyond the contract: what clients of the next versions ask (README.md).
    "DeletePost RemovePost LockPost StickyPost": "post:post",
    "DeleteComment RemoveComment MarkCommentAsRead": "comment:comment recipient_ids:[int]",
    "DeleteCommunity RemoveCommunity": "community:community",
    "MarkUserMentionAsRead": "mention:mention",
    "DeletePrivateMessage MarkPrivateMessageAsRead": "message:private",
    "PostJoin CommunityJoin": "joined:bool",
    "GetCaptcha": "ok:null",
}
ENVELOPES = {name: shape for names, shape in _ENVELOPES.items() for name in names.split()}
#: Method and path → operation.
PATHS = {(method, path): each.name for each in OPERATIONS for method, path in ((each.method, each.path), *each.aliases)}
#: The operations whose answers were checked, for who wants to know whether all were.
seen: set[str] = set()


def _is(kind: str, value: Any) -> bool:
    if kind == "int":
        return type(value) is int
    if kind == "vote":
        return type(value) is int and value in (-1, 0, 1)
    if kind == "bool":
        return type(value) is bool
    if kind == "yes":
        return value is True
    if kind == "null":
        return value is None
    if kind == "time":
        # A fraction is left out when it is zero, and has three digits where three are enough.
        return isinstance(value, str) and bool(_INSTANT.fullmatch(value)) and not value.endswith((".000", "000000"))
    return kind == "str" and isinstance(value, str)


def _match(shape: str, value: Any, where: str) -> None:
    fields = dict(field.split(":") for field in shape.split())
    assert isinstance(value, dict) and list(value) == list(fields), f"{where}: {value}"
    for name, kind in fields.items():
        _match_field(kind, value[name], f"{where}.{name}")


def _match_field(kind: str, value: Any, where: str) -> None:
    if kind.endswith("?"):
        if value is None:
            return
        kind = kind[:-1]
    if kind.startswith("["):
        assert isinstance(value, list), f"{where}: {value!r}"
        for place, each in enumerate(value):
            _match_field(kind[1:-1], each, f"{where}[{place}]")
    elif kind in VIEWS:
        _match(VIEWS[kind], value, where)
        _match_viewer(value, where)
    else:
        assert _is(kind, value), f"{where}: {value!r} is not {kind}"


def _match_viewer(value: dict[str, Any], where: str) -> None:
    """Who is nobody has no votes and follows and saves nothing; who is somebody has voted something, or 0."""
    if "my_vote" in value:
        assert (value["user_id"] is None) == (value["my_vote"] is None), where
    if "user_id" in value and value["user_id"] is None:
        assert value.get("subscribed") is None and value.get("saved") is None, where
    if value.get("email") is not None:
        # lemmy §2.1: only to oneself.
        assert where == "GetUserDetails.user", where


def check(operation: str, data: Any) -> None:
    """Fails when this is not what the operation answers or broadcasts."""
    seen.add(operation)
    _match(ENVELOPES[operation], data, operation)


def check_error(reply: Any) -> None:
    """Fails when this is not how errors look (lemmy §1.2)."""
    assert list(reply) == ["op", "message", "error"], reply
    assert reply["message"] == reply["error"] and all(isinstance(each, str) for each in reply.values()), reply
