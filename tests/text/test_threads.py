"""Threading by Message-ID: parents, inferred parents, any order of arrival, circles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.text.threads import (
    Links,
    Parent,
    adopts,
    arrange,
    candidates,
    choose_parent,
    closes_circle,
    depth_first,
    find_root,
)


@pytest.mark.parametrize(
    ("links", "known", "expected"),
    [
        (Links("<c>"), {"<a>"}, None),
        (Links("<c>", "<b>"), {"<a>"}, None),
        (Links("<c>", "<b>"), {"<b>"}, Parent("<b>", False)),
        (Links("<c>", "<b>", ("<a>", "<x>")), {"<a>", "<b>", "<x>"}, Parent("<b>", False)),
        (Links("<c>", "<b>", ("<a>", "<b>")), {"<a>"}, Parent("<a>", True)),
        (Links("<c>", "", ("<a>", "<x>")), {"<a>", "<x>"}, Parent("<x>", True)),
        (Links("<c>", "", ("<a>", "<x>")), {"<a>"}, Parent("<a>", True)),
        (Links("<c>", "<c>", ("<c>",)), {"<c>"}, None),
        (Links("<c>", "<b>", ("<b>",)), {"<b>"}, Parent("<b>", False)),
    ],
)
def test_choose_parent(links: Links, known: set[str], expected: Parent | None) -> None:
    assert choose_parent(links, known) == expected


def test_candidates_are_bounded() -> None:
    assert len(candidates(Links("<c>", "<b>", tuple(f"<{n}>" for n in range(1000))))) == 51


@pytest.mark.parametrize(
    ("arrived", "current", "expected"),
    [
        ("<b>", None, Parent("<b>", False)),
        ("<b>", Parent("<a>", True), Parent("<b>", False)),
        ("<a>", None, Parent("<a>", True)),
        ("<a>", Parent("<b>", False), None),
        ("<a2>", Parent("<a>", True), Parent("<a2>", True)),
        ("<a>", Parent("<a2>", True), None),
        ("<other>", None, None),
        ("<b>", Parent("<b>", False), None),
    ],
)
def test_adopts(arrived: str, current: Parent | None, expected: Parent | None) -> None:
    assert adopts(arrived, Links("<c>", "<b>", ("<a>", "<a2>")), current) == expected


def test_two_messages_that_answer_each_other_form_no_circle() -> None:
    made = arrange([Links("<a>", "<b>"), Links("<b>", "<a>")])
    assert made == {"<a>": None, "<b>": Parent("<a>", False)}


def test_find_root_and_circles() -> None:
    above = {1: 2, 2: 3, 3: None, 7: 8, 8: 9, 9: 8}.get
    assert find_root(1, above) == 3
    assert find_root(7, above) == 8
    assert closes_circle(3, 1, above)
    assert closes_circle(3, 3, above)
    assert not closes_circle(1, 3, above)
    assert not closes_circle(1, 7, above)


def test_depth_first() -> None:
    assert list(depth_first(1, {1: [2, 5], 2: [3, 4], 5: [6], 6: [1]})) == [1, 2, 3, 4, 5, 6]


def test_depth_does_not_exhaust_the_stack() -> None:
    chain = {n: [n + 1] for n in range(20_000)}
    assert len(list(depth_first(0, chain))) == 20_001


IDS = st.sampled_from([f"<{letter}>" for letter in "abcdefgh"])


def ranked(ids: list[str]) -> Links:
    """A message that only names messages with a smaller id: no circles."""
    own, *others = ids
    smaller = [other for other in others if other < own]
    return Links(own, smaller[0] if smaller else "", tuple(smaller[1:]))


@given(
    st.lists(st.lists(IDS, min_size=1, max_size=5).map(ranked), unique_by=lambda links: links.message_id), st.randoms()
)
def test_the_order_of_arrival_does_not_matter(messages: list[Links], random: object) -> None:
    shuffled = list(messages)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert arrange(shuffled) == arrange(messages)


@given(st.lists(st.builds(Links, IDS, IDS | st.just(""), st.lists(IDS, max_size=3).map(tuple)), max_size=20))
def test_there_are_never_circles(messages: list[Links]) -> None:
    made = arrange(messages)

    def above(message_id: str) -> str | None:
        parent = made[message_id]
        return parent.message_id if parent else None

    for start in made:
        assert made[find_root(start, above)] is None
