"""Instants, folded mails and the order of administrators."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from folkmoot.domain.accounts import Profile
from folkmoot.surfaces.forum import render

AT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "2026-03-01T12:00:00"),
        (120_000, "2026-03-01T12:00:00.120"),
        (1_000, "2026-03-01T12:00:00.001"),
        (1, "2026-03-01T12:00:00.000001"),
        (123_456, "2026-03-01T12:00:00.123456"),
    ],
)
def test_timestamps_have_as_many_digits_as_they_need(microseconds: int, text: str) -> None:
    assert render.timestamp(AT.replace(microsecond=microseconds)) == text


def test_only_the_quoted_tail_of_a_mail_is_folded() -> None:
    assert render.content("just words\n", "mail") == "just words\n"
    assert render.content("yes\n\n> quoted\n", "forum") == "yes\n\n> quoted\n"
    assert render.content("yes\n\n> quoted\n", "mail") == "yes\n\n::: spoiler Quoted text\n> quoted\n:::"


def test_the_sites_creator_comes_first_among_the_admins() -> None:
    def profile(number: int) -> Profile:
        return Profile(number, f"a{number}", None, None, True, False, True, False, AT, 0, 0, 0, 0)

    found = render.admins([profile(1), profile(2), profile(3)], 2, "example.org")
    assert [each.id for each in found] == [2, 1, 3]
    assert found[0].fedi_name == "example.org"
