"""Retained messages by topic and by filter, and which of them are kept."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.domain.broker import Message, Retained, matches

from .test_topics import filters, topics


def found(retained: Retained, topic_filter: str) -> list[str]:
    return sorted(message.topic for message in retained.walk(topic_filter) if message is not None)


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
    assert found(retained, wanted) == sorted(topic for topic in model if matches(wanted, topic))
    for topic in model:
        retained.drop(topic)
    assert len(retained) == 0
    assert not retained._root.children and not retained._root.order


many = st.lists(topics, min_size=1, max_size=150)


@given(many, filters, st.lists(st.tuples(topics, st.booleans()), max_size=150), st.integers(0, 20))
def test_a_walk_rests_while_messages_come_and_go(
    before: list[str], wanted: str, meanwhile: list[tuple[str, bool]], pause: int
) -> None:
    retained = Retained()
    for topic in before:
        retained.keep(Message(topic, b"before"))
    walk = retained.walk(wanted)
    seen = list(islice(walk, pause))
    dropped: set[str] = set()
    for topic, kept in meanwhile:
        if kept:
            retained.keep(Message(topic, b"after"))
        elif retained.drop(topic):
            dropped.add(topic)
    seen += walk
    told = [message.topic for message in seen if message is not None]
    assert len(told) == len(set(told)), "a topic was found twice"
    inside = {topic for topic in before if matches(wanted, topic)}
    assert inside - dropped <= set(told), "a topic that was there all the time was not found"
    assert all(matches(wanted, topic) for topic in told)


def test_a_walk_copies_nothing() -> None:
    retained = Retained()
    for number in range(10_000):
        retained.keep(Message(f"a/{number}", b"x"))
    walks = [retained.walk("#") for _ in range(1000)]
    assert [sum(message is not None for message in islice(walk, 5)) for walk in walks] == [3] * 1000
    assert all(walk.gi_frame.f_locals["frames"][-1][0] is walks[0].gi_frame.f_locals["frames"][-1][0] for walk in walks)  # type: ignore[attr-defined]


def test_an_expired_message_is_not_found_and_then_gone() -> None:
    retained = Retained()
    retained.keep(Message("a", b"x", expires_at=10.0))
    retained.keep(Message("b", b"x"))
    retained.keep(Message("c", b"x", expires_at=5.0))
    retained.keep(Message("c", b"replaced", expires_at=20.0))
    assert retained.find("a", 9.0) is not None
    assert retained.find("a", 10.0) is None
    assert retained.expire(10.0) == ["a"]
    assert found(retained, "#") == ["b", "c"]
    for number in range(1000):
        retained.keep(Message("c", b"again", expires_at=30.0 + number))
    assert len(retained._expiring) < 100, "what was replaced is remembered for ever"
    retained.keep(Message("d", b"x", expires_at=1.0))
    retained.keep(Message("e", b"x", expires_at=1.0))
    assert [retained.expire(2.0, most=1), retained.expire(2.0, most=1), retained.expire(2.0)] == [["d"], ["e"], []]


def test_which_messages_are_kept() -> None:
    retained = Retained()
    settings = retained.settings
    small, large = Message("a", b"12345"), Message("b", b"123456")
    settings.max_payload_size = 5
    assert [retained.accepts(each, 0.0) for each in (small, large)] == [True, False]
    settings.max_payload_size, settings.max_retained_messages = 100, 1
    retained.keep(small)
    assert [retained.accepts(each, 0.0) for each in (small, large)] == [True, False]
    settings.max_retained_messages, settings.max_publish_rate = 0, 2.0
    assert [retained.accepts(small, at) for at in (100.0, 100.0, 100.0, 100.4, 100.6, 200.0)] == [
        True, True, False, False, True, True,
    ]  # fmt: skip
    settings.max_publish_rate, settings.enable = None, False
    assert not retained.accepts(small, 0.0)


@pytest.mark.parametrize(
    ("interval", "override", "said", "expected"),
    [(0, None, 0, 0), (10, None, 0, 110), (10, None, 103, 103), (10, 5, 103, 105), (0, 5, 0, 105), (0, None, 103, 103)],
)
def test_when_a_kept_message_expires(interval: float, override: float | None, said: float, expected: float) -> None:
    retained = Retained()
    retained.settings.msg_expiry_interval, retained.settings.msg_expiry_interval_override = interval, override
    assert retained.expiry(Message("a", b"x", expires_at=said), 100.0) == expected
