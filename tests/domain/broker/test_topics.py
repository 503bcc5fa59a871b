"""Names, filters and the subscription table."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.domain.broker import is_filter, is_topic, matches, split_shared
from folkmoot.domain.broker.topics import Table


@dataclass
class Entry:
    client_id: str
    inner_filter: str
    group: str | None = None


MATCHES = [
    ("a/b", "a/b", True),
    ("a/b", "a/c", False),
    ("a/+", "a/b", True),
    ("a/+", "a/b/c", False),
    ("a/+", "a", False),
    ("a/#", "a", True),
    ("a/#", "a/b/c", True),
    ("#", "a", True),
    ("+/+", "/a", True),
    ("/+", "/a", True),
    ("+", "/a", False),
    ("#", "$SYS/x", False),
    ("+/x", "$SYS/x", False),
    ("$SYS/#", "$SYS/x", True),
    ("a//b", "a//b", True),
    ("a/+/b", "a//b", True),
]


@pytest.mark.parametrize(("topic_filter", "topic", "expected"), MATCHES)
def test_matching(topic_filter: str, topic: str, expected: bool) -> None:
    table: Table[Entry] = Table()
    table.add(topic_filter, Entry("c", topic_filter))
    assert matches(topic_filter, topic) is expected
    assert bool(table.match(topic)[0]) is expected


@pytest.mark.parametrize("topic_filter", ["a#", "a/#/b", "a+/b", "", "#/"])
def test_what_is_no_filter(topic_filter: str) -> None:
    assert not is_filter(topic_filter)


def test_what_is_no_topic() -> None:
    assert is_topic("a/b")
    assert not any(map(is_topic, ["", "a/+", "#"]))
    assert is_topic("/" * 127)
    assert not is_topic("/" * 128)


def test_shared_filters() -> None:
    assert split_shared("$share/g/a/#") == ("g", "a/#")
    assert split_shared("$queue/a") == ("$queue", "a")
    assert split_shared("a") == (None, "a")
    for wrong in ("$share/", "$share/g", "$share/g/", "$share/+/a", "$share//a"):
        with pytest.raises(ValueError, match=r".*"):
            split_shared(wrong)


levels = st.lists(st.sampled_from(["", "a", "b", "$x"]), min_size=1, max_size=4)
topics = levels.map("/".join).filter(bool)
filters = st.lists(st.sampled_from(["", "a", "b", "+", "$x"]), min_size=1, max_size=4).flatmap(
    lambda some: st.sampled_from(["/".join(some), "/".join([*some, "#"])])
)
filters = filters.filter(is_filter)


@given(st.lists(st.tuples(st.sampled_from("xyz"), filters), unique=True, max_size=12), topics)
def test_the_table_finds_exactly_the_filters_that_match(subscriptions: list[tuple[str, str]], topic: str) -> None:
    table: Table[Entry] = Table()
    entries = [(topic_filter, Entry(client, topic_filter)) for client, topic_filter in subscriptions]
    for topic_filter, entry in entries:
        table.add(topic_filter, entry)
    found = table.match(topic)[0]
    expected = [entry for topic_filter, entry in entries if matches(topic_filter, topic)]
    assert sorted(map(id, found)) == sorted(map(id, expected))
    for topic_filter, entry in entries:
        table.remove(topic_filter, entry)
    assert table.match(topic) == ([], [])
    assert table.filters == {}
    assert table._root.is_empty()
