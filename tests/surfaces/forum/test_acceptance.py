"""The contract's acceptance checks, one test each (lemmy §10).

Shapes are checked in everything the suite sees (shapes.py), bans in test_holes.py, transports in test_stream.py; here it is
made sure that these look at everything.
"""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

from folkmoot.config import Limits
from folkmoot.store import Engine
from folkmoot.surfaces.forum.routes import OPERATIONS
from tests.surfaces.forum import shapes
from tests.surfaces.forum.hall import NOW, Hall, hall_on, run_in_hall


async def number(hall: Hall, name: str) -> int:
    return int((await hall.get("/user", username=name, sort="New"))["user"]["id"])


async def main(hall: Hall, by: str = "") -> dict[str, Any]:
    found: dict[str, Any] = (await hall.get("/community", by))["community"]
    return found


def test_shape_of_every_operation_is_written_down() -> None:
    assert set(shapes.ENVELOPES) == {each.name for each in OPERATIONS}


def test_first_run(engine: Engine) -> None:
    async def run() -> None:
        async with hall_on(engine) as hall:
            found = await hall.get("/site")
            assert found["site"] is None and found["admins"] == []
            await hall.enrol("boss", admin=True)
            assert (await hall.send("/site", "boss", name="Town"))["site"]["id"] == 1
            second: dict[str, Any] = {"username": "other", "password": "a", "password_verify": "a", "admin": True}
            assert await hall.refused("/user/register", **second) == "admin_already_created"
            # Main: it is there after the first registration, the admin moderates it, everybody follows it.
            await hall.enrol("ann")
            for name in ("boss", "ann"):
                assert (await main(hall, name))["subscribed"] is True
            assert [each["user_name"] for each in (await hall.get("/community"))["moderators"]] == ["boss"]

    asyncio.run(run())


def test_votes(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        seen = (await hall.get("/post", "ann", id=post))["post"]
        assert (seen["score"], seen["my_vote"]) == (1, 1)
        for score, total in ((-1, -1), (0, 0)):
            voted = (await hall.send("/post/like", "ann", post_id=post, score=score))["post"]
            assert (voted["score"], voted["my_vote"], voted["downvotes"]) == (total, score, -min(score, 0))
        assert (await hall.get("/post", "bob", id=post))["post"]["my_vote"] == 0
        await hall.send("/site", "admin", "PUT", name="Town", enable_downvotes=False)
        assert await hall.refused("/post/like", "ann", post_id=post, score=-1) == "downvotes_disabled"

    run_in_hall(engine, act)


def test_stickied_comes_first_in_its_community_only(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        first = await hall.post("ann", "first")
        hall.clock.wait(hours=1)
        second = await hall.post("ann", "second")
        await hall.send("/post", "admin", "PUT", edit_id=first, name="first", stickied=True)
        community = (await main(hall))["id"]
        for sort in ("Hot", "New", "TopDay", "TopAll"):
            listing = {"type_": "All", "sort": sort}
            inside = (await hall.get("/post/list", **listing, community_id=community))["posts"]
            assert [each["id"] for each in inside] == [first, second], sort
            assert [each["id"] for each in (await hall.get("/post/list", **listing))["posts"]] == [second, first], sort

    run_in_hall(engine, act)


def test_a_comment_bumps_its_post_for_a_month(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        old = await hall.post("ann", "old")
        hall.clock.wait(days=20)
        for name in ("one", "two"):
            await hall.post("ann", name)

        async def hot() -> list[str]:
            return [each["name"] for each in (await hall.get("/post/list", type_="All", sort="Hot"))["posts"]]

        assert (await hot())[-1] == "old"
        hall.clock.wait(days=2)
        await hall.comment("bob", old)
        seen = (await hall.get("/post", id=old))["post"]
        assert seen["newest_activity_time"] > seen["published"] and (await hot())[0] == "old"
        hall.clock.wait(days=20)
        await hall.comment("bob", old)
        seen = (await hall.get("/post", id=old))["post"]
        assert seen["newest_activity_time"] == seen["published"] and (await hot())[-1] == "old"

    run_in_hall(engine, act)


def test_inbox(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        comment = await hall.comment("bob", await hall.post("ann"), "for /u/admin")
        unread = {"sort": "New", "unread_only": True}
        assert [each["id"] for each in (await hall.get("/user/replies", "ann", **unread))["replies"]] == [comment]
        for _ in range(2):
            form = {"edit_id": comment, "content": "for /u/admin and /u/ann"}
            await hall.send("/comment", "bob", "PUT", **form)
        for name in ("admin", "ann"):
            mentions = (await hall.get("/user/mention", name, **unread))["mentions"]
            assert [each["id"] for each in mentions] == [comment]
        assert await hall.send("/user/mark_all_as_read", "ann") == {"replies": []}
        assert (await hall.get("/user/replies", "ann", **unread))["replies"] == []
        assert (await hall.get("/user/mention", "ann", **unread))["mentions"] == []
        assert len((await hall.get("/user/mention", "admin", **unread))["mentions"]) == 1

    run_in_hall(engine, act)


def test_rooms(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        comment = await hall.comment("ann", post)
        async with hall.peer() as one, hall.peer() as other:
            await one.data("GetPost", id=post, auth=hall.tokens["ann"])
            liked = {"comment_id": comment, "post_id": post, "score": -1}
            reply = await other.data("CreateCommentLike", **liked, auth=hall.tokens["bob"])
            assert reply["comment"]["my_vote"] == -1
            heard = await one.hear()
            assert heard["op"] == "CreateCommentLike"
            shown = heard["data"]["comment"]
            assert (shown["id"], shown["score"], shown["my_vote"], shown["user_id"]) == (comment, 0, None, None)
            await other.hears_nothing()

    run_in_hall(engine, act)


def test_limits(engine: Engine) -> None:
    async def run() -> None:
        async with hall_on(engine, Limits(register=100)) as hall:
            await hall.enrol("ann")
            new = {"name": "x", "community_id": (await main(hall))["id"], "auth": hall.tokens["ann"]}
            assert (await hall.answer("/post", **{**new, "name": " "})).json()["error"] == "couldnt_create_post"
            assert (await hall.answer("/post", **new)).status_code == 200
            text = "Too many requests. 1 per 600 seconds"
            second = await hall.answer("/post", **new)
            assert (second.status_code, second.json()["error"]) == (429, text)
            async with hall.peer() as peer:
                assert (await peer.ask("CreatePost", **new))["error"] == text
            hall.clock.wait(seconds=599)
            assert (await hall.answer("/post", **new)).status_code == 429
            hall.clock.wait(seconds=1)
            assert (await hall.answer("/post", **new)).status_code == 200

    asyncio.run(run())


def test_modlog(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        ann, bob = await number(hall, "ann"), await number(hall, "bob")
        here = {"community_id": (await main(hall))["id"]}
        post = await hall.post("ann")
        comment = await hall.comment("ann", post)
        community = {"edit_id": here["community_id"], "name": "main", "title": "M", "category_id": 1}
        steps = [
            ("removed_posts", "/post", "PUT", {"edit_id": post, "name": "x", "removed": True, "reason": "r"}),
            ("locked_posts", "/post", "PUT", {"edit_id": post, "name": "x", "locked": True}),
            ("stickied_posts", "/post", "PUT", {"edit_id": post, "name": "x", "stickied": True}),
            ("removed_comments", "/comment", "PUT", {"edit_id": comment, "content": "x", "removed": True}),
            ("removed_communities", "/community", "PUT", {**community, "removed": True, "reason": "r"}),
            ("banned_from_community", "/community/ban_user", "POST", {**here, "user_id": bob, "ban": True}),
            ("banned", "/user/ban", "POST", {"user_id": bob, "ban": True, "expires": 4_000_000_000}),
            ("added_to_community", "/community/mod", "POST", {**here, "user_id": ann, "added": True}),
            ("added", "/admin/add", "POST", {"user_id": ann, "added": True}),
            ("added_to_community", "/community/transfer", "POST", {**here, "user_id": ann}),
            ("added", "/site/transfer", "POST", {"user_id": ann}),
        ]
        counts = {name: len(rows) for name, rows in (await hall.get("/modlog")).items()}
        assert set(counts.values()) == {0}
        for name, path, method, data in steps:
            await hall.send(path, "admin", method, **data)
            counts[name] += 1
            log = await hall.get("/modlog")
            assert {key: len(rows) for key, rows in log.items()} == counts, path
            assert log[name][0]["mod_user_name"] == "admin"
        assert log["removed_comments"][0]["comment_user_id"] == ann
        assert log["removed_comments"][0]["comment_content"] == "well" and log["removed_posts"][0]["reason"] == "r"
        # Who was appointed was not removed.
        for name in ("added", "added_to_community"):
            assert {(each["removed"], each["other_user_name"]) for each in log[name]} == {(False, "ann")}
        assert [log[name][0]["banned"] for name in ("banned", "banned_from_community")] == [True, True]
        assert log["banned"][0]["expires"] == "2096-10-02T07:06:40"
        inside = await hall.get("/modlog", **here)
        for name in ("removed_communities", "banned", "added"):
            assert inside.pop(name) == []
        assert all(inside.values())
        assert not any((await hall.get("/modlog", mod_user_id=bob)).values())

    run_in_hall(engine, act)


def test_feeds(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", "A & b", url="https://example.org/?a&b")
        await hall.post("ann", "bare")
        answer = await hall.client.get("/feeds/c/main.xml", params={"sort": "New"})
        assert answer.headers["content-type"].startswith("application/rss+xml")
        channel = ElementTree.fromstring(answer.content).find("channel")
        assert channel is not None
        assert channel.findtext("title") == "Town - main" and channel.findtext("link") == "https://localhost/c/main"
        bare, item = sorted(channel.findall("item"), key=lambda each: each.findtext("title") != "bare")
        assert (item.findtext("title"), item.findtext("link")) == ("A & b", "https://example.org/?a&b")
        assert item.findtext("guid") == item.findtext("comments") == f"https://localhost/post/{post}"
        assert parsedate_to_datetime(item.findtext("pubDate") or "") == NOW.replace(microsecond=0)
        assert bare.find("link") is None

    run_in_hall(engine, act)


def test_configuration(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        text = "{\n  // here\n  hostname: 'town.example' # there\n}\n"
        await hall.send("/site/config", "admin", "PUT", config_hjson=text)
        refused = await hall.refused("/site/config", "admin", "PUT", config_hjson="{hostname: []}")
        assert refused == "couldnt_update_site"
        assert await hall.get("/site/config", "admin") == {"config_hjson": text}

    run_in_hall(engine, act)
