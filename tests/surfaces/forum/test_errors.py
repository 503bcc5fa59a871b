"""The shape and the status of every refusal, over both transports."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from folkmoot.config import Limits
from folkmoot.store import Engine, SqliteEngine
from tests.surfaces.forum.hall import Hall, hall_on, run_in_hall

REFUSED: list[tuple[str, str, dict[str, Any], int, str, str | None]] = [
    ("GET", "/nowhere", {}, 404, "", "Unknown op type"),
    ("GET", "/modlogs", {}, 404, "", "Unknown op type"),
    ("DELETE", "/site", {}, 405, "", "This address does not take that method."),
    ("GET", "/post/list", {}, 400, "GetPosts", "missing field `type_`"),
    ("GET", "/post/list", {"params": {"type_": "All", "sort": "hot"}}, 400, "GetPosts", "Invalid enum value 'hot'"),
    ("GET", "/post", {"params": {"id": "x"}}, 400, "GetPost", "Expected `int`, got `str`"),
    (
        "POST",
        "/post/like",
        {"json": {"post_id": "1", "score": 1}},
        400,
        "CreatePostLike",
        "Expected `int`, got `str`",
    ),
    ("POST", "/post/like", {"json": {"post_id": 1}}, 400, "CreatePostLike", "missing field `score`"),
    ("POST", "/comment", {"json": {"content": "a\0", "post_id": 1}}, 400, "CreateComment", None),
    ("POST", "/user/login", {"content": b"{"}, 400, "Login", None),
    ("POST", "/user/login", {"content": b"\xff"}, 400, "Login", None),
    ("POST", "/user/login", {"content": b"[" * 100_000}, 400, "Login", None),
    ("POST", "/user/login", {"content": b" " * 300_000}, 413, "Login", None),
    # As much as lemmy §1.3 asks for, and what is not looked at besides.
    ("POST", "/user/login", {"content": b" " * 256 * 1024}, 400, "Login", None),
    (
        *("POST", "/user/login"),
        *({"json": {"username_or_email": "x", "password": "y", "odd": []}}, 400, "Login"),
        "couldnt_find_that_username_or_email",
    ),
    ("GET", "/user", {"params": {"sort": "New", "saved_only": "True"}}, 400, "GetUserDetails", None),
    ("POST", "/comment/like", {"json": {"comment_id": 1, "score": True}}, 400, "CreateCommentLike", None),
    ("POST", "/user/ban", {"json": {"user_id": 1, "ban": 1}}, 400, "BanUser", None),
    ("PUT", "/post/like", {"json": {}}, 405, "", None),
    ("GET", "/ws", {}, 404, "", "Unknown op type"),
]


def test_what_http_refuses(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        for method, path, options, status, op, text in REFUSED:
            answer = await hall.client.request(method, f"/api/v1{path}", **options)
            assert answer.status_code == status, (path, answer.text)
            assert answer.headers["content-type"] == "application/json"
            error = answer.json()
            assert list(error) == ["op", "message", "error"]
            assert error["op"] == op and error["message"] == error["error"] and error["error"], path
            assert text is None or error["error"] == text, path

    run_in_hall(engine, act)


def test_what_a_websocket_refuses(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async with hall.peer() as peer:
            for frame, op, text in (
                ("{", "", None),
                ("[]", "", None),
                ("{}", "", "Unknown op type"),
                ('{"op":3}', "", "Unknown op type"),
                ('{"op":"Nothing"}', "Nothing", "Unknown op type"),
                ('{"op":"GetNothing","data":{}}', "GetNothing", "Unknown op type"),
                ('{"op":"GetPosts","data":{"type_":"All"}}', "GetPosts", "missing field `sort`"),
                ('{"op":"GetPosts","data":[]}', "GetPosts", None),
                ('{"op":"GetPost","data":{"id":"1"}}', "GetPost", "Expected `int`, got `str`"),
                ('{"op":"GetPost","data":{"id":99}}', "GetPost", "couldnt_find_post"),
                ('{"op":"UserJoin","data":{}}', "UserJoin", "not_logged_in"),
                ('{"op":"UserJoin","data":{"auth":"undefined"}}', "UserJoin", "not_logged_in"),
                ('{"op":"GetPost","data":' + "[" * 50_000, "", None),
            ):
                await peer.socket.send(frame)
                error = await peer.hear()
                assert list(error) == ["op", "message", "error"]
                assert error["op"] == op and error["message"] == error["error"] and error["error"], frame
                assert text is None or error["error"] == text, frame
            # The connection is as good as before.
            assert (await peer.data("ListCategories"))["categories"][0] == {"id": 1, "name": "Discussion"}

    run_in_hall(engine, act)


def test_documented_rate_limits(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        main = (await hall.get("/community"))["community"]["id"]
        # What fails does not count.
        assert await hall.refused("/post", "ann", name=" ", community_id=main) == "couldnt_create_post"
        await hall.send("/post", "ann", name="one", community_id=main)
        answer = await hall.answer("/post", "bob", name="two", community_id=main)
        text = "Too many requests. 1 per 600 seconds"
        assert answer.status_code == 429
        assert answer.json() == {"op": "CreatePost", "message": text, "error": text}
        async with hall.peer() as peer:
            data = {"name": "x", "community_id": main, "auth": hall.tokens["bob"]}
            assert (await peer.ask("CreatePost", **data))["error"] == text
            hall.clock.wait(seconds=601)
            assert (await peer.data("CreatePost", **data))["post"]["name"] == "x"
        for _ in range(30):
            await hall.answer("/post/like", "ann", post_id=99, score=1)
        limited = await hall.answer("/post/like", "ann", post_id=99, score=1)
        assert limited.json()["error"] == "Too many requests. 30 per 60 seconds"
        # Votes on comments are everything else (lemmy §7).
        assert await hall.refused("/comment/like", "ann", comment_id=99, score=1) == "couldnt_find_comment"

    run_in_hall(engine, act, Limits(register=100))


def test_registering_and_founding_a_community_are_one_kind(tmp_path: Path) -> None:
    async def run() -> None:
        # As it is by default.
        assert Limits() == Limits(
            register=1, register_per_second=3600, post=1, post_per_second=600, message=30, message_per_second=60
        )
        async with hall_on(SqliteEngine(tmp_path / "community.db"), Limits()) as hall:
            form: dict[str, Any] = {"username": "ann", "password": "pw", "password_verify": "pw", "admin": False}
            # What fails does not count, over neither transport.
            assert await hall.refused("/user/register", **{**form, "username": "!"}) == "invalid_username"
            async with hall.peer() as peer:
                assert (await peer.ask("Register", **{**form, "password": "x"}))["error"] == "passwords_dont_match"
                auth = (await peer.data("Register", **form))["jwt"]
                text = "Too many requests. 1 per 3600 seconds"
                community: dict[str, Any] = {"name": "garden", "title": "Garden", "category_id": 1, "auth": auth}
                assert (await peer.ask("CreateCommunity", **community))["error"] == text
                limited = await hall.answer("/community", **community)
                assert (limited.status_code, limited.json()["error"]) == (429, text)
                assert (await hall.answer("/user/register", **form)).status_code == 429
                hall.clock.wait(seconds=3600)
                assert (await hall.answer("/community", **community)).status_code == 200
                assert (await peer.ask("Register", **{**form, "username": "bob"}))["error"] == text
                # Everything else goes on.
                for _ in range(100):
                    assert (await hall.client.get("/api/v1/community/list", params={"sort": "Hot"})).status_code == 200
                for _ in range(40):
                    assert (await hall.client.get("/feeds/all.xml")).status_code == 400

    asyncio.run(run())


def test_posts_at_once_from_one_address_are_one(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        main = (await hall.get("/community"))["community"]["id"]
        answers = await asyncio.gather(*(hall.answer("/post", "ann", name=f"{n}", community_id=main) for n in range(8)))
        assert sorted(each.status_code for each in answers) == [200] + [429] * 7

    run_in_hall(engine, act, Limits(register=100))


def test_an_error_is_compact_and_unescaped(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        answer = await hall.client.get("/api/v1/community", params={"name": "ü"})
        assert answer.text == json.dumps(
            {"op": "GetCommunity", "message": "couldnt_find_community", "error": "couldnt_find_community"},
            separators=(",", ":"),
        )

    run_in_hall(engine, act)
