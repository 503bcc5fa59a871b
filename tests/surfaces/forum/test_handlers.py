"""The operations over HTTP: first run, roles, permissions, codes."""

from __future__ import annotations

import asyncio
from typing import Any

from folkmoot.domain import accounts, conversations, spaces
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, hall_on, run_in_hall


def test_first_run(engine: Engine) -> None:
    async def run() -> None:
        async with hall_on(engine) as hall:
            assert await hall.get("/site") == {"site": None, "admins": [], "banned": [], "online": 0}
            await hall.enrol("boss", admin=True)
            assert [each["name"] for each in (await hall.get("/site"))["admins"]] == ["boss"]
            again: dict[str, Any] = {"username": "other", "password": "a", "password_verify": "a", "admin": True}
            assert await hall.refused("/user/register", **again) == "admin_already_created"
            ann = await hall.enrol("ann")
            assert await hall.refused("/site", "ann", name="Mine") == "not_an_admin"
            assert await hall.refused("/site", "boss", name="x" * 21) == "site_already_exists"
            site = (await hall.send("/site", "boss", name="Town", description="d"))["site"]
            assert (site["id"], site["creator_name"], site["number_of_users"]) == (1, "boss", 2)
            flags = ("enable_downvotes", "open_registration", "enable_nsfw")
            assert [site[key] for key in flags] == [True] * 3 and site["description"] == "d"
            assert await hall.refused("/site", "boss", name="Second") == "site_already_exists"
            main = await hall.get("/community", "ann")
            assert main["community"]["name"] == "main" and main["community"]["subscribed"] is True
            assert main["community"]["title"] == main["community"]["description"] == "The Default Community"
            assert main["community"]["number_of_subscribers"] == 2
            assert [each["user_name"] for each in main["moderators"]] == ["boss"]
            assert main["community"]["user_id"] == ann

    asyncio.run(run())


def test_a_late_admin_moderates_main(engine: Engine) -> None:
    async def run() -> None:
        async with hall_on(engine) as hall:
            await hall.enrol("first")
            await hall.enrol("boss", admin=True)
            main = await hall.get("/community")
            assert [each["user_name"] for each in main["moderators"]] == ["first", "boss"]

    asyncio.run(run())


REFUSED_REGISTRATIONS: list[tuple[dict[str, Any], str]] = [
    ({"password_verify": "x"}, "passwords_dont_match"),
    ({"username": "ab"}, "invalid_username"),
    ({"username": "a" * 21}, "invalid_username"),
    ({"username": "a b"}, "invalid_username"),
    ({"username": "añb"}, "invalid_username"),
    ({"username": "a.b"}, "invalid_username"),
    ({"username": "ANN"}, "user_already_exists"),
    ({"email": "ANN@example.org"}, "email_already_exists"),
    ({"email": "a@b\r\nBcc: c@d"}, "This is not a mail address."),
    ({"admin": "yes"}, "Expected `bool`, got `str`"),
    ({"admin": None}, "Expected `bool`, got `null`"),
]


def test_registration_is_refused(engine: Engine) -> None:
    async def run() -> None:
        async with hall_on(engine) as hall:
            await hall.enrol("ann", email="ann@example.org")
            unknown = "couldnt_find_that_username_or_email"
            for change, code in REFUSED_REGISTRATIONS:
                data = {"username": "new", "password": "a", "password_verify": "a", "admin": False, **change}
                assert await hall.refused("/user/register", **data) == code
                assert await hall.refused("/user/login", username_or_email="new", password="a") == unknown

    asyncio.run(run())


def test_closed_registration(engine: Engine) -> None:
    async def run() -> None:
        async with hall_on(engine) as hall:
            await hall.enrol("boss", admin=True)
            site = (await hall.send("/site", "boss", name="Town", open_registration=False, enable_nsfw=False))["site"]
            assert [site[key] for key in ("enable_downvotes", "enable_nsfw")] == [True, False]
            # What an edit leaves out stays.
            kept = (await hall.send("/site", "boss", "PUT", name="Village", enable_downvotes=False))["site"]
            assert [kept[key] for key in ("enable_downvotes", "open_registration", "enable_nsfw")] == [False] * 3
            data: dict[str, Any] = {"username": "new", "password": "a", "password_verify": "b", "admin": False}
            assert await hall.refused("/user/register", **data) == "registration_closed"

    asyncio.run(run())


def test_login(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.enrol("Cora", email="Cora@Example.org")
        for name in ("Cora", "cora@example.ORG"):
            assert (await hall.send("/user/login", username_or_email=name, password="pw"))["jwt"]
        bad = "couldnt_find_that_username_or_email"
        assert await hall.refused("/user/login", username_or_email="cora", password="pw") == bad
        assert await hall.refused("/user/login", username_or_email="Cora", password="no") == "password_incorrect"
        assert await hall.refused("/user/login", username_or_email="Cora") == "missing field `password`"

    run_in_hall(engine, act)


def test_communities(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        new: dict[str, Any] = {"name": "gardens", "title": "Gardens", "category_id": 12}
        assert await hall.refused("/community", **new) == "not_logged_in"
        assert await hall.refused("/community", "ann", **{**new, "name": "Gardens"}) == "invalid_community_name"
        for name in ("ab", "x" * 21, "a-b", "a b", "gärten", "GARDENS", ""):
            assert await hall.refused("/community", "ann", **{**new, "name": name}) == "invalid_community_name", name
        for wrong in ({"category_id": 27}, {"title": "x" * 101}, {"name": "main"}):
            assert await hall.refused("/community", "ann", **{**new, **wrong}) == "community_already_exists"
        made = (await hall.send("/community", "ann", **new))["community"]
        assert (made["category_name"], made["creator_name"], made["subscribed"]) == ("DIY", "ann", True)
        assert made["number_of_subscribers"] == 1 and made["nsfw"] is False
        follow = {"community_id": made["id"], "follow": True}
        assert (await hall.send("/community/follow", "bob", **follow))["community"]["subscribed"] is True
        assert await hall.refused("/community/follow", "bob", **follow) == "community_follower_already_exists"
        gone = (await hall.send("/community/follow", "bob", **{**follow, "follow": False}))["community"]
        assert gone["subscribed"] is None and gone["number_of_subscribers"] == 1
        await hall.send("/community/follow", "bob", **{**follow, "follow": False})
        unknown = await hall.refused("/community/follow", "bob", community_id=99, follow=True)
        assert unknown == "community_follower_already_exists"
        followed = (await hall.get("/user/followed_communities", "ann"))["communities"]
        assert [each["community_name"] for each in followed] == ["main", "gardens"]
        answer = await hall.client.get("/api/v1/community", params={"name": "nowhere"})
        assert answer.status_code == 400 and answer.json()["error"] == "couldnt_find_community"

    run_in_hall(engine, act)


def test_a_community_that_is_gone_is_shown_with_its_posts_to_who_asks_for_them(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="a_1", title="A", category_id=1, nsfw=True))["community"][
            "id"
        ]
        post = await hall.post("ann", community="a_1")
        form = {"edit_id": made, "name": "a_1", "title": "A", "category_id": 1}

        async def flags() -> list[bool]:
            seen = await hall.get("/post", id=post)
            community = (await hall.get("/community", id=made))["community"]
            assert [seen["community"][key] for key in ("removed", "deleted", "nsfw")] == [
                community[key] for key in ("removed", "deleted", "nsfw")
            ]
            return [seen["post"][f"community_{key}"] for key in ("removed", "deleted", "nsfw")]

        assert await flags() == [False, False, True]
        # Only its owner deletes it; what is the same as it was asks for no role.
        assert await hall.refused("/community", "admin", "PUT", **form, deleted=True) == "no_community_edit_allowed"
        edited = await hall.send("/community", "admin", "PUT", **form, deleted=False, removed=True, description="")
        assert edited["community"]["updated"] is not None and edited["community"]["description"] == ""
        assert await flags() == [True, False, True]
        await hall.send("/community", "ann", "PUT", **form, deleted=True, removed=False, nsfw=False)
        assert await flags() == [False, True, False]
        # What an edit leaves out stays.
        kept = (await hall.send("/community", "ann", "PUT", **form, description=None))["community"]
        assert (kept["deleted"], kept["nsfw"], kept["description"]) == (True, False, "")

    run_in_hall(engine, act)


def test_lists_of_communities(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        hall.clock.wait(hours=1)
        await hall.send("/community", "ann", name="aaa", title="A", category_id=1)
        hall.clock.wait(hours=1)
        await hall.send("/community", "bob", name="bbb", title="B", category_id=1, nsfw=True)
        await hall.enrol("rude", show_nsfw=True)

        async def names(by: str = "", **query: Any) -> list[str]:
            return [each["name"] for each in (await hall.get("/community/list", by, **query))["communities"]]

        assert await names(sort="New") == ["aaa", "main"]
        assert await names("rude", sort="New") == ["bbb", "aaa", "main"]
        assert await names(sort="TopAll") == ["main", "aaa"]
        assert await names("bob", sort="TopYear") == ["main", "aaa"]
        assert await names(sort="New", limit=1, page=2) == ["main"]
        # Nonsense becomes something sensible (lemmy §5.1).
        assert await names(sort="New", limit=-1, page=0) == ["aaa", "main"]
        # Rank 1 follower now: 10000 * log10(4) / 3 ** 1.8 = 833; 4 followers two hours ago: 697.
        assert await names(sort="Hot") == ["aaa", "main"]

    run_in_hall(engine, act)


def test_a_post_is_made_read_and_voted_on(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        main = (await hall.get("/community"))["community"]["id"]
        new = {"name": "Hello", "body": "*hi*", "url": "https://example.org/", "community_id": main}
        assert await hall.refused("/post", **new) == "not_logged_in"
        assert await hall.refused("/post", "ann", **{**new, "name": "x" * 201}) == "post_title_too_long"
        assert await hall.refused("/post", "ann", **{**new, "name": " "}) == "couldnt_create_post"
        assert await hall.refused("/post", "ann", **{**new, "body": "x" * 10_001}) == "couldnt_create_post"
        assert await hall.refused("/post", "ann", **{**new, "community_id": 99}) == "couldnt_create_post"
        made = (await hall.send("/post", "ann", **new))["post"]
        assert (made["score"], made["upvotes"], made["downvotes"], made["my_vote"]) == (1, 1, 0, 1)
        assert made["hot_rank"] == 1728 and made["subscribed"] is True and made["saved"] is None
        for score, total, mine in ((1, 2, 1), (-1, 0, -1), (0, 1, 0)):
            voted = (await hall.send("/post/like", "bob", post_id=made["id"], score=score))["post"]
            assert (voted["score"], voted["my_vote"]) == (total, mine)
        assert await hall.refused("/post/like", "bob", post_id=made["id"], score=2) == "couldnt_like_post"
        assert await hall.refused("/post/like", "bob", post_id=99, score=1) == "couldnt_find_post"
        seen = await hall.get("/post", id=made["id"])
        assert seen["post"]["my_vote"] is None and seen["post"]["user_id"] is None and seen["online"] == 0
        assert (seen["community"]["number_of_posts"], seen["moderators"][0]["user_name"]) == (1, "admin")
        unknown = await hall.client.get("/api/v1/post", params={"id": 99})
        assert unknown.json() == {"op": "GetPost", "message": "couldnt_find_post", "error": "couldnt_find_post"}

    run_in_hall(engine, act)


def test_downvotes_can_be_off(engine: Engine) -> None:
    async def run() -> None:
        async with hall_on(engine) as hall:
            await hall.enrol("boss", admin=True)
            await hall.send("/site", "boss", name="Town", enable_downvotes=False)
            post = await hall.post("boss")
            assert await hall.refused("/post/like", "boss", post_id=post, score=-1) == "downvotes_disabled"

    asyncio.run(run())


def test_comments(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post, other = await hall.post("ann"), await hall.post("ann", "Other")
        first = (await hall.send("/comment", "bob", content="one", post_id=post, edit_id=None))["comment"]
        assert (first["parent_id"], first["post_id"], first["my_vote"], first["score"]) == (None, post, 1, 1)
        hall.clock.wait(minutes=1)
        second = await hall.send("/comment", "ann", content="two", post_id=post, parent_id=first["id"])
        assert second["comment"]["parent_id"] == first["id"] and second["recipient_ids"] == []
        foreign = await hall.refused("/comment", "ann", content="x", post_id=other, parent_id=first["id"])
        assert foreign == "couldnt_create_comment"
        assert await hall.refused("/comment", "ann", content="x", post_id=99) == "couldnt_find_post"
        assert await hall.refused("/comment", "ann", content="x", post_id=first["id"]) == "couldnt_find_post"
        seen = await hall.get("/post", "ann", id=post)
        assert [each["content"] for each in seen["comments"]] == ["two", "one"]
        assert seen["post"]["number_of_comments"] == 2 and seen["comments"][1]["my_vote"] == 0
        liked = await hall.send("/comment/like", "ann", comment_id=first["id"], post_id=other, score=-1)
        assert (liked["comment"]["score"], liked["comment"]["post_id"]) == (0, post)
        assert await hall.refused("/comment/like", "ann", comment_id=post, score=1) == "couldnt_find_comment"
        assert await hall.refused("/post/like", "ann", post_id=first["id"], score=1) == "couldnt_find_post"
        assert await hall.refused("/comment/like", "ann", comment_id=first["id"], score=5) == "couldnt_like_comment"
        # The list of comments has the removed ones too; of what one follows, nobody follows anything.
        await hall.send("/comment", "admin", "PUT", edit_id=first["id"], content="", removed=True)
        listing: dict[str, Any] = {"sort": "New", "limit": 1}
        for page, comment in ((1, "two"), (2, "one")):
            (listed,) = (await hall.get("/comment/list", type_="All", page=page, **listing))["comments"]
            assert (listed["content"], listed["removed"]) == (comment, comment == "one")
        assert (await hall.get("/comment/list", type_="Subscribed", **listing))["comments"] == []
        # Clients ask for very many at once (lemmy §5.1).
        for _ in range(60):
            await hall.comment("ann", post)
        for limit, count in ((9999, 62), (10**9, 62), (None, 10), (0, 10)):
            asked: dict[str, Any] = {"type_": "All", "sort": "New"} | ({} if limit is None else {"limit": limit})
            assert len((await hall.get("/comment/list", **asked))["comments"]) == count
        assert len((await hall.get("/post", id=post))["comments"]) == 62
        followed = (await hall.get("/comment/list", "bob", type_="Subscribed", **listing))["comments"]
        assert [each["subscribed"] for each in followed] == [True]

    run_in_hall(engine, act)


def test_who_may_edit_a_post(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", body="text")
        form = {"edit_id": post, "creator_id": 1, "community_id": 77, "name": "New", "body": "other"}

        async def edit(by: str, **more: Any) -> Any:
            return (await hall.send("/post", by, "PUT", **{**form, **more}))["post"]

        async def refused(by: str, **more: Any) -> str:
            return await hall.refused("/post", by, "PUT", **{**form, **more})

        # What the request says of author and community is not looked at.
        edited = await edit("ann", nsfw=True, locked=False, removed=False, stickied=False)
        assert (edited["name"], edited["body"], edited["nsfw"]) == ("New", "other", True)
        assert edited["creator_name"] == "ann" and edited["community_name"] == "main" and edited["updated"]
        assert await refused("bob") == "no_post_edit_allowed"
        for privileged in ("removed", "locked", "stickied"):
            assert await refused("ann", **{privileged: True}) == "no_post_edit_allowed"
        assert await refused("admin", deleted=True) == "no_post_edit_allowed"
        by_moderator = await edit("admin", name="Mine now", body="gone", locked=True, stickied=True, deleted=False)
        assert (by_moderator["name"], by_moderator["body"]) == ("New", "other")
        assert by_moderator["locked"] and by_moderator["stickied"] and not by_moderator["removed"]
        assert await hall.refused("/comment", "admin", content="x", post_id=post) == "locked"
        assert (await edit("admin", removed=True))["removed"]
        assert (await hall.get("/post", id=post))["post"]["removed"]
        assert await refused("ann", name="x" * 201) == "post_title_too_long"
        assert (await edit("ann", deleted=True, body=""))["body"] == ""
        assert await refused("ann", edit_id=99) == "couldnt_find_post"
        unchanged = await hall.send("/post", "ann", "PUT", edit_id=post, name="New", url=None)
        assert unchanged["post"]["deleted"] and unchanged["post"]["locked"]

    run_in_hall(engine, act)


def test_who_may_edit_a_comment(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        comment = await hall.comment("bob", post, "first")
        form = {"edit_id": comment, "creator_id": 1, "post_id": 77, "parent_id": 3, "content": "second"}

        async def edit(by: str, **more: Any) -> Any:
            return (await hall.send("/comment", by, "PUT", **{**form, **more}))["comment"]

        async def refused(by: str, **more: Any) -> str:
            return await hall.refused("/comment", by, "PUT", **{**form, **more})

        edited = await edit("bob")
        assert (edited["content"], edited["creator_name"], edited["post_id"]) == ("second", "bob", post)
        assert edited["updated"] and edited["parent_id"] is None
        assert await refused("ann") == "no_comment_edit_allowed"
        assert await refused("bob", removed=True) == "no_comment_edit_allowed"
        assert await refused("admin", deleted=True) == "no_comment_edit_allowed"
        # What is as it was asks for no role and is not recorded; clients send it along.
        await edit("bob", removed=False, deleted=False)
        await edit("admin", removed=False, deleted=False)
        assert (await hall.get("/modlog"))["removed_comments"] == []
        removed = await edit("admin", content="mine", removed=True)
        # lemmy §2.5: what was removed keeps its text.
        assert removed["removed"] and removed["content"] == "second"
        assert (await edit("bob", deleted=True))["deleted"]
        assert await refused("bob", edit_id=post) == "couldnt_find_comment"
        # lemmy §3.7: only who was answered marks it as read, and changes nothing else.
        assert (await edit("ann", read=True, content="x"))["content"] == "second"
        assert await refused("bob", read=True) == "couldnt_update_comment"

    run_in_hall(engine, act)


def test_a_site_ban_blocks_writing_and_nothing_else(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        comment = await hall.comment("ann", post)
        ann = (await hall.get("/post", "ann", id=post))["post"]["creator_id"]
        assert await hall.refused("/user/ban", "bob", user_id=ann, ban=True) == "not_an_admin"
        assert await hall.refused("/user/ban", "admin", user_id=99, ban=True) == "couldnt_update_user"
        banned = await hall.send("/user/ban", "admin", user_id=ann, ban=True, reason="r", expires=4_000_000_000)
        assert banned["banned"] is True and banned["user"]["banned"] is True and banned["user"]["email"] is None
        main = (await hall.get("/community"))["community"]["id"]
        for method, path, data in (
            ("POST", "/community", {"name": "new", "title": "N", "category_id": 1}),
            ("POST", "/post", {"name": "x", "community_id": main}),
            ("PUT", "/post", {"edit_id": post, "name": "x"}),
            ("POST", "/post/like", {"post_id": post, "score": 0}),
            ("POST", "/comment", {"content": "x", "post_id": post}),
            ("PUT", "/comment", {"edit_id": comment, "content": "x"}),
            ("POST", "/comment/like", {"comment_id": comment, "score": 0}),
        ):
            assert await hall.refused(path, "ann", method, **data) == "site_ban", path
        assert (await hall.send("/user/login", username_or_email="ann", password="pw"))["jwt"]
        assert (await hall.get("/post", "ann", id=post))["post"]["banned"] is True
        await hall.send("/community/follow", "ann", community_id=main, follow=False)
        assert [each["name"] for each in (await hall.get("/site"))["banned"]] == ["ann"]
        # By their ids, not by when.
        for name in ("bob", "ann"):
            for flag in (False, True):
                number = (await hall.get("/user", username=name, sort="New"))["user"]["id"]
                await hall.send("/user/ban", "admin", user_id=number, ban=flag)
        assert [each["name"] for each in (await hall.get("/site"))["banned"]] == ["ann", "bob"]
        await hall.send("/user/ban", "admin", user_id=ann, ban=False)
        await hall.post("ann")

    run_in_hall(engine, act)


def test_a_community_ban_comes_before_the_site_ban(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        ann = (await hall.get("/post", id=post))["post"]["creator_id"]
        main = (await hall.get("/community"))["community"]["id"]

        def ban(tx: Transaction) -> None:
            admin = accounts.actor_of_account(tx, accounts.get_account_named(tx, "admin").id, hall.clock())
            tx.run(
                "INSERT INTO space_bans (space_id, account_id, banned_at) VALUES (:space, :account, :now)",
                space=main,
                account=ann,
                now=hall.clock(),
            )
            accounts.ban(tx, admin, ann, True, hall.clock())

        await hall.house.db.write(ban)
        assert await hall.refused("/post", "ann", name="x", community_id=main) == "community_ban"
        assert await hall.refused("/post", "ann", "PUT", edit_id=post, name="x") == "community_ban"
        assert await hall.refused("/comment", "ann", content="x", post_id=post) == "community_ban"
        seen = (await hall.get("/post", id=post))["post"]
        assert seen["banned_from_community"] is True and seen["banned"] is True

    run_in_hall(engine, act)


def test_a_space_not_for_everybody_does_not_exist_for_others(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="secret", title="S", category_id=1))["community"]["id"]
        post = await hall.post("ann", "Hidden", "secret")

        def close(tx: Transaction) -> None:
            owner = spaces.get_space(tx, made).owner_id
            spaces.add_list_face(tx, made, owner, "secret", "PRIVATE")

        await hall.house.db.write(close)
        for path, query, code in (
            ("/community", {"id": made}, "couldnt_find_community"),
            ("/post", {"id": post}, "couldnt_find_post"),
        ):
            for by in ({}, {"auth": hall.tokens["bob"]}):
                answer = await hall.client.get(f"/api/v1{path}", params={**query, **by})
                assert (answer.status_code, answer.json()["error"]) == (400, code)
        assert await hall.refused("/comment", "bob", content="x", post_id=post) == "couldnt_find_post"
        assert await hall.refused("/post/like", "bob", post_id=post, score=1) == "couldnt_find_post"

        async def titles(by: str = "", **query: Any) -> list[str]:
            data = await hall.get("/post/list", by, **{"type_": "All", "sort": "New", **query})
            return [each["name"] for each in data["posts"]]

        assert await titles() == await titles("bob") == await titles("bob", community_id=made) == []
        assert await titles("ann", community_id=made) == await titles("ann", type_="Subscribed") == ["Hidden"]
        names = [each["name"] for each in (await hall.get("/community/list", "bob", sort="New"))["communities"]]
        assert names == ["main"]
        assert (await hall.get("/post", "ann", id=post))["post"]["name"] == "Hidden"

    run_in_hall(engine, act)


def test_a_mail_is_a_comment_with_its_quote_folded(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        text = "I agree.\n\nOn Monday, Ann wrote:\n> Hello\n> there\n"

        def receive(tx: Transaction) -> None:
            space = spaces.get_forum_space(tx, "main")
            spaces.add_list_face(tx, space.id, space.owner_id, "main")
            sender = accounts.sender(tx, "carol@elsewhere.org", "Carol", hall.clock())
            arrival = conversations.Arrival(
                mail_id="<1@elsewhere>",
                in_reply_to=conversations.get_view(tx, post).mail_id,
                references=(),
                subject="Re: Hello",
                text=text,
                from_address="carol@elsewhere.org",
                from_name="Carol",
                sent_at=hall.clock(),
                created_at=hall.clock(),
                is_patch=False,
                is_request_pull=False,
                data=b"raw",
            )
            conversations.receive(tx, sender, space, arrival)

        await hall.house.db.write(receive)
        comment = (await hall.get("/post", id=post))["comments"][0]
        assert comment["creator_name"] == "carol" and comment["parent_id"] is None
        folded = "I agree.\n\n::: spoiler Quoted text\nOn Monday, Ann wrote:\n> Hello\n> there\n:::"
        assert comment["content"] == folded
        stored = await hall.house.db.read(conversations.get_message, comment["id"])
        assert stored.body == text

    run_in_hall(engine, act)
