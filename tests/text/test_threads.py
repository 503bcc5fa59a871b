"""Threading by Message-ID: possible parents, circles, the order of answers."""

from __future__ import annotations

import pytest

from folkmoot.text.threads import Parent, candidates, closes_circle, depth_first


@pytest.mark.parametrize(
    ("in_reply_to", "references", "expected"),
    [
        ("", (), ()),
        ("<b>", (), (Parent("<b>", False),)),
        ("<b>", ("<a>", "<x>"), (Parent("<b>", False), Parent("<x>", True), Parent("<a>", True))),
        ("<b>", ("<a>", "<b>"), (Parent("<b>", False), Parent("<a>", True))),
        ("", ("<a>", "<x>"), (Parent("<x>", True), Parent("<a>", True))),
        ("<c>", ("<c>",), ()),
    ],
)
def test_candidates(in_reply_to: str, references: tuple[str, ...], expected: tuple[Parent, ...]) -> None:
    assert candidates("<c>", in_reply_to, references) == expected


def test_candidates_are_bounded() -> None:
    assert len(candidates("<c>", "<b>", tuple(f"<{n}>" for n in range(1000)))) == 51


def test_circles() -> None:
    above = {1: 2, 2: 3, 3: None, 7: 8, 8: 9, 9: 8}.get
    assert closes_circle(3, 1, above)
    assert closes_circle(3, 3, above)
    assert not closes_circle(1, 3, above)
    assert not closes_circle(1, 7, above)


def test_depth_first() -> None:
    assert list(depth_first(1, {1: [2, 5], 2: [3, 4], 5: [6], 6: [1]})) == [1, 2, 3, 4, 5, 6]


def test_depth_does_not_exhaust_the_stack() -> None:
    chain = {n: [n + 1] for n in range(20_000)}
    assert len(list(depth_first(0, chain))) == 20_001
