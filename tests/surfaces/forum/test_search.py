"""Searching (lemmy §5.8), with the index behind, in between and up to date."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain import conversations, spaces
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, run_in_hall


async def found(hall: Hall, q: str, type_: str = "All", by: str = "", **more: Any) -> dict[str, list[str]]:
    data = await hall.send("/search", by, q=q, type_=type_, sort=more.pop("sort", "New"), **more)
    assert list(data) == ["type_", "comments", "posts", "communities", "users"] and data["type_"] == type_
    return {
        "posts": [each["name"] for each in data["posts"]],
        "comments": [each["content"] for each in data["comments"]],
        "communities": [each["name"] for each in data["communities"]],
        "users": [each["name"] for each in data["users"]],
    }


@pytest.mark.parametrize("indexed", [0, 2, 100])
def test_what_is_found(engine: Engine, indexed: int) -> None:
    async def act(hall: Hall) -> None:
        await hall.send("/community", "ann", name="garden", title="Roses", category_id=1, description="of all kinds")
        first = await hall.post("ann", "Apples and pears", body="100% juice, under_score")
        hall.clock.wait(seconds=1)
        second = await hall.post("bob", "Über Äpfel", "garden", body="nothing here")
        hall.clock.wait(seconds=1)
        comment = await hall.comment("bob", first, "I like APPLES a lot")
        gone = await hall.comment("bob", first, "apples removed")
        await hall.send("/comment", "bob", "PUT", edit_id=gone, content="apples removed", deleted=True)
        if indexed:
            await hall.house.db.write(conversations.index_some, indexed)
        nothing: dict[str, list[str]] = {"posts": [], "comments": [], "communities": [], "users": []}
        assert await found(hall, "apples") == {
            **nothing,
            "posts": ["Apples and pears"],
            "comments": ["I like APPLES a lot"],
        }
        # Words in their order, anything between; the signs of patterns mean themselves.
        assert (await found(hall, "app pears", "Posts"))["posts"] == ["Apples and pears"]
        assert (await found(hall, "pears app", "Posts"))["posts"] == []
        assert (await found(hall, "100% juice", "Posts"))["posts"] == ["Apples and pears"]
        assert (await found(hall, "r_s", "Posts"))["posts"] == ["Apples and pears"]
        assert (await found(hall, "1%e", "Posts"))["posts"] == []
        assert (await found(hall, "ÄPFEL", "Posts"))["posts"] == ["Über Äpfel"]
        assert (await found(hall, 'a "b', "Posts"))["posts"] == []
        assert (await found(hall, "an", "Posts"))["posts"] == ["Apples and pears"]
        assert (await found(hall, "nothing", "Posts", community_id=1))["posts"] == []
        assert (await found(hall, "ro ses", "Communities"))["communities"] == ["garden"]
        assert (await found(hall, "ALL KINDS", "Communities"))["communities"] == ["garden"]
        assert (await found(hall, "B", "Users"))["users"] == ["bob"]
        assert await found(hall, "  ") == nothing
        # What is edited is found as it is now, and no more as it was.
        await hall.send("/comment", "bob", "PUT", edit_id=comment, content="I like cherries")
        await hall.send("/post", "bob", "PUT", edit_id=second, name="Über Quitten")
        assert (await found(hall, "apples", "Comments"))["comments"] == []
        assert (await found(hall, "cherries", "Comments"))["comments"] == ["I like cherries"]
        assert (await found(hall, "quitten", "Posts"))["posts"] == ["Über Quitten"]

    run_in_hall(engine, act)


def test_links_orders_and_both_methods(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        for number in range(12):
            await hall.post("ann", f"link {number}", url="https://example.org/a")
            hall.clock.wait(seconds=1)
        await hall.post("ann", "other", url="https://example.org/ab")
        first = (await hall.get("/post/list", type_="All", sort="New", limit=20))["posts"][-1]["id"]
        await hall.send("/post/like", "bob", post_id=first, score=1)
        newest = await found(hall, "https://example.org/a", "Url")
        assert newest["posts"] == [f"link {number}" for number in range(11, 1, -1)]
        assert (await found(hall, "https://example.org/a", "Url", page=2))["posts"] == ["link 1", "link 0"]
        assert (await found(hall, "link", "Posts", sort="TopAll"))["posts"][0] == "link 0"
        # Who asks matters to all searches but that for a link (lemmy §5.8).
        for type_, q, viewer in (("Url", "https://example.org/ab", False), ("Posts", "other", True)):
            data = await hall.send("/search", "bob", q=q, type_=type_, sort="New")
            assert [(each["name"], each["user_id"] is not None) for each in data["posts"]] == [("other", viewer)]
        over_get = await hall.get("/search", q="link", type_="Posts", sort="New", limit=1)
        assert [each["name"] for each in over_get["posts"]] == ["link 11"]
        hall.clock.wait(days=2)
        assert (await found(hall, "link", "Posts", sort="TopDay"))["posts"] == []
        assert len((await found(hall, "link", "Posts", sort="TopWeek"))["posts"]) == 10

    run_in_hall(engine, act)


SAID = (
    *(
        'say "quoted words" AND NOT OR',
        "!bang! wow!!",
        "emoji 😀🎉 party",
        "漢字テスト日本語",
        "col:umn * ^caret NEAR(x y)",
    ),
    *("back\\slash \\%", "' quote; DROP", "e\u0301 and é", "a b", "-minus +plus"),
)


@pytest.mark.parametrize("indexed", [0, 100])
def test_what_means_something_to_a_database_means_itself(engine: Engine, indexed: int) -> None:
    async def act(hall: Hall) -> None:
        for name in SAID:
            await hall.post("ann", name, body="x")
        long = "long " + "abcdefghi " * 40
        await hall.post("ann", "long", body=long)
        if indexed:
            await hall.house.db.write(conversations.index_some, indexed)
        for query, number in (
            *(
                ('"quoted', 0),
                ("AND NOT OR", 0),
                ("!!", 1),
                ("!B", 1),
                ("😀", 2),
                ("😀🎉", 2),
                ("漢字", 3),
                ("漢 本", 3),
            ),
            *(
                ("col:umn", 4),
                ("* ^caret", 4),
                ("NEAR(x", 4),
                ("\\", 5),
                ("\\%", 5),
                ("%", 5),
                ("' quote;", 6),
                ("É", 7),
            ),
            *(("a b", 8), ("+plus", 9), ("-m", 9)),
        ):
            names = (await found(hall, query, "Posts", limit=50))["posts"]
            assert SAID[number] in names, query
            if query != "a b":
                assert names == [SAID[number]], query
        for query in ('"""', "_", "x" * 300, "%" * 70_000, "🎉" * 40_000, "\u200b"):
            assert set(map(len, (await found(hall, query)).values())) == {0}, query[:9]
        # However long it is, what is asked for has to be there: all of it.
        assert (await found(hall, long))["posts"] == ["long"]
        for query in (f"{long} z", long.replace(" ", "", 60), f"{long[:250]}z"):
            assert (await found(hall, query))["posts"] == []
        assert (await found(hall, "n  n", "Users"))["users"] == ["ann"]
        assert (await found(hall, "n_n", "Users"))["users"] == []

    run_in_hall(engine, act)


def test_what_is_not_for_everybody_is_not_found(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.send("/community", "ann", name="secret", title="Secret", category_id=1)
        await hall.comment("ann", await hall.post("ann", "hidden treasure", "secret"), "hidden comment")

        def close(tx: Transaction) -> None:
            space = spaces.get_forum_space(tx, "secret")
            spaces.add_list_face(tx, space.id, space.owner_id, "secret", "PRIVATE")

        await hall.house.db.write(close)
        nothing: dict[str, list[str]] = {"posts": [], "comments": [], "communities": [], "users": []}
        assert await found(hall, "hidden") == await found(hall, "hidden", by="bob") == nothing
        assert await found(hall, "secret", "Communities", by="bob") == nothing
        assert (await found(hall, "secret", "Communities", by="ann"))["communities"] == ["secret"]

    run_in_hall(engine, act)
