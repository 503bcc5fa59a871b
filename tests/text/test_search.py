"""Words in their order, and the language of archive searches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.text.search import Term, has_in_order, parse_search


@pytest.mark.parametrize(
    ("text", "words", "has"),
    [
        ("Market on Saturday", ["market", "SATURDAY"], True),
        ("Market on Saturday", ["saturday", "market"], False),
        ("aa", ["a", "a"], True),
        ("a", ["a", "a"], False),
        ("Straße", ["STRASSE"], True),
        ("strasse", ["ß", "e"], True),
        ("100%", ["%", "0"], False),
        ("", ["x"], False),
    ],
)
def test_words_in_their_order(text: str, words: list[str], has: bool) -> None:
    assert has_in_order(text, words) is has


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", []),
        ("two words", [Term("", "two"), Term("", "words")]),
        ('"one phrase" x', [Term("", "one phrase"), Term("", "x")]),
        ("From:ann", [Term("from", "ann")]),
        ("!is:patch", [Term("is", "patch", True)]),
        ('subject:"a b"', [Term("subject", "a b")]),
        ("In-Reply-To:<x@y>", [Term("in-reply-to", "<x@y>")]),
        ("!word", [Term("", "!word")]),
        (":x", [Term("", ":x")]),
        ("https://a.b", [Term("https", "//a.b")]),
    ],
)
def test_parse(query: str, terms: list[Term]) -> None:
    assert parse_search(query) == tuple(terms)


@pytest.mark.parametrize("query", ['"open', "it's", "x " * 40, "x" * 2000])
def test_refused(query: str) -> None:
    with pytest.raises(Invalid):
        parse_search(query)


@given(st.text(max_size=100))
def test_any_text_is_read_or_refused(query: str) -> None:
    try:
        assert all(term.value or term.key for term in parse_search(query))
    except Invalid:
        pass
