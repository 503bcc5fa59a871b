"""The hot rank and the algorithm that finds the hottest without looking at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.domain.conversations.ranking import Candidate, highest, hot_rank, hottest, months_before

HOUR = 3_600_000_000
NOW = 500_000 * HOUR
MONTH_AGO = NOW - 720 * HOUR


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


def rank_of(each: Candidate) -> int:
    return hot_rank(each.score, each.active_at if each.created_at > MONTH_AGO else each.created_at, NOW)


def chunks(rows: list[Candidate], size: int, taken: list[int]) -> Iterator[list[Candidate]]:
    for start in range(0, len(rows), size):
        taken[0] += size
        yield rows[start : start + size]


def first(found: list[Candidate], most: int, size: int) -> tuple[list[Candidate], int]:
    taken = [0]
    newest = sorted(found, key=lambda each: (each.active_at, each.id), reverse=True)
    best = sorted(found, key=lambda each: (each.score, each.created_at, each.id), reverse=True)
    hot = hottest(chunks(newest, size, taken), chunks(best, size, taken), most, NOW, MONTH_AGO)
    return hot, taken[0]


ages = st.one_of(st.integers(0, 3), st.integers(0, 100), st.integers(0, 2000)).map(lambda hours: hours * HOUR // 3)


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    found = []
    for number in range(draw(st.integers(0, 60))):
        age = draw(ages)
        bumped = min(age, draw(ages))
        found.append(Candidate(number, draw(st.integers(-5, 40)), NOW - age, NOW - bumped))
    return found


@settings(max_examples=300, deadline=None)
@given(candidates(), st.integers(0, 12), st.integers(1, 7))
def test_the_hottest_are_the_ones_a_full_sort_finds(found: list[Candidate], most: int, size: int) -> None:
    everything = sorted(found, key=lambda each: (rank_of(each), each.created_at, each.id), reverse=True)
    assert first(found, most, size)[0] == [each for each in everything if rank_of(each) > 0][:most]


@pytest.mark.parametrize("count", [2_000, 20_000])
@pytest.mark.parametrize("scores", [1, 7, 5_000])
def test_it_stops_early(count: int, scores: int) -> None:
    # One a minute, with scores that have nothing to do with the time.
    found = [Candidate(n, (n * 7919) % scores, NOW - n * HOUR // 60, NOW - n * HOUR // 60) for n in range(count)]
    hot, taken = first(found, 20, 50)
    assert len(hot) == 20 and taken < 1_500


def test_the_highest() -> None:
    found = [Candidate(1, 5, 10, 10), Candidate(2, 5, 11, 11), Candidate(3, 9, 1, 1), Candidate(4, 5, 11, 11)]
    assert [each.id for each in highest(found, 3)] == [3, 4, 2]
