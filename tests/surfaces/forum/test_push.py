"""Who hears of what, whatever door it came through."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain import accounts, conversations, spaces
from folkmoot.domain.accounts import Actor
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, Peer, run_in_hall


def actor_named(tx: Transaction, hall: Hall, name: str) -> Actor:
    return accounts.actor_of_account(tx, accounts.get_account_named(tx, name).id, hall.clock())


async def mail(hall: Hall, post: int, mail_id: str, text: str = "by mail") -> None:
    """Somebody without a login answers a post by mail."""

    def receive(tx: Transaction) -> None:
        space = spaces.get_space(tx, conversations.get_message(tx, post).space_id)
        sender = accounts.sender(tx, "carol@elsewhere.org", "", hall.clock())
        arrival = conversations.Arrival(
            mail_id, conversations.get_view(tx, post).mail_id, (), "Re", text, "carol@elsewhere.org", "",
            hall.clock(), hall.clock(), False, False, b"raw",
        )  # fmt: skip
        conversations.receive(tx, sender, space, arrival)

    await hall.house.db.write(receive)


async def in_rooms(hall: Hall, post: int, everything: Peer, community: Peer, thread: Peer) -> None:
    await everything.data("GetPosts", type_="All", sort="Hot")
    await community.data("GetCommunity", name="main")
    await thread.data("GetPost", id=post)


def test_a_post_is_told_in_its_three_rooms(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        main = (await hall.get("/community"))["community"]["id"]
        async with hall.peer() as everything, hall.peer() as community, hall.peer() as thread, hall.peer() as nowhere:
            await in_rooms(hall, post, everything, community, thread)
            for op, told in (
                ("CreatePostLike", hall.send("/post/like", "bob", post_id=post, score=1)),
                ("EditPost", hall.send("/post", "ann", "PUT", edit_id=post, name="New", deleted=True)),
                ("EditPost", hall.send("/post", "admin", "PUT", edit_id=post, name="New", locked=True, stickied=True)),
            ):
                answered = (await told)["post"]
                assert answered["my_vote"] is not None
                for peer in (everything, community, thread):
                    heard = await peer.hear()
                    assert list(heard) == ["op", "data"] and heard["op"] == op and list(heard["data"]) == ["post"]
                    view = heard["data"]["post"]
                    assert list(view) == list(answered)
                    nulled = dict.fromkeys(("user_id", "my_vote", "subscribed", "read", "saved"))
                    assert view == {**answered, **nulled}
            await hall.send("/post", "ann", name="Another", community_id=main)
            for peer in (everything, community):
                heard = await peer.hear()
                assert (heard["op"], heard["data"]["post"]["name"]) == ("CreatePost", "Another")
            for peer in (everything, community, thread, nowhere):
                await peer.hears_nothing()

    run_in_hall(engine, act)


def test_the_connection_a_change_came_through_is_left_out(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        async with hall.peer() as mine, hall.peer() as also_mine:
            for peer in (mine, also_mine):
                await peer.data("UserJoin", auth=hall.tokens["bob"])
                await peer.data("GetPost", id=post)
            reply = await mine.data("CreatePostLike", post_id=post, score=-1, auth=hall.tokens["bob"])
            assert reply["post"]["my_vote"] == -1
            heard = await also_mine.hear()
            assert heard["op"] == "CreatePostLike" and heard["data"]["post"]["my_vote"] is None
            await mine.hears_nothing()
            # Over HTTP nobody is left out.
            await hall.send("/post/like", "bob", post_id=post, score=1)
            for peer in (mine, also_mine):
                assert (await peer.hear())["op"] == "CreatePostLike"

    run_in_hall(engine, act)


def test_a_comment_reaches_the_rooms_and_who_was_answered(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        async with hall.peer() as everything, hall.peer() as community, hall.peer() as thread, hall.peer() as ann:
            await in_rooms(hall, post, everything, community, thread)
            ann_id = (await ann.data("UserJoin", auth=hall.tokens["ann"]))["user_id"]
            comment = await hall.comment("bob", post)
            await hall.send("/comment", "bob", "PUT", content="better", edit_id=comment)
            await hall.send("/comment/like", "bob", comment_id=comment, score=0)
            await hall.comment("ann", post, "to myself")
            for op, recipients in (
                ("CreateComment", [ann_id]), ("EditComment", [ann_id]), ("CreateCommentLike", [ann_id]), ("CreateComment", []),
            ):  # fmt: skip
                for peer in (everything, community, thread):
                    heard = await peer.hear()
                    assert heard["op"] == op and heard["data"]["recipient_ids"] == []
                    view = heard["data"]["comment"]
                    assert [view[key] for key in ("user_id", "my_vote", "subscribed", "saved")] == [None] * 4
                if recipients:
                    heard = await ann.hear()
                    assert heard["op"] == op and heard["data"]["recipient_ids"] == recipients
            await ann.hears_nothing()

    run_in_hall(engine, act)


def test_who_is_in_both_rooms_hears_twice(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        async with hall.peer() as ann:
            ann_id = (await ann.data("UserJoin", auth=hall.tokens["ann"]))["user_id"]
            await ann.data("GetPost", id=post)
            await hall.comment("bob", post)
            assert [(await ann.hear())["data"]["recipient_ids"] for _ in range(2)] == [[], [ann_id]]

    run_in_hall(engine, act)


def test_a_mail_reaches_live_clients(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")

        def open_list(tx: Transaction) -> None:
            space = spaces.get_forum_space(tx, "main")
            spaces.add_list_face(tx, space.id, space.owner_id, "main")

        await hall.house.db.write(open_list)
        async with hall.peer() as thread, hall.peer() as ann:
            await thread.data("GetPost", id=post)
            ann_id = (await ann.data("UserJoin", auth=hall.tokens["ann"]))["user_id"]
            await mail(hall, post, "<1@elsewhere>")
            for peer, recipients in ((thread, []), (ann, [ann_id])):
                heard = await peer.hear()
                assert heard["op"] == "CreateComment" and heard["data"]["recipient_ids"] == recipients
                assert heard["data"]["comment"]["creator_name"] == "carol"
                assert heard["data"]["comment"]["content"] == "by mail"

            def lock(tx: Transaction) -> None:
                conversations.set_locked(tx, actor_named(tx, hall, "admin"), post, True, hall.clock())

            await hall.house.db.write(lock)
            heard = await thread.hear()
            assert heard["op"] == "EditPost" and heard["data"]["post"]["locked"] is True

    run_in_hall(engine, act)


def test_a_ban_is_told_to_everybody(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async with hall.peer() as one, hall.peer() as admin:
            ann = (await one.data("UserJoin", auth=hall.tokens["ann"]))["user_id"]
            reply = await admin.data("BanUser", user_id=ann, ban=True, auth=hall.tokens["admin"])
            assert await one.hear() == {"op": "BanUser", "data": reply}
            await admin.hears_nothing()

    run_in_hall(engine, act)


def test_what_is_not_for_everybody_stays_inside(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="secret", title="S", category_id=1))["community"]["id"]

        def close(tx: Transaction) -> None:
            spaces.add_list_face(tx, made, spaces.get_space(tx, made).owner_id, "secret", "PRIVATE")

        await hall.house.db.write(close)
        async with hall.peer() as everything, hall.peer() as inside, hall.peer() as outside:
            # It is not among all posts, for those either who may read it.
            await everything.data("GetPosts", type_="All", sort="New", auth=hall.tokens["ann"])
            await inside.data("GetCommunity", id=made, auth=hall.tokens["ann"])
            assert (await outside.ask("GetCommunity", id=made))["error"] == "couldnt_find_community"
            await hall.send("/post", "ann", name="Hidden", community_id=made)
            assert (await inside.hear())["data"]["post"]["name"] == "Hidden"
            await everything.hears_nothing()
            await outside.hears_nothing()

    run_in_hall(engine, act)


@pytest.mark.parametrize("changes", [{"deleted": True}, {"nsfw": True, "deleted": True}])
def test_one_edit_is_told_once(engine: Engine, changes: dict[str, Any]) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        async with hall.peer() as peer:
            await peer.data("GetPost", id=post)
            await hall.send("/post", "ann", "PUT", edit_id=post, name="New", **changes)
            assert (await peer.hear())["data"]["post"]["deleted"] is True
            await peer.hears_nothing()
            # Votes are told one by one.
            for score in (0, -1, 1):
                await hall.send("/post/like", "bob", post_id=post, score=score)
            assert [(await peer.hear())["op"] for _ in range(3)] == ["CreatePostLike"] * 3

    run_in_hall(engine, act)
