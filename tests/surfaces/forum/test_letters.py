"""Mails about what is for somebody, for who asked to be told by mail (lemmy §4.5)."""

from __future__ import annotations

from typing import Any

from folkmoot.domain import accounts, outbox, spaces, subscriptions
from folkmoot.store import Engine, Transaction
from tests.surfaces.forum.hall import Hall, run_in_hall

SETTINGS = {"show_nsfw": False, "theme": "darkly", "default_sort_type": 0, "default_listing_type": 0}


async def wants_mail(hall: Hall, name: str, wants: bool = True) -> None:
    form = {**SETTINGS, "email": f"{name}@example.org", "send_notifications_to_email": wants}
    await hall.send("/save_user_settings", name, "PUT", **form)


async def letters(hall: Hall) -> list[tuple[str, str]]:
    """To whom, and the subject, of what was written since the last time; sorted."""

    def look(tx: Transaction) -> list[tuple[str, str]]:
        found = []
        for copy in outbox.list_newest(tx, 100):
            text = outbox.get_body(tx, copy.body_id).decode()
            assert "Auto-Submitted: auto-generated" in text and "https://localhost/" in text
            found.append((copy.recipient, text.partition("Subject: ")[2].partition("\r\n")[0]))
        tx.run("DELETE FROM outgoing")
        return sorted(found)

    return await hall.house.db.write(look)


def test_who_wants_mail_is_told_once_of_what_is_for_him(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        ann, bob = ("ann@example.org", "bob@example.org")
        post = await hall.post("ann")
        comment = await hall.comment("bob", post, "@ann and /u/admin")
        # Nobody has asked for it.
        assert await letters(hall) == []
        await wants_mail(hall, "ann")
        await wants_mail(hall, "bob")
        assert (await hall.get("/user", username="ann", sort="New"))["user"]["send_notifications_to_email"] is True
        await hall.comment("bob", post, "well, @ann and @bob")
        assert await letters(hall) == [(ann, "bob answered you on localhost")]
        await hall.comment("ann", post, "to myself, and /u/bob")
        assert await letters(hall) == [(bob, "ann named you on localhost")]
        await hall.comment("admin", post, "@bob", parent_id=comment)
        assert await letters(hall) == [(bob, "admin answered you on localhost")]
        async with hall.peer() as peer:
            said = {"content": "@ann", "post_id": post, "parent_id": comment, "auth": hall.tokens["admin"]}
            await peer.data("CreateComment", **said)
        assert await letters(hall) == [(ann, "admin named you on localhost"), (bob, "admin answered you on localhost")]
        # An edit tells nobody, nor does a vote.
        await hall.send("/comment", "bob", "PUT", edit_id=comment, content="@ann")
        await hall.send("/comment/like", "ann", comment_id=comment, score=1)
        assert await letters(hall) == []

        ids = {name: (await hall.get("/user", username=name, sort="New"))["user"]["id"] for name in ("ann", "admin")}
        await hall.send("/private_message", "bob", content="psst", recipient_id=ids["ann"])
        assert await letters(hall) == [(ann, "bob wrote to you on localhost")]
        await hall.send("/private_message", "ann", content="note", recipient_id=ids["ann"])
        await hall.send("/private_message", "ann", content="psst", recipient_id=ids["admin"])
        await wants_mail(hall, "ann", False)
        await hall.send("/private_message", "bob", content="psst", recipient_id=ids["ann"])
        assert await letters(hall) == []

    run_in_hall(engine, act)


def test_who_gets_it_anyway_or_may_not_read_it_is_not_told(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        for name in ("ann", "bob"):
            await wants_mail(hall, name)
        made = (await hall.send("/community", "ann", name="secret", title="S", category_id=1))["community"]["id"]
        post = await hall.post("ann", "Hidden", "secret")
        ann = (await hall.get("/community", "ann"))["community"]["user_id"]

        def change(tx: Transaction, what: str) -> Any:
            if what == "closed":
                spaces.add_list_face(tx, made, ann, "secret", "PRIVATE")
            elif what == "subscribed":
                subscriptions.start(tx, ann, made, "mail", hall.clock())
            else:
                accounts.suspend(tx, "ann", hall.clock())

        await hall.house.db.write(change, "closed")
        await hall.comment("admin", post, "@bob")
        assert await letters(hall) == [("ann@example.org", "admin answered you on localhost")]
        await hall.house.db.write(change, "subscribed")
        await hall.comment("admin", post, "@bob")
        assert ("ann@example.org", "admin answered you on localhost") not in await letters(hall)
        await hall.house.db.write(change, "suspended")
        await hall.send("/private_message", "bob", content="psst", recipient_id=ann)
        assert await letters(hall) == []

    run_in_hall(engine, act)
