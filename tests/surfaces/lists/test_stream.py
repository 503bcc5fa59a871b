"""Mail in over a real LMTP connection: posts, refusals, bounces, commands, robots, duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from folkmoot.domain import accounts, conversations, spaces, subscriptions
from folkmoot.domain.accounts import Actor
from folkmoot.domain.spaces import MailingList, Rights
from folkmoot.store import Engine, Transaction
from tests.surfaces.lists.town import DOMAIN, NOW, Town, letter, run

LIST = f"~ann/engines@{DOMAIN}"


async def settle(town: Town) -> tuple[Actor, MailingList]:
    """The administrator ann and her list."""
    ann = await town.person("ann", is_admin=True)
    return ann, await town.list(ann, "engines")


def codes(replies: Sequence[tuple[int, bytes]]) -> list[int]:
    return [code for code, _ in replies]


def test_every_form_of_address_reaches_the_list(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        forms = ("~ann/engines", "u.ann.engines", "~ANN/Engines", "~ann/engines+post", "U.ann.ENGINES+POST")
        for number, form in enumerate(forms):
            raw = letter(f"Mail {number}", mail_id=f"<{number}@x>")
            assert codes(await town.send(raw, f"{form}@{DOMAIN}")) == [250], form
        posts = await town.get("/api/lists/engines/posts", "ann")
        assert [each["subject"] for each in posts["results"]] == [f"Mail {n}" for n in range(4, -1, -1)]
        assert await town.letters() == []

    run(engine, scenario)


def test_mail_keeps_its_bytes_and_finds_its_thread(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        raw = letter("=?utf-8?q?caf=C3=A9?=", "caf\xe9 > text\n.dot\n", Content_Type="text/plain; charset=latin1")
        await town.send(raw.encode("latin-1"), LIST)
        answer = letter("Re: x", "yes\n", mail_id="<2@x>", References="<0@x> <1@example.org>", Date="bad")
        await town.send(answer, LIST, sender="bob@elsewhere.org")
        first, second = (await town.get("/api/thread/1@example.org", "ann"))[:2]
        assert (first["subject"], second["parent_id"]) == ("café", first["id"])
        data = await town.house.db.read(conversations.find_original, first["id"])
        assert data == raw.encode("latin-1").replace(b"\n", b"\r\n")

    run(engine, scenario)


def test_a_mail_without_its_last_line_end_is_taken(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        assert codes(await town.send(letter(body="no end"), LIST)) == [250]

    run(engine, scenario)


def test_duplicates_are_taken_and_dropped(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        assert codes(await town.send(letter(), LIST, f"u.ann.engines@{DOMAIN}")) == [250, 250]
        assert codes(await town.send(letter("Another"), LIST)) == [250]
        posts = await town.get("/api/lists/engines/posts", "ann")
        assert [each["subject"] for each in posts["results"]] == ["Hello"]
        assert await town.letters() == []

    run(engine, scenario)


def test_who_may_not_write_hears_it_at_once(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, face = await settle(town)
        await town.person("bob")
        await town.close_to_others(ann, face, Rights.BROWSE | Rights.REPLY)
        for sender in ("bob@example.org", "new@elsewhere.org"):
            raw = letter(sender=sender, mail_id=f"<{sender}>")
            [(code, text)] = await town.send(raw, LIST, sender=sender)
            assert (code, text[:5]) == (550, b"5.7.1")
            # Permission comes before validation: no bounce with advice.
            [(code, _)] = await town.send(letter("x", sender=sender, Content_Type="text/html"), LIST, sender=sender)
            assert code == 550
        assert codes(await town.send(letter(), LIST)) == [250]
        reply = letter("Re: Hello", sender="bob@example.org", mail_id="<2@x>", In_Reply_To="<1@example.org>")
        assert codes(await town.send(reply, LIST, sender="bob@example.org")) == [250]
        assert (await town.get("/api/lists/engines/posts", "ann"))["total"] == 2
        assert await town.letters() == []
        # Nobody was made an account of for being refused.
        assert await town.house.db.read(accounts.find_account_of_address, "new@elsewhere.org") is None

    run(engine, scenario)


def test_a_locked_thread_and_a_ban_are_named_as_the_reason(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, _ = await settle(town)
        bob = await town.person("bob")
        await town.send(letter(), LIST)
        root = (await town.get("/api/emails/1@example.org", "ann"))["id"]
        await town.house.db.write(conversations.set_locked, ann, root, True, NOW)
        reply = letter("Re: Hello", sender="bob@example.org", mail_id="<2@x>", In_Reply_To="<1@example.org>")
        [(code, text)] = await town.send(reply, LIST, sender="bob@example.org")
        assert code == 550 and b"locked" in text
        assert bob.account_id is not None
        await town.house.db.write(accounts.ban, ann, bob.account_id, True, NOW)
        [(code, text)] = await town.send(
            letter(sender="bob@example.org", mail_id="<3@x>"), LIST, sender="bob@example.org"
        )
        assert code == 550 and b"banned" in text

    run(engine, scenario)


def test_a_duplicate_tells_nothing_to_who_may_not_write_and_is_taken_again_after_a_lock(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, face = await settle(town)
        assert codes(await town.send(letter(), LIST)) == [250]
        reply = letter("Re: Hello", sender="bob@example.org", mail_id="<2@x>", In_Reply_To="<1@example.org>")
        assert codes(await town.send(reply, LIST, sender="bob@example.org")) == [250]
        root = (await town.get("/api/emails/1@example.org", "ann"))["id"]
        await town.house.db.write(conversations.set_locked, ann, root, True, NOW)
        assert codes(await town.send(reply, LIST, sender="bob@example.org")) == [250]
        await town.close_to_others(ann, face)
        for mail_id in ("<1@example.org>", "<new@x>"):
            raw = letter(sender="eve@example.org", mail_id=mail_id)
            assert codes(await town.send(raw, LIST, sender="eve@example.org")) == [550]

    run(engine, scenario)


def test_a_suspended_account_is_shut_out_of_mail_but_may_leave(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        _, face = await settle(town)
        bob = await town.person("bob")
        assert bob.account_id is not None
        await town.house.db.write(accounts.verify_address, "bob@example.org", NOW)
        await town.house.db.write(subscriptions.start, bob.account_id, face.id, "mail", NOW)
        await town.house.db.write(accounts.suspend, "bob", NOW)
        raw = letter(sender="bob@example.org")
        assert codes(await town.send(raw, LIST, sender="bob@example.org")) == [550]
        for command, says in (("unsubscribe", "no longer subscribe"), ("subscribe", "cannot subscribe")):
            assert codes(await town.send(raw, f"~ann/engines+{command}@{DOMAIN}", sender="bob@example.org")) == [250]
            [(_, answer)] = await town.letters()
            assert says in answer.subject

    run(engine, scenario)


UNFIT = (
    (letter(mail_id=""), "Message-ID"),
    (letter(sender=""), "From"),
    (letter(to=""), "To or Cc"),
    (letter(""), "Subject"),
    (letter(Content_Type="text/html"), "plain text"),
    (letter(Content_Type="image/png"), "plain-text part"),
    (letter(Return_Receipt_To="a@b.c"), "receipts"),
)


def test_a_mail_that_is_not_as_it_should_be_bounces_kindly(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        for raw, says in UNFIT:
            assert codes(await town.send(raw, LIST)) == [250]
            [(recipient, bounce)] = await town.letters()
            assert recipient == "ann@example.org" and says in bounce.text
            assert bounce.from_ and bounce.from_.address == f"mailer@{DOMAIN}"
            assert bounce.get("Reply-To") == "ann@example.org"
            assert bounce.auto_submitted == "auto-replied"
            if "<1@example.org>" in raw:
                assert bounce.in_reply_to == "<1@example.org>" and bounce.references == ("<1@example.org>",)
        assert (await town.get("/api/lists/engines/posts", "ann"))["total"] == 0

    run(engine, scenario)


async def unknown(town: Town, data: str, address: str, sender: str = "ann@example.org") -> None:
    """A mail is taken and answered, by both ways in, as one to a list that was never there."""
    assert codes(await town.send(data, address, sender=sender)) == [250]
    assert (await town.send_smtp(data, address, sender=sender))[0] == 250
    for to, bounce in await town.letters():
        assert (to, bounce.subject) == (sender, f"There is no list at {address}")
        assert f"~owner/name@{DOMAIN}" in bounce.text and f"u.owner.name@{DOMAIN}" in bounce.text


def test_unknown_lists_bounce(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        for form in ("~ann/none", "~nobody/engines", "u.ann.none", "someone", "~ann/none+subscribe"):
            await unknown(town, letter(), f"{form}@{DOMAIN}")

    run(engine, scenario)


def test_unknown_commands_bounce(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        assert codes(await town.send(letter(), f"~ann/engines+frob@{DOMAIN}")) == [250]
        [(_, bounce)] = await town.letters()
        assert "frob" in bounce.text and "+subscribe@" in bounce.text

    run(engine, scenario)


@pytest.mark.parametrize("how", ["removed", "deleted"])
def test_a_space_that_is_gone_takes_no_mail_until_it_is_back(engine: Engine, how: str) -> None:
    async def scenario(town: Town) -> None:
        ann, face = await settle(town)
        change = spaces.set_space_removed if how == "removed" else spaces.set_space_deleted
        await town.house.db.write(change, ann, face.id, True, NOW)
        for address in (LIST, f"~ann/engines+subscribe@{DOMAIN}", f"~ann/engines+frob@{DOMAIN}"):
            await unknown(town, letter(), address)
        await town.house.db.write(change, ann, face.id, False, NOW)
        assert codes(await town.send(letter(), LIST)) == [250]
        assert await town.letters() == []

    run(engine, scenario)


def test_a_private_list_is_for_strangers_as_if_it_were_not(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, face = await settle(town)
        bob = await town.person("bob")
        await town.close_to_others(ann, face)
        await town.make_private(face)
        for sender in ("bob@example.org", "new@elsewhere.org"):
            for form in ("~ann/engines", "~ann/engines+subscribe", "~ann/engines+frob", "~ann/engines+unsubscribe"):
                await unknown(town, letter(sender=sender), f"{form}@{DOMAIN}", sender)
        assert codes(await town.send(letter(), LIST)) == [250]
        assert await town.letters() == []
        # Anyone may leave (contract §5.8), also what he may not see.
        assert bob.account_id is not None
        await town.house.db.write(accounts.verify_address, "bob@example.org", NOW)
        await town.house.db.write(subscriptions.start, bob.account_id, face.id, "mail", NOW)
        raw = letter(sender="bob@example.org")
        leave = f"~ann/engines+unsubscribe@{DOMAIN}"
        assert codes(await town.send(raw, leave, sender="bob@example.org")) == [250]
        [(_, answer)] = await town.letters()
        assert "no longer subscribe" in answer.subject

    run(engine, scenario)


def test_the_postmaster_is_the_owner_of_the_site_and_our_own_addresses_take_what_comes_back(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        # RFC 5321 §4.5.1: in any case, and without a domain.
        for address in (f"postmaster@{DOMAIN}", f"PostMaster@{DOMAIN}", "postmaster"):
            assert codes(await town.send(letter("Help"), address, sender="bob@elsewhere.org")) == [250]
            [(recipient, passed)] = await town.letters()
            assert (recipient, passed.subject) == ("ann@example.org", "Help")
        for address in (f"bounces@{DOMAIN}", f"mailer@{DOMAIN}"):
            assert codes(await town.send(letter(), address, sender="bob@elsewhere.org")) == [250]
        assert codes(await town.send(letter(), f"bounces@{DOMAIN}", f"~ann/none@{DOMAIN}", sender="")) == [250, 250]
        assert await town.letters() == []

    run(engine, scenario)


def test_over_smtp_a_refused_recipient_among_others_bounces(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, _ = await settle(town)
        bob = await town.person("bob")
        closed = await town.list(ann, "closed")
        await town.close_to_others(ann, closed)
        raw = letter(sender="bob@example.org")
        refused = f"~ann/closed@{DOMAIN}"
        assert bob.account_id is not None
        code, text = await town.send_smtp(raw, refused, sender="bob@example.org")
        assert (code, text[:5]) == (550, b"5.7.1") and await town.letters() == []
        code, _ = await town.send_smtp(raw, refused, LIST, f"~ann/none@{DOMAIN}", sender="bob@example.org")
        assert code == 250
        assert (await town.get("/api/lists/engines/posts", "ann"))["total"] == 1
        assert (await town.get("/api/lists/closed/posts", "ann"))["total"] == 0
        letters = {each.subject: (to, each) for to, each in await town.letters()}
        assert len(letters) == 2 and f"There is no list at ~ann/none@{DOMAIN}" in letters
        to, bounce = letters[f"Your mail to {refused} was refused"]
        assert to == "bob@example.org" and "may not post" in bounce.text and bounce.auto_submitted == "auto-replied"
        # Each LMTP recipient hears for itself, so nothing is to be told by mail.
        assert codes(await town.send(raw, refused, LIST, sender="bob@example.org")) == [550, 250]
        assert await town.letters() == []

    run(engine, scenario)


def test_a_recipient_that_fails_is_tried_again_and_stops_no_other(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        subscribe = f"~ann/engines+subscribe@{DOMAIN}"

        async def rename(old: str, new: str) -> None:
            await town.house.db.write(lambda tx: tx.run(f"ALTER TABLE {old} RENAME TO {new}"))

        await rename("confirmations", "away")
        assert codes(await town.send(letter(), subscribe, LIST)) == [451, 250]
        # SMTP has one answer: try again, until all have it.
        second = letter("Second", mail_id="<2@x>")
        assert (await town.send_smtp(second, LIST, subscribe))[0] == 451
        await rename("away", "confirmations")
        assert (await town.send_smtp(second, LIST, subscribe))[0] == 250
        assert (await town.get("/api/lists/engines/posts", "ann"))["total"] == 2
        [(_, question)] = await town.letters()
        assert question.subject.startswith("confirm ")

    run(engine, scenario)


def test_robots_and_our_own_mail_are_dropped_without_a_word(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        everywhere = (LIST, f"~ann/engines+subscribe@{DOMAIN}", f"~ann/none@{DOMAIN}")
        for raw, sender in (
            (letter(Auto_Submitted="auto-generated"), "bob@example.org"),
            (letter(Auto_Submitted="Auto-Replied; x=y"), "bob@example.org"),
            (letter(), ""),
        ):
            assert codes(await town.send(raw, *everywhere, sender=sender)) == [250] * 3
        own = letter(List_ID=f"~ann/engines <~ann/engines.{DOMAIN}>")
        assert codes(await town.send(own, LIST)) == [250]
        assert await town.letters() == []
        assert (await town.get("/api/lists/engines/posts", "ann"))["total"] == 0
        cross_post = letter(List_ID="<other.example.org>", Auto_Submitted="no")
        await town.send(cross_post, LIST)
        assert (await town.get("/api/lists/engines/posts", "ann"))["total"] == 1

    run(engine, scenario)


def test_every_recipient_is_dealt_with_on_its_own(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, _ = await settle(town)
        closed = await town.list(ann, "closed")
        await town.close_to_others(ann, closed)
        await town.person("bob")
        raw = letter(sender="bob@example.org")
        replies = await town.send(raw, f"~ann/closed@{DOMAIN}", LIST, f"~ann/none@{DOMAIN}", sender="bob@example.org")
        assert codes(replies) == [550, 250, 250]
        assert (await town.get("/api/lists/engines/posts", "ann"))["total"] == 1
        assert len(await town.letters()) == 1

    run(engine, scenario)


def test_subscribing_is_asked_back_and_confirmed(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        zoe = "Zoe <zoe@elsewhere.org>"
        ask = letter("subscribe", sender=zoe, to=f"~ann/engines+subscribe@{DOMAIN}")
        tokens = set()
        for _ in range(2):
            assert codes(await town.send(ask, f"~ann/engines+subscribe@{DOMAIN}", sender="zoe@elsewhere.org")) == [250]
            [(recipient, question)] = await town.letters()
            confirm = f"~ann/engines+confirm-subscribe@{DOMAIN}"
            assert recipient == "zoe@elsewhere.org"
            assert question.from_ and question.from_.address == confirm and question.get("Reply-To") == confirm
            assert question.subject.startswith("confirm ")
            tokens.add(question.subject.split()[-1])
        [token] = tokens
        assert len(token) == 24

        async def confirm_as(sender: str, words: str, form: str = "confirm-subscribe") -> str:
            raw = letter(words, sender=sender)
            assert codes(await town.send(raw, f"~ann/engines+{form}@{DOMAIN}", sender="zoe@elsewhere.org")) == [250]
            [(_, answer)] = await town.letters()
            return answer.subject

        assert "Nothing to confirm" in await confirm_as("eve@elsewhere.org", f"Re: confirm {token}")
        assert "Nothing to confirm" in await confirm_as(zoe, "Re: confirm nonsense")
        assert "Nothing to confirm" in await confirm_as(zoe, "")
        assert "You now subscribe" in await confirm_as(zoe, f"Re: AW: confirm {token}", "confirm")
        assert "Nothing to confirm" in await confirm_as(zoe, f"confirm {token}")

        def subscribed(tx: Transaction) -> bool:
            account = accounts.find_account_of_address(tx, "zoe@elsewhere.org")
            face = spaces.find_mailing_list(tx, "ann", "engines")
            assert account and face and account.name is None
            return subscriptions.is_subscribed(tx, account.id, face.id, "mail")

        assert await town.house.db.read(subscribed)
        await town.send(ask, f"~ann/engines+subscribe@{DOMAIN}", sender="zoe@elsewhere.org")
        [(_, answer)] = await town.letters()
        assert "already" in answer.subject

        # And back: an address without a login confirms that, too.
        await town.send(letter("x", sender=zoe), f"~ann/engines+unsubscribe@{DOMAIN}", sender="zoe@elsewhere.org")
        [(_, question)] = await town.letters()
        assert question.get("Reply-To") == f"~ann/engines+confirm-unsubscribe@{DOMAIN}"
        token = question.subject.split()[-1]
        assert "no longer" in await confirm_as(zoe, f"Re: confirm {token}", "confirm-unsubscribe")
        assert not await town.house.db.read(subscribed)
        await town.send(letter("x", sender=zoe), f"~ann/engines+unsubscribe@{DOMAIN}", sender="zoe@elsewhere.org")
        [(_, answer)] = await town.letters()
        assert "do not subscribe" in answer.subject

    run(engine, scenario)


def test_an_account_leaves_at_once_by_its_verified_address(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        _, face = await settle(town)
        bob = await town.person("bob")
        assert bob.account_id is not None

        def verify(tx: Transaction) -> None:
            assert bob.account_id is not None
            accounts.verify_address(tx, "bob@example.org", NOW)
            subscriptions.start(tx, bob.account_id, face.id, "mail", NOW)

        await town.house.db.write(verify)
        raw = letter("unsubscribe", sender="bob@example.org")
        await town.send(raw, f"u.ann.engines+UNSUBSCRIBE@{DOMAIN}", sender="bob@example.org")
        [(_, answer)] = await town.letters()
        assert "no longer" in answer.subject
        assert (await town.get("/api/subscriptions", "bob"))["total"] == 0

    run(engine, scenario)


def test_a_list_that_may_not_be_read_cannot_be_subscribed(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, face = await settle(town)
        await town.close_to_others(ann, face, Rights.POST)
        raw = letter("subscribe", sender="zoe@elsewhere.org")
        await town.send(raw, f"~ann/engines+subscribe@{DOMAIN}", sender="zoe@elsewhere.org")
        [(_, answer)] = await town.letters()
        assert "cannot subscribe" in answer.subject and "write to it" in answer.text

    run(engine, scenario)


ODD = (
    b"no mail at all",
    b"\xff" * 100,
    b"From: a\x01@b.c\n\nx",
    letter(sender="a@b.c, x@y.z", mail_id="<o1@x>").encode(),
    letter("x" * 900, sender='"\\" <a@b.c>', mail_id="<o2@x>").encode(),
    letter(mail_id="<\u00fc@x>").encode(),
    letter(sender="\u00fc@example.org", mail_id="<o3@x>").encode(),
    letter(Content_Type="multipart/mixed; boundary=b", body="--b\n" * 3000, mail_id="<o4@x>").encode(),
    b"From: a@b.c\nTo: x\nSubject: y\nMessage-ID: <o5@x>\nX: " + b"y" * 900_000 + b"\n\ntext",
    letter("\x00\x1b[31m", "\x00", mail_id="<o6@x>").encode(),
    letter(In_Reply_To="<o7@x>", References="<o7@x> " * 2000, mail_id="<o7@x>").encode(),
    letter(to=", ".join(f"r{n}@example.org" for n in range(10_000)), mail_id="<o8@x>").encode(),
)


def test_odd_mail_disturbs_nothing(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await settle(town)
        for number, raw in enumerate(ODD):
            for recipient in (LIST, f"~ann/engines+subscribe@{DOMAIN}"):
                [(code, _)] = await town.send(raw, recipient)
                assert code in (250, 550, 554), number
            assert codes(await town.send(letter(mail_id=f"<after{number}@x>"), LIST)) == [250], number
        for _, answer in await town.letters():
            assert answer.from_ is not None
        for post in (await town.get("/api/lists/engines/posts", "ann"))["results"]:
            await town.get(f"/api/emails/{post['id']}", "ann")
            assert (await town.client.get(f"/~ann/engines/{post['message_id'].replace('/', '%2F')}")).status_code in (
                200,
                302,
            )

    run(engine, scenario)
