"""What was acknowledged is there after SIGKILL, through every door; rounds from FOLKMOOT_TEST_ROUNDS."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.whole.people import Forum, Subscriber, lists_client, mail_in, subscriber
from tests.whole.program import Program, until
from tests.whole.sink import Sink

#: The suite promises twenty; fewer are not enough.
ROUNDS = int(os.environ.get("FOLKMOOT_TEST_ROUNDS", "20"))
ON_POSTGRESQL = int(os.environ.get("FOLKMOOT_TEST_ROUNDS", "2"))
LIST = "~admin/town_square@localhost"


class Writers:
    """Three who write as fast as they are answered, each through another door, and note what was acknowledged."""

    def __init__(self, program: Program, number: int) -> None:
        self.titles: list[str] = []
        self.mail_ids: list[str] = []
        self.retained: list[tuple[str, str]] = []
        self._program = program
        self._number = number
        self._forum = Forum(program, "dmitri")
        self._space = self._forum.call("GET", "/community", name="town_square")["community"]["id"]
        self._threads = [threading.Thread(target=work) for work in (self._post, self._mail, self._retain)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)

    def _post(self) -> None:
        for count in range(10_000):
            title = f"round {self._number} post {count}"
            try:
                self._forum.post(self._space, title)
            except (httpx.HTTPError, AssertionError):
                return
            self.titles.append(title)

    def _mail(self) -> None:
        for count in range(10_000):
            mail_id = f"<round{self._number}.{count}@example.org>"
            try:
                mail_in(self._program, "ada@example.org", LIST, subject="kill", body="x", message_id=mail_id)
            except (OSError, EOFError):
                return
            except Exception:
                return
            self.mail_ids.append(mail_id)

    def _retain(self) -> None:
        with subscriber(self._program) as client:
            for count in range(10_000):
                topic, payload = f"kill/{count % 20}", f"{self._number}.{count}"
                info = client.client.publish(topic, payload, qos=1, retain=True)
                if not _acknowledged(client, info):
                    return
                self.retained.append((topic, payload))


@pytest.mark.timeout(600 + 30 * ROUNDS)
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path, data_url: str) -> None:
    chance = random.Random(7)
    titles: set[str] = set()
    mail_ids: set[str] = set()
    retained: dict[str, str] = {}
    sent_retained: dict[str, int] = {}
    program = Program(tmp_path, data_url)
    program.start()
    for number in range(ON_POSTGRESQL if data_url else ROUNDS):
        writers = Writers(program, number)
        threading.Event().wait(chance.uniform(0.05, 0.4))
        program.kill()
        writers.join()
        titles.update(writers.titles)
        mail_ids.update(writers.mail_ids)
        for topic, payload in writers.retained:
            retained[topic] = payload
            sent_retained[topic] = number
        program.start()
    try:
        assert titles and mail_ids and retained, "nothing was acknowledged: the test tests nothing"
        found_titles, found_ids = _archive(program)
        assert not titles - found_titles, "acknowledged posts are missing"
        assert not mail_ids - found_ids, "acknowledged mails are missing"
        with subscriber(program, "kill/#") as client:
            threading.Event().wait(0.3)
            kept = {topic: payload.decode() for topic, payload in client.heard}
        for topic, payload in retained.items():
            # A later publish may have been kept without its acknowledgement having arrived.
            assert topic in kept and _after(kept[topic]) >= _after(payload), (topic, payload, kept.get(topic))
    finally:
        program.stop()


def _after(payload: str) -> tuple[int, int]:
    number, count = payload.split(".")
    return int(number), int(count)


def _archive(program: Program) -> tuple[set[str], set[str]]:
    titles: set[str] = set()
    mail_ids: set[str] = set()
    with lists_client(program, "admin") as lists:
        start: str | None = "-1"
        while start is not None:
            page = lists.get("/api/lists/town_square/posts", params={"start": start}).json()
            titles.update(each["subject"] for each in page["results"])
            mail_ids.update(each["message_id"] for each in page["results"])
            start = page["next"]
    return titles, mail_ids


def _acknowledged(client: Subscriber, info: Any) -> bool:
    """Whether the PUBACK came; false as soon as the connection is gone."""
    while not info.is_published():
        if client.ended.wait(0.001):
            return False
    return True


def test_queued_mail_survives_sigkill_and_one_refusal_stops_nobody(tmp_path: Path, data_url: str) -> None:
    with Sink() as sink:
        sink.refuse.add("cleo@example.org")
        program = Program(tmp_path, data_url, FOLKMOOT_MAIL__RELAY="smtp://127.0.0.1:9")
        program.start()
        # The relay is not there: what is posted waits in the queue, and is killed with it.
        forum = Forum(program, "dmitri")
        space = forum.call("GET", "/community", name="town_square")["community"]["id"]
        forum.post(space, "Sent twice over")
        program.kill()
        program.environment["FOLKMOOT_MAIL__RELAY"] = f"smtp://127.0.0.1:{sink.port}"
        program.start()
        try:
            until(lambda: sink.to("ada@example.org"), 75, "the queued mail")
            assert sink.to("ada@example.org")[0]["Subject"] == "Sent twice over"
            assert not sink.to("cleo@example.org")
        finally:
            program.stop()
