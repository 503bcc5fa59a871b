"""Patterns find what Python's own engine finds, but never take long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.text.patterns import Pattern

PATTERNS = [
    "",
    "a",
    "^a",
    "a$",
    "^a$",
    "^$",
    "^sensor-[0-9]+$",
    "a.c",
    "a|bc",
    "^(a|b)*c$",
    "(ab){2}",
    "^a{1,3}b?$",
    "a{2,}",
    "[^ab]",
    r"\d\w\s?",
    r"^\S+$",
    "(?i)^AbC",
    "(?i)[^a]",
    "(?s)a.b",
    "(a*)*b",
    "(?:a?){3}b",
    "a*?b",
    r"\Aab\Z",
]
TEXTS = [
    "",
    "a",
    "b",
    "c",
    "ab",
    "abc",
    "aab",
    "aaab",
    "abab",
    "ABC",
    "a\nb",
    "sensor-12",
    "xsensor-1",
    "1b ",
    "a\n",
    "aac",
]


@pytest.mark.parametrize("source", PATTERNS)
def test_finds_what_the_standard_library_finds(source: str) -> None:
    pattern = Pattern(source)
    for text in TEXTS:
        if text.endswith("\n") and "\\Z" in source:
            continue
        assert pattern.found_in(text) is bool(re.search(source, text)), (source, text)
        assert pattern.found_in(text) is bool(re.search(source, text)), "a second time, from memory"


_atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "^", "$"])
_sources = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.tuples(inner, inner).map("|".join).map("(?:{})".format),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)


@given(_sources, st.text("abc\n", max_size=8))
def test_agrees_with_the_standard_library(source: str, text: str) -> None:
    assert Pattern(source).found_in(text) is bool(re.search(source, text))


@pytest.mark.parametrize("source", ["^(a+)+$", "^(a|a)*$", "^(.*)*x$", "^(a?){25}a{25}$", ".*.*.*.*=.*"])
def test_what_takes_others_for_ever_takes_no_time(source: str) -> None:
    began = time.perf_counter()
    Pattern(source).found_in("a" * 20_000 + "!")
    assert time.perf_counter() - began < 2


def test_many_different_characters_leave_little_behind() -> None:
    pattern = Pattern("(.a|b.)*x$")
    assert not pattern.found_in("".join(map(chr, range(0x4E00, 0x9000))))
    assert len(pattern._states) <= 1001
    assert sum(len(each.after) for each in pattern._states.values()) <= 4000


@pytest.mark.parametrize(
    "source",
    [
        "(",
        "[[:digit:]]",
        r"(a)\1",
        "(?=a)",
        "(?<!a)b",
        r"\bword",
        "a" * 1001,
        "(a{50}){50}",
        "(){4000000000}",
        "(?>a)",
        "a++",
        "(?m)^a",
    ],
)
def test_refuses_what_it_cannot_bound(source: str) -> None:
    with pytest.raises(Invalid):
        Pattern(source)
