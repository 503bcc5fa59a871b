"""The hot rank, and what it says of whatever ranks lower."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.domain.conversations.ranking import (
    HIGHEST,
    between,
    hot_rank,
    least_score,
    months_before,
    ranked,
    reach,
)

HOUR = 3_600_000_000
NOW = 500_000 * HOUR


@pytest.mark.parametrize(
    ("score", "hours", "rank"),
    # lemmy §5.2, and the ends of the range
    [
        (1, 0, 1728),
        (0, 0, 1370),
        (1, 24, 17),
        (-3, 0, 0),
        (-100, 0, 0),
        (1, -5, 1728),
        (1, 10_000, 0),
        (2**31, 0, 26798),
    ],
)
def test_points_of_the_hot_rank(score: int, hours: int, rank: int) -> None:
    assert hot_rank(score, NOW - hours * HOUR, NOW) == rank


@pytest.mark.parametrize(
    ("now", "months", "then"),
    [
        ((2026, 3, 31), 1, (2026, 2, 28)),
        ((2024, 3, 31), 1, (2024, 2, 29)),
        ((2026, 1, 15), 1, (2025, 12, 15)),
        ((2024, 2, 29), 12, (2023, 2, 28)),
        ((2026, 12, 1), 12, (2025, 12, 1)),
    ],
)
def test_calendar_months(now: tuple[int, int, int], months: int, then: tuple[int, int, int]) -> None:
    assert months_before(datetime(*now, 5, tzinfo=UTC), months) == datetime(*then, 5, tzinfo=UTC)


@given(
    rank=st.integers(1, 30_000),
    score=st.integers(-5, 2**31),
    more=st.integers(0, 2**31),
    age=st.one_of(st.integers(0, 40), st.integers(0, 100_000)).map(lambda minutes: minutes * HOUR // 60),
)
def test_nothing_beyond_reach_ranks_as_high(rank: int, score: int, more: int, age: int) -> None:
    highest = min(HIGHEST, score + more)
    end = reach(rank, highest, NOW)
    if NOW - age < end:
        assert hot_rank(score, NOW - age, NOW) < rank
    # It is not much further than it has to be.
    assert highest <= -3 or hot_rank(highest, min(end, NOW) + HOUR // 60, NOW) >= rank or end > NOW - 2 * HOUR // 60


@given(
    rank=st.integers(1, 30_000), score=st.integers(-5, 5_000), age=st.integers(0, 3_000), older=st.integers(0, 3_000)
)
def test_nothing_with_a_lower_score_ranks_as_high(rank: int, score: int, age: int, older: int) -> None:
    at = NOW - age * HOUR // 60
    least = least_score(rank, at, NOW)
    if score < least:
        assert hot_rank(score, at - older * HOUR // 60, NOW) < rank
    # The least that is enough is no more than a few higher.
    assert least > HIGHEST or hot_rank(least + 5, at, NOW) >= rank or rank > hot_rank(HIGHEST, at, NOW)


def test_nothing_born_a_month_ago_ranks() -> None:
    # So activity counts for whatever may rank at all (lemmy §5.2: no longer for what is a month old).
    assert hot_rank(HIGHEST, NOW - 28 * 24 * HOUR, NOW) == 0


@given(st.lists(st.tuples(st.integers(-10, 90 * 60), st.integers(-9, 9_000)), max_size=20))
def test_ranks_of_many_are_those_of_each(found: list[tuple[int, int]]) -> None:
    rows = [(NOW - age * HOUR // 60, number, score, number) for number, (age, score) in enumerate(found)]
    ranks = [(hot_rank(score, at, NOW), born, number) for at, number, score, born in rows]
    assert ranked(rows, NOW) == [each for each in ranks if each[0] > 0]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1))
def test_instants_between_lie_between(one: int, other: int, part: float) -> None:
    newer, older = NOW - min(one, other) * HOUR // 60, NOW - max(one, other) * HOUR // 60
    assert older <= between(newer, older, part, NOW) <= newer
