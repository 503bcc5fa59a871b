"""Every row of the table of broadcasts (lemmy §6): who gets it, who does not, and what is left out of it."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect as open_websocket

from folkmoot.store import Engine, SqliteEngine
from tests.surfaces.forum.crowd import Crowd
from tests.surfaces.forum.hall import Hall, Peer, run_in_hall

OF_VIEWER = ("user_id", "my_vote", "subscribed", "read", "saved")


async def everywhere(hall: Hall, stack: AsyncExitStack, post: int) -> dict[str, Peer]:
    """A connection in each kind of room, bob's own twice, and one that is nowhere."""
    peers = {
        name: await stack.enter_async_context(hall.peer())
        for name in ("all", "community", "other community", "post", "other post", "bob", "bob again", "ann", "nowhere")
    }
    other = await hall.post("admin", "Elsewhere", "aside")
    await peers["all"].data("GetPosts", type_="All", sort="Hot")
    await peers["community"].data("GetCommunity", name="main")
    await peers["other community"].data("GetCommunity", name="aside")
    await peers["post"].data("GetPost", id=post)
    await peers["other post"].data("GetPost", id=other)
    for name in ("bob", "bob again", "ann"):
        await peers[name].data("UserJoin", auth=hall.tokens[name.split()[0]])
    # The one that is told in the room of everything has gone in before that post.
    return peers


async def hear(peers: dict[str, Peer], heard_by: set[str], op: str, times: int = 1) -> list[Any]:
    """What these and no others were told."""
    found = []
    for name, peer in peers.items():
        for _ in range(times if name in heard_by else 0):
            frame = await peer.hear()
            assert (list(frame), frame["op"]) == (["op", "data"], op), (name, frame)
            found.append(frame["data"])
        await peer.hears_nothing()
    assert len(found) == len(heard_by) * times
    return found


def test_each_row_reaches_whom_it_names_and_nobody_else(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.send("/community", "admin", name="aside", title="Aside", category_id=1)
        main = (await hall.get("/community", "bob"))["community"]
        bob, main = main["user_id"], main["id"]
        post = await hall.post("ann", "Market")
        comment = await hall.comment("admin", post, "first")
        everyone = {"category_id": 1, "name": "main", "title": "Square"}
        async with AsyncExitStack() as stack:
            peers = await everywhere(hall, stack, post)
            place, thread = {"all", "community"}, {"all", "community", "post"}

            # Posts: the three rooms.
            made = (await hall.send("/post", "bob", name="New", community_id=main))["post"]
            for told in await hear(peers, place, "CreatePost"):
                assert told == {"post": {**made, **dict.fromkeys(OF_VIEWER)}}
            await hall.send("/post/save", "bob", post_id=post, save=True)
            await hall.send("/post/like", "bob", post_id=post, score=1)
            for told in await hear(peers, thread, "CreatePostLike"):
                assert [told["post"][key] for key in OF_VIEWER] == [None] * 5 and told["post"]["score"] == 2
            await hall.send("/post", "admin", "PUT", edit_id=post, name="Market", stickied=True)
            await hear(peers, thread, "EditPost")

            # Comments: the three rooms without recipients, and the recipients' own rooms on each of their connections.
            for op, path, method, by, data, recipients in (
                (
                    "CreateComment",
                    "/comment",
                    "POST",
                    "admin",
                    {"content": "see @bob", "post_id": post},
                    ["bob", "ann"],
                ),
                (
                    "EditComment",
                    "/comment",
                    "PUT",
                    "admin",
                    {"content": "and /u/bob", "edit_id": comment},
                    ["bob", "ann"],
                ),
                ("CreateCommentLike", "/comment/like", "POST", "bob", {"comment_id": comment, "score": 1}, ["ann"]),
            ):
                answer = await hall.send(path, by, method, **data)
                assert answer["recipient_ids"] == []
                own = {"bob", "bob again", "ann"} if "bob" in recipients else {"ann"}
                for told in await hear({name: peers[name] for name in thread}, thread, op):
                    assert list(told) == ["comment", "recipient_ids"] and told["recipient_ids"] == []
                    gone = dict.fromkeys(("user_id", "my_vote", "subscribed", "saved"))
                    assert told["comment"] == {**answer["comment"], **gone}
                ann = made["creator_id"] - 1
                ids = [{"bob": bob, "ann": ann}[name] for name in recipients]
                rest = {name: peer for name, peer in peers.items() if name not in thread}
                for told in await hear(rest, own, op):
                    assert told["recipient_ids"] == ids and told["comment"]["user_id"] is None

            # A community's own news: its room.
            told_here = {"community"}
            answer = await hall.send("/community", "admin", "PUT", edit_id=main, **everyone)
            assert answer["community"]["subscribed"] is True
            [told] = await hear(peers, told_here, "EditCommunity")
            assert told == {"community": {**answer["community"], "user_id": None, "subscribed": None}}
            answer = await hall.send("/community/mod", "admin", community_id=main, user_id=bob, added=True)
            assert await hear(peers, told_here, "AddModToCommunity") == [answer]
            await hall.send("/community/mod", "admin", community_id=main, user_id=bob, added=False)
            await hear(peers, told_here, "AddModToCommunity")
            answer = await hall.send("/community/ban_user", "admin", community_id=main, user_id=bob, ban=True)
            assert await hear(peers, told_here, "BanFromCommunity") == [answer]

            # The site's news: every connection.
            news: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
                ("EditSite", "/site", "PUT", {"name": "Village"}),
                ("AddAdmin", "/admin/add", "POST", {"user_id": bob, "added": True}),
                ("BanUser", "/user/ban", "POST", {"user_id": bob, "ban": True}),
            )
            for op, path, method, data in news:
                answer = await hall.send(path, "admin", method, **data)
                for told in await hear(peers, set(peers), op):
                    assert told == answer and '"email":"' not in json.dumps(told).replace(" ", "")

            # A private message: its recipient's own room.
            answer = await hall.send("/private_message", "ann", content="psst", recipient_id=bob)
            assert await hear(peers, {"bob", "bob again"}, "CreatePrivateMessage") == [answer] * 2

            # Nobody hears of the rest.
            for path, method, by, data in (
                ("/private_message", "PUT", "ann", {"edit_id": answer["message"]["id"], "content": "hush"}),
                ("/post/save", "POST", "ann", {"post_id": post, "save": True}),
                ("/comment/save", "POST", "ann", {"comment_id": comment, "save": True}),
                ("/community/follow", "POST", "ann", {"community_id": main, "follow": False}),
                ("/user/mark_all_as_read", "POST", "ann", {}),
                ("/community/transfer", "POST", "admin", {"community_id": main, "user_id": ann}),
                ("/site/transfer", "POST", "admin", {"user_id": ann}),
            ):
                await hall.send(path, by, method, **data)
            await hear(peers, set(), "")

    run_in_hall(engine, act)


def test_a_comment_to_many_waits_for_no_one_and_a_slow_one_is_dropped(tmp_path: Path) -> None:
    many = 200

    async def act(hall: Hall) -> None:
        post, aside = await hall.post("ann", "Market"), await hall.post("ann", "Aside", body="x" * 9_000)
        host, _, port = hall.address.rpartition(":")
        crowd = Crowd(post)

        async def vote(on: int, times: int) -> None:
            """Something long that the slow one alone is told of, so often."""
            for number in range(times):
                data = {"post_id": on, "score": number % 2, "auth": hall.tokens["bob"]}
                await voter.socket.send(json.dumps({"op": "CreatePostLike", "data": data}))
            for _ in range(times):
                await voter.socket.recv()

        async with AsyncExitStack() as stack:
            await crowd.fill(hall.address, many)
            stack.callback(crowd.leave)
            narrow = socket.socket()
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            narrow.connect((host, int(port)))
            narrow.setblocking(False)
            slow = await stack.enter_async_context(open_websocket(f"ws://{hall.address}/api/v1/ws", sock=narrow))
            await Peer(slow).data("GetCommunity", name="main")
            slow.transport.pause_reading()
            canary, voter = [await stack.enter_async_context(hall.peer()) for _ in range(2)]
            waits: list[float] = []
            said, before = 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            # What the kernel takes for the slow one, and what may wait for it besides, is some megabytes.
            while (await canary.data("GetSite"))["online"] > many + 2:
                crowd.expect(1 + said + 2)
                saying = asyncio.gather(vote(aside, 30), *(hall.comment("bob", post) for _ in range(2)))
                while not saying.done():
                    began = time.monotonic()
                    await canary.data("ListCategories")
                    await hall.get("/categories")
                    waits.append(time.monotonic() - began)
                    await asyncio.sleep(0.02)
                await saying
                await crowd.wait()
                said += 2
                assert said < 200, "a client that does not read is still in the room"
            # A moment is far less than what the slow one keeps still for; what waits for many is there once.
            assert sorted(waits)[len(waits) // 2] < 1
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
            assert {member.frames for member in crowd.members} == {1 + said}
            slow.transport.abort()

    run_in_hall(SqliteEngine(tmp_path / "community.db"), act)
