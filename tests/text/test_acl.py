"""The file of permissions and rules as JSON (EMQX contract §2.12)."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from folkmoot.errors import Invalid
from folkmoot.text.acl import Carried, Rule, Topic, Who, parse_rules, read_claim, read_item
from folkmoot.text.patterns import Pattern

EVERYTHING = r"""
%% A comment, with {brackets} and "quotes.
{allow, {username, "dashboard"}, subscribe, ["$SYS/#"]}. % behind a rule
{deny, all, subscribe, ["$SYS/#", {eq, "#"}, "eq +/#"]}.
{allow, {user, <<"ann">>}, all, ["a/\"b\"", <<"${clientid}/ä"/utf8>>]}.
{allow, {'and', [{clientid, "c1"}, {ipaddr, "10.0.0.1/8"}, {'or', [{ipaddrs, ["::1", "127.0.0.1"]}, all]}]},
  {publish, [{qos, 1}, {qos, 2}, {retain, false}]}, ["t"]}.
{allow, {client_attr, "tenant", "x"}, pubsub, []}.
{deny, all, publish, all}.
{allow, all}.
"""


def test_the_whole_language() -> None:
    rules = parse_rules(EVERYTHING)
    assert rules == (
        Rule(True, "subscribe", (Topic("$SYS/#"),), Who("user", "dashboard")),
        Rule(False, "subscribe", (Topic("$SYS/#"), Topic("#", True), Topic("+/#", True))),
        Rule(True, "all", (Topic('a/"b"'), Topic("${clientid}/ä")), Who("user", "ann")),
        Rule(
            True,
            "publish",
            (Topic("t"),),
            Who(
                "and",
                [
                    Who("client", "c1"),
                    Who("address", [ip_network("10.0.0.0/8")]),
                    Who("or", [Who("address", [ip_network("::1"), ip_network("127.0.0.1")]), Who("all")]),
                ],
            ),
            frozenset({1, 2}),
            False,
        ),
        Rule(True, "all", (), Who("attribute", ("tenant", "x"))),
        Rule(False, "publish", None),
        Rule(True),
    )


def test_patterns_for_names() -> None:
    (rule,) = parse_rules('{allow, {clientid, {re, "^sensor-"}}, all, ["t/#"]}.')
    assert isinstance(rule.who.value, Pattern) and rule.who.value.found_in("sensor-1")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{allow, all}", 1),
        ("\n\n{allow, al}.", 3),
        ("{allow, all}.\n{allow, all, publish, [}.", 2),
        ("{permit, all}.", 1),
        ("{allow, all, fly, []}.", 1),
        ('{allow, all, publish, "t"}.', 1),
        ('{allow, {ipaddr, "10.0.0.300"}, all, []}.', 1),
        ("{allow, all, {publish, [{qos, 3}]}, []}.", 1),
        ("{allow, all, {publish, [{retain, 2}]}, []}.", 1),
        ('{allow, {user, {re, "(a)\\\\1"}}, all, []}.', 1),
        ("{allow, {user, 7}, all, []}.", 1),
        ("{allow, all, all, [7]}.", 1),
        ('{allow, all, all, ["open]}.', 1),
        ("#", 1),
        ("{" * 100_000, 1),
    ],
)
def test_says_where_a_file_goes_wrong(text: str, line: int) -> None:
    with pytest.raises(Invalid, match=rf"(?i)line {line}:") as wrong:
        parse_rules(text)
    assert not wrong.value.message.endswith("..")


def test_a_file_without_rules() -> None:
    assert parse_rules("%% nothing\n") == ()


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ({"topic": "a/#", "permission": "allow", "action": "all"}, Rule(True, "all", (Topic("a/#"),))),
        (
            {"topic": "eq a/#", "permission": "deny", "action": "publish", "qos": [1, 2], "retain": "true"},
            Rule(False, "publish", (Topic("a/#", True),), qos=frozenset({1, 2}), retain=True),
        ),
        (
            {"topics": ["a", "b"], "permission": "allow", "action": "subscribe", "qos": 0, "retain": "all"},
            Rule(True, "subscribe", (Topic("a"), Topic("b")), qos=frozenset({0})),
        ),
    ],
)
def test_rules_as_json(item: dict[str, Any], rule: Rule) -> None:
    assert read_item(item) == rule


@pytest.mark.parametrize(
    "item",
    [
        None,
        {},
        {"topic": "a", "permission": "maybe", "action": "all"},
        {"topic": "a", "permission": "allow", "action": "fly"},
        {"topic": 1, "permission": "allow", "action": "all"},
        {"permission": "allow", "action": "all"},
        {"topic": "a", "permission": "allow", "action": "all", "qos": [3]},
        {"topic": "a", "permission": "allow", "action": "all", "qos": []},
        {"topic": "a", "permission": "allow", "action": "all", "qos": True},
        {"topic": "a", "permission": "allow", "action": "all", "retain": "perhaps"},
        {"topic": "a", "permission": "allow", "action": "all", "retain": []},
    ],
)
def test_what_is_no_rule(item: Any) -> None:
    with pytest.raises(Invalid):
        read_item(item)


def test_rules_in_a_credential() -> None:
    item = {"topic": "a", "permission": "allow", "action": "all"}
    assert read_claim([item], 7.0) == Carried((read_item(item),), 7.0)
    assert read_claim({"pub": ["a"], "all": ["b", "eq c"]}) == Carried(
        (
            Rule(True, "publish", (Topic("a"),)),
            Rule(True, "subscribe", ()),
            Rule(True, "all", (Topic("b"), Topic("c", True))),
            Rule(False),
        )
    )
    for wrong in ("all", 1, [1], {"pub": "a"}, None):
        with pytest.raises(Invalid):
            read_claim(wrong)
