"""Previews of links: fetched when a post is made or edited, told to who is there, and nothing else is reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router

from folkmoot.config import Forum, Outgoing
from folkmoot.store import Engine, SqliteEngine
from tests.net.serving import serving
from tests.surfaces.forum.hall import Hall, run_in_hall

FIELDS = ("embed_title", "embed_description", "embed_html", "thumbnail_url")


@asynccontextmanager
async def pages(hall: Hall, *, on: bool = True, reached: bool = True) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The address of a web server, and what it says; the forum fetches previews and may reach it, unless told otherwise."""
    said: dict[str, Any] = {"title": "One", "status": 200, "asked": 0, "wait": None}

    async def page(request: Request) -> Response:
        said["asked"] += 1
        if said["wait"] is not None:
            await said["wait"].wait()
        html = f"<title>{said['title']}</title><meta name=description content=D><meta property=og:image content=/i.png>"
        return Response(html + "x" * 600_000, said["status"], media_type="text/html")

    async def away(request: Request) -> Response:
        return RedirectResponse("/page")

    async with serving(Router([Route("/page", page), Route("/away", away)])) as address:
        hall.house.settle(
            replace(
                hall.house.config,
                forum=Forum(link_previews=on),
                outgoing=Outgoing(allowed_networks=("127.0.0.0/8",) if reached else ()),
            )
        )
        yield f"http://{address}", said
        if said["wait"] is not None:
            said["wait"].set()
    await hall.house.close()


def preview(post: dict[str, Any]) -> list[Any]:
    return [post[field] for field in FIELDS]


def test_a_post_shows_what_its_link_says(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async with pages(hall) as (origin, said), hall.peer() as peer:
            await peer.data("GetPosts", type_="All", sort="New")
            community = (await hall.get("/community"))["community"]["id"]
            new = {"name": "Look", "community_id": community, "url": f"{origin}/away"}
            made = (await hall.send("/post", "ann", **new))["post"]
            assert preview(made) == ["One", "D", None, f"{origin}/i.png"]
            assert made["updated"] is None
            heard = [await peer.hear(), await peer.hear()]
            assert [each["op"] for each in heard] == ["CreatePost", "EditPost"]
            assert preview(heard[1]["data"]["post"]) == preview(made)
            listed = (await hall.get("/post/list", type_="All", sort="New"))["posts"][0]
            assert preview(listed) == preview(made)
            form = {"edit_id": made["id"], "name": "Look", "creator_id": 1, "community_id": community}
            said["title"] = "Two"
            # Without a link in the request nothing is asked for; what others send of it neither.
            asked = said["asked"]
            assert preview((await hall.send("/post", "ann", "PUT", **form))["post"]) == preview(made)
            await hall.send("/post", "admin", "PUT", **form, url=f"{origin}/page")
            assert said["asked"] == asked
            edited = (await hall.send("/post", "ann", "PUT", **form, url=f"{origin}/page"))["post"]
            assert edited["embed_title"] == "Two"
            # A page that cannot be had leaves what was there.
            said["status"] = 404
            again = (await hall.send("/post", "ann", "PUT", **form, url=f"{origin}/page"))["post"]
            assert preview(again) == preview(edited)
            # Without a link there is nothing to show.
            gone = (await hall.send("/post", "ann", "PUT", **form, url=""))["post"]
            assert preview(gone) == [None] * 4

    run_in_hall(engine, act)


def test_what_is_not_fetched(tmp_path: Path) -> None:
    async def act(hall: Hall) -> None:
        for settings in ({"on": False}, {"reached": False}):
            async with pages(hall, **settings) as (origin, said):
                for url in (f"{origin}/page", "nonsense", "ftp://localhost/", "http://[", "file:///etc/passwd", ""):
                    post = await hall.post("ann", url=url)
                    assert preview((await hall.get("/post", id=post))["post"]) == [None] * 4
                assert said["asked"] == 0
            hall.house._outgoing = None
        async with pages(hall) as (origin, said):
            # Nobody makes the server fetch something by a post that is refused.
            await hall.answer("/post", "ann", name=" ", community_id=1, url=f"{origin}/page")
            await hall.answer("/post", name="x", community_id=1, url=f"{origin}/page")
            assert said["asked"] == 0

    run_in_hall(SqliteEngine(tmp_path / "community.db"), act)


def test_a_slow_page_is_not_waited_for(tmp_path: Path) -> None:
    async def act(hall: Hall) -> None:
        async with pages(hall) as (origin, said), asyncio.timeout(10):
            said["wait"] = asyncio.Event()
            post = await hall.post("ann", url=f"{origin}/page")
            assert preview((await hall.get("/post", id=post))["post"]) == [None] * 4

    run_in_hall(SqliteEngine(tmp_path / "community.db"), act)


def test_leaving_takes_it_away(tmp_path: Path) -> None:
    async def act(hall: Hall) -> None:
        async with pages(hall) as (origin, _):
            post = await hall.post("ann", url=f"{origin}/page")
            await hall.send("/user/delete_account", "ann", password="pw")
            assert preview((await hall.get("/post", id=post))["post"]) == [None] * 4
            kept = await hall.house.db.read(lambda tx: tx.value("SELECT count(*) FROM link_previews"))
            assert kept == 0

    run_in_hall(SqliteEngine(tmp_path / "community.db"), act)
