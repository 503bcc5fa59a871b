"""Words for the pages."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.config import Config, Site
from folkmoot.house import House
from folkmoot.surfaces.web import render
from tests.surfaces.web.town import LISTENERS, ORIGINS

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=47), "1 day ago"),
        (timedelta(days=30), "30 days ago"),
        (timedelta(days=31), "28 Feb 2026"),
        (timedelta(days=30 + 27), "2 Feb 2026"),
    ],
)
def test_how_long_ago(before: timedelta, words: str) -> None:
    assert render.ago(NOW - before, NOW) == words


def test_doors_name_what_can_be_reached() -> None:
    house = House(Config(site=Site(hostname="town.example")), None, None, None, origins=ORIGINS)  # type: ignore[arg-type]
    listeners = {"mqtt": "0.0.0.0:1883", "smtp": "[::]:2525", "lmtp": "[::1]:8024"}
    made = {door.name: door for door in render.doors(listeners, house, [])}
    assert list(made) == ["MQTT", "Mail in (SMTP)", "Mail in (LMTP)"]
    assert made["MQTT"].example.startswith("mosquitto_sub -h town.example -p 1883 ")
    assert made["Mail in (SMTP)"].address == "smtp://town.example:2525"
    assert "--server [::1]:8024" in made["Mail in (LMTP)"].example
    assert made["Mail in (SMTP)"].example.endswith("--to '~OWNER/LIST@localhost'")
    assert len(render.doors(LISTENERS, house, [])) == len(LISTENERS)


def test_the_mail_with_the_link_is_one() -> None:
    data = render.link_mail("a@x.org", "http://t/subscriptions/m.1.x", "Little\ntown é", "x.org", "ab12", NOW)
    words = render.mail_words(data)
    assert words.subject == "Your subscriptions at Little town é"
    assert "http://t/subscriptions/m.1.x\n" in words.text
    assert ("Auto-Submitted", "auto-generated") in words.fields


@pytest.mark.parametrize("word", ["(", "http://", "a@", "www.", "<&", "x"])
def test_a_long_mail_is_shown_in_reasonable_time(word: str) -> None:
    words = render.mail_words(b"Subject: x\r\n\r\n" + word.encode() * 300_000)
    started_at = time.perf_counter()
    answer = render.page("mail.html", mail=words, copies=[], id=1, private=True)
    assert answer.status_code == 200 and words.is_cut
    # Generous: what is looked for here takes minutes.
    assert time.perf_counter() - started_at < 20
