"""The WebSocket: the same data as over HTTP, in order, and its own life."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from folkmoot.domain import accounts
from folkmoot.store import Engine, Transaction
from folkmoot.surfaces.forum.routes import OPERATIONS
from tests.net.serving import until
from tests.surfaces.forum.hall import Hall, run_in_hall


def test_both_transports_give_the_same_data(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", body="ünïcode / slash")
        comment = await hall.comment("ann", post, "for @bob")
        answer = await hall.comment("bob", post, "for nobody")
        main = (await hall.get("/community"))["community"]["id"]
        bob = {"auth": hall.tokens["bob"]}
        ann = (await hall.get("/post", id=post))["post"]["creator_id"]
        community = {"name": "main", "title": "Main", "category_id": 1}
        await hall.send("/private_message", "ann", content="hello", recipient_id=ann + 1)
        asked: dict[str, dict[str, Any]] = {
            "ListCategories": {},
            "GetSite": {},
            "GetCommunity": {"name": "main", **bob},
            "ListCommunities": {"sort": "Hot", **bob},
            "GetFollowedCommunities": bob,
            "GetPosts": {"type_": "All", "sort": "Hot", "community_id": main, **bob},
            "GetPost": {"id": post, **bob},
            "CreatePostLike": {"post_id": post, "score": 1, **bob},
            "CreateCommentLike": {"comment_id": comment, "score": -1, **bob},
            "EditPost": {"edit_id": post, "name": "New", "auth": hall.tokens["ann"]},
            "EditComment": {"edit_id": comment, "content": "New", "auth": hall.tokens["ann"]},
            "BanUser": {"user_id": 1, "ban": False, "auth": hall.tokens["admin"]},
            "AddAdmin": {"user_id": 1, "added": True, "auth": hall.tokens["admin"]},
            "EditSite": {"name": "Town", "auth": hall.tokens["admin"]},
            "EditCommunity": {"edit_id": main, **community, "auth": hall.tokens["admin"]},
            "BanFromCommunity": {"community_id": main, "user_id": ann, "ban": False, "auth": hall.tokens["admin"]},
            "AddModToCommunity": {"community_id": main, "user_id": ann, "added": False, "auth": hall.tokens["admin"]},
            "TransferCommunity": {"community_id": main, "user_id": 1, "auth": hall.tokens["admin"]},
            "TransferSite": {"user_id": 1, "auth": hall.tokens["admin"]},
            "GetModlog": {"limit": 1},
            "SaveSiteConfig": {"config_hjson": "# none", "auth": hall.tokens["admin"]},
            "GetSiteConfig": {"auth": hall.tokens["admin"]},
            "Search": {"q": "new", "type_": "All", "sort": "Hot", **bob},
            "GetUserDetails": {"sort": "New", "username": "ann", **bob},
            "GetComments": {"type_": "All", "sort": "Hot", "community_id": main, **bob},
            "GetReplies": {"sort": "New", "unread_only": False, **bob},
            "GetUserMentions": {"sort": "New", "unread_only": False, **bob},
            "EditUserMention": {"user_mention_id": 1, "read": True, **bob},
            "MarkAllAsRead": bob,
            "SavePost": {"post_id": post, "save": False, **bob},
            "SaveComment": {"comment_id": comment, "save": False, **bob},
            "EditPrivateMessage": {"edit_id": 1, "content": "bye", "auth": hall.tokens["ann"]},
            "GetPrivateMessages": {"unread_only": False, **bob},
            "UserJoin": bob,
            "DeletePost": {"edit_id": post, "deleted": True, "auth": hall.tokens["ann"]},
            "RemovePost": {"edit_id": post, "removed": False, "auth": hall.tokens["admin"]},
            "LockPost": {"edit_id": post, "locked": True, "auth": hall.tokens["admin"]},
            "StickyPost": {"edit_id": post, "stickied": True, "auth": hall.tokens["admin"]},
            "DeleteComment": {"edit_id": comment, "deleted": True, "auth": hall.tokens["ann"]},
            "RemoveComment": {"edit_id": comment, "removed": False, "auth": hall.tokens["admin"]},
            "MarkCommentAsRead": {"edit_id": answer, "read": True, "auth": hall.tokens["ann"]},
            "DeleteCommunity": {"edit_id": main, "deleted": False, "auth": hall.tokens["admin"]},
            "RemoveCommunity": {"edit_id": main, "removed": False, "auth": hall.tokens["admin"]},
            "MarkUserMentionAsRead": {"user_mention_id": 1, "read": True, **bob},
            "DeletePrivateMessage": {"edit_id": 1, "deleted": True, "auth": hall.tokens["ann"]},
            "MarkPrivateMessageAsRead": {"edit_id": 1, "read": True, **bob},
            "PostJoin": {"post_id": post},
            "CommunityJoin": {"community_id": main},
            "GetCaptcha": {},
        }
        # These make something new each time.
        once = {"Login", "Register", "CreateSite", "CreateCommunity", "FollowCommunity", "CreatePost", "CreateComment"}
        once |= {"CreatePrivateMessage", "SaveUserSettings", "DeleteAccount", "PasswordReset", "PasswordChange"}
        told = {"CreatePostLike", "CreateCommentLike", "EditPost", "EditComment", "BanUser", "AddAdmin", "EditSite"}
        told |= {"EditCommunity", "BanFromCommunity", "AddModToCommunity"}
        assert set(asked) | once == {each.name for each in OPERATIONS}
        async with hall.peer() as peer:
            for operation in OPERATIONS:
                if operation.name not in asked:
                    continue
                data = asked[operation.name]
                path = operation.path.removeprefix("/api/v1")
                over_socket = await peer.data(operation.name, **data)
                if operation.method == "GET":
                    over_http = await hall.get(path, **data)
                else:
                    over_http = await hall.send(path, "", operation.method, **data)
                    # A ban is told to everybody, and an open post to those who look at it.
                    if operation.name in told:
                        assert (await peer.hear())["op"] == operation.name
                for each in (over_socket, over_http):
                    each.pop("online", None)
                    each.pop("joined", None)
                assert json.dumps(over_socket) == json.dumps(over_http), operation.name

    run_in_hall(engine, act)


def test_what_is_made_looks_the_same_over_both(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        main = (await hall.get("/community"))["community"]["id"]
        async with hall.peer() as peer:
            auth = hall.tokens["ann"]
            post = (await hall.send("/post", "ann", name="x", community_id=main))["post"]
            twin = (await peer.data("CreatePost", name="x", community_id=main, auth=auth))["post"]
            assert {**twin, "id": 0} == {**post, "id": 0} and list(twin) == list(post)
            comment = await hall.send("/comment", "ann", content="x", post_id=post["id"])
            double = await peer.data("CreateComment", content="x", post_id=post["id"], auth=auth)
            double["comment"]["id"] = comment["comment"]["id"]
            assert json.dumps(double) == json.dumps(comment)
            assert (await peer.data("Login", username_or_email="ann", password="pw"))["jwt"]

    run_in_hall(engine, act)


def test_data_may_be_left_out_and_binary_frames_are_ignored(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async with hall.peer() as peer:
            for frame in ('{"op": "ListCategories"}', ' {"op":"ListCategories","data":null}\n'):
                await peer.socket.send(b'{"op":"GetSite"}')
                await peer.socket.send(frame)
                reply = await peer.hear()
                assert list(reply) == ["op", "data"] and reply["op"] == "ListCategories"

    run_in_hall(engine, act)


def test_replies_come_in_the_order_asked(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async with hall.peer() as peer:
            asked = []
            for number in range(40):
                # Signing in takes long, listing does not.
                op = "Login" if number % 10 == 0 else "GetSite"
                data = {"username_or_email": "ann", "password": f"no{number}"} if op == "Login" else {}
                asked.append(op)
                await peer.socket.send(json.dumps({"op": op, "data": data}))
            assert [(await peer.hear())["op"] for _ in asked] == asked

    run_in_hall(engine, act)


def test_online_counts_connections(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        async with hall.peer() as one, hall.peer() as two:
            assert (await one.data("GetSite"))["online"] == 2 == (await hall.get("/site"))["online"]
            assert (await one.data("GetPost", id=post))["online"] == 1
            assert (await two.data("GetPost", id=post))["online"] == 2
            assert (await hall.get("/post", id=post))["online"] == 2
            # Entering another room leaves this one.
            assert (await two.data("GetCommunity", name="main"))["online"] == 1
            assert (await hall.get("/post", id=post))["online"] == 1
            assert (await hall.get("/community"))["online"] == 1
            for op in ("GetPosts", "GetComments"):
                main = (await two.data("GetCommunity", name="main"))["community"]["id"]
                # What is asked of one community leads nowhere.
                await two.data(op, type_="All", sort="New", community_id=main)
                assert (await hall.get("/community"))["online"] == 1
                await two.data(op, type_="All", sort="New")
                assert (await hall.get("/community"))["online"] == 0
                await hall.post("bob", op)
                assert (await two.hear())["op"] == "CreatePost"
        async with asyncio.timeout(5):
            while (await hall.get("/site"))["online"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await hall.get("/post", id=post))["online"] == 0

    run_in_hall(engine, act)


def test_who_joins_as_another_leaves_the_room_before_and_no_other(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        async with hall.peer() as peer, hall.peer() as also:
            ann, bob = [(await peer.data("UserJoin", auth=hall.tokens[name]))["user_id"] for name in ("ann", "bob")]
            await also.data("UserJoin", auth=hall.tokens["bob"])
            await peer.data("GetPost", id=post)
            await hall.send("/private_message", "admin", content="for ann", recipient_id=ann)
            await hall.send("/private_message", "admin", content="for bob", recipient_id=bob)
            for each in (peer, also):
                assert (await each.hear())["data"]["message"]["content"] == "for bob"
            await hall.send("/post/like", "admin", post_id=post, score=1)
            assert (await peer.hear())["op"] == "CreatePostLike"
            await also.hears_nothing()

    run_in_hall(engine, act)


@pytest.mark.parametrize(
    "how", ["suspended", "password", "revoked", "suspended after another", "suspended after a visit"]
)
def test_what_ends_an_account_ends_its_connections(engine: Engine, how: str) -> None:
    async def act(hall: Hall) -> None:
        async with hall.peer() as mine, hall.peer() as other:
            ann = (await hall.get("/community", "ann"))["community"]["user_id"]
            await mine.data("GetSite" if how.endswith("visit") else "UserJoin", auth=hall.tokens["ann"])
            await other.data("UserJoin", auth=hall.tokens["bob"])
            if how.endswith("visit"):
                # Whose token it was asked with once, though he joined as somebody else.
                await mine.data("GetFollowedCommunities", auth=hall.tokens["ann"])
                await mine.data("UserJoin", auth=hall.tokens["bob"])
            if how.endswith("another"):
                await mine.data("GetFollowedCommunities", auth=hall.tokens["bob"])

            def end(tx: Transaction) -> None:
                if how == "password":
                    accounts.change_password(tx, ann, "$2b$12$x", hall.clock())
                elif how == "revoked":
                    accounts.revoke_token(tx, accounts.list_tokens(tx, "forum", ann)[0].id)
                else:
                    accounts.suspend(tx, "ann", hall.clock())

            await hall.house.db.write(end)
            with pytest.raises(ConnectionClosed):
                await mine.hear()
            await other.hears_nothing()
            await until(lambda: mine.socket.close_code is not None)
            assert mine.socket.close_code == 1008

    run_in_hall(engine, act)
