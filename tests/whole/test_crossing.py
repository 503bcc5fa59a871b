"""One conversation through every door, with the clients people have, on both databases."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest

from tests.whole.people import Forum, lists_client, mail_in, subscriber, websocket
from tests.whole.program import Program, running, until
from tests.whole.sink import Sink

LIST = "~admin/town_square@localhost"
TOPIC = "spaces/town_square/messages"


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, module_data_url: str, sink: Sink) -> Iterator[Program]:
    relay = f"smtp://127.0.0.1:{sink.port}"
    with running(tmp_path_factory.mktemp("town"), module_data_url, FOLKMOOT_MAIL__RELAY=relay) as made:
        yield made


@pytest.fixture
def program(town: Program, sink: Sink) -> Program:
    """The same for all tests of a database; what one of them leaves behind keeps no other from its people."""
    sink.mails.clear()
    return town


def square(program: Program) -> int:
    with program.http("forum") as client:
        community: int = client.get("/api/v1/community", params={"name": "town_square"}).json()["community"]["id"]
        return community


def test_a_post_is_a_mail_and_a_mail_is_a_comment_and_both_are_live(program: Program, sink: Sink) -> None:
    with websocket(program) as listener, subscriber(program, TOPIC) as live:
        dmitri = Forum(program, "dmitri")
        post = dmitri.post(square(program), "Market on Saturday", "Bring apples.")
        listener.call("GetPost", id=post["id"])

        # The list's subscribers get a mail ...
        copies = until(
            lambda: sink.to("ada@example.org") and sink.to("cleo@example.org") and sink.mails, what="the mail"
        )
        mail = sink.to("ada@example.org")[0]
        assert mail["Subject"] == "Market on Saturday"
        assert mail["To"] == LIST and "dmitri via" in mail["From"] and "dmitri@example.org" not in mail["From"]
        assert mail["List-ID"] == "~admin/town_square <~admin/town_square.localhost>"
        assert "Bring apples." in mail.get_content()
        assert copies

        # ... one of them answers by mail ...
        mail_in(
            program, "Ada <ada@example.org>", LIST, subject="Re: Market on Saturday", body="And pears.",
            in_reply_to=mail["Message-ID"], message_id="<pears@example.org>",
        )  # fmt: skip

        # ... the answer appears as a comment to the live client ...
        comment = listener.hear("CreateComment")["comment"]
        assert (comment["creator_name"], comment["post_id"]) == ("ada", post["id"])
        assert comment["content"].startswith("And pears.")
        assert [c["id"] for c in dmitri.comments(post["id"])] == [comment["id"]]

        # ... goes on to the other subscriber untouched, but not back to its writer ...
        forwarded = until(lambda: [m for m in sink.to("cleo@example.org") if m["Message-ID"] == "<pears@example.org>"])
        assert forwarded[0]["From"] == "Ada <ada@example.org>"
        assert not [m for m in sink.to("ada@example.org") if m["Message-ID"] == "<pears@example.org>"]

        # ... both show in the lists API ...
        with lists_client(program, "ada") as lists:
            posts = lists.get("/api/user/~admin/lists/town_square/posts").json()["results"]
        assert [p["id"] for p in posts[:2]] == [comment["id"], post["id"]]
        assert posts[0]["parent_id"] == posts[0]["thread_id"] == post["id"]
        assert posts[0]["sender"]["name"] == "ada"

        # ... both arrive as MQTT messages ...
        said = live.live(id=post["id"], event="message.posted")
        assert (said["origin"], said["author"], said["title"]) == ("forum", "dmitri", "Market on Saturday")
        answer = live.live(id=comment["id"], event="message.posted")
        assert (answer["origin"], answer["parent_id"], answer["thread_id"]) == ("mail", post["id"], post["id"])
        assert answer["message_id"] == "<pears@example.org>"

    # ... and the newsletter knows the list.
    with program.http("newsletter", auth=("api_user", "token")) as newsletter:
        names = [each["name"] for each in newsletter.get("/api/lists").json()["data"]["results"]]
    assert "Town square" in names


def test_a_publish_is_a_post_and_an_answer(program: Program, sink: Sink) -> None:
    with subscriber(program, TOPIC, name="dmitri") as live, subscriber(program) as nobody:
        assert live.publish("spaces/town_square/post", "The clock has stopped\n\nSince noon.") == 0
        said = live.live(event="message.posted", title="The clock has stopped")
        assert (said["origin"], said["author"], said["body"]) == ("mqtt", "dmitri", "Since noon.")
        until(lambda: sink.to("ada@example.org"), what="the mail of it")
        assert live.publish("spaces/town_square/post", f'{{"body": "It goes again", "in_reply_to": {said["id"]}}}') == 0
        assert live.live(event="message.posted", parent_id=said["id"])["thread_id"] == said["id"]
        # Who may not post gets the reason; what only the community says nobody else publishes.
        assert nobody.publish("spaces/town_square/post", "spam") == 0x87
        assert live.publish(TOPIC, '{"event": "message.posted"}') == 0x87
        assert live.publish("spaces/no_such_place/post", "hello") >= 0x80


def test_lock_remove_edit_and_delete_are_effective_at_every_door(program: Program, sink: Sink) -> None:
    admin, dmitri = Forum(program, "admin"), Forum(program, "dmitri")
    with subscriber(program, TOPIC) as live, lists_client(program, "cleo") as lists:
        post = dmitri.post(square(program), "Old bridge", "It creaks.")
        edit = {"edit_id": post["id"], "creator_id": 1, "community_id": 1}
        dmitri.call("PUT", "/post", **edit, name="Old bridge", body="It creaks less.")
        assert live.live(event="message.edited", id=post["id"])["body"] == "It creaks less."

        admin.call("PUT", "/post", **edit, name="Old bridge", locked=True)
        message_id = live.live(event="message.posted", id=post["id"])["message_id"]
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            mail_in(program, "cleo@example.org", LIST, subject="Re: Old bridge", body="x", in_reply_to=message_id)
        assert refusal.value.smtp_code == 550 and b"locked" in refusal.value.smtp_error
        with subscriber(program, name="cleo") as cleo:
            reply = f'{{"body": "x", "in_reply_to": {post["id"]}}}'
            assert cleo.publish("spaces/town_square/post", reply) == 0x87

        admin.call("PUT", "/post", **edit, name="Old bridge", removed=True)
        assert live.live(event="message.removed", id=post["id"])["body"] == ""
        listed = [each["id"] for each in lists.get("/api/user/~admin/lists/town_square/posts").json()["results"]]
        assert post["id"] not in listed
        assert lists.get(f"/api/emails/{post['id']}").status_code == 404


def test_a_site_ban_ends_writing_at_every_door_and_leaves_reading(program: Program) -> None:
    admin, bram = Forum(program, "admin"), Forum(program, "bram")
    space = square(program)
    mine = bram.post(space, "Before the ban")
    bram_id = mine["creator_id"]
    admin.call("POST", "/user/ban", user_id=bram_id, ban=True)
    assert bram.call("POST", "/post", status=400, name="x", community_id=space)["error"] == "site_ban"
    assert bram.comments(mine["id"]) == []
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        mail_in(program, "bram@example.org", LIST, subject="By mail then", body="x")
    assert refusal.value.smtp_code == 550 and b"banned" in refusal.value.smtp_error
    with subscriber(program, TOPIC, name="bram") as client:
        assert client.publish("spaces/town_square/post", "By topic then") == 0x87
    with lists_client(program, "bram") as lists:
        assert lists.get("/api/user/~admin/lists/town_square/posts").status_code == 200


def test_leaving_through_one_door_is_seen_through_the_others(program: Program, sink: Sink) -> None:
    with lists_client(program, "ada") as lists:
        mine = lists.get("/api/subscriptions").json()["results"]
        [subscription] = [each for each in mine if each["list"]["name"] == "town_square"]
        # By mail, from the account's own address: at once.
        mail_in(program, "ada@example.org", "~admin/town_square+unsubscribe@localhost", subject="unsubscribe", body="x")
        until(
            lambda: lists.get(f"/api/subscriptions/{subscription['id']}").status_code == 404,
            what="the end of the subscription",
        )
        Forum(program, "dmitri").post(square(program), "Without Ada")
        until(
            lambda: [m for m in sink.to("cleo@example.org") if m["Subject"] == "Without Ada"],
            what="the mail to who stayed",
        )
        assert not [m for m in sink.to("ada@example.org") if m["Subject"] == "Without Ada"]
        answer = lists.post("/api/subscriptions", json={"list": "~admin/town_square"})
        assert answer.status_code == 201


def test_a_stranger_subscribes_by_mail_and_leaves_with_one_click(program: Program, sink: Sink) -> None:
    stranger = "eve@elsewhere.example"
    command = {"subject": "subscribe", "body": "x"}
    mail_in(program, stranger, "~admin/town_square+subscribe@localhost", **command, message_id="<1@elsewhere.example>")
    question = until(lambda: sink.to(stranger), what="the question")[0]
    answer = {"subject": f"Re: {question['Subject']}", "body": "yes", "message_id": "<2@elsewhere.example>"}
    mail_in(program, stranger, question["Reply-To"], **answer)
    welcome = until(lambda: sink.to(stranger)[1:], what="the welcome")[0]
    assert welcome["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    ending = welcome["List-Unsubscribe"].strip("<>")
    managing = next(word for word in welcome.get_content().split() if "/subscriptions/" in word)

    Forum(program, "dmitri").post(square(program), "Heard by Eve")
    until(lambda: [m for m in sink.to(stranger) if m["Subject"] == "Heard by Eve"], what="the list's mail")
    with program.http("web") as client:
        assert "checked" in client.get(managing).text
        assert client.post(ending, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert "checked" not in client.get(managing).text
    Forum(program, "dmitri").post(square(program), "Unheard by Eve")
    until(lambda: [m for m in sink.to("ada@example.org") if m["Subject"] == "Unheard by Eve"], what="the others' mail")
    assert not [m for m in sink.to(stranger) if m["Subject"] == "Unheard by Eve"]


def test_suspending_ends_every_session_within_a_second(program: Program) -> None:
    dmitri = Forum(program, "dmitri")
    with subscriber(program, "town/#", name="dmitri") as client, lists_client(program, "dmitri") as lists:
        with websocket(program) as listener:
            listener.call("UserJoin", auth=dmitri.jwt)
            program.run("admin", "suspend", "dmitri")
            assert client.ended.wait(1.5), "the MQTT connection goes on"
            with pytest.raises(Exception, match=r"close|going away|1008"):
                while True:
                    listener.hear("nothing", seconds=1.5)
        assert dmitri.call("POST", "/post", status=400, name="x", community_id=1)["error"] == "not_logged_in"
        assert lists.get("/api/user").status_code in (401, 403)
    with pytest.raises(AssertionError):
        Forum(program, "dmitri")
