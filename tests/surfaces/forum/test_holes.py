"""What the reference lets anybody do, and we do not: a test for each row of lemmy §3.7, named for its operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from folkmoot.store import SqliteEngine
from tests.surfaces.forum.hall import Hall, hall_on, run_in_hall

Act = Callable[[Hall], Awaitable[None]]
Run = Callable[[Act], None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run something in a forum where `admin` has set things up and `ann` and `bob` are registered."""
    return lambda act: run_in_hall(SqliteEngine(tmp_path / "community.db"), act)


async def number(hall: Hall, name: str) -> int:
    return int((await hall.get("/user", username=name, sort="New"))["user"]["id"])


async def main(hall: Hall) -> dict[str, Any]:
    found: dict[str, Any] = (await hall.get("/community"))["community"]
    return found


def test_edit_post_does_not_believe_who_the_author_is(run: Run) -> None:
    async def act(hall: Hall) -> None:
        post, bob = await hall.post("ann"), await number(hall, "bob")
        form = {"edit_id": post, "creator_id": bob, "community_id": 99, "name": "Mine"}
        assert await hall.refused("/post", "bob", "PUT", **form) == "no_post_edit_allowed"
        edited = (await hall.send("/post", "ann", "PUT", **form))["post"]
        assert (edited["creator_name"], edited["community_name"], edited["name"]) == ("ann", "main", "Mine")

    run(act)


def test_edit_comment_does_not_believe_who_the_author_is(run: Run) -> None:
    async def act(hall: Hall) -> None:
        post, bob = await hall.post("ann"), await number(hall, "bob")
        comment, other = await hall.comment("ann", post, "one"), await hall.post("ann")
        form = {"edit_id": comment, "creator_id": bob, "post_id": other, "parent_id": comment, "content": "two"}
        assert await hall.refused("/comment", "bob", "PUT", **form) == "no_comment_edit_allowed"
        edited = (await hall.send("/comment", "ann", "PUT", **form))["comment"]
        assert (edited["creator_name"], edited["post_id"], edited["parent_id"]) == ("ann", post, None)

    run(act)


def test_edit_comment_with_read_is_for_who_was_answered_and_changes_nothing_else(run: Run) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        comment = await hall.comment("bob", post, "one")
        form = {"edit_id": comment, "content": "two", "read": True, "removed": True, "deleted": True}
        for by in ("bob", "admin"):
            assert await hall.refused("/comment", by, "PUT", **form) == "couldnt_update_comment"
        read = (await hall.send("/comment", "ann", "PUT", **form))["comment"]
        told = [read[key] for key in ("read", "content", "removed", "deleted", "updated")]
        assert told == [True, "one", False, False, None]
        # The banned may still say that they have read it.
        await hall.send("/user/ban", "admin", user_id=await number(hall, "ann"), ban=True)
        assert (await hall.send("/comment", "ann", "PUT", **{**form, "read": False}))["comment"]["read"] is False

    run(act)


def test_ban_from_community_is_for_moderators(run: Run) -> None:
    async def act(hall: Hall) -> None:
        ann, bob, admin = [await number(hall, name) for name in ("ann", "bob", "admin")]
        made = (await hall.send("/community", "ann", name="anns", title="A", category_id=1))["community"]["id"]
        form = {"community_id": made, "ban": True}
        assert await hall.refused("/community/ban_user", "bob", **form, user_id=ann) == "not_a_mod_or_admin"
        # Neither an administrator nor the owner can be banned.
        assert await hall.refused("/community/ban_user", "ann", **form, user_id=admin) == "not_a_mod_or_admin"
        assert await hall.refused("/community/ban_user", "admin", **form, user_id=ann) == "not_a_mod_or_admin"
        banned = await hall.send("/community/ban_user", "ann", **form, user_id=bob)
        assert banned["banned"] is True and banned["user"]["banned"] is False
        await hall.send("/community/ban_user", "ann", **{**form, "ban": False}, user_id=bob)
        await hall.send("/community/ban_user", "ann", **{**form, "ban": False}, user_id=bob)

    run(act)


def test_add_mod_to_community_is_for_moderators(run: Run) -> None:
    async def act(hall: Hall) -> None:
        ann, bob = await number(hall, "ann"), await number(hall, "bob")
        made = (await hall.send("/community", "ann", name="anns", title="A", category_id=1))["community"]["id"]
        form = {"community_id": made, "user_id": bob, "added": True}
        assert await hall.refused("/community/mod", "bob", **form) == "not_a_mod_or_admin"
        added = await hall.send("/community/mod", "ann", **form)
        assert [each["user_name"] for each in added["moderators"]] == ["ann", "bob"]
        # The owner cannot be removed by others.
        for by in ("bob", "admin"):
            gone = {**form, "user_id": ann, "added": False}
            assert await hall.refused("/community/mod", by, **gone) == "not_a_mod_or_admin"
        left = await hall.send("/community/mod", "ann", **{**form, "user_id": ann, "added": False})
        assert [each["user_name"] for each in left["moderators"]] == ["bob"]
        await hall.send("/community/mod", "bob", **{**form, "user_id": 1, "added": False})

    run(act)


def test_edit_user_mention_is_for_who_is_named(run: Run) -> None:
    async def act(hall: Hall) -> None:
        await hall.comment("ann", await hall.post("ann"), "/u/bob, look")
        inbox = {"sort": "New", "unread_only": False}
        mention = (await hall.get("/user/mention", "bob", **inbox))["mentions"][0]["user_mention_id"]
        for by in ("ann", "admin"):
            refused = await hall.refused("/user/mention", by, "PUT", user_mention_id=mention, read=True)
            assert refused == "couldnt_update_comment"
            assert (await hall.get("/user/mentions", by, **inbox))["mentions"] == []
        # Without a word about it the mark stays.
        for change, read in (({}, False), ({"read": True}, True), ({"read": None}, True), ({"read": False}, False)):
            edited = await hall.send("/user/mention", "bob", "PUT", user_mention_id=mention, **change)
            assert edited["mention"]["read"] is read

    run(act)


def test_edit_community_does_not_make_its_editor_the_owner(run: Run) -> None:
    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="anns", title="A", category_id=1))["community"]
        form = {"edit_id": made["id"], "name": "anns", "title": "New", "category_id": 2}
        edited = (await hall.send("/community", "admin", "PUT", **form))["community"]
        assert (edited["creator_name"], edited["title"], edited["category_id"]) == ("ann", "New", 2)

    run(act)


def test_create_site_makes_one(run: Run) -> None:
    async def act(hall: Hall) -> None:
        assert await hall.refused("/site", "admin", name="Another") == "site_already_exists"

    run(act)


def test_add_admin_leaves_the_sites_creator(run: Run) -> None:
    async def act(hall: Hall) -> None:
        ann, admin = await number(hall, "ann"), await number(hall, "admin")
        await hall.send("/admin/add", "admin", user_id=ann, added=True)
        for by in ("ann", "admin"):
            refused = await hall.refused("/admin/add", by, user_id=admin, added=False)
            assert refused == "couldnt_update_user"
        assert [each["name"] for each in (await hall.get("/site"))["admins"]] == ["admin", "ann"]

    run(act)


def test_transfer_site_makes_its_target_an_admin(run: Run) -> None:
    async def act(hall: Hall) -> None:
        given = await hall.send("/site/transfer", "admin", user_id=await number(hall, "bob"))
        assert given["site"]["creator_name"] == "bob" and given["online"] == 0
        assert [each["name"] for each in given["admins"]] == ["bob", "admin"]

    run(act)


def test_transfer_community_makes_its_target_a_moderator(run: Run) -> None:
    async def act(hall: Hall) -> None:
        bob, carol = await number(hall, "bob"), await hall.enrol("carol")
        made = (await hall.send("/community", "ann", name="anns", title="A", category_id=1))["community"]["id"]
        given = await hall.send("/community/transfer", "ann", community_id=made, user_id=bob)
        assert given["community"]["creator_name"] == "bob" and given["online"] == 0
        assert [each["user_name"] for each in given["moderators"]] == ["bob", "ann"]
        # A moderator who is made the owner comes first; the others keep their order.
        await hall.send("/community/mod", "bob", community_id=made, user_id=carol, added=True)
        assert await hall.refused("/community/transfer", "ann", community_id=made, user_id=carol) == "not_an_admin"
        given = await hall.send("/community/transfer", "bob", community_id=made, user_id=carol)
        assert [each["user_name"] for each in given["moderators"]] == ["carol", "bob", "ann"]

    run(act)


def test_save_site_config_looks_before_it_writes(run: Run) -> None:
    async def act(hall: Hall) -> None:
        await hall.send("/site/config", "admin", "PUT", config_hjson="hostname: a.example")
        refused = await hall.refused("/site/config", "admin", "PUT", config_hjson="hostname: {")
        assert refused == "couldnt_update_site"
        assert await hall.get("/site/config", "admin") == {"config_hjson": "hostname: a.example"}

    run(act)


def test_before_create_site_everything_works(tmp_path: Path) -> None:
    async def run() -> None:
        async with hall_on(SqliteEngine(tmp_path / "community.db")) as hall:
            admin, ann = await hall.enrol("admin", admin=True), await hall.enrol("ann")
            post = await hall.post("ann")
            assert (await hall.get("/post", id=post))["admins"][0]["name"] == "admin"
            assert (await hall.get("/community"))["admins"][0]["name"] == "admin"
            assert (await hall.get("/user", sort="New"))["admins"][0]["name"] == "admin"
            assert (await hall.send("/post/like", "ann", post_id=post, score=-1))["post"]["score"] == -1
            added = await hall.send("/admin/add", "admin", user_id=ann, added=True)
            assert [each["id"] for each in added["admins"]] == [admin, ann]
            given = {"community_id": (await main(hall))["id"], "user_id": ann}
            assert (await hall.send("/community/transfer", "admin", **given))["community"]["creator_id"] == ann
            assert await hall.refused("/site", "admin", "PUT", name="x") == "couldnt_update_site"
            assert await hall.refused("/site/transfer", "admin", user_id=ann) == "couldnt_update_site"
            for path in ("/feeds/all.xml", "/feeds/c/main.xml", "/feeds/u/ann.xml", "/nodeinfo/2.0.json"):
                assert (await hall.client.get(path)).status_code == 400, path

    asyncio.run(run())


def test_create_comment_looks_at_locks_parents_and_what_is_gone(run: Run) -> None:
    async def act(hall: Hall) -> None:
        locked, other, gone = await hall.post("ann"), await hall.post("ann"), await hall.post("ann")
        parent = await hall.comment("ann", locked)
        await hall.send("/post", "admin", "PUT", edit_id=locked, name="x", locked=True)
        for by in ("ann", "bob", "admin"):
            assert await hall.refused("/comment", by, content="x", post_id=locked) == "locked"
        foreign: dict[str, Any] = {"content": "x", "post_id": other, "parent_id": parent}
        assert await hall.refused("/comment", "ann", **foreign) == "couldnt_create_comment"
        assert await hall.refused("/comment", "ann", **{**foreign, "parent_id": 99}) == "couldnt_create_comment"
        await hall.send("/post", "ann", "PUT", edit_id=gone, name="x", deleted=True)
        assert await hall.refused("/comment", "bob", content="x", post_id=gone) == "couldnt_create_comment"

    run(act)


def test_create_post_needs_a_community_that_is_there(run: Run) -> None:
    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="anns", title="A", category_id=1))["community"]["id"]
        form = {"edit_id": made, "name": "anns", "title": "A", "category_id": 1}
        post = {"name": "x", "community_id": made}
        for by, flag in (("admin", "removed"), ("ann", "deleted")):
            await hall.send("/community", by, "PUT", **form, **{flag: True})
            for author in ("ann", "bob", "admin"):
                assert await hall.refused("/post", author, **post) == "couldnt_create_post"
            await hall.send("/community", by, "PUT", **form, **{flag: False})
            await hall.send("/post", "bob", **post)
        assert await hall.refused("/post", "ann", name="x", community_id=99) == "couldnt_create_post"

    run(act)


SITE_BAN: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/community", {"name": "new", "title": "N", "category_id": 1}),
    ("PUT", "/community", {"edit_id": "{own}", "name": "anns", "title": "A", "category_id": 1}),
    ("POST", "/private_message", {"content": "x", "recipient_id": 1}),
    ("PUT", "/private_message", {"edit_id": "{letter}", "content": "y"}),
]
BOTH_BANS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/post", {"name": "x", "community_id": "{main}"}),
    ("PUT", "/post", {"edit_id": "{post}", "name": "x"}),
    ("POST", "/post/like", {"post_id": "{post}", "score": 0}),
    ("POST", "/comment", {"content": "x", "post_id": "{post}"}),
    ("PUT", "/comment", {"edit_id": "{comment}", "content": "x"}),
    ("POST", "/comment/like", {"comment_id": "{comment}", "score": 0}),
]
# What the banned may still do.
FREE: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "/comment", {"edit_id": "{answer}", "content": "x", "read": True}),
    ("POST", "/community/follow", {"community_id": "{main}", "follow": False}),
    ("POST", "/community/follow", {"community_id": "{main}", "follow": True}),
    ("POST", "/post/save", {"post_id": "{post}", "save": True}),
    ("POST", "/comment/save", {"comment_id": "{comment}", "save": True}),
    ("POST", "/user/mark_all_as_read", {}),
    (
        "PUT",
        "/save_user_settings",
        {"show_nsfw": True, "theme": "x", "default_sort_type": 0, "default_listing_type": 0},
    ),
    ("POST", "/user/login", {"username_or_email": "ann", "password": "pw"}),
    ("PUT", "/user/mention", {"user_mention_id": 1, "read": True}),
]


@pytest.mark.parametrize("ban", ["community", "site"])
def test_a_ban_blocks_exactly_these(run: Run, ban: str) -> None:
    """lemmy §3.5"""

    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="anns", title="A", category_id=1))["community"]["id"]
        post = await hall.post("ann")
        ann = await number(hall, "ann")
        letter = await hall.send("/private_message", "ann", content="x", recipient_id=1)
        ids = {
            "own": made,
            "main": (await main(hall))["id"],
            "post": post,
            "comment": await hall.comment("ann", post),
            "answer": await hall.comment("bob", post, "@ann"),
            "letter": letter["message"]["id"],
        }
        if ban == "site":
            await hall.send("/user/ban", "admin", user_id=ann, ban=True)
        else:
            await hall.send("/community/ban_user", "admin", community_id=ids["main"], user_id=ann, ban=True)

        def filled(data: dict[str, Any]) -> dict[str, Any]:
            return {
                key: ids[value[1:-1]] if isinstance(value, str) and value[0] == "{" else value
                for key, value in data.items()
            }

        for method, path, data in BOTH_BANS:
            assert await hall.refused(path, "ann", method, **filled(data)) == f"{ban}_ban", path
        for method, path, data in SITE_BAN:
            answer = await hall.answer(path, "ann", method, **filled(data))
            assert answer.json().get("error") == ("site_ban" if ban == "site" else None), path
        for method, path, data in FREE:
            await hall.send(path, "ann", method, **filled(data))
        if ban == "community":
            # Elsewhere nothing has changed.
            await hall.comment("ann", await hall.post("ann", community="anns"))
        # What the banned have said says so.
        seen = await hall.get("/post", "ann", id=post)
        told = {each["creator_name"]: each for each in seen["comments"]}
        for view in (seen["post"], told["ann"]):
            assert (view["banned"], view["banned_from_community"]) == (ban == "site", ban == "community")
        assert (told["bob"]["banned"], told["bob"]["banned_from_community"]) == (False, False)

    run(act)
