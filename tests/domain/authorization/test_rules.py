"""What a rule says about a client and its wish."""

from __future__ import annotations

import pytest

from folkmoot.domain.authorization.rules import ask, prepare
from folkmoot.domain.broker import Client, Wish
from folkmoot.text.acl import Rule, parse_rules, read_item

ANN = Client(client_id="c1", username="ann", address="10.1.2.3", attrs={"tenant": "x"}, common_name="cn")
NOBODY = Client(client_id="+", address="::ffff:127.0.0.1")


def said(rules: list[Rule] | tuple[Rule, ...], client: Client, wish: Wish) -> tuple[bool | None, bool]:
    return ask(prepare(rules), client, wish, wish.topic.split("/"))


@pytest.mark.parametrize(
    ("own", "wanted", "covered"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/+", False),
        ("a/+", "a/+", True),
        ("a/+", "a/b", True),
        ("a/+", "a/#", False),
        ("a/+", "a", False),
        ("a/#", "a/#", True),
        ("a/#", "a/b/+/c", True),
        ("a/#", "a", True),
        ("a/#", "#", False),
        ("+/+", "a/+", True),
        ("#", "+/#", True),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("eq a/#", "a/#", True),
        ("eq a/#", "a/b", False),
        ("a/${clientid}/#", "a/c1/x", True),
        ("a/${clientid}/#", "a/c2/x", False),
        ("${username}${zone}", "anndefault", True),
        ("eq ${username}/+", "ann/+", True),
        ("t/${client_attrs.tenant}", "t/x", True),
        ("t/${client_attrs.other}", "t/", False),
        ("t/${cert_common_name}", "t/cn", True),
        ("t/${cert_subject}", "t/", False),
        ("t/${other}", "t/${other}", True),
    ],
)
def test_a_filter_is_covered_as_a_whole(own: str, wanted: str, covered: bool) -> None:
    rule = read_item({"topic": own, "permission": "allow", "action": "all"})
    assert said([rule], ANN, Wish("subscribe", wanted)) == (True if covered else None, False)


@pytest.mark.parametrize("topic", ["t/${username}", "t/${clientid}", "eq t/${clientid}", "t/${cert_common_name}"])
def test_a_placeholder_without_a_value_or_with_a_wildcard_matches_nothing(topic: str) -> None:
    rule = read_item({"topic": topic, "permission": "allow", "action": "all"})
    for wanted in ("t/", "t/+", "t/a", "t/undefined", "t/None"):
        assert said([rule], NOBODY, Wish("subscribe", wanted)) == (None, False)


@pytest.mark.parametrize(
    ("who", "ann", "nobody"),
    [
        ("all", True, True),
        ('{user, "ann"}', True, False),
        ('{user, {re, "^a"}}', True, False),
        ('{clientid, "c1"}', True, False),
        ('{clientid, {re, "^[c+]"}}', True, True),
        ('{ipaddr, "10.0.0.0/8"}', True, False),
        ('{ipaddr, "127.0.0.1"}', False, True),
        ('{ipaddrs, ["::1", "10.1.2.3"]}', True, False),
        ('{client_attr, "tenant", "x"}', True, False),
        ('{client_attr, "tenant", {re, "."}}', True, False),
        ('{\'and\', [{user, "ann"}, {clientid, "c2"}]}', False, False),
        ('{\'or\', [{user, "ann"}, {clientid, "+"}]}', True, True),
    ],
)
def test_who_is_meant(who: str, ann: bool, nobody: bool) -> None:
    rules = parse_rules(f'{{deny, {who}, publish, ["t"]}}.')
    for client, meant in ((ANN, ann), (NOBODY, nobody)):
        assert said(rules, client, Wish("publish", "t")) == (False if meant else None, False)
        assert said(rules, client, Wish("subscribe", "t")) == (None, False)


def test_an_answer_that_depends_on_quality_or_retain_is_for_once() -> None:
    rules = parse_rules(
        '{deny, all, {publish, [{retain, true}]}, ["t"]}.'
        '{allow, all, {all, [{qos, 1}]}, ["t", "u"]}.'
        '{deny, all, {all, [{qos, 0}, {qos, 1}, {qos, 2}]}, ["u"]}.'
        "{allow, all}."
    )
    assert said(rules, ANN, Wish("publish", "t", 1, True)) == (False, True)
    assert said(rules, ANN, Wish("publish", "t", 1)) == (True, True)
    assert said(rules, ANN, Wish("publish", "t", 0)) == (True, True), "an earlier rule might have matched"
    assert said(rules, ANN, Wish("subscribe", "u", 0)) == (False, True)
    assert said(rules, ANN, Wish("publish", "v", 0)) == (True, False)


def test_what_the_broker_says_of_itself_needs_a_rule_of_its_own() -> None:
    everything = parse_rules("{allow, all}.")
    assert said(everything, ANN, Wish("subscribe", "$SYS/#")) == (True, False)
    assert said(everything, ANN, Wish("publish", "$SYS/brokers")) == (None, False)
    named = parse_rules('{allow, {user, "ann"}, all, ["$SYS/#"]}.')
    assert said(named, ANN, Wish("publish", "$SYS/brokers")) == (True, False)
    assert said(parse_rules("{deny, all}."), ANN, Wish("publish", "$SYS/brokers")) == (False, False)
