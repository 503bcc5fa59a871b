"""Bans with an end are over when it comes, in every view and for every operation, and nobody has to lift them."""

from __future__ import annotations

from typing import Any

from folkmoot.store import Engine
from tests.surfaces.forum.hall import Hall, run_in_hall


async def shown(hall: Hall, post: int, comment: int) -> set[tuple[bool, bool]]:
    """What every view of bob's words says: banned from the site, banned from the community."""
    whole = await hall.get("/post", id=post)
    listing: dict[str, Any] = {"type_": "All", "sort": "New"}
    views = [
        *(whole["post"], *whole["comments"]),
        *(await hall.get("/post/list", **listing))["posts"],
        *(await hall.get("/comment/list", **listing))["comments"],
        *(await hall.get("/user/mentions", "ann", sort="New", unread_only="false"))["mentions"],
        *(await hall.get("/user", "bob", sort="New", username="bob"))["posts"],
        *(await hall.send("/search", q="words", type_="Posts", sort="New"))["posts"],
    ]
    assert {each["id"] for each in views} == {post, comment} and len(views) == 7
    return {(each["banned"], each["banned_from_community"]) for each in views}


def test_a_ban_is_over_when_its_end_comes(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        main = (await hall.get("/community"))["community"]["id"]
        post = await hall.post("bob", "bob's words")
        comment = await hall.comment("bob", post, "for @ann")
        bob = (await hall.get("/user", sort="New", username="bob"))["user"]["id"]
        assert await shown(hall, post, comment) == {(False, False)}
        now = int(hall.clock.at.timestamp())
        here = {"community_id": main, "user_id": bob, "ban": True}
        assert (await hall.send("/community/ban_user", "admin", **here, expires=now + 60))["banned"] is True
        assert await shown(hall, post, comment) == {(False, True)}
        assert (await hall.send("/user/ban", "admin", user_id=bob, ban=True, expires=now + 120))["user"][
            "banned"
        ] is True
        assert await shown(hall, post, comment) == {(True, True)}
        assert await hall.refused("/post", "bob", name="x", community_id=main) == "community_ban"
        assert await hall.refused("/community/ban_user", "admin", **here) == "community_user_already_banned"
        hall.clock.wait(seconds=60)
        assert await shown(hall, post, comment) == {(True, False)}
        assert await hall.refused("/post", "bob", name="x", community_id=main) == "site_ban"
        assert [each["name"] for each in (await hall.get("/site"))["banned"]] == ["bob"]
        hall.clock.wait(seconds=60)
        assert await shown(hall, post, comment) == {(False, False)}
        assert (await hall.get("/site"))["banned"] == []
        assert (await hall.get("/user", sort="New", username="bob"))["user"]["banned"] is False
        await hall.comment("bob", post, "again")
        # What is over can be begun anew; the log keeps what was said then.
        await hall.send("/community/ban_user", "admin", **here)
        log = await hall.get("/modlog")
        assert [each["expires"] for each in log["banned_from_community"]] == [None, "2026-03-01T12:01:00"]
        assert [each["expires"] for each in log["banned"]] == ["2026-03-01T12:02:00"]
        assert await hall.refused("/user/ban", "admin", user_id=bob, ban=True, expires=10**18) == "couldnt_update_user"

    run_in_hall(engine, act)
