"""A page from a moment ago, and the posts on it as they were written, are shown only while nothing has changed."""

from __future__ import annotations

import json
from typing import Any

from folkmoot.store import Engine
from tests.surfaces.forum.hall import NOW, Hall, run_in_hall


def test_every_change_is_seen_at_once_while_the_clock_stands_still(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", "Market")
        main = (await hall.get("/community"))["community"]["id"]

        async def listed(by: str = "bob") -> Any:
            [found] = (await hall.get("/post/list", by, type_="All", sort="Hot"))["posts"]
            assert found == (await hall.get("/post/list", by, type_="All", sort="Hot"))["posts"][0]
            return found

        first = await listed()
        assert (first["saved"], first["subscribed"], first["my_vote"], first["creator_avatar"]) == (None, True, 0, None)
        await hall.send("/post/save", "bob", post_id=post, save=True)
        assert (await listed())["saved"] is True
        await hall.send("/community/follow", "bob", community_id=main, follow=False)
        assert (await listed())["subscribed"] is None
        await hall.send("/post/like", "bob", post_id=post, score=-1)
        assert (await listed())["my_vote"] == -1
        settings = {"show_nsfw": False, "theme": "darkly", "default_sort_type": 0, "default_listing_type": 1}
        await hall.send("/user/save_user_settings", "ann", "PUT", avatar="https://example.org/ann.png", **settings)
        assert (await listed())["creator_avatar"] == "https://example.org/ann.png"
        # Of others' votes nobody sees more than the sum, whoever asked last.
        for by, mine in (("ann", 1), ("", None), ("bob", -1)):
            assert (await listed(by))["my_vote"] == mine

    run_in_hall(engine, act)


def test_a_rank_is_as_old_as_a_second_at_most(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.post("ann", "Market")

        async def rank() -> int:
            return int((await hall.get("/post/list", type_="All", sort="Hot"))["posts"][0]["hot_rank"])

        first = await rank()
        hall.clock.wait(seconds=0.9)
        assert await rank() == first
        hall.clock.wait(hours=1)
        assert await rank() < first

    run_in_hall(engine, act)


async def agree(hall: Hall, post: int, listed: bool = True) -> None:
    """Each kind of viewer finds in the listing, twice, what the post's own page says, or does not find it."""
    for by in ("", "ann", "bob", "admin"):
        alone = (await hall.get("/post", by, id=post))["post"]
        for sort in ("New", "TopAll"):
            found = (await hall.get("/post/list", by, type_="All", sort=sort))["posts"]
            again = (await hall.get("/post/list", by, type_="All", sort=sort, limit=11))["posts"]
            assert found == again
            # The same keys in the same order too.
            shown = [json.dumps(each) for each in found if each["id"] == post]
            assert shown == ([json.dumps(alone)] if listed else []), by


def test_every_kind_of_change_is_seen_by_everybody_at_once(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", 'A "market", here', body='He said: ,"hot_rank":1', url="https://example.org/a")
        await hall.post("bob", "Another")
        main = (await hall.get("/community"))["community"]
        ann = (await hall.get("/post", id=post))["post"]["creator_id"]
        here = {"edit_id": main["id"], "name": "main", "title": "t", "category_id": 1}
        await agree(hall, post)
        for score in (1, -1, 0):
            await hall.send("/post/like", "bob", post_id=post, score=score)
            await agree(hall, post)
        hall.clock.wait(seconds=1)
        await hall.comment("bob", post)
        await agree(hall, post)
        for edit in ({"name": "Bazaar"}, {"body": "other"}, {"url": "https://example.org/b"}):
            await hall.send("/post", "ann", "PUT", **{"edit_id": post, "name": "Bazaar", **edit})
            await agree(hall, post)
        for name in ("locked", "stickied"):
            for flag in (True, False):
                await hall.send("/post", "admin", "PUT", edit_id=post, name="Bazaar", **{name: flag})
                await agree(hall, post)
        for by, name in (("admin", "removed"), ("ann", "deleted")):
            for flag in (True, False):
                await hall.send("/post", by, "PUT", edit_id=post, name="Bazaar", **{name: flag})
                await agree(hall, post, listed=not flag)
        for flag in (True, False):
            await hall.send("/post", "ann", "PUT", edit_id=post, name="Bazaar", nsfw=flag)
            await agree(hall, post, listed=not flag)
        await hall.send("/post/save", "bob", post_id=post, save=True)
        await agree(hall, post)
        await hall.send("/community/follow", "bob", community_id=main["id"], follow=False)
        await agree(hall, post)
        settings = {"show_nsfw": False, "theme": "darkly", "default_sort_type": 0, "default_listing_type": 1}
        await hall.send("/user/save_user_settings", "ann", "PUT", avatar="https://example.org/ann.png", **settings)
        await agree(hall, post)
        await hall.send("/community", "admin", "PUT", **{**here, "title": "Other"})
        await agree(hall, post)
        for flag in (True, False):
            await hall.send("/community", "admin", "PUT", **here, nsfw=flag)
            await agree(hall, post, listed=not flag)
        for path, more in (("/user/ban", {}), ("/community/ban_user", {"community_id": main["id"]})):
            for flag in (True, False):
                await hall.send(path, "admin", user_id=ann, ban=flag, **more)
                await agree(hall, post)

    run_in_hall(engine, act)


def test_a_ban_ends_in_the_listing_when_its_time_comes(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", "Market")
        ann = (await hall.get("/post", id=post))["post"]["creator_id"]
        until = int(NOW.timestamp()) + 60
        await hall.send("/user/ban", "admin", user_id=ann, ban=True, expires=until)
        await agree(hall, post)
        assert (await hall.get("/post/list", type_="All", sort="New"))["posts"][0]["banned"] is True
        hall.clock.wait(seconds=61)
        await agree(hall, post)
        assert (await hall.get("/post/list", type_="All", sort="New"))["posts"][0]["banned"] is False

    run_in_hall(engine, act)


def test_an_old_post_is_as_old_as_itself_without_a_change(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", "Market")
        hall.clock.wait(days=20)
        await hall.comment("bob", post)
        await agree(hall, post)
        first = (await hall.get("/post/list", type_="All", sort="New"))["posts"][0]
        assert first["newest_activity_time"] > first["published"]
        hall.clock.wait(days=20)
        await agree(hall, post)
        later = (await hall.get("/post/list", type_="All", sort="New"))["posts"][0]
        assert later["newest_activity_time"] == later["published"]

    run_in_hall(engine, act)
