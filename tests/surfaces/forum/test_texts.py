"""What people write comes back as they wrote it: nothing, emptiness and text are three things; names; mails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from folkmoot.domain import accounts, conversations, spaces
from folkmoot.domain.conversations import Arrival
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, hall_on, run_in_hall

TEXTS: list[tuple[dict[str, Any], list[str | None]]] = [
    ({}, [None, None]),
    ({"body": None, "url": None}, [None, None]),
    ({"body": "", "url": ""}, ["", ""]),
    ({"body": "some", "url": "https://example.org/"}, ["some", "https://example.org/"]),
]


def test_empty_is_not_absent(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        for given, shown in TEXTS:
            post = await hall.post("ann", **given)
            listed = (await hall.get("/post/list", type_="All", sort="New"))["posts"][0]
            assert [listed["body"], listed["url"]] == shown
            # lemmy §4.4: what an edit leaves out stays, what it empties is empty.
            for change, after in (({}, shown), ({"body": "", "url": ""}, ["", ""]), ({"body": None}, ["", ""])):
                view = (await hall.send("/post", "ann", "PUT", edit_id=post, name="Hello", **change))["post"]
                assert [view["body"], view["url"]] == after

    run_in_hall(engine, act)


def test_words_are_masked_where_they_are_not_refused(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        config = hall.house.config
        hall.house.settle(replace(config, forum=replace(config.forum, word_filter="darn|blast")))
        said, masked = "Darn it, /u/bob: BLAST!", "*removed* it, /u/bob: *removed*!"
        post = await hall.post("ann")
        comment = (await hall.send("/comment", "ann", content=said, post_id=post))["comment"]
        assert comment["content"] == masked
        for content, shown in (("quite", "quite"), (said, masked)):
            edited = await hall.send("/comment", "ann", "PUT", edit_id=comment["id"], content=content)
            assert edited["comment"]["content"] == shown
        letter = (await hall.send("/private_message", "ann", content=said, recipient_id=1))["message"]
        assert letter["content"] == masked
        for content, shown in (("quite", "quite"), (said, masked)):
            edited = await hall.send("/private_message", "ann", "PUT", edit_id=letter["id"], content=content)
            assert edited["message"]["content"] == shown

    run_in_hall(engine, act)


# Just as long as may be, and one more.
LENGTHS: list[tuple[str, str, str, dict[str, Any], int, str]] = [
    ("/post", "POST", "name", {"community_id": 1}, 200, "post_title_too_long"),
    ("/post", "POST", "body", {"name": "x", "community_id": 1}, 10_000, "couldnt_create_post"),
    ("/post", "PUT", "name", {"edit_id": "{post}"}, 200, "post_title_too_long"),
    ("/post", "PUT", "body", {"name": "x", "edit_id": "{post}"}, 10_000, "couldnt_update_post"),
    ("/comment", "POST", "content", {"post_id": "{post}"}, 10_000, "couldnt_create_comment"),
    ("/comment", "PUT", "content", {"edit_id": "{comment}"}, 10_000, "couldnt_update_comment"),
    ("/private_message", "POST", "content", {"recipient_id": 1}, 10_000, "couldnt_create_private_message"),
    ("/community", "PUT", "title", {"edit_id": 1, "name": "main", "category_id": 1}, 100, "couldnt_update_community"),
    (
        *("/community", "PUT", "description"),
        *({"edit_id": 1, "name": "main", "title": "x", "category_id": 1}, 10_000, "couldnt_update_community"),
    ),
    ("/community", "POST", "title", {"name": "lengthy", "category_id": 1}, 100, "community_already_exists"),
    ("/site", "PUT", "name", {}, 20, "couldnt_update_site"),
    ("/site", "PUT", "description", {"name": "Town"}, 10_000, "couldnt_update_site"),
    (
        *("/save_user_settings", "PUT", "theme"),
        *({"show_nsfw": False, "default_sort_type": 0, "default_listing_type": 0}, 20, "couldnt_update_user"),
    ),
]


def test_lengths(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        post = await hall.post("admin")
        ids = {"{post}": post, "{comment}": await hall.comment("admin", post)}
        for path, method, name, rest, longest, code in LENGTHS:
            data = {key: ids.get(str(value), value) for key, value in rest.items()}
            # Characters are counted, not bytes.
            refused = await hall.refused(path, "admin", method, **data, **{name: "ü" * (longest + 1)})
            assert refused == code, (path, name)
            await hall.send(path, "admin", method, **data, **{name: "ü" * longest})

    run_in_hall(engine, act)


@pytest.mark.parametrize("name", ["_ann", "___", "A_1", "x" * 20])
def test_names_with_underscores_anywhere(engine: Engine, name: str) -> None:
    async def act(hall: Hall) -> None:
        await hall.enrol(name)
        jwt = await hall.send("/user/login", username_or_email=name, password="pw")
        post = await hall.post(name)
        assert jwt and (await hall.get("/post", id=post))["post"]["creator_name"] == name

    run_in_hall(engine, act)


def mail(hall: Hall, subject: str, text: str) -> Arrival:
    return Arrival(
        mail_id="<1@elsewhere>",
        in_reply_to=None,
        references=(),
        subject=subject,
        text=text,
        from_address="ann@example.org",
        from_name="Ann",
        sent_at=hall.clock(),
        created_at=hall.clock(),
        is_patch=False,
        is_request_pull=False,
        data=b"raw",
    )


def test_a_mail_sent_back_as_it_was_shown_stays(engine: Engine) -> None:
    subject, text = "word " * 50, "I said.\n\nOn Monday, Bob wrote:\n> " + "x" * 10_000 + "\n"

    async def act(hall: Hall) -> None:
        def receive(tx: Transaction) -> int:
            space = spaces.get_forum_space(tx, "main")
            spaces.add_list_face(tx, space.id, space.owner_id, "main")
            message = conversations.receive(tx, accounts.get_account_named(tx, "ann"), space, mail(hall, subject, text))
            assert message is not None
            return message.id

        post = await hall.house.db.write(receive)
        shown = (await hall.get("/post", id=post))["post"]
        assert "::: spoiler" in shown["body"]
        form = {key: shown[key] for key in ("name", "body", "url", "nsfw", "creator_id", "community_id")}
        view = (await hall.send("/post", "ann", "PUT", edit_id=post, **{**form, "deleted": True}))["post"]
        assert view["deleted"] is True and (view["name"], view["body"]) == (shown["name"], shown["body"])
        stored = await hall.house.db.read(conversations.get_message, post)
        assert (stored.subject, stored.body) == (subject, text)
        # But what the author writes himself is bounded.
        refused = await hall.refused("/post", "ann", "PUT", edit_id=post, **{**form, "name": "y" * 201})
        assert refused == "post_title_too_long"

    run_in_hall(engine, act)


def test_who_only_wrote_mails_is_nobody_to_sign_in(engine: Engine) -> None:
    async def run() -> None:
        async with hall_on(engine) as hall:
            await hall.house.db.write(accounts.sender, "carol@elsewhere.org", "Carol", hall.clock())
            for login in ("carol@elsewhere.org", "nobody@elsewhere.org", "carol"):
                code = await hall.refused("/user/login", username_or_email=login, password="x")
                assert code == "couldnt_find_that_username_or_email"

    asyncio.run(run())
