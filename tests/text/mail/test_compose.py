"""Messages born outside mail: well-formed, deterministic, and impossible to break out of."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.text.mail import Address, compose, new_message_id, parse, via

BASE: dict[str, Any] = {
    "from_": via("Ada Lovelace", "town_square", "~admin/town_square@example.org"),
    "to": [Address("", "~admin/town_square@example.org")],
    "subject": "On engines",
    "text": "Hello\n\nWorld\n",
    "message_id": "<1@example.org>",
    "date": datetime(2026, 11, 21, 4, tzinfo=timezone(timedelta(hours=1))),
}


def test_a_message_as_it_goes_out() -> None:
    made = compose(
        **BASE,
        in_reply_to="<0@example.org>",
        references=["<r@example.org>", "<0@example.org>"],
        headers=[("List-ID", "~admin/town_square <~admin/town_square.example.org>")],
        auto_submitted="auto-generated",
    )
    assert made == (
        b"List-ID: ~admin/town_square <~admin/town_square.example.org>\r\n"
        b"From: Ada Lovelace via town_square <~admin/town_square@example.org>\r\n"
        b"To: ~admin/town_square@example.org\r\n"
        b"Subject: On engines\r\n"
        b"Message-ID: <1@example.org>\r\n"
        b"In-Reply-To: <0@example.org>\r\n"
        b"References: <r@example.org> <0@example.org>\r\n"
        b"Date: Sat, 21 Nov 2026 03:00:00 +0000\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Hello\r\n\r\nWorld\r\n"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "x\r\nBcc: a@b.c"},
        {"subject": "x\ny"},
        {"subject": "x\0y"},
        {"from_": Address("x\nBcc: a@b.c", "a@b.c")},
        {"from_": Address("x", "a@b.c\nBcc: d@e.f")},
        {"to": [Address("", "a@b.c, d@e.f")]},
        {"message_id": "<1@b.c>\r\nBcc: x@y.z"},
        {"message_id": "1@b.c"},
        {"in_reply_to": "<1@b.c>\nX: y"},
        {"references": ["<1@b.c>", "<2@b.c>\rX: y"]},
        {"headers": [("X", "a\r\nBcc: x@y.z")]},
        {"headers": [("X\r\nBcc", "x@y.z")]},
        {"auto_submitted": "no\r\nBcc: x@y.z"},
    ],
)
def test_no_value_can_break_out(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        compose(**{**BASE, **change})


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=400)


@given(TEXT, TEXT, st.text(st.characters(exclude_categories=["Cs"]), max_size=3000))
def test_what_goes_in_comes_out(subject: str, name: str, text: str) -> None:
    made = compose(**{**BASE, "subject": subject, "from_": Address(name, "a@example.org"), "text": text})
    assert made == compose(**{**BASE, "subject": subject, "from_": Address(name, "a@example.org"), "text": text})
    head, _, _ = made.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in made.split(b"\r\n"))
    assert b"\n" not in made.replace(b"\r\n", b"") and b"\r" not in made.replace(b"\r\n", b"") and b"\0" not in made
    assert head.isascii()
    read = parse(made)
    assert read.subject == subject.strip()
    assert read.from_ == Address(name.strip(), "a@example.org")
    assert read.text.rstrip("\n") == text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    other = email.message_from_bytes(made, policy=email.policy.default)
    assert other["subject"].strip() == read.subject and not other.defects
    assert other.get_content().replace("\r\n", "\n").rstrip("\n") == read.text.rstrip("\n")


def test_long_lines_are_encoded() -> None:
    made = compose(**{**BASE, "text": "x" * 5000 + "\n.\nFrom here = é\n"})
    assert b"quoted-printable" in made and max(map(len, made.split(b"\r\n"))) <= 78
    assert parse(made).text == "x" * 5000 + "\n.\nFrom here = é\n"


def test_long_words_in_a_subject_are_encoded() -> None:
    subject = "a" * 2000
    made = compose(**{**BASE, "subject": subject})
    assert max(map(len, made.split(b"\r\n"))) <= 78
    assert parse(made).subject == subject


def test_many_recipients_are_folded() -> None:
    many = [Address(f"Reader {n}", f"reader{n}@example.org") for n in range(500)]
    made = compose(**{**BASE, "to": many, "cc": many[:2]})
    assert max(map(len, made.split(b"\r\n"))) <= 78
    assert parse(made).to == tuple(many) and parse(made).cc == tuple(many[:2])


def test_message_ids() -> None:
    assert new_message_id("20261121.abc", "example.org") == "<20261121.abc@example.org>"
    for unique in ("a b", "a>", "a\r\n", "ü", "a@b"):
        with pytest.raises(Invalid):
            new_message_id(unique, "example.org")


def test_dates_are_utc() -> None:
    assert parse(compose(**BASE)).date == datetime(2026, 11, 21, 3, tzinfo=UTC)
