"""The feeds and nodeinfo (lemmy §8.1, §8.4)."""

from __future__ import annotations

from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

import httpx

from folkmoot.domain import spaces
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, run_in_hall


async def feed(hall: Hall, path: str, **query: str) -> ElementTree.Element:
    answer = await hall.client.get(f"/feeds/{path}.xml", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/rss+xml"
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "rss" and root.get("version") == "2.0"
    channel = root.find("channel")
    assert channel is not None
    return channel


def texts(channel: ElementTree.Element, name: str) -> list[Any]:
    return [each.findtext(name) for each in channel.findall("item")]


def test_what_is_in_which_feed(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.send("/community", "ann", name="garden", title="Garden", category_id=1)
        first = await hall.post("ann", "in main", url="https://example.org/x?a=1&b=2", body="**bold** <script>")
        hall.clock.wait(seconds=1)
        second = await hall.post("ann", "in garden & more", "garden", nsfw=True)
        hall.clock.wait(seconds=1)
        third = await hall.post("bob", "gone")
        await hall.send("/post", "bob", "PUT", edit_id=third, name="gone", deleted=True)
        everything = await feed(hall, "all", sort="New")
        assert everything.findtext("title") == "Town - All" and everything.findtext("link") == "https://localhost"
        assert texts(everything, "title") == ["in garden & more", "in main"]
        assert texts(everything, "link") == [None, "https://example.org/x?a=1&b=2"]
        assert (
            texts(everything, "guid")
            == texts(everything, "comments")
            == [
                f"https://localhost/post/{second}",
                f"https://localhost/post/{first}",
            ]
        )
        item = everything.findall("item")[1]
        assert item.findtext("author") == '/u/ann <a href="https://localhost/u/ann">(link)</a>'
        category = item.find("category")
        assert category is not None and category.get("domain") == "localhost"
        assert category.text == '/c/main <a href="https://localhost/c/main">(link)</a>'
        description = item.findtext("description") or ""
        assert "<strong>bold</strong>" in description and "<script>" not in description
        assert f'1 points | <a href="https://localhost/post/{first}">0 comments</a>' in description
        published = item.findtext("pubDate") or ""
        assert published.endswith("+0000") and parsedate_to_datetime(published).year == 2026
        community = await feed(hall, "c/garden")
        assert (community.findtext("title"), community.findtext("link")) == (
            "Town - garden",
            "https://localhost/c/garden",
        )
        assert texts(community, "title") == ["in garden & more"]
        assert texts(await feed(hall, "u/ann", sort="TopAll"), "title") == ["in garden & more", "in main"]
        assert texts(await feed(hall, f"front/{hall.tokens['bob']}"), "title") == ["in main"]

    run_in_hall(engine, act)


HOSTILE = (
    *(
        "]]> <script>alert(1)</script> & &amp; &#0;",
        "\u202eRTL \u2066x",
        "emoji 😀 z\u0301",
        "tab\there",
        "vt\x0b\x1b[31mx",
    ),
    *("del\x7f\x85x", "non\ufffe\uffffx", "\ufeffbom", '" onclick="x', "a" * 200),
)
# What XML cannot hold.
_LOST = str.maketrans("", "", "\x0b\x1b\ufffe\uffff")


def test_what_is_written_to_break_a_feed_does_not(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        body = "]]> <b onclick=x>raw</b> \x0b\ufffe [x](javascript:alert(1)) <https://ok.example>"
        for title in HOSTILE:
            await hall.post("ann", title, url="https://example.org/?a=\"<>&'", body=body)
            hall.clock.wait(seconds=1)
        channel = await feed(hall, "all", sort="New")
        assert texts(channel, "title") == [each.translate(_LOST) for each in reversed(HOSTILE)]
        assert set(texts(channel, "link")) == {"https://example.org/?a=\"<>&'"}
        for description in texts(channel, "description"):
            assert "<b" not in description.replace("<br", "") and 'href="javascript' not in description
            assert '<a href="https://ok.example"' in description and "]]&gt;" in description
        assert len(set(texts(channel, "guid"))) == len(HOSTILE)

    run_in_hall(engine, act)


def test_no_feed_tells_of_what_its_reader_may_not_browse(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        made = (await hall.send("/community", "ann", name="secret", title="S", category_id=1))["community"]["id"]
        await hall.send("/community/follow", "bob", community_id=made, follow=True)
        post = await hall.post("ann", "hidden", "secret", nsfw=True)
        comment = await hall.comment("bob", post, "for @ann")
        await hall.comment("ann", post, "for @bob", parent_id=comment)
        seen = {
            name: texts(await feed(hall, name), "title")
            for name in ("all", "u/ann", "c/secret", *(f"front/{hall.tokens[each]}" for each in ("ann", "bob")))
        }
        assert all(found == ["hidden"] for found in seen.values())
        assert texts(await feed(hall, f"inbox/{hall.tokens['bob']}"), "title") == ["Reply from ann"] * 2

        def close(tx: Transaction) -> None:
            spaces.add_list_face(tx, made, spaces.get_space(tx, made).owner_id, "secret", "PRIVATE")

        await hall.house.db.write(close)
        for name in ("all", "u/ann", f"front/{hall.tokens['bob']}", f"inbox/{hall.tokens['bob']}"):
            assert texts(await feed(hall, name), "title") == [], name
        assert (await hall.client.get("/feeds/c/secret.xml")).status_code == 400
        assert texts(await feed(hall, f"front/{hall.tokens['ann']}"), "title") == ["hidden"]
        assert texts(await feed(hall, f"inbox/{hall.tokens['ann']}"), "title") == ["Reply from bob"] * 2

    run_in_hall(engine, act)


def test_the_inbox_is_for_who_holds_the_token(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        comment = await hall.comment("bob", post, "an answer")
        hall.clock.wait(seconds=1)
        named = await hall.comment("bob", await hall.post("bob", "other"), "look @ann")
        inbox = await feed(hall, f"inbox/{hall.tokens['ann']}")
        assert inbox.findtext("title") == "Town - Inbox"
        assert texts(inbox, "title") == ["Reply from bob", "Reply from bob"]
        assert [each.rpartition("/")[2] for each in texts(inbox, "link")] == [str(comment), str(named)]
        assert texts(await feed(hall, f"inbox/{hall.tokens['admin']}"), "title") == []
        # Up to ten of each; what is gone takes no room.
        gone = []
        for number in range(11):
            hall.clock.wait(seconds=1)
            gone.append(await hall.comment("bob", post, f"{number} @ann @admin"))
        links = texts(await feed(hall, f"inbox/{hall.tokens['ann']}"), "link")
        assert [int(each.rpartition("/")[2]) for each in links] == [*gone[:0:-1]] * 2
        for each in gone:
            await hall.send("/comment", "bob", "PUT", edit_id=each, content="x", deleted=True)
        links = texts(await feed(hall, f"inbox/{hall.tokens['ann']}"), "link")
        assert [int(each.rpartition("/")[2]) for each in links] == [comment, named]
        assert texts(await feed(hall, f"inbox/{hall.tokens['admin']}"), "title") == []

    run_in_hall(engine, act)


def test_what_is_refused(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        for path in ("nothing", "c/nowhere", "u/nobody", "front/token", "inbox/token", "all/main", "c", "all.xml/x"):
            answer = await hall.client.get(f"/feeds/{path}.xml")
            assert answer.status_code == 400, path
        assert (await hall.client.get("/feeds/all.xml", params={"sort": "hot"})).status_code == 400

    run_in_hall(engine, act)


def test_who_has_it_already_is_told_so(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.post("ann")
        first = await hall.client.get("/feeds/all.xml")
        tag, modified = first.headers["etag"], first.headers["last-modified"]
        assert modified == format_datetime(hall.clock.at.replace(microsecond=0), usegmt=True)
        for headers, status in (
            ({"if-none-match": tag}, 304),
            ({"if-none-match": f'"other", W/{tag}'}, 304),
            ({"if-none-match": '"other"'}, 200),
            ({"if-modified-since": modified}, 304),
            ({"if-modified-since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
            ({"if-modified-since": "nonsense"}, 200),
            # RFC 9110 §13.1.3: the tag goes before the date.
            ({"if-none-match": '"other"', "if-modified-since": modified}, 200),
        ):
            answer = await hall.client.get("/feeds/all.xml", headers=headers)
            assert (answer.status_code, bool(answer.content)) == (status, status == 200), headers
        hall.clock.wait(seconds=2)
        await hall.post("ann", "another")
        assert (await hall.client.get("/feeds/all.xml", headers={"if-none-match": tag})).status_code == 200

    run_in_hall(engine, act)


def test_a_date_says_not_modified_only_of_what_has_not_changed(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async def asked(since: str, path: str = "all") -> httpx.Response:
            return await hall.client.get(f"/feeds/{path}.xml", headers={"if-modified-since": since})

        older = await hall.post("ann", "older")
        hall.clock.wait(seconds=5)
        newer = await hall.post("ann", "newer")
        modified = (await asked("")).headers["last-modified"]
        hall.clock.wait(seconds=5)
        assert (await asked(modified)).status_code == 304
        # Each of these changes what stands in the feed, and none of them when its newest post was written.
        changes: tuple[dict[str, Any], ...] = (
            {"path": "/post/like", "by": "bob", "post_id": older, "score": 1},
            {"path": "/post", "by": "ann", "method": "PUT", "edit_id": older, "name": "older, edited"},
            {"path": "/post", "by": "ann", "method": "PUT", "edit_id": newer, "name": "newer", "deleted": True},
        )
        for change in changes:
            await hall.send(**change)
            answer = await asked(modified)
            assert answer.status_code == 200, change
            hall.clock.wait(seconds=5)
            modified = answer.headers["last-modified"]
            assert (await asked(modified)).status_code == 304, change
        # Two states within the second that a date can say: the later one has no date yet.
        assert (await asked("", "u/bob")).headers["last-modified"]
        await hall.post("bob", "quick")
        answer = await asked(format_datetime(hall.clock.at.replace(microsecond=0), usegmt=True), "u/bob")
        assert answer.status_code == 200 and "last-modified" not in answer.headers
        hall.clock.wait(seconds=1)
        assert (await asked("", "u/bob")).headers["last-modified"]

    run_in_hall(engine, act)


def test_nodeinfo(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.comment("bob", await hall.post("ann"))
        found = (await hall.client.get("/nodeinfo/2.0.json")).json()
        assert found["version"] == "2.0" and found["protocols"] == [] and found["software"]["name"] == "folkmoot"
        assert found["usage"] == {
            "users": {"total": 3},
            "localPosts": 1,
            "localComments": 1,
            "openRegistrations": True,
        }
        links = (await hall.client.get("/.well-known/nodeinfo")).json()["links"]
        assert links["href"] == "https://localhost/nodeinfo/2.0.json"

    run_in_hall(engine, act)
