"""Folding the quoted tail of a reply, never losing a character."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.text.mail import split_reply

TOP = "I agree.\n\n"
WROTE = "On Mon, 1 Jan 2026 at 10:00, Ada Lovelace <ada@example.org> wrote:\n"


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("No quote at all.\n", "No quote at all.\n"),
        (TOP + WROTE + "> old\n> text\n", TOP),
        (TOP + "On Mon, 1 Jan 2026 at 10:00, Ada Lovelace <ada@example.org>\nwrote:\n> old\n", TOP),
        (TOP + "Am 01.01.2026 um 10:00 schrieb Ada Lovelace:\n> alt\n", TOP),
        (TOP + "Le lun. 1 janv. 2026 à 10:00, Ada a écrit :\n> vieux\n", TOP),
        (TOP + "-----Original Message-----\nFrom: Ada\nSent: Monday\nTo: Bob\nSubject: x\n\nold text\n", TOP),
        (TOP + "From: Ada\nSent: Monday\nTo: Bob\nSubject: x\n\nold text\n", TOP),
        (TOP + "> old\n>\n> text\n", TOP[:-1]),
        (TOP + "> old\n\n-- \nBob\n", TOP[:-1]),
        (WROTE + "> old\n\nI agree.\n", None),
        (WROTE + "> old\n\nI agree.\n\n> older\n\nAnd here too.\n", None),
        (WROTE + "> one\n\nYes.\n\n> two\n> three\n", WROTE + "> one\n\nYes.\n"),
        (WROTE + "> only a quote\n", None),
        ("As follows:\n\n- one\n- two\n", None),
        ("He wrote:\nthat is all\n", None),
        ("", None),
        ("> all quote\n", None),
    ],
)
def test_split(text: str, visible: str | None) -> None:
    first, tail = split_reply(text)
    assert first + tail == text
    assert first.rstrip("\n") == (text if visible is None else visible).rstrip("\n")


def test_a_patch_below_a_signature_mark_is_not_folded() -> None:
    patch = (
        "Fix it\n\n---\n a.c | 2 +-\n\ndiff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-a\n+b\n-- \n2.30\n"
    )
    assert split_reply(patch) == (patch, "")


@given(st.text(alphabet="> On,wrote:From\nSent- \r\x0b\u2028é", max_size=300))
def test_nothing_is_lost(text: str) -> None:
    visible, tail = split_reply(text)
    assert visible + tail == text
    assert visible.strip() or not text.strip() or not tail


@pytest.mark.parametrize(
    "text",
    [
        "On " * 200_000 + "wrote:",
        "On a wrote:\n" * 50_000,
        "From: \n" * 100_000,
        "x:\n" * 200_000,
        "> " * 500_000,
        "\n" * 500_000,
    ],
)
def test_hostile_bodies_cost_little(text: str) -> None:
    started = time.process_time()
    split_reply(text)
    assert time.process_time() - started < 3
