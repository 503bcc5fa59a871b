"""A space that is not for everybody does not exist for the others: not in answers, codes, counts or broadcasts."""

from __future__ import annotations

from typing import Any

from folkmoot.domain import accounts, conversations, spaces
from folkmoot.domain.spaces import Rights
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, run_in_hall


async def make_secret(hall: Hall, visibility: str = "PRIVATE") -> tuple[int, int]:
    """A community of ann's with one post and a comment of bob's, closed to others afterwards; its id and the post's."""
    made = (await hall.send("/community", "ann", name="secret", title="S", category_id=1))["community"]["id"]
    post = await hall.post("ann", "Hidden", "secret")
    await hall.comment("bob", post)
    await hall.send("/community/follow", "bob", community_id=made, follow=True)

    def close(tx: Transaction) -> None:
        spaces.add_list_face(tx, made, spaces.get_space(tx, made).owner_id, "secret", visibility)

    await hall.house.db.write(close)
    return made, post


def test_a_banned_account_learns_nothing_from_codes(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        made, post = await make_secret(hall)
        comment = (await hall.get("/post", "ann", id=post))["comments"][0]["id"]
        bob = (await hall.get("/community", "bob"))["community"]["user_id"]
        await hall.send("/user/ban", "admin", user_id=bob, ban=True)
        for path, method, here, missing in (
            ("/post", "POST", {"community_id": made, "name": "x"}, {"community_id": 999, "name": "x"}),
            ("/post/like", "POST", {"post_id": post, "score": 1}, {"post_id": 999, "score": 1}),
            ("/comment/like", "POST", {"comment_id": comment, "score": 1}, {"comment_id": 999, "score": 1}),
            ("/comment", "POST", {"post_id": post, "content": "x"}, {"post_id": 999, "content": "x"}),
            ("/post", "PUT", {"edit_id": post, "name": "x"}, {"edit_id": 999, "name": "x"}),
            ("/comment", "PUT", {"edit_id": comment, "content": "x"}, {"edit_id": 999, "content": "x"}),
            (
                *("/community/follow", "POST"),
                {"community_id": made, "follow": True},
                {"community_id": 999, "follow": True},
            ),
        ):
            codes = [await hall.refused(path, "bob", method, **data) for data in (here, missing)]
            assert codes[0] == codes[1] != "site_ban", (path, method)

    run_in_hall(engine, act)


def test_what_one_follows_may_become_hidden(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async def followed(by: str) -> list[str]:
            data = await hall.get("/user/followed_communities", by)
            return [each["community_name"] for each in data["communities"]]

        await make_secret(hall)
        assert await followed("bob") == ["main"]
        assert await followed("ann") == ["main", "secret"]

    run_in_hall(engine, act)


def test_the_site_counts_what_everybody_may_see(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.post("ann")
        await make_secret(hall)

        def employ(tx: Transaction) -> None:
            accounts.register(tx, "robot", None, hall.clock(), is_program=True)
            accounts.sender(tx, "carol@elsewhere.org", "Carol", hall.clock())

        await hall.house.db.write(employ)
        site = (await hall.get("/site"))["site"]
        counts = [site[f"number_of_{what}"] for what in ("users", "posts", "comments", "communities")]
        assert counts == [3, 1, 0, 1]

    run_in_hall(engine, act)


def test_who_may_no_longer_browse_hears_no_more(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async def change(visibility: str) -> None:
            def close(tx: Transaction) -> None:
                face = spaces.get_list_face(tx, made)
                if face is None:
                    spaces.add_list_face(tx, made, spaces.get_space(tx, made).owner_id, "town", visibility)

            await hall.house.db.write(close)

        made = (await hall.send("/community", "ann", name="town", title="T", category_id=1))["community"]["id"]
        post = await hall.post("ann", "Here", "town")
        bobs = await hall.comment("bob", post)
        async with hall.peer() as nobody, hall.peer() as bob, hall.peer() as at_home, hall.peer() as ann:
            await nobody.data("GetPost", id=post)
            await bob.data("GetCommunity", id=made, auth=hall.tokens["bob"])
            await at_home.data("UserJoin", auth=hall.tokens["bob"])
            await ann.data("GetPost", id=post, auth=hall.tokens["ann"])
            await hall.comment("ann", post, "open", parent_id=bobs)
            for peer in (nobody, bob, at_home, ann):
                assert (await peer.hear())["data"]["comment"]["content"] == "open"
            await change("PRIVATE")
            await hall.comment("ann", post, "among us", parent_id=bobs)
            await hall.send("/post/like", "ann", post_id=post, score=0)
            assert (await ann.hear())["data"]["comment"]["content"] == "among us"
            assert (await ann.hear())["op"] == "CreatePostLike"
            for peer in (nobody, bob, at_home):
                await peer.hears_nothing()

    run_in_hall(engine, act)


def test_who_may_read_and_not_write_is_told_what_failed(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="news", title="N", category_id=1))["community"]["id"]
        post = await hall.post("ann", community="news")
        comment = await hall.comment("ann", post)
        ann = (await hall.get("/community", "ann"))["community"]["user_id"]

        def close(tx: Transaction) -> None:
            actor = accounts.actor_of_account(tx, ann, hall.clock())
            spaces.add_list_face(tx, made, ann, "news")
            spaces.edit_list_audiences(tx, actor, made, Rights.BROWSE, Rights.BROWSE, Rights.BROWSE, hall.clock())

        await hall.house.db.write(close)
        for path, data, code in (
            ("/post", {"community_id": made, "name": "x"}, "couldnt_create_post"),
            ("/comment", {"post_id": post, "content": "x"}, "couldnt_create_comment"),
            ("/comment", {"post_id": post, "parent_id": comment, "content": "x"}, "couldnt_create_comment"),
        ):
            assert await hall.refused(path, "bob", **data) == code
        assert (await hall.get("/post", "bob", id=post))["post"]["id"] == post
        await hall.send("/post/like", "bob", post_id=post, score=1)
        await hall.comment("ann", post)

    run_in_hall(engine, act)


def test_a_list_without_a_community_is_not_in_the_forum(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        ann = (await hall.get("/community", "ann"))["community"]["user_id"]

        def make(tx: Transaction) -> tuple[int, int]:
            actor = accounts.actor_of_account(tx, ann, hall.clock())
            space = spaces.create_space(tx, actor, "devel", "Devel", None, hall.clock())
            spaces.add_list_face(tx, space.id, ann, "devel")
            spaces.edit_list_audiences(tx, actor, space.id, Rights.NORMAL, Rights.NORMAL, Rights.NORMAL, hall.clock())
            message = conversations.post(
                tx, actor, space.id, "By mail", "x", hall.clock(), origin="mail", mail_domain="example.net"
            )
            return space.id, message.id

        space, post = await hall.house.db.write(make)
        refusals: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("/comment", {"post_id": post, "content": "x"}, "couldnt_find_post"),
            ("/post/like", {"post_id": post, "score": 1}, "couldnt_find_post"),
            ("/post", {"community_id": space, "name": "x"}, "couldnt_create_post"),
            ("/community/follow", {"community_id": space, "follow": True}, "community_follower_already_exists"),
        )
        for path, data, code in refusals:
            assert await hall.refused(path, "bob", **data) == code
        listed = await hall.get("/post/list", "ann", type_="All", sort="New", community_id=space)
        assert listed == {"posts": []}

    run_in_hall(engine, act)
