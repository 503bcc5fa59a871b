"""The error codes of every operation, in the order of its checks: each request is wrong in two ways, and the first is told.

The rows are those of the contract's tables (lemmy §4.1 to §4.7). One forum serves them all.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from folkmoot.store import SqliteEngine
from folkmoot.surfaces.forum.routes import OPERATIONS
from tests.surfaces.forum.hall import Hall, hall_on

LONG = "x" * 10_001
NEW = {"username": "fresh", "password": "a", "password_verify": "a", "admin": False}
SETTINGS = {"show_nsfw": False, "theme": "darkly", "default_sort_type": 0, "default_listing_type": 1}
COMMUNITY = {"name": "fresh", "title": "T", "category_id": 1}

# Operation, who asks, what, and the code; names in braces are ids of `furnish`.
ROWS: list[tuple[str, str, dict[str, Any], str]] = [
    ("Login", "", {"username_or_email": "nobody", "password": "x"}, "couldnt_find_that_username_or_email"),
    ("Login", "", {"username_or_email": "ann", "password": "x"}, "password_incorrect"),
    ("Register", "", {**NEW, "password_verify": "b", "username": "darn"}, "passwords_dont_match"),
    ("Register", "", {**NEW, "username": "darn", "admin": True}, "No slurs - darn"),
    ("Register", "", {**NEW, "username": "a b", "admin": True}, "admin_already_created"),
    ("Register", "", {**NEW, "username": "a b", "email": "ann@example.org"}, "invalid_username"),
    ("Register", "", {**NEW, "email": "ANN@example.org"}, "email_already_exists"),
    ("Register", "", {**NEW, "username": "Ann"}, "user_already_exists"),
    ("GetUserDetails", "ann", {"username": "nobody", "sort": "New"}, "couldnt_find_that_username_or_email"),
    ("GetUserDetails", "ann", {"username": "ann", "user_id": 99, "sort": "New"}, "couldnt_find_that_username_or_email"),
    ("SaveUserSettings", "", SETTINGS, "not_logged_in"),
    ("SaveUserSettings", "ann", {**SETTINGS, "new_password": "n", "old_password": "x"}, "passwords_dont_match"),
    (
        "SaveUserSettings",
        "ann",
        {**SETTINGS, "new_password": "n", "new_password_verify": "n", "email": "bob@example.org"},
        "password_incorrect",
    ),
    (
        "SaveUserSettings",
        "ann",
        {**SETTINGS, "email": "bob@example.org", "matrix_user_id": "@bob:x"},
        "email_already_exists",
    ),
    ("SaveUserSettings", "ann", {**SETTINGS, "matrix_user_id": "@bob:x"}, "user_already_exists"),
    ("DeleteAccount", "", {"password": "x"}, "not_logged_in"),
    ("DeleteAccount", "ann", {"password": "x"}, "password_incorrect"),
    ("GetReplies", "", {"sort": "New", "unread_only": False}, "not_logged_in"),
    ("GetUserMentions", "", {"sort": "New", "unread_only": False}, "not_logged_in"),
    ("EditUserMention", "", {"user_mention_id": 1}, "not_logged_in"),
    ("EditUserMention", "ann", {"user_mention_id": 99}, "couldnt_update_comment"),
    ("MarkAllAsRead", "", {}, "not_logged_in"),
    ("AddAdmin", "ann", {"user_id": 99, "added": True}, "not_an_admin"),
    ("AddAdmin", "admin", {"user_id": 99, "added": True}, "couldnt_update_user"),
    ("BanUser", "ann", {"user_id": 99, "ban": True}, "not_an_admin"),
    ("BanUser", "admin", {"user_id": 99, "ban": True}, "couldnt_update_user"),
    ("CreateSite", "", {"name": "darn"}, "not_logged_in"),
    ("CreateSite", "ann", {"name": "Darn"}, "No slurs - Darn"),
    ("CreateSite", "ann", {"name": "x", "description": "darn"}, "No slurs - darn"),
    ("CreateSite", "ann", {"name": "x"}, "not_an_admin"),
    ("CreateSite", "admin", {"name": "x" * 21}, "site_already_exists"),
    ("CreateSite", "admin", {"name": "x", "description": LONG}, "site_already_exists"),
    ("EditSite", "", {"name": "darn"}, "not_logged_in"),
    ("EditSite", "ann", {"name": "darn"}, "No slurs - darn"),
    ("EditSite", "ann", {"name": "x" * 21}, "not_an_admin"),
    ("EditSite", "admin", {"name": "x" * 21}, "couldnt_update_site"),
    ("EditSite", "admin", {"name": " "}, "couldnt_update_site"),
    ("EditSite", "admin", {"name": "x", "description": LONG}, "couldnt_update_site"),
    ("TransferSite", "ann", {"user_id": 99}, "not_an_admin"),
    ("TransferSite", "boss", {"user_id": 99}, "not_an_admin"),
    ("TransferSite", "admin", {"user_id": 99}, "couldnt_update_site"),
    ("GetSiteConfig", "", {}, "not_logged_in"),
    ("GetSiteConfig", "ann", {}, "not_an_admin"),
    ("SaveSiteConfig", "ann", {"config_hjson": "{"}, "not_an_admin"),
    ("SaveSiteConfig", "admin", {"config_hjson": "{"}, "couldnt_update_site"),
    ("GetCommunity", "", {"id": 99, "name": "main"}, "couldnt_find_community"),
    ("CreateCommunity", "", {**COMMUNITY, "name": "darn"}, "not_logged_in"),
    ("CreateCommunity", "banned", {**COMMUNITY, "name": "Darn", "title": "oh darn"}, "No slurs - Darn, darn"),
    ("CreateCommunity", "banned", {**COMMUNITY, "name": "A b"}, "invalid_community_name"),
    ("CreateCommunity", "banned", {**COMMUNITY, "name": "main"}, "site_ban"),
    ("CreateCommunity", "ann", {**COMMUNITY, "name": "main"}, "community_already_exists"),
    ("CreateCommunity", "ann", {**COMMUNITY, "title": "x" * 101}, "community_already_exists"),
    ("CreateCommunity", "ann", {**COMMUNITY, "description": LONG}, "community_already_exists"),
    ("CreateCommunity", "ann", {**COMMUNITY, "category_id": 27}, "community_already_exists"),
    ("BanFromCommunity", "ann", {"community_id": "{main}", "user_id": 99, "ban": True}, "not_a_mod_or_admin"),
    ("BanFromCommunity", "admin", {"community_id": 99, "user_id": 1, "ban": True}, "couldnt_find_community"),
    (
        "BanFromCommunity",
        "admin",
        {"community_id": "{main}", "user_id": 99, "ban": True},
        "community_user_already_banned",
    ),
    (
        "BanFromCommunity",
        "admin",
        {"community_id": "{main}", "user_id": "{outlaw}", "ban": True},
        "community_user_already_banned",
    ),
    ("AddModToCommunity", "ann", {"community_id": "{main}", "user_id": 99, "added": True}, "not_a_mod_or_admin"),
    (
        "AddModToCommunity",
        "admin",
        {"community_id": "{main}", "user_id": "{admin}", "added": True},
        "community_moderator_already_exists",
    ),
    ("EditCommunity", "", {**COMMUNITY, "edit_id": "{main}", "name": "darn"}, "No slurs - darn"),
    ("EditCommunity", "", {**COMMUNITY, "edit_id": "{main}", "name": "A b"}, "not_logged_in"),
    ("EditCommunity", "banned", {**COMMUNITY, "edit_id": "{main}", "name": "A b"}, "invalid_community_name"),
    ("EditCommunity", "banned", {**COMMUNITY, "edit_id": "{main}"}, "site_ban"),
    ("EditCommunity", "ann", {**COMMUNITY, "edit_id": "{main}", "category_id": 27}, "no_community_edit_allowed"),
    ("EditCommunity", "admin", {**COMMUNITY, "edit_id": "{main}", "category_id": 27}, "couldnt_update_community"),
    ("EditCommunity", "admin", {**COMMUNITY, "edit_id": "{main}", "name": "other"}, "couldnt_update_community"),
    ("EditCommunity", "admin", {**COMMUNITY, "edit_id": "{main}", "description": LONG}, "couldnt_update_community"),
    ("EditCommunity", "admin", {**COMMUNITY, "edit_id": 99}, "couldnt_find_community"),
    ("FollowCommunity", "ann", {"community_id": "{main}", "follow": True}, "community_follower_already_exists"),
    ("FollowCommunity", "", {"community_id": "{main}", "follow": True}, "not_logged_in"),
    ("GetFollowedCommunities", "", {}, "not_logged_in"),
    ("TransferCommunity", "ann", {"community_id": "{main}", "user_id": 99}, "not_an_admin"),
    ("TransferCommunity", "admin", {"community_id": "{main}", "user_id": 99}, "couldnt_update_community"),
    ("TransferCommunity", "admin", {"community_id": 99, "user_id": 1}, "couldnt_find_community"),
    ("CreatePost", "", {"name": "darn", "community_id": "{main}"}, "not_logged_in"),
    ("CreatePost", "outlaw", {"name": "x", "body": "darn", "community_id": "{main}"}, "No slurs - darn"),
    ("CreatePost", "outlaw", {"name": "x" * 201, "community_id": "{main}"}, "community_ban"),
    ("CreatePost", "banned", {"name": "x" * 201, "community_id": "{main}"}, "site_ban"),
    ("CreatePost", "ann", {"name": "x" * 201, "body": LONG, "community_id": "{main}"}, "post_title_too_long"),
    ("CreatePost", "ann", {"name": "x", "body": LONG, "community_id": "{main}"}, "couldnt_create_post"),
    ("CreatePost", "ann", {"name": " ", "community_id": "{main}"}, "couldnt_create_post"),
    ("GetPost", "", {"id": 99}, "couldnt_find_post"),
    ("CreatePostLike", "outlaw", {"post_id": 99, "score": 7}, "couldnt_find_post"),
    ("CreatePostLike", "outlaw", {"post_id": "{post}", "score": 7}, "community_ban"),
    ("CreatePostLike", "banned", {"post_id": "{post}", "score": 7}, "site_ban"),
    ("CreatePostLike", "ann", {"post_id": "{post}", "score": 7}, "couldnt_like_post"),
    ("EditPost", "", {"edit_id": "{post}", "name": "darn"}, "No slurs - darn"),
    ("EditPost", "", {"edit_id": "{post}", "name": "x"}, "not_logged_in"),
    ("EditPost", "outlaw", {"edit_id": "{post}", "name": "x" * 201}, "no_post_edit_allowed"),
    ("EditPost", "outlaw", {"edit_id": "{outlawed}", "name": "x" * 201}, "community_ban"),
    ("EditPost", "banned", {"edit_id": "{bannedpost}", "name": "x" * 201}, "site_ban"),
    ("EditPost", "ann", {"edit_id": "{post}", "name": "x" * 201, "body": LONG}, "post_title_too_long"),
    ("EditPost", "ann", {"edit_id": "{post}", "name": "x", "body": LONG}, "couldnt_update_post"),
    ("EditPost", "ann", {"edit_id": 99, "name": "x"}, "couldnt_find_post"),
    ("SavePost", "", {"post_id": "{post}", "save": True}, "not_logged_in"),
    ("SavePost", "ann", {"post_id": 99, "save": True}, "couldnt_save_post"),
    ("CreateComment", "", {"content": "x", "post_id": "{post}"}, "not_logged_in"),
    ("CreateComment", "outlaw", {"content": LONG, "post_id": 99}, "couldnt_find_post"),
    ("CreateComment", "outlaw", {"content": LONG, "post_id": "{locked}"}, "community_ban"),
    ("CreateComment", "banned", {"content": LONG, "post_id": "{locked}"}, "site_ban"),
    ("CreateComment", "admin", {"content": LONG, "post_id": "{locked}"}, "locked"),
    ("CreateComment", "ann", {"content": LONG, "post_id": "{post}"}, "couldnt_create_comment"),
    ("EditComment", "", {"edit_id": "{comment}", "content": "x"}, "not_logged_in"),
    ("EditComment", "ann", {"edit_id": 99, "content": "x"}, "couldnt_find_comment"),
    ("EditComment", "outlaw", {"edit_id": "{comment}", "content": LONG}, "no_comment_edit_allowed"),
    ("EditComment", "outlaw", {"edit_id": "{outlawedcomment}", "content": LONG}, "community_ban"),
    ("EditComment", "banned", {"edit_id": "{bannedcomment}", "content": LONG}, "site_ban"),
    ("EditComment", "ann", {"edit_id": "{comment}", "content": LONG}, "couldnt_update_comment"),
    ("SaveComment", "ann", {"comment_id": 99, "save": True}, "couldnt_save_comment"),
    ("SaveComment", "ann", {"comment_id": "{post}", "save": True}, "couldnt_save_comment"),
    ("CreateCommentLike", "outlaw", {"comment_id": 99, "score": 7}, "couldnt_find_comment"),
    ("CreateCommentLike", "outlaw", {"comment_id": "{comment}", "score": 7}, "community_ban"),
    ("CreateCommentLike", "banned", {"comment_id": "{comment}", "score": 7}, "site_ban"),
    ("CreateCommentLike", "ann", {"comment_id": "{comment}", "score": 7}, "couldnt_like_comment"),
    ("CreatePrivateMessage", "", {"content": "x", "recipient_id": 1}, "not_logged_in"),
    ("CreatePrivateMessage", "banned", {"content": "x", "recipient_id": 99}, "site_ban"),
    ("CreatePrivateMessage", "ann", {"content": "x", "recipient_id": 99}, "couldnt_create_private_message"),
    ("CreatePrivateMessage", "ann", {"content": LONG, "recipient_id": 1}, "couldnt_create_private_message"),
    ("EditPrivateMessage", "banned", {"edit_id": 99, "content": "x"}, "site_ban"),
    ("EditPrivateMessage", "bob", {"edit_id": "{letter}", "content": LONG}, "no_private_message_edit_allowed"),
    ("EditPrivateMessage", "ann", {"edit_id": "{letter}", "content": LONG}, "couldnt_update_private_message"),
    ("EditPrivateMessage", "ann", {"edit_id": 99, "content": "x"}, "couldnt_update_private_message"),
    ("GetPrivateMessages", "", {"unread_only": False}, "not_logged_in"),
    ("DeletePost", "", {"edit_id": "{post}", "deleted": True}, "not_logged_in"),
    ("DeletePost", "ann", {"edit_id": 99, "deleted": True}, "couldnt_find_post"),
    ("DeletePost", "ann", {"edit_id": "{comment}", "deleted": True}, "couldnt_find_post"),
    ("DeletePost", "admin", {"edit_id": "{post}", "deleted": True}, "no_post_edit_allowed"),
    ("DeletePost", "outlaw", {"edit_id": "{outlawed}", "deleted": True}, "community_ban"),
    ("DeletePost", "banned", {"edit_id": "{bannedpost}", "deleted": True}, "site_ban"),
    ("RemovePost", "ann", {"edit_id": "{post}", "removed": False}, "no_post_edit_allowed"),
    ("RemovePost", "admin", {"edit_id": "{post}", "removed": True, "reason": LONG}, "couldnt_update_post"),
    ("LockPost", "ann", {"edit_id": "{post}", "locked": True}, "no_post_edit_allowed"),
    ("StickyPost", "ann", {"edit_id": "{post}", "stickied": True}, "no_post_edit_allowed"),
    ("DeleteComment", "", {"edit_id": "{comment}", "deleted": True}, "not_logged_in"),
    ("DeleteComment", "ann", {"edit_id": "{post}", "deleted": True}, "couldnt_find_comment"),
    ("DeleteComment", "admin", {"edit_id": "{comment}", "deleted": True}, "no_comment_edit_allowed"),
    ("DeleteComment", "outlaw", {"edit_id": "{outlawedcomment}", "deleted": True}, "community_ban"),
    ("DeleteComment", "banned", {"edit_id": "{bannedcomment}", "deleted": True}, "site_ban"),
    ("RemoveComment", "ann", {"edit_id": "{comment}", "removed": True}, "no_comment_edit_allowed"),
    ("RemoveComment", "admin", {"edit_id": "{comment}", "removed": True, "reason": LONG}, "couldnt_update_comment"),
    ("MarkCommentAsRead", "bob", {"edit_id": "{comment}", "read": True}, "couldnt_update_comment"),
    ("MarkCommentAsRead", "ann", {"edit_id": 99, "read": True}, "couldnt_find_comment"),
    ("MarkUserMentionAsRead", "ann", {"user_mention_id": 99, "read": True}, "couldnt_update_comment"),
    ("DeleteCommunity", "", {"edit_id": "{main}", "deleted": True}, "not_logged_in"),
    ("DeleteCommunity", "ann", {"edit_id": 99, "deleted": True}, "couldnt_find_community"),
    ("DeleteCommunity", "banned", {"edit_id": "{main}", "deleted": True}, "site_ban"),
    ("DeleteCommunity", "boss", {"edit_id": "{main}", "deleted": True}, "no_community_edit_allowed"),
    ("RemoveCommunity", "banned", {"edit_id": "{main}", "removed": True}, "site_ban"),
    ("RemoveCommunity", "ann", {"edit_id": "{main}", "removed": True}, "no_community_edit_allowed"),
    ("RemoveCommunity", "admin", {"edit_id": "{main}", "removed": True, "expires": 2**62}, "couldnt_update_community"),
    ("DeletePrivateMessage", "bob", {"edit_id": "{letter}", "deleted": True}, "no_private_message_edit_allowed"),
    ("DeletePrivateMessage", "admin", {"edit_id": "{letter}", "deleted": True}, "couldnt_update_private_message"),
    ("MarkPrivateMessageAsRead", "ann", {"edit_id": "{letter}", "read": True}, "no_private_message_edit_allowed"),
    ("MarkPrivateMessageAsRead", "banned", {"edit_id": "{letter}", "read": True}, "site_ban"),
    ("UserJoin", "", {}, "not_logged_in"),
    ("PostJoin", "", {"post_id": 99}, "couldnt_find_post"),
    ("PostJoin", "", {"post_id": "{comment}"}, "couldnt_find_post"),
    ("CommunityJoin", "", {"community_id": 99}, "couldnt_find_community"),
    # No time, and too many words about it.
    ("BanUser", "admin", {"user_id": "{ann}", "ban": True, "expires": 2**62}, "couldnt_update_user"),
    ("BanUser", "admin", {"user_id": "{ann}", "ban": True, "reason": LONG}, "couldnt_update_user"),
    (
        *("BanFromCommunity", "admin"),
        {"community_id": "{main}", "user_id": "{ann}", "ban": True, "expires": -(2**62)},
        "community_user_already_banned",
    ),
    # Every field that words are looked for in (lemmy §3.4).
    ("CreateCommunity", "ann", {**COMMUNITY, "description": "so darn good"}, "No slurs - darn"),
    ("EditCommunity", "", {**COMMUNITY, "edit_id": "{main}", "title": "darn"}, "No slurs - darn"),
    ("EditCommunity", "", {**COMMUNITY, "edit_id": "{main}", "description": "DARN"}, "No slurs - DARN"),
    ("EditPost", "", {"edit_id": "{post}", "name": "x", "body": "darn DARN darn"}, "No slurs - DARN, darn"),
    ("EditSite", "ann", {"name": "x", "description": "darn"}, "No slurs - darn"),
    # Whom rows elsewhere leave out.
    (
        "AddModToCommunity",
        "admin",
        {"community_id": "{main}", "user_id": 99, "added": True},
        "community_moderator_already_exists",
    ),
    ("AddModToCommunity", "admin", {"community_id": 99, "user_id": 1, "added": True}, "couldnt_find_community"),
    ("FollowCommunity", "ann", {"community_id": 99, "follow": True}, "community_follower_already_exists"),
    ("CreateCommunity", "ann", {**COMMUNITY, "title": " "}, "community_already_exists"),
    ("PasswordReset", "", {"email": "x@y"}, "couldnt_find_that_username_or_email"),
    ("PasswordChange", "", {"token": "x", "password": "a", "password_verify": "b"}, "couldnt_update_user"),
]

# These refuse nothing but what cannot be read.
NEVER = {"GetCaptcha", "ListCategories", "Search", "GetModlog", "GetSite", "ListCommunities", "GetPosts", "GetComments"}


async def furnish(hall: Hall) -> dict[str, int]:
    """People, posts and comments; ids by what they are called in the rows."""
    ids: dict[str, int] = {}
    for name in ("ann", "bob", "boss", "outlaw", "banned"):
        ids[name] = await hall.enrol(name, email=f"{name}@example.org")
    ids["main"] = (await hall.get("/community"))["community"]["id"]
    await hall.send("/community", "bob", name="other", title="O", category_id=1)
    await hall.send("/save_user_settings", "bob", "PUT", **SETTINGS, matrix_user_id="@bob:x")
    await hall.send("/admin/add", "admin", user_id=ids["boss"], added=True)
    for key, author in (("post", "ann"), ("locked", "ann"), ("outlawed", "outlaw"), ("bannedpost", "banned")):
        ids[key] = await hall.post(author, key)
    for key, author in (("comment", "ann"), ("outlawedcomment", "outlaw"), ("bannedcomment", "banned")):
        ids[key] = await hall.comment(author, ids["post"])
    letter = await hall.send("/private_message", "ann", content="x", recipient_id=ids["bob"])
    ids["letter"] = letter["message"]["id"]
    await hall.send("/post", "admin", "PUT", edit_id=ids["locked"], name="x", locked=True)
    await hall.send("/community/ban_user", "admin", community_id=ids["main"], user_id=ids["outlaw"], ban=True)
    # The community's ban comes before the site's.
    for name in ("outlaw", "banned"):
        await hall.send("/user/ban", "admin", user_id=ids[name], ban=True)
    config = hall.house.config
    hall.house.settle(replace(config, forum=replace(config.forum, word_filter="darn")))
    return ids


async def told(hall: Hall, operation: str, by: str, data: dict[str, Any]) -> str:
    """The code an operation answers with, over HTTP."""
    row = next(each for each in OPERATIONS if each.name == operation)
    path = row.path.removeprefix("/api/v1")
    if row.method != "GET":
        return await hall.refused(path, by, row.method, **data)
    query = {**data, "auth": hall.tokens[by]} if by else data
    answer = await hall.client.get(row.path, params=query)
    assert answer.status_code == 400, (operation, answer.text)
    return str(answer.json()["error"])


def test_codes_in_the_order_of_the_checks(tmp_path: Path) -> None:
    async def run() -> None:
        async with hall_on(SqliteEngine(tmp_path / "community.db")) as hall:
            admin = await hall.enrol("admin", admin=True)
            await hall.send("/site", "admin", name="Town")
            ids = {**await furnish(hall), "admin": admin}
            wrong = []
            for operation, by, row, code in ROWS:
                data = {
                    key: ids[value[1:-1]]
                    if isinstance(value, str) and value.startswith("{") and value != "{"
                    else value
                    for key, value in row.items()
                }
                found = await told(hall, operation, by, data)
                if found != code:
                    wrong.append((operation, by, row, found, code))
            assert not wrong
            # Saving twice is told, undoing what is not there is not.
            for what, number in (("post", ids["post"]), ("comment", ids["comment"])):
                named: dict[str, Any] = {f"{what}_id": number}
                await hall.send(f"/{what}/save", "ann", **named, save=False)
                await hall.send(f"/{what}/save", "ann", **named, save=True)
                again = await hall.refused(f"/{what}/save", "ann", **named, save=True)
                assert again == f"couldnt_save_{what}"
            await hall.send("/site", "admin", "PUT", name="Town", enable_downvotes=False, open_registration=False)
            assert await told(hall, "CreatePostLike", "ann", {"post_id": 99, "score": -1}) == "downvotes_disabled"
            assert await told(hall, "CreateCommentLike", "ann", {"comment_id": 99, "score": -1}) == "downvotes_disabled"
            assert await told(hall, "Register", "", {**NEW, "password_verify": "b"}) == "registration_closed"

    asyncio.run(run())


def test_every_operation_has_its_rows() -> None:
    assert {row[0] for row in ROWS} | NEVER == {each.name for each in OPERATIONS}
