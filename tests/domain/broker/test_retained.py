"""Retained messages by topic and by filter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from folkmoot.domain.broker import Message, Retained, matches

from .test_topics import filters, topics


@given(st.lists(st.tuples(topics, st.booleans()), max_size=20), filters)
def test_a_filter_finds_what_it_matches_and_nothing_is_left_behind(steps: list[tuple[str, bool]], wanted: str) -> None:
    retained = Retained()
    model: set[str] = set()
    for topic, kept in steps:
        if kept:
            retained.keep(Message(topic, b"x"))
            model.add(topic)
        else:
            assert retained.drop(topic) is (topic in model)
            model.discard(topic)
    assert sorted(retained.match(wanted)) == sorted(topic for topic in model if matches(wanted, topic))
    for topic in model:
        retained.drop(topic)
    assert len(retained) == 0
    assert retained._tree == {}


def test_an_expired_message_is_not_found_and_then_gone() -> None:
    retained = Retained()
    retained.keep(Message("a", b"x", expires_at=10.0))
    retained.keep(Message("b", b"x"))
    assert retained.find("a", 9.0) is not None
    assert retained.find("a", 10.0) is None
    assert retained.expire(10.0) == ["a"]
    assert retained.match("#") == ["b"]
