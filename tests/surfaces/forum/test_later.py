"""What clients of the next versions of the API ask (README.md, Clients): one step each, the rooms, and no captcha."""

from __future__ import annotations

from typing import Any

from folkmoot.domain import spaces
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, run_in_hall


def test_each_step_does_what_the_edit_does(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", "Market", body="text")
        comment = await hall.comment("ann", post, "well, @bob")
        answer = await hall.comment("bob", post, "indeed")
        main = (await hall.get("/community", "bob"))["community"]
        bob, main = main["user_id"], main["id"]

        async def step(path: str, by: str, **data: Any) -> Any:
            return next(iter((await hall.send(path, by, **data)).values()))

        # Posts and comments: their author deletes, moderators do the rest; what they say stays.
        for what, of, number in (("post", "posts", post), ("comment", "comments", comment)):
            for flag in (True, True, False):
                view = await step(f"/{what}/delete", "ann", edit_id=number, deleted=flag)
                assert (view["deleted"], view["removed"]) == (flag, False) and view["updated"]
            for flag in (True, True, False):
                view = await step(f"/{what}/remove", "admin", edit_id=number, removed=flag, reason="r")
                assert (view["removed"], view["deleted"]) == (flag, False)
            # What is so already is not recorded again.
            log = (await hall.get("/modlog"))[f"removed_{of}"]
            assert [(each["removed"], each["reason"]) for each in log] == [(False, "r"), (True, "r")]
        assert (await hall.get("/post", id=post))["post"]["body"] == "text"
        assert (await hall.get("/post", id=post))["comments"][1]["content"] == "well, @bob"
        for name, key, of in (("lock", "locked", "locked_posts"), ("sticky", "stickied", "stickied_posts")):
            for flag in (True, True, False):
                view = await step(f"/post/{name}", "admin", edit_id=post, **{key: flag})
                assert view[key] is flag
            assert [each[key] for each in (await hall.get("/modlog"))[of]] == [False, True]

        # The inbox.
        assert (await step("/comment/mark_as_read", "ann", edit_id=answer, read=True))["read"] is True
        assert (await hall.get("/user/replies", "ann", sort="New", unread_only=True))["replies"] == []
        unread = (await hall.get("/user/mentions", "bob", sort="New", unread_only=True))["mentions"]
        mention = {"user_mention_id": unread[0]["user_mention_id"]}
        assert (await step("/user/mention/mark_as_read", "bob", **mention, read=True))["read"] is True
        letter = await step("/private_message", "ann", content="psst", recipient_id=bob)
        here = {"edit_id": letter["id"]}
        assert (await step("/private_message/mark_as_read", "bob", **here, read=True))["read"] is True
        gone = await step("/private_message/delete", "ann", **here, deleted=True)
        assert (gone["deleted"], gone["content"]) == (True, "psst")

        # Communities: the owner deletes, moderators remove.
        for flag in (True, False):
            assert (await step("/community/delete", "admin", edit_id=main, deleted=flag))["deleted"] is flag
            removed = {"edit_id": main, "removed": flag, "reason": "r", "expires": 4_000_000_000}
            assert (await step("/community/remove", "admin", **removed))["removed"] is flag
        log = (await hall.get("/modlog"))["removed_communities"]
        assert [(each["removed"], each["expires"]) for each in log] == [
            (flag, "2096-10-02T07:06:40") for flag in (False, True)
        ]
        assert await hall.get("/user/get_captcha") == {"ok": None}

    run_in_hall(engine, act)


def test_rooms_are_entered_by_name_and_told_of_edits(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        comment = await hall.comment("ann", post)
        main = (await hall.get("/community"))["community"]["id"]
        # Over HTTP there is nothing to join with.
        assert await hall.send("/post/join", post_id=post) == {"joined": False}
        assert await hall.send("/community/join", community_id=main) == {"joined": False}
        assert (await hall.send("/user/join", "ann"))["user_id"]
        async with hall.peer() as thread, hall.peer() as community, hall.peer() as everything:
            assert await thread.data("PostJoin", post_id=post) == {"joined": True}
            assert await community.data("CommunityJoin", community_id=main) == {"joined": True}
            assert await everything.data("CommunityJoin", community_id=0) == {"joined": True}
            steps: tuple[tuple[str, str, dict[str, Any], str], ...] = (
                ("/post/lock", "admin", {"edit_id": post, "locked": True}, "EditPost"),
                ("/post/delete", "ann", {"edit_id": post, "deleted": True}, "EditPost"),
                ("/comment/remove", "admin", {"edit_id": comment, "removed": True}, "EditComment"),
            )
            for path, by, data, op in steps:
                await hall.send(path, by, **data)
                for peer in (thread, community, everything):
                    assert (await peer.hear())["op"] == op
            # Joining leaves the room before; what is not there is not joined.
            await thread.data("CommunityJoin", community_id=main)
            assert (await thread.ask("PostJoin", post_id=99))["error"] == "couldnt_find_post"
            assert (await hall.get("/post", id=post))["online"] == 0
            assert (await hall.get("/community"))["online"] == 2

    run_in_hall(engine, act)


def test_joining_without_a_token_where_one_is_already(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="secret", title="S", category_id=1))["community"]["id"]
        post = await hall.post("ann", "Hidden", "secret")

        def close(tx: Transaction) -> None:
            spaces.add_list_face(tx, made, spaces.get_space(tx, made).owner_id, "secret", "PRIVATE")

        await hall.house.db.write(close)
        async with hall.peer() as ann, hall.peer() as nobody:
            assert (await nobody.ask("PostJoin", post_id=post))["error"] == "couldnt_find_post"
            assert (await nobody.ask("CommunityJoin", community_id=made))["error"] == "couldnt_find_community"
            # These clients ask for the post with their token, and join its room without.
            await ann.data("GetPost", id=post, auth=hall.tokens["ann"])
            assert await ann.data("PostJoin", post_id=post) == {"joined": True}
            await hall.comment("ann", post, "among us")
            assert (await ann.hear())["data"]["comment"]["content"] == "among us"
            await nobody.hears_nothing()

    run_in_hall(engine, act)
