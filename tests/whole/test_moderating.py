"""What moderators and administrators do in the forum, at the other doors: mail, archive, topics."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.whole.people import Forum, lists_client, mail_in, subscriber
from tests.whole.program import Program, running, until

LIST = "~admin/town_square@localhost"
ROOT = "spaces/town_square"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    directory: Path = tmp_path_factory.mktemp("moderating")
    with running(directory) as made:
        yield made


@pytest.fixture(scope="module")
def admin(program: Program) -> Forum:
    return Forum(program, "admin")


def square(admin: Forum) -> Any:
    return admin.call("GET", "/community", name="town_square")["community"]


def refusal(program: Program, sender: str, subject: str, **headers: str) -> str:
    """Why a mail to the list is refused; "" when it is taken."""
    try:
        mail_in(program, sender, LIST, subject=subject, body="x", **headers)
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 550
        return error.smtp_error.decode()
    except smtplib.SMTPRecipientsRefused as error:
        [(code, text)] = error.recipients.values()
        assert code == 550
        return text.decode()
    return ""


def test_a_removed_comment_leaves_archive_and_topic_and_comes_back(program: Program, admin: Forum) -> None:
    dmitri = Forum(program, "dmitri")
    post = dmitri.post(square(admin)["id"], "Bench by the pond", "It is gone.")
    with subscriber(program, f"{ROOT}/messages") as live, lists_client(program, "cleo") as lists:
        comment = dmitri.call("POST", "/comment", content="Look", post_id=post["id"])["comment"]
        admin.call("PUT", "/comment", edit_id=comment["id"], content="Look", removed=True)
        assert live.live(event="message.removed", id=comment["id"])["body"] == ""
        assert lists.get(f"/api/emails/{comment['id']}").status_code == 404
        admin.call("PUT", "/comment", edit_id=comment["id"], content="Look", removed=False)
        assert lists.get(f"/api/emails/{comment['id']}").status_code == 200


def test_a_community_ban_ends_writing_there_at_every_door_until_it_ends_by_itself(
    program: Program, admin: Forum
) -> None:
    dmitri, space = Forum(program, "dmitri"), square(admin)["id"]
    mine = dmitri.post(space, "Before")["creator_id"]
    ends = int(time.time()) + 4
    admin.call("POST", "/community/ban_user", community_id=space, user_id=mine, ban=True, expires=ends)
    refused = dmitri.call("POST", "/post", status=400, name="x", community_id=space)
    assert refused["error"] == "community_ban"
    assert "banned" in refusal(program, "dmitri@example.org", "By mail")
    with subscriber(program, name="dmitri") as client:
        assert client.publish(f"{ROOT}/post", "By topic") == 0x87
        until(lambda: time.time() > ends, what="the end of the ban")
        assert client.publish(f"{ROOT}/post", "By topic again") == 0
    assert refusal(program, "dmitri@example.org", "By mail again") == ""
    dmitri.post(space, "After")


def test_a_site_ban_ends_by_itself_at_every_door(program: Program, admin: Forum) -> None:
    bram, space = Forum(program, "bram"), square(admin)["id"]
    mine = bram.post(space, "Before")["creator_id"]
    ends = int(time.time()) + 3
    admin.call("POST", "/user/ban", user_id=mine, ban=True, expires=ends)
    assert "banned" in refusal(program, "bram@example.org", "By mail")
    with subscriber(program, name="bram") as client:
        assert client.publish(f"{ROOT}/post", "By topic") == 0x87
        until(lambda: time.time() > ends, what="the end of the ban")
        assert client.publish(f"{ROOT}/post", "By topic again") == 0
    assert refusal(program, "bram@example.org", "By mail again") == ""


@pytest.mark.parametrize("how", ["removed", "deleted"])
def test_a_community_that_is_gone_posts_no_mail_and_has_no_topic(program: Program, admin: Forum, how: str) -> None:
    space = square(admin)
    form = {"edit_id": space["id"], "name": space["name"], "title": space["title"], "category_id": 1}
    mine = Forum(program, "dmitri").post(space["id"], f"Before it is {how}")
    admin.call("PUT", "/community", **form, **{how: True})
    try:
        # What is gone is answered like a list that never was (sourcehut-lists §5.1): the answer says so, nothing is posted.
        refusal(program, "cleo@example.org", f"To what is {how}")
        with subscriber(program, name="cleo") as client:
            assert client.publish(f"{ROOT}/post", "x") >= 0x80
        with lists_client(program, "cleo") as lists:
            assert lists.get(f"/api/emails/{mine['id']}").status_code == 404
    finally:
        admin.call("PUT", "/community", **form, **{how: False})
    assert refusal(program, "cleo@example.org", f"No longer {how}") == ""
    with lists_client(program, "cleo") as lists:
        subjects = {each["subject"] for each in lists.get("/api/user/~admin/lists/town_square/posts").json()["results"]}
        assert f"No longer {how}" in subjects and f"To what is {how}" not in subjects
        assert lists.get(f"/api/emails/{mine['id']}").status_code == 200


def test_a_deleted_account_leaves_nothing_in_the_archive(program: Program, admin: Forum) -> None:
    ada, space = Forum(program, "ada"), square(admin)["id"]
    post = ada.post(space, "Ada's own secret", "very private words")
    with lists_client(program, "cleo") as lists:
        assert "private words" in lists.get(f"/api/emails/{post['id']}").text
        ada.call("POST", "/user/delete_account", password="public")

        def gone() -> bool:
            answer = lists.get(f"/api/emails/{post['id']}")
            return "private words" not in answer.text and "secret" not in answer.text

        until(gone, what="the end of what was said")
        assert "private words" not in lists.get("/api/user/~admin/lists/town_square/posts").text
