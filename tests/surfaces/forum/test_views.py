"""Each view with a different value in each of its fields, word for word (views.json; lemmy §2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from folkmoot.store import Engine
from tests.surfaces.forum.hall import Hall, run_in_hall

EXPECTED: dict[str, Any] = json.loads(Path(__file__).with_name("views.json").read_text())

GARDEN: dict[str, Any] = {
    "name": "garden",
    "title": "The Garden",
    "description": "of roses",
    "category_id": 12,
    "nsfw": True,
}


async def introduce(hall: Hall) -> None:
    """People with all that can be said of them."""
    form = {"show_nsfw": True, "theme": "light", "default_sort_type": 1, "default_listing_type": 0}
    for name in ("ann", "bob"):
        more = {"avatar": f"https://a.example/{name}.png", "matrix_user_id": f"@{name}:m.example"}
        flags = {"show_avatars": name == "ann", "send_notifications_to_email": name == "bob"}
        await hall.send("/save_user_settings", name, "PUT", **form, **more, **flags, email=f"{name}@mail.example")


async def talk(hall: Hall, made: int) -> tuple[int, int]:
    """A post and an answer that were edited, voted on by all and saved; their ids."""
    await hall.post("carol", "filler")
    new: dict[str, Any] = {
        "name": "Roses",
        "url": "https://roses.example/",
        "body": "*red*",
        "nsfw": True,
        "community_id": made,
    }
    post = (await hall.send("/post", "ann", **new))["post"]["id"]
    hall.clock.wait(seconds=1)
    await hall.send("/post", "ann", "PUT", edit_id=post, name="Red Roses", stickied=True)
    for name, score in (("carol", -1), ("bob", 1), ("admin", 1)):
        await hall.send("/post/like", name, post_id=post, score=score)
    await hall.send("/post/save", "bob", post_id=post, save=True)
    first = await hall.comment("bob", post, "first")
    hall.clock.wait(seconds=1)
    answer = await hall.comment("ann", post, "see /u/bob", parent_id=first)
    hall.clock.wait(seconds=1)
    await hall.send("/comment", "ann", "PUT", edit_id=answer, content="see /u/bob!")
    for name, score in (("bob", -1), ("carol", 1)):
        await hall.send("/comment/like", name, comment_id=answer, score=score)
    await hall.send("/comment/save", "bob", comment_id=answer, save=True)
    return post, answer


async def keep_order(hall: Hall, made: int, post: int, answer: int, bob: int, carol: int) -> None:
    """One act of each kind, a second after the other."""
    here = {"community_id": made}
    for path, method, data in (
        ("/post", "PUT", {"edit_id": post, "name": "x", "removed": True, "reason": "why post"}),
        ("/post", "PUT", {"edit_id": post, "name": "x", "locked": True}),
        ("/comment", "PUT", {"edit_id": answer, "content": "x", "removed": True, "reason": "why comment"}),
        (
            *("/community", "PUT"),
            {"edit_id": made, **GARDEN, "removed": True, "reason": "why community", "expires": 4_000_000_000},
        ),
        (
            "/community/ban_user",
            "POST",
            {**here, "user_id": bob, "ban": True, "reason": "here", "expires": 4 * 10**9 + 1},
        ),
        ("/user/ban", "POST", {"user_id": bob, "ban": True, "reason": "anywhere", "expires": 4 * 10**9 + 2}),
        ("/community/mod", "POST", {**here, "user_id": carol, "added": True}),
        ("/admin/add", "POST", {"user_id": carol, "added": True}),
    ):
        hall.clock.wait(seconds=1)
        await hall.send(path, "admin", method, **data)


def test_every_field_of_every_view(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        hall.clock.wait(seconds=1)
        carol = await hall.enrol("carol")
        await introduce(hall)
        hall.clock.wait(seconds=1)
        made = (await hall.send("/community", "ann", **GARDEN))["community"]["id"]
        hall.clock.wait(seconds=1)
        await hall.send("/community", "ann", "PUT", edit_id=made, **GARDEN)
        bob = (await hall.send("/community/follow", "bob", community_id=made, follow=True))["community"]["user_id"]
        hall.clock.wait(seconds=1)
        post, answer = await talk(hall, made)
        hall.clock.wait(milliseconds=500)
        letter = (await hall.send("/private_message", "ann", content="psst", recipient_id=bob))["message"]["id"]
        hall.clock.wait(seconds=1)
        await hall.send("/private_message", "ann", "PUT", edit_id=letter, content="hush")
        await hall.send("/private_message", "bob", "PUT", edit_id=letter, read=True)
        site = {"name": "Town", "description": "square", "open_registration": False, "enable_nsfw": False}
        await hall.send("/site", "admin", "PUT", **site)

        everything = {"sort": "New", "unread_only": False}
        found = {
            **await hall.get("/post", "bob", id=post),
            **await hall.get("/user/mentions", "bob", **everything),
            **await hall.get("/user/replies", "bob", **everything),
            **await hall.get("/private_message/list", "bob", unread_only=False),
            "site": (await hall.get("/site"))["site"],
        }
        shown = await hall.get("/user", "bob", username="bob", sort="New")
        found["user"], found["follows"] = shown["user"], shown["follows"]
        await keep_order(hall, made, post, answer, bob, carol)
        found |= await hall.get("/modlog")
        for name, expected in EXPECTED.items():
            # As text: keys in their order, and false is not 0.
            assert json.dumps(found[name], indent=1) == json.dumps(expected, indent=1), name

    run_in_hall(engine, act)
