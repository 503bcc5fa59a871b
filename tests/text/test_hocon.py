from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.text.hocon import HoconError, parse, write

READ: list[tuple[str, Any]] = [
    ("", {}),
    ("{}", {}),
    ('{"a": {"b": [1, 2.5, "x", true, null]}}', {"a": {"b": [1, 2.5, "x", True, None]}}),
    ("a = 1\nb: two words # a comment\n// another\nc { d = on }", {"a": 1, "b": "two words", "c": {"d": "on"}}),
    ("mqtt.max_inflight = 5\nmqtt { idle_timeout = 10s }", {"mqtt": {"max_inflight": 5, "idle_timeout": "10s"}}),
    ("a { b = 1, c = 2 }\na { b = 3 }", {"a": {"b": 3, "c": 2}}),
    ("a = 1\na { b = 1 }\na.b.c = 2", {"a": {"b": {"c": 2}}}),
    ('"a.b"."c d" = "\\u00e4\\n"', {"a.b": {"c d": "ä\n"}}),
    ("a = [\n  one\n  two,\n  {b = 1}\n]", {"a": ["one", "two", {"b": 1}]}),
    ('a = """say "what" \\n\nyou like"""', {"a": 'say "what" \\n\nyou like'}),
    ("a = -5\r\nb = 007\r\n", {"a": -5, "b": "007"}),
    ("rate = 100MB/10s", {"rate": "100MB/10s"}),
]


@pytest.mark.parametrize(("text", "wanted"), READ)
def test_what_is_read(text: str, wanted: Any) -> None:
    assert parse(text) == wanted


REFUSED = [
    "a",
    "a =",
    "{a = 1",
    "a = [1",
    "a = 1 }",
    "= 1",
    'a = "x',
    "{} x",
    "a = ${b}",
    "a = [1}",
    'a = "\\q"',
    "a=" + "[" * 200,
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(HoconError):
        parse(text)


_TEXT = st.text(st.characters(codec="utf-8"))
_KEY = st.text(st.characters(codec="utf-8"), min_size=1)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEY, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(_KEY, _VALUES, max_size=4))
def test_what_is_written_reads_the_same(document: dict[str, Any]) -> None:
    assert parse(write(document)) == document
