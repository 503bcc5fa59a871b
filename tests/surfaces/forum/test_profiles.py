"""What people show and set of themselves: details, settings, leaving, a forgotten password (lemmy §4.1, §4.7, §5.6)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from folkmoot.app import leaving
from folkmoot.domain import accounts, outbox
from folkmoot.domain.conversations import personal
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, run_in_hall

SETTINGS = {"show_nsfw": True, "theme": "light", "default_sort_type": 1, "default_listing_type": 0}


def test_details(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        ann, bob = (await hall.enrol("carol"), await hall.enrol("david", email="david@example.org"))
        first = await hall.post("carol", "one")
        second = await hall.post("david", "two")
        comment = await hall.comment("carol", second)
        other = await hall.comment("david", first)
        found = await hall.get("/user", user_id=ann, sort="New")
        assert list(found) == ["user", "follows", "moderates", "comments", "posts", "admins"]
        assert [each["id"] for each in found["posts"]] == [first]
        assert [each["id"] for each in found["comments"]] == [comment]
        assert [each["community_name"] for each in found["follows"]] == ["main"] and found["moderates"] == []
        assert found["user"]["number_of_posts"] == found["user"]["number_of_comments"] == 1
        # Defaults (lemmy §3.2); one's own vote counts, and so does what is gone.
        keys = ("avatar", "email", "matrix_user_id", "admin", "banned", "show_avatars", "send_notifications_to_email")
        assert [found["user"][key] for key in keys] == [None, None, None, False, False, True, False]
        counts = ("number_of_posts", "post_score", "number_of_comments", "comment_score")
        assert [found["user"][key] for key in counts] == [1, 1, 1, 1]
        await hall.send("/post/like", "david", post_id=first, score=-1)
        await hall.send("/comment/like", "david", comment_id=comment, score=1)
        await hall.send("/post", "carol", "PUT", edit_id=first, name="one", deleted=True)
        await hall.send("/comment", "admin", "PUT", edit_id=comment, content="", removed=True)
        gone = await hall.get("/user", user_id=ann, sort="New")
        assert [gone["user"][key] for key in counts] == [1, 0, 1, 2]
        # Comments are shown though removed, posts are not.
        assert [each["id"] for each in gone["comments"]] == [comment] and gone["posts"] == []
        community = (await hall.get("/community"))["community"]
        assert [community[key] for key in ("number_of_posts", "number_of_comments")] == [2, 2]
        await hall.send("/post", "carol", "PUT", edit_id=first, name="one", deleted=False)
        # The default is `admin`; an id goes before a name.
        assert (await hall.get("/user", sort="New"))["user"]["name"] == "admin"
        assert (await hall.get("/user", sort="New"))["moderates"][0]["community_name"] == "main"
        assert (await hall.get("/user", sort="New", user_id=bob, username="carol"))["user"]["name"] == "david"
        # The address is for oneself alone.
        assert (await hall.get("/user", "david", sort="New", user_id=bob))["user"]["email"] == "david@example.org"
        assert (await hall.get("/user", "carol", sort="New", user_id=bob))["user"]["email"] is None
        # What is saved is the caller's, whoever is shown.
        await hall.send("/post/save", "carol", post_id=second, save=True)
        await hall.send("/comment/save", "carol", comment_id=other, save=True)
        saved = await hall.get("/user", "carol", sort="New", user_id=bob, saved_only="true")
        assert [each["id"] for each in saved["posts"]] == [second] and saved["posts"][0]["saved"] is True
        assert [each["id"] for each in saved["comments"]] == [other]
        nothing = await hall.get("/user", sort="New", user_id=bob, saved_only="true")
        assert nothing["posts"] == nothing["comments"] == []
        error = await hall.client.get("/api/v1/user", params={"sort": "New", "username": "nobody"})
        assert error.json()["error"] == "couldnt_find_that_username_or_email"

    run_in_hall(engine, act)


def test_who_only_writes_mails_is_found_by_what_is_shown_of_him(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async def write(address: str) -> int:
            return (await hall.house.db.write(accounts.sender, address, "", hall.clock())).id

        async def found(name: str) -> int:
            shown: int = (await hall.get("/user", sort="New", username=name))["user"]["id"]
            return shown

        carol = await write("Carol@elsewhere.org")
        await write("carol1@elsewhere.org")
        assert await found("Carol") == carol
        answer = await hall.client.get("/feeds/u/Carol.xml")
        assert answer.status_code == 200 and "/u/Carol" in answer.text
        # A name is somebody's before it is a label, and a label of two is nobody's.
        await write("ann@elsewhere.org")
        assert await found("ann") == (await hall.get("/user", "ann", sort="New", username="ann"))["user"]["id"]
        await write("Carol@nowhere.org")
        answer = await hall.client.get("/api/v1/user", params={"sort": "New", "username": "Carol"})
        assert answer.json()["error"] == "couldnt_find_that_username_or_email"

    run_in_hall(engine, act)


def test_what_is_listed_of_somebody(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        garden = (await hall.send("/community", "ann", name="garden", title="G", category_id=1))["community"]["id"]
        first = await hall.post("ann", "first")
        hall.clock.wait(hours=30)
        await hall.post("ann", "not for work", nsfw=True)
        planted = await hall.post("ann", "planted", "garden")
        gone = await hall.post("ann", "gone")
        await hall.comment("ann", first, "here")
        hall.clock.wait(seconds=1)
        taken = await hall.comment("ann", planted, "there, removed")
        await hall.send("/comment", "admin", "PUT", edit_id=taken, content="x", removed=True)
        await hall.send("/post", "admin", "PUT", edit_id=gone, name="gone", removed=True)
        await hall.send("/post/like", "bob", post_id=first, score=1)

        async def listed(by: str = "", **asked: Any) -> tuple[list[str], list[str]]:
            found = await hall.get("/user", by, username="ann", **{"sort": "New", **asked})
            return [each["name"] for each in found["posts"]], [each["content"] for each in found["comments"]]

        # lemmy §5.6: removed comments too, and the community is asked of posts alone.
        both = ["there, removed", "here"]
        assert await listed() == (["planted", "first"], both)
        assert await listed("ann", community_id=garden) == (["planted"], both)
        assert await listed(sort="TopAll") == (["first", "planted"], both)
        assert await listed(sort="TopDay") == (["planted"], both)
        assert await listed(limit=1, page=2) == (["first"], ["here"])
        await hall.send("/save_user_settings", "bob", "PUT", **SETTINGS)
        assert await listed("bob") == (["planted", "not for work", "first"], both)
        await hall.send("/comment/save", "bob", comment_id=taken, save=True)
        await hall.send("/post/save", "bob", post_id=first, save=True)
        assert await listed("bob", saved_only="true", community_id=garden) == ([], ["there, removed"])

    run_in_hall(engine, act)


def test_it_is_the_same_of_somebody_who_wrote_a_great_deal(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(hall: Hall) -> None:
        first = await hall.post("ann", "first")
        said = await hall.comment("bob", first, "here")
        await hall.send("/post/save", "bob", "PUT", post_id=first, save=True)
        await hall.send("/comment/save", "bob", "PUT", comment_id=said, save=True)
        asked: dict[str, Any] = {"sort": "New", "username": "ann"}
        of_ann, of_bob, saved = [{**asked, **more} for more in ({}, {"username": "bob"}, {"saved_only": True})]
        little = [await hall.get("/user", "bob", **each) for each in (of_ann, of_bob, saved)]
        assert [(len(each["posts"]), len(each["comments"])) for each in little] == [(1, 0), (0, 1), (1, 1)]
        for most, is_little in ((0, False), (1, True)):
            monkeypatch.setattr(personal, "_LITTLE", most)
            for name in ("ann", "bob"):
                account = await hall.house.db.read(accounts.get_account_named, name)
                assert await hall.house.db.read(personal.has_little, account.id, False) == is_little
            assert [await hall.get("/user", "bob", **each) for each in (of_ann, of_bob, saved)] == little
        assert not await hall.house.db.read(personal.has_little, account.id, True)

    run_in_hall(engine, act)


def test_settings_are_saved_all_or_none(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        async def save(by: str, **changes: Any) -> Any:
            return await hall.send("/save_user_settings", by, "PUT", **{**SETTINGS, **changes})

        async def refused(by: str, **changes: Any) -> str:
            return await hall.refused("/save_user_settings", by, "PUT", **{**SETTINGS, **changes})

        async def ann() -> Any:
            return (await hall.get("/user", "ann", sort="New", username="ann"))["user"]

        fresh = (
            await save("ann", email="ann@example.org", matrix_user_id="@ann:example.org", avatar="https://a/b.png")
        )["jwt"]
        assert fresh != hall.tokens["ann"]
        shown = await ann()
        assert (shown["email"], shown["matrix_user_id"], shown["avatar"]) == (
            *("ann@example.org", "@ann:example.org"),
            "https://a/b.png",
        )
        # Null leaves alone, the empty string clears.
        await save("ann", email=None, matrix_user_id="", avatar="")
        shown = await ann()
        assert (shown["email"], shown["matrix_user_id"], shown["avatar"]) == ("ann@example.org", None, None)
        assert await refused("bob", email="ANN@example.org", avatar="https://x/y.png") == "email_already_exists"
        assert (await hall.get("/user", sort="New", username="bob"))["user"]["avatar"] is None
        await save("ann", email="")
        assert (await ann())["email"] is None
        await save("ann", email="ann@example.org")
        await save("ann", matrix_user_id="@ann:example.org")
        assert await refused("bob", matrix_user_id="@ann:example.org") == "user_already_exists"
        assert await refused("ann", new_password="x") == "passwords_dont_match"
        assert await refused("ann", new_password="x", new_password_verify="x") == "password_incorrect"
        wrong = {"new_password": "x", "new_password_verify": "x", "old_password": "no"}
        assert await refused("ann", **wrong) == "password_incorrect"
        new = (await save("ann", **{**wrong, "old_password": "pw"}))["jwt"]
        assert await hall.refused("/user/login", username_or_email="ann", password="pw") == "password_incorrect"
        # Other sessions ended with the password.
        assert await hall.refused("/user/mark_all_as_read", "ann") == "not_logged_in"
        hall.tokens["ann"] = new
        await hall.send("/user/mark_all_as_read", "ann")

    run_in_hall(engine, act)


def test_leaving_takes_back_what_was_said(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        bob = (await hall.get("/user", sort="New", username="bob"))["user"]["id"]
        posts = [await hall.post("ann", f"post {number}", body="b", url="https://example.org") for number in range(3)]
        thread = await hall.post("bob", "bob's")
        comments = [await hall.comment("ann", thread, f"comment {number}") for number in range(25)]
        await hall.send("/private_message", "ann", content="secret", recipient_id=bob)
        assert await hall.refused("/user/delete_account", "ann", password="no") == "password_incorrect"
        gone = await hall.send("/user/delete_account", "ann", password="pw")
        assert gone == {"jwt": hall.tokens["ann"]}
        await leaving.take_back(hall.house)
        for post in posts:
            shown = (await hall.get("/post", id=post))["post"]
            assert (shown["name"], shown["body"], shown["url"], shown["deleted"]) == (
                *("*Permananently Deleted*", "*Permananently Deleted*"),
                *("https://deleted.com", True),
            )
            assert shown["updated"] is not None
        left = (await hall.get("/post", id=thread))["comments"]
        assert len(left) == len(comments)
        assert {(each["content"], each["deleted"]) for each in left} == {("*Permananently Deleted*", True)}
        messages = await hall.get("/private_message/list", "bob", unread_only="false")
        assert messages["messages"] == []
        assert [each["name"] for each in (await hall.get("/post/list", type_="All", sort="New"))["posts"]] == ["bob's"]
        # The account stays and can sign in.
        await hall.send("/user/login", username_or_email="ann", password="pw")

    run_in_hall(engine, act)


def test_a_forgotten_password(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await hall.enrol("carol", email="carol@example.org")
        unknown = await hall.refused("/user/password_reset", email="nobody@example.org")
        assert unknown == "couldnt_find_that_username_or_email"
        assert await hall.send("/user/password_reset", email="carol@example.org") == {}

        def letter(tx: Transaction) -> str:
            (copy,) = outbox.list_newest(tx, 10)
            return outbox.get_body(tx, copy.body_id).decode()

        text = await hall.house.db.read(letter)
        found = re.search(r"/password_change/(\w{30})", text)
        assert found is not None and "To: carol@example.org" in text
        token = found.group(1)
        differing = {"token": token, "password": "new", "password_verify": "other"}
        assert await hall.refused("/user/password_change", **differing) == "passwords_dont_match"
        hall.tokens["carol"] = (
            await hall.send("/user/password_change", token=token, password="new", password_verify="new")
        )["jwt"]
        await hall.send("/user/mark_all_as_read", "carol")
        again = {"token": token, "password": "new", "password_verify": "new"}
        assert await hall.refused("/user/password_change", **again) == "couldnt_update_user"
        await hall.send("/user/login", username_or_email="carol", password="new")
        # Who asks again and again fills nobody's mailbox.
        await hall.enrol("david", email="david@example.org")
        for _ in range(5):
            await hall.send("/user/password_reset", email="david@example.org")
        many = await hall.answer("/user/password_reset", email="DAVID@example.org")
        assert (many.status_code, many.json()["error"]) == (429, "Too many requests. 5 per 3600 seconds")
        hall.clock.wait(hours=1)
        await hall.send("/user/password_reset", email="david@example.org")
        # A token lasts a day.
        await hall.send("/user/password_reset", email="carol@example.org")
        text = await hall.house.db.read(lambda tx: outbox.get_body(tx, outbox.list_newest(tx, 10)[0].body_id).decode())
        late = re.search(r"/password_change/(\w{30})", text)
        assert late is not None and late.group(1) != token
        hall.clock.wait(hours=25)
        again["token"] = late.group(1)
        assert await hall.refused("/user/password_change", **again) == "couldnt_update_user"

    run_in_hall(engine, act)
