"""Every view's keys, in order, and when they are null."""

from __future__ import annotations

import json
from typing import Any

from msgspec import inspect

from folkmoot.store import Engine
from folkmoot.surfaces.forum.routes import OPERATIONS
from tests.surfaces.forum.hall import Hall, run_in_hall


def keys(text: str) -> list[str]:
    return text.split()


USER = keys("""
    id name avatar email matrix_user_id fedi_name admin banned show_avatars send_notifications_to_email published
    number_of_posts post_score number_of_comments comment_score
""")
COMMUNITY = keys("""
    id name title description category_id creator_id removed published updated deleted nsfw creator_name creator_avatar
    category_name number_of_subscribers number_of_posts number_of_comments hot_rank user_id subscribed
""")
COMMUNITY_USER = keys("id community_id user_id published user_name avatar community_name")
POST = keys("""
    id name url body creator_id community_id removed locked published updated deleted nsfw stickied embed_title
    embed_description embed_html thumbnail_url banned banned_from_community creator_name creator_avatar community_name
    community_removed community_deleted community_nsfw number_of_comments score upvotes downvotes hot_rank
    newest_activity_time user_id my_vote subscribed read saved
""")
COMMENT = keys("""
    id creator_id post_id parent_id content removed read published updated deleted community_id community_name banned
    banned_from_community creator_name creator_avatar score upvotes downvotes hot_rank user_id my_vote subscribed saved
""")
SITE = keys("""
    id name description creator_id published updated enable_downvotes open_registration enable_nsfw creator_name
    creator_avatar number_of_users number_of_posts number_of_comments number_of_communities
""")


def test_keys_and_their_order(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann", body="x")
        await hall.comment("bob", post)
        site = await hall.get("/site")
        assert list(site) == ["site", "admins", "banned", "online"]
        assert list(site["site"]) == SITE and list(site["admins"][0]) == USER
        found = await hall.get("/community", "ann")
        assert list(found) == ["community", "moderators", "admins", "online"]
        assert list(found["community"]) == COMMUNITY and list(found["moderators"][0]) == COMMUNITY_USER
        seen = await hall.get("/post", "ann", id=post)
        assert list(seen) == ["post", "comments", "community", "moderators", "admins", "online"]
        assert list(seen["post"]) == POST and list(seen["comments"][0]) == COMMENT
        assert list((await hall.get("/post/list", type_="All", sort="Hot"))["posts"][0]) == POST
        assert list((await hall.get("/community/list", sort="Hot"))["communities"][0]) == COMMUNITY
        followed = await hall.get("/user/followed_communities", "ann")
        assert list(followed["communities"][0]) == COMMUNITY_USER
        made = await hall.send("/comment", "ann", content="x", post_id=post)
        assert list(made) == ["comment", "recipient_ids"] and list(made["comment"]) == COMMENT
        banned = await hall.send("/user/ban", "admin", user_id=site["admins"][0]["id"], ban=False)
        assert list(banned) == ["user", "banned"] and list(banned["user"]) == USER
        login = await hall.send("/user/login", username_or_email="ann", password="pw")
        assert list(login) == ["jwt"]

    run_in_hall(engine, act)


def test_what_is_null_for_whom(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        await hall.comment("ann", post)
        main = (await hall.get("/community"))["community"]["id"]
        await hall.send("/community/follow", "bob", community_id=main, follow=False)

        async def both(by: str) -> list[dict[str, Any]]:
            seen = await hall.get("/post", by, id=post)
            return [seen["post"], seen["comments"][0]]

        for view in await both(""):
            assert [view[key] for key in ("user_id", "my_vote", "subscribed", "saved")] == [None] * 4
            assert view["banned_from_community"] is False and view["updated"] is None
        for view in await both("bob"):
            assert view["user_id"] and (view["my_vote"], view["subscribed"]) == (0, None)
        for view in await both("ann"):
            assert (view["my_vote"], view["subscribed"]) == (1, True)
        nobody = (await hall.get("/community"))["community"]
        assert (nobody["user_id"], nobody["subscribed"]) == (None, None)
        not_following = (await hall.get("/community", "bob"))["community"]
        assert not_following["user_id"] and not_following["subscribed"] is None
        # A token that means nothing counts as none where none is needed.
        odd = await hall.client.get("/api/v1/post", params={"id": post, "auth": "undefined"})
        assert odd.json()["post"]["user_id"] is None

    run_in_hall(engine, act)


def test_categories(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        found = (await hall.get("/categories"))["categories"]
        assert len(found) == 26
        assert [found[at]["name"] for at in (0, 16, 25)] == ["Discussion", "Gender/Identity/Sexuality", "Other"]
        answer = await hall.client.get("/api/v1/categories")
        assert answer.text.startswith('{"categories":[{"id":1,"name":"Discussion"},{"id":2,"name":"Humor/Memes"}')
        # What is not ASCII stands as it is.
        post = await hall.post("ann", "Größe/Ü 😀")
        answer = await hall.client.get("/api/v1/post", params={"id": post})
        assert f'{{"post":{{"id":{post},"name":"Größe/Ü 😀","url":null,' in answer.content.decode()
        async with hall.peer() as peer:
            await peer.socket.send(json.dumps({"op": "GetPost", "data": {"id": post}}))
            text = await peer.socket.recv()
            assert str(text).startswith(f'{{"op":"GetPost","data":{{"post":{{"id":{post},"name":"Größe/Ü 😀",')

    run_in_hall(engine, act)


def test_null_and_nothing_are_the_same_in_requests() -> None:
    for operation in OPERATIONS:
        request = inspect.type_info(operation.request)
        assert isinstance(request, inspect.StructType)
        for field in request.fields:
            takes = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
            nullable = any(isinstance(each, inspect.NoneType) for each in takes)
            assert nullable is not field.required, (operation.name, field.name)
            assert field.required or field.default is None, (operation.name, field.name)


def test_what_javascript_makes_of_nothing_in_a_query(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("ann")
        main = (await hall.get("/community"))["community"]["id"]
        for nothing in ("undefined", "null"):
            pages = {"page": nothing, "limit": nothing, "auth": nothing}
            inside = {"community_id": nothing, **pages}
            listing = {"type_": "All", "sort": "New"}
            assert [each["id"] for each in (await hall.get("/post/list", **listing, **inside))["posts"]] == [post]
            assert (await hall.get("/comment/list", **listing, **inside))["comments"] == []
            assert len((await hall.get("/community/list", sort="Hot", **pages))["communities"]) == 1
            assert (await hall.get("/community", name="main", id=nothing, auth=nothing))["community"]["id"] == main
            assert (await hall.get("/community", name=nothing, id=main))["community"]["id"] == main
            shown = await hall.get("/user", username="ann", user_id=nothing, sort="New", saved_only=nothing, **inside)
            assert shown["user"]["name"] == "ann" and [each["id"] for each in shown["posts"]] == [post]
            assert (await hall.get("/modlog", mod_user_id=nothing, community_id=nothing, page=nothing))["added"] == []
            found = await hall.get("/search", q=nothing, type_="All", sort="Hot", **inside)
            # What is asked for is text, and means itself.
            assert found["posts"] == []
            for path in ("/user/replies", "/user/mentions"):
                await hall.get(path, "ann", sort="New", unread_only="true", page=nothing, limit=nothing)
            await hall.get("/private_message/list", "ann", unread_only="true", page=nothing, limit=nothing)
            # What must be there is not.
            for path, query in (("/post/list", {"type_": "All", "sort": nothing}), ("/post", {"id": nothing})):
                answer = await hall.client.get(f"/api/v1{path}", params=query)
                assert answer.status_code == 400, path
            refused = await hall.client.get("/api/v1/user/followed_communities", params={"auth": nothing})
            assert refused.json()["error"] == "not_logged_in"

    run_in_hall(engine, act)


def test_the_categories_are_those_of_the_contract(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        # lemmy §8.2
        names = keys("""
            Discussion Humor/Memes Gaming Movies TV Music Literature Comics Photography Art Learning DIY Lifestyle News
            Politics Society Gender/Identity/Sexuality Race/Colonisation Religion Science/Technology Programming/Software
            Health/Sports/Fitness Porn Places Meta Other
        """)
        found = (await hall.get("/categories"))["categories"]
        assert found == [{"id": number, "name": name} for number, name in enumerate(names, 1)]

    run_in_hall(engine, act)
