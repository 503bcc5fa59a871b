"""A page from a moment ago is shown only while nothing has changed."""

from __future__ import annotations

from typing import Any

from folkmoot.store import Engine
from tests.surfaces.forum.hall import Hall, run_in_hall


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
