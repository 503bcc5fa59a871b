"""What moderators and administrators do in the forum, at the other doors: mail in and out, archive, lists API, topics,
tokens; with connections and tokens that were open before. One program per database."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from folkmoot.domain import accounts, spaces
from folkmoot.domain.spaces import Rights
from folkmoot.store import Database, Transaction, engine_at
from tests.whole.people import Forum, Listener, Subscriber, lists_client, mail_in, subscriber, websocket
from tests.whole.program import Program, running, until
from tests.whole.sink import Sink

LIST = "~admin/town_square@localhost"
ROOT = "spaces/town_square"
POSTS = "/api/user/~admin/lists/town_square/posts"

_numbers = count(1)


@dataclass
class Town:
    """A running program, where its mail goes, and its administrator."""

    program: Program
    sink: Sink
    admin: Forum
    space: Any


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, module_data_url: str) -> Iterator[Town]:
    directory: Path = tmp_path_factory.mktemp("moderating")
    with (
        Sink() as sink,
        running(directory, module_data_url, FOLKMOOT_MAIL__RELAY=f"smtp://127.0.0.1:{sink.port}") as program,
    ):
        admin = Forum(program, "admin")
        yield Town(program, sink, admin, admin.call("GET", "/community", name="town_square")["community"])


@dataclass
class Person:
    """Somebody at every door, with connections and a token that stay open."""

    town: Town
    name: str
    forum: Forum
    topic: Subscriber
    room: Listener
    lists: httpx.Client

    @property
    def id(self) -> int:
        found: int = self.forum.call("GET", "/user", username=self.name, sort="New")["user"]["id"]
        return found

    def may_write(self) -> dict[str, bool]:
        """Through which doors he can say something."""
        body = {"name": f"Said {next(_numbers)}", "community_id": self.town.space["id"], "auth": self.forum.jwt}
        with self.town.program.http("forum") as client:
            posted = client.post("/api/v1/post", json=body).status_code == 200
        return {
            "forum": posted,
            "mail": refusal(self.town, f"{self.name}@example.org", f"Said {next(_numbers)}") == "",
            "topic": self.topic.publish(f"{ROOT}/post", f"Said {next(_numbers)}") == 0,
        }

    def may_read(self) -> dict[str, bool]:
        """Through which doors he sees what the administrator says now."""
        program, said = self.town.program, f"Heard {next(_numbers)}"
        with subscriber(program, f"{ROOT}/messages", name="admin") as all_of_it, websocket(program) as room:
            room.call("GetCommunity", name="town_square", auth=self.town.admin.jwt)
            post = self.town.admin.post(self.town.space["id"], said)["id"]
            all_of_it.live(id=post, event="message.posted")
            room.hear("CreatePost")
        # What was for him came before these answers.
        self.topic.publish("town/knock", "knock")
        heard = [json.loads(payload)["id"] for topic, payload in list(self.topic.heard) if topic.startswith("spaces/")]
        told = [frame["data"]["post"]["id"] for frame in self.room.waiting() if frame["op"] == "CreatePost"]
        listing = {"type_": "Community", "sort": "New", "community_id": self.town.space["id"]}
        found = self.forum.call("GET", "/post/list", **listing)["posts"]
        answer = self.lists.get(POSTS)
        return {
            "forum": post in [each["id"] for each in found],
            "room": post in told,
            "topic": post in heard,
            "list": answer.status_code == 200 and post in [each["id"] for each in answer.json()["results"]],
            "message": self.lists.get(f"/api/emails/{post}").status_code == 200,
        }


@contextmanager
def arrived(town: Town, name: str) -> Iterator[Person]:
    """Somebody who has come in through every door."""
    forum = Forum(town.program, name)
    with ExitStack() as stack:
        topic = stack.enter_context(subscriber(town.program, f"{ROOT}/messages", name=name))
        room = stack.enter_context(websocket(town.program))
        room.call("GetCommunity", name="town_square", auth=forum.jwt)
        lists = stack.enter_context(lists_client(town.program, name))
        yield Person(town, name, forum, topic, room, lists)


def everywhere(doors: dict[str, bool], wanted: bool) -> None:
    """It is the same at every door; tells at which it is not."""
    assert doors == dict.fromkeys(doors, wanted)


def refusal(town: Town, sender: str, subject: str, **headers: str) -> str:
    """Why a mail to the list is refused; "" when it is taken."""
    try:
        mail_in(town.program, sender, LIST, subject=subject, body="x", **headers)
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 550 and isinstance(error.smtp_error, bytes)
        return error.smtp_error.decode()
    return ""


def mailed(town: Town, to: str, subject: str) -> list[Any]:
    """The copies somebody has got."""
    return [each for each in town.sink.to(f"{to}@example.org") if each["Subject"] == subject]


def archived(town: Town, message_id: str) -> dict[str, bool]:
    """Where in the web archive a message is; an answer's page is a place in its thread's."""
    path = f"/~admin/town_square/{quote(message_id, safe='')}"
    with town.program.http("lists", follow_redirects=True) as client:
        codes = {each or "page": client.get(path + each).status_code for each in ("", "/raw")}
    assert set(codes.values()) <= {200, 404}
    return {each: code == 200 for each, code in codes.items()}


@pytest.mark.parametrize("by", ["removed", "deleted"])
@pytest.mark.parametrize("kind", ["post", "comment"])
def test_a_message_that_is_gone_leaves_every_door_and_comes_back(town: Town, by: str, kind: str) -> None:
    with arrived(town, "dmitri") as dmitri, subscriber(town.program, f"{ROOT}/messages") as live:
        title = f"A {kind} to be {by}"
        post = dmitri.forum.post(town.space["id"], title, "It is here.")
        message = post
        if kind == "comment":
            message = dmitri.forum.call("POST", "/comment", content="Look", post_id=post["id"])["comment"]
        named: dict[str, Any] = {"name": title} if kind == "post" else {"content": "Look"}
        message_id = live.live(event="message.posted", id=message["id"])["message_id"]
        until(lambda: mailed(town, "cleo", title), what="the mail of it")
        who = town.admin if by == "removed" else dmitri.forum
        who.call("PUT", f"/{kind}", edit_id=message["id"], **named, **{by: True})

        assert live.live(event="message.removed", id=message["id"])["body"] == ""
        everywhere(archived(town, message_id), False)
        assert dmitri.lists.get(f"/api/emails/{message['id']}").status_code == 404
        assert message["id"] not in [each["id"] for each in dmitri.lists.get(POSTS).json()["results"]]
        # Nobody answers it, through whatever door.
        answer = {"post_id": post["id"], "content": "x", **({} if kind == "post" else {"parent_id": message["id"]})}
        assert dmitri.forum.call("POST", "/comment", status=400, **answer)["error"] == "couldnt_create_comment"
        assert "removed" in refusal(town, "cleo@example.org", f"Re: {title} {by}", in_reply_to=message_id)
        assert dmitri.topic.publish(f"{ROOT}/post", json.dumps({"body": "x", "in_reply_to": message["id"]})) >= 0x80

        live.heard.clear()
        who.call("PUT", f"/{kind}", edit_id=message["id"], **named, **{by: False})
        assert live.live(event="message.posted", id=message["id"])["body"]
        everywhere(archived(town, message_id), True)
        assert dmitri.lists.get(f"/api/emails/{message['id']}").status_code == 200
        assert refusal(town, "cleo@example.org", f"Re: {title} again {by}", in_reply_to=message_id) == ""
        # Those who had it by mail have it once.
        assert len(mailed(town, "cleo", title)) == 1


def test_a_locked_thread_takes_no_answer_until_it_is_opened(town: Town) -> None:
    with arrived(town, "dmitri") as dmitri:
        post = dmitri.forum.post(town.space["id"], "Locked for a while")
        message_id = dmitri.topic.live(event="message.posted", id=post["id"])["message_id"]

        def answers() -> dict[str, bool]:
            number = next(_numbers)
            data = {"post_id": post["id"], "content": f"{number}", "auth": dmitri.forum.jwt}
            reply = json.dumps({"body": f"{number}", "in_reply_to": post["id"]})
            with town.program.http("forum") as client:
                said = client.post("/api/v1/comment", json=data).status_code == 200
            refused = refusal(town, "dmitri@example.org", f"Re: {number}", in_reply_to=message_id)
            assert refused == "" or "locked" in refused
            return {"forum": said, "mail": refused == "", "topic": dmitri.topic.publish(f"{ROOT}/post", reply) == 0}

        everywhere(answers(), True)
        town.admin.call("PUT", "/post", edit_id=post["id"], name="Locked for a while", locked=True, stickied=True)
        everywhere(answers(), False)
        # Reading goes on, and what is stickied is first in the forum alone: archives go by time.
        listing = {"type_": "Community", "sort": "New", "community_id": town.space["id"]}
        dmitri.forum.post(town.space["id"], "Newer than what is stickied")
        assert dmitri.forum.call("GET", "/post/list", **listing)["posts"][0]["id"] == post["id"]
        assert dmitri.lists.get(POSTS).json()["results"][0]["subject"] == "Newer than what is stickied"
        everywhere(archived(town, message_id), True)
        town.admin.call("PUT", "/post", edit_id=post["id"], name="Locked for a while", locked=False, stickied=False)
        everywhere(answers(), True)


@pytest.mark.parametrize("ends", ["by itself", "by hand"])
def test_a_ban_ends_writing_at_every_door_and_leaves_reading(town: Town, ends: str) -> None:
    with arrived(town, "bram") as bram, arrived(town, "dmitri") as dmitri:
        there = {"user_id": bram.id, "community_id": town.space["id"]}
        bans: list[tuple[str, dict[str, Any]]] = [("/community/ban_user", there), ("/user/ban", {"user_id": dmitri.id})]
        over = int(time.time()) + 5
        for path, data in bans:
            town.admin.call("POST", path, **data, ban=True, **({"expires": over} if ends == "by itself" else {}))
        for banned in (bram, dmitri):
            everywhere(banned.may_write(), False)
        if ends == "by itself":
            until(lambda: time.time() > over, what="the end of the bans")
        else:
            for banned in (bram, dmitri):
                assert "banned" in refusal(town, f"{banned.name}@example.org", f"Why {next(_numbers)}")
                everywhere(banned.may_read(), True)
            assert bram.lists.post("/api/lists", json={"name": "elsewhere"}).status_code == 201
            assert dmitri.lists.post("/api/lists", json={"name": "elsewhere"}).status_code == 403
            for path, data in bans:
                town.admin.call("POST", path, **data, ban=False)
        for banned in (bram, dmitri):
            everywhere(banned.may_write(), True)


@pytest.mark.parametrize("how", ["removed", "deleted"])
def test_a_community_that_is_gone_is_nowhere_and_comes_back(town: Town, how: str) -> None:
    space, subject = town.space, f"To what is {how}"
    form = {"edit_id": space["id"], "name": space["name"], "title": space["title"], "category_id": 1}
    with arrived(town, "dmitri") as dmitri, subscriber(town.program, f"{ROOT}/messages", name="admin") as live:
        mine = dmitri.forum.post(space["id"], f"Before it is {how}")
        message_id = live.live(event="message.posted", id=mine["id"])["message_id"]
        town.admin.call("PUT", "/community", **form, **{how: True})
        try:
            may = dmitri.may_write()
            # The mail is taken, to be answered.
            assert may == {"forum": False, "mail": True, "topic": False}
            answers = len(mailed(town, "cleo", f"There is no list at {LIST}"))
            assert refusal(town, "cleo@example.org", subject) == ""
            until(lambda: len(mailed(town, "cleo", f"There is no list at {LIST}")) > answers, 20, "the answer")
            assert live.publish(f"{ROOT}/post", "by the owner") >= 0x80
            assert dmitri.lists.get(f"/api/emails/{mine['id']}").status_code == 404
            assert dmitri.lists.get(POSTS).status_code == 404
            everywhere(archived(town, message_id), False)
            with town.program.http("lists") as pages, town.program.http("newsletter") as newsletter:
                assert pages.get("/~admin/town_square").status_code == 404
                assert "Town square" not in newsletter.get("/api/public/lists").text
        finally:
            town.admin.call("PUT", "/community", **form, **{how: False})
        everywhere(dmitri.may_write(), True)
        everywhere(dmitri.may_read(), True)
        everywhere(archived(town, message_id), True)
        assert subject not in {each["subject"] for each in dmitri.lists.get(POSTS).json()["results"]}


def close_to_others(town: Town, rights: Rights) -> None:
    """Say beside the running server what those may do who have no office in the list."""
    url = town.program.environment["FOLKMOOT_DATA__URL"]
    database = Database(engine_at(url, town.program.directory, "community"))
    database.open()

    def act(tx: Transaction) -> None:
        now = spaces.get_space(tx, town.space["id"]).created_at
        admin = accounts.actor_of_account(tx, accounts.get_account_named(tx, "admin").id, now)
        spaces.edit_list_audiences(tx, admin, town.space["id"], rights, rights, rights, now)

    try:
        database.write_now(act)
    finally:
        database.close()


@contextmanager
def closed(town: Town) -> Iterator[None]:
    """The list is for those alone who have an office in it."""
    close_to_others(town, Rights.NONE)
    try:
        yield
    finally:
        close_to_others(town, Rights.NORMAL)


def _moderator(town: Town, person: Person, office: bool) -> None:
    town.admin.call("POST", "/community/mod", community_id=town.space["id"], user_id=person.id, added=office)


def _administrator(town: Town, person: Person, office: bool) -> None:
    town.admin.call("POST", "/admin/add", user_id=person.id, added=office)


def _owner(town: Town, person: Person, office: bool) -> None:
    admin = town.admin.call("GET", "/user", username="admin", sort="New")["user"]["id"]
    to = person.id if office else admin
    town.admin.call("POST", "/community/transfer", community_id=town.space["id"], user_id=to)
    if not office:
        # Who gives a community away goes on moderating it.
        _moderator(town, person, False)


def _creator(town: Town, person: Person, office: bool) -> None:
    admin = town.admin.call("GET", "/user", username="admin", sort="New")["user"]["id"]
    by, to = (town.admin, person.id) if office else (person.forum, admin)
    by.call("POST", "/site/transfer", user_id=to)
    if not office:
        _administrator(town, person, False)


@pytest.mark.parametrize("take_office", [_moderator, _administrator, _owner, _creator])
def test_an_office_opens_every_door_and_its_end_closes_them(
    town: Town, take_office: Callable[[Town, Person, bool], None]
) -> None:
    with arrived(town, "bram") as bram, closed(town):
        until(lambda: not bram.may_write()["mail"], what="the closing of the list")
        everywhere(bram.may_read(), False)
        everywhere(bram.may_write(), False)
        take_office(town, bram, True)
        try:
            everywhere(bram.may_write(), True)
            bram.room.call("GetCommunity", name="town_square", auth=bram.forum.jwt)
            everywhere(bram.may_read(), True)
        finally:
            take_office(town, bram, False)
        everywhere(bram.may_write(), False)
        everywhere(bram.may_read(), False)


def newsletter_readers(town: Town) -> int:
    """How many the community's newsletter goes to."""
    with town.program.http("newsletter", auth=("api_user", "token")) as client:
        found = client.get("/api/lists").json()["data"]["results"]
    [standings] = [each["subscriber_statuses"] for each in found if each["name"] == "Town square"]
    return int(standings.get("confirmed", 0))


def test_a_deleted_account_leaves_nothing_and_gets_nothing(town: Town) -> None:
    readers = newsletter_readers(town)
    with arrived(town, "ada") as ada, lists_client(town.program, "cleo") as lists:
        post = ada.forum.post(town.space["id"], "Ada's own secret", "very private words")
        message_id = ada.topic.live(event="message.posted", id=post["id"])["message_id"]
        assert "private words" in lists.get(f"/api/emails/{post['id']}").text
        ada.forum.call("POST", "/user/delete_account", password="public")

        def gone() -> bool:
            answer = lists.get(f"/api/emails/{post['id']}")
            return "private words" not in answer.text and "secret" not in answer.text

        until(gone, what="the end of what was said")
        assert ada.topic.live(event="message.removed", id=post["id"])["body"] == ""
        assert "private words" not in lists.get(POSTS).text
        everywhere(archived(town, message_id), False)
        # No copies any more, but the account is there, and its credentials are.
        town.admin.post(town.space["id"], "Without Ada")
        until(lambda: mailed(town, "cleo", "Without Ada"), what="the mail to who stayed")
        assert not mailed(town, "ada", "Without Ada")
        assert ada.lists.get("/api/subscriptions").json()["results"] == []
        assert newsletter_readers(town) == readers - 1
        everywhere(ada.may_read(), True)
