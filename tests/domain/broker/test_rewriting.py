"""Topics and filters written anew."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker.rewriting import RewriteRule, Rewriting
from folkmoot.errors import Invalid, TooLarge


def rewriting(*rules: tuple[str, str, str, str]) -> Rewriting:
    found = Rewriting()
    found.replace([RewriteRule(*rule) for rule in rules])
    return found


#: The example every description of the feature has.
RULES = rewriting(
    ("all", "y/+/z/#", "y/z/$2", "^y/(.+)/z/(.+)$"),
    ("all", "x/#", "z/y/x/$1", "^x/y/(.+)$"),
    ("all", "x/y/+", "z/y/$1", "^x/y/([0-9]+)$"),
)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("y/a/z/b", "y/z/b"),
        ("y/def", "y/def"),
        ("x/1/2", "x/1/2"),
        ("x/y/2", "z/y/2"),
        # The last rule counts alone, even if it changes nothing.
        ("x/y/z", "x/y/z"),
        ("x/y/z/1", "z/y/x/z/1"),
    ],
)
def test_the_last_rule_that_matches_counts_alone(topic: str, expected: str) -> None:
    assert RULES.topic(topic, "c", "u") == expected
    assert RULES.filter(topic, "c", "u") == expected
    assert RULES.topic(topic, "c", "u") == expected, "what was remembered differs"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a/$1/$2/$3", "a/one/two/$3"),
        ("$10/$2", "one0/two"),
        ("${clientid}/${username}", "c1/ann"),
        ("$/$$1/${x}/$0", "$/$one/${x}/$0"),
    ],
)
def test_what_stands_in_a_destination(template: str, expected: str) -> None:
    assert rewriting(("all", "#", template, "^(.+)/(.+)$")).topic("one/two", "c1", "ann") == expected


def test_what_a_client_writes_is_no_placeholder() -> None:
    found = rewriting(("all", "a/#", "${clientid}/$1", "^a/(.+)$"))
    assert found.topic("a/${username}", "$1", "ann") == "$1/${username}"


def test_actions() -> None:
    found = rewriting(("publish", "a", "p", "a"), ("subscribe", "a", "s/#", "a"))
    assert (found.topic("a", "c", None), found.filter("a", "c", None)) == ("p", "s/#")
    assert found.concerns("a") and not found.concerns("b")
    assert not rewriting(("subscribe", "a", "s", "a")).concerns("a")


def test_filters_with_wildcards() -> None:
    found = rewriting(("subscribe", "a/#", "new/$1", "^a/(.+)$"))
    assert [found.filter(each, "c", None) for each in ("a/+", "a/#", "x/+")] == ["new/+", "new/#", "x/+"]


def test_what_would_be_no_topic_stays_as_it_is() -> None:
    found = rewriting(("all", "a/#", "$1", "^a/?(.*)$"), ("all", "c/#", "${clientid}", "^c"))
    assert (found.topic("a", "c", None), found.filter("a", "c", None)) == ("a", "a")
    assert found.topic("c/1", "x/#", None) == "c/1"
    assert found.filter("c/1", "#/x", None) == "c/1"
    assert found.topic("c/1", "x" * 65_536, None) == "c/1"


@pytest.mark.parametrize("topic", ["spaces/town/post", "$SYS/x", "a/spaces/town/messages", "a/$SYS/brokers"])
def test_what_is_not_the_clients_stays_apart(topic: str) -> None:
    assert rewriting(("publish", "#", "b", "s"), ("all", "a/#", "$1", "^a/(.+)$")).topic(topic, "c", None) == topic


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (("all", "a/#/b", "b", "a"), "[0].source_topic"),
        (("all", "a", "", "a"), "[0].dest_topic"),
        (("all", "a", "b/+", "a"), "[0].dest_topic"),
        (("publish", "a", "b/#", "a"), "[0].dest_topic"),
        (("all", "a", "b", "("), "[0].re"),
    ],
)
def test_what_is_refused(rule: tuple[str, str, str, str], field: str) -> None:
    with pytest.raises(Invalid) as raised:
        rewriting(rule)
    assert raised.value.field == field
    assert rewriting(("subscribe", "a", "b/+", "a")).filter("a", "c", None) == "b/+"


def test_twenty_are_too_many() -> None:
    rules = [("all", "a", "b", "c")] * 20
    with pytest.raises(TooLarge):
        rewriting(*rules)
    assert len(rewriting(*rules[:19]).rules) == 19
