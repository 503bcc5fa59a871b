"""Who is asked in which order what a client may do."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from folkmoot.domain.authorization import (
    BuiltInSource,
    CacheSettings,
    Configuration,
    FileSource,
    HttpSource,
    Outcome,
    RuleGate,
    Settings,
    Source,
    make_entry,
)
from folkmoot.domain.broker import Broker, Client, Identity, Verdict, Wish
from folkmoot.errors import Invalid
from folkmoot.text.acl import read_claim

DENY, ALLOW, ONCE, ASK = Verdict.DENY, Verdict.ALLOW, Verdict.ALLOW_ONCE, Verdict.ASK


class Clock:
    """Time as the test says."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def gate(*sources: Source, **settings: Any) -> RuleGate:
    made = RuleGate(Clock())
    made.configure(Configuration(Settings(**settings), sources or (FileSource(),)))
    return made


def client(address: str = "192.0.2.1", **more: Any) -> Client:
    return Client(**{"client_id": "c1", "username": "ann", **more}, address=address)


def may(made: RuleGate, who: Client, action: str, topic: str, qos: int = 0, retain: bool = False) -> Verdict:
    return made.judge(who, Wish(action, topic, qos, retain))


@pytest.mark.parametrize(
    ("action", "topic", "far", "near", "dashboard"),
    [
        ("subscribe", "#", False, True, False),
        ("subscribe", "+/#", False, True, False),
        ("subscribe", "$SYS/#", False, True, True),
        ("subscribe", "$SYS/brokers", False, True, True),
        ("publish", "$SYS/brokers", False, True, False),
        ("subscribe", "a/#", True, True, True),
        ("subscribe", "+/+", True, True, True),
        ("subscribe", "$exclusive/#", False, True, False),
        ("publish", "a", True, True, True),
        ("publish", "$delayed/5/a", True, True, True),
        ("publish", "$delayed/5/$SYS/a", False, True, False),
        ("publish", "$delayed/5", False, False, False),
        ("publish", "$delayed/5/", False, False, False),
    ],
)
def test_the_rules_there_are_at_first(action: str, topic: str, far: bool, near: bool, dashboard: bool) -> None:
    made = gate()
    people = (client(), client("127.0.0.1"), client(username="dashboard"))
    assert tuple(may(made, who, action, topic) is ALLOW for who in people) == (far, near, dashboard)


@pytest.mark.parametrize("who", [client(), client(is_superuser=True), client(rules=read_claim({"all": ["#"]}))])
def test_nothing_widens_what_the_community_allows(who: Client) -> None:
    made = gate(FileSource("{allow, all}."))
    assert may(made, who, "publish", "spaces/square/messages") is DENY
    assert may(made, who, "publish", "$delayed/1/spaces/square/messages") is DENY
    assert may(made, who, "publish", "spaces/square/post") is ALLOW
    assert may(made, who, "subscribe", "spaces/closed/#") is ALLOW


def test_rules_may_narrow_what_the_community_allows_but_no_default_does() -> None:
    made = gate(FileSource('{deny, {clientid, "c2"}, all, ["spaces/#"]}.'), no_match="deny")
    assert may(made, client(), "publish", "spaces/square/post") is ALLOW
    assert may(made, client(client_id="c2"), "publish", "spaces/square/post") is DENY
    assert may(made, client(), "publish", "other") is DENY


def test_superusers_are_asked_nothing() -> None:
    made = gate(FileSource("{deny, all}."))
    assert may(made, client(is_superuser=True), "publish", "$SYS/brokers") is ALLOW
    assert made.count["authorization.superuser"] == 1
    assert made.sources[0].tally.total == 0
    assert may(made, client(identity=Identity(1, "admin")), "publish", "a") is DENY, "no superuser"


def test_rules_of_its_own_come_before_the_sources() -> None:
    made = gate(FileSource('{deny, all, publish, ["a"]}.'))
    own = read_claim([{"topic": "a", "permission": "allow", "action": "publish"}])
    assert may(made, client(rules=own), "publish", "a") is ALLOW
    assert may(made, client(rules=own), "subscribe", "b") is ALLOW, "nothing matched"
    lists = read_claim({"pub": ["t/${clientid}"], "sub": ["eq #"]})
    who = client(rules=lists)
    assert [may(made, who, "publish", each) for each in ("t/c1", "t/c2")] == [ALLOW, DENY]
    assert [may(made, who, "subscribe", each) for each in ("#", "t/c1")] == [ALLOW, DENY]


def test_rules_of_its_own_end_with_the_credential() -> None:
    made = gate(FileSource("{allow, all}."))
    who = client(rules=read_claim({"all": ["#"]}, expires_at=1010.0))
    assert may(made, who, "publish", "a") is ONCE, "to be asked again"
    made.clock.now = 1010.0  # type: ignore[attr-defined]
    assert may(made, who, "publish", "b") is DENY
    made.clock.now = 1100.0  # type: ignore[attr-defined]
    assert may(made, who, "publish", "a") is DENY


def item(topic: str, permission: str = "allow", **more: Any) -> dict[str, Any]:
    return {"topic": topic, "permission": permission, "action": "all", **more}


def test_our_tables_are_asked_for_the_client_then_the_user_then_all() -> None:
    made = gate(BuiltInSource(), FileSource("{allow, all}."), no_match="deny")
    made.stock.put(make_entry("all", "", [item("a", "deny"), item("b", "deny"), item("c", "deny")], None))
    made.stock.put(make_entry("user", "ann", [item("a", "deny"), item("b")], 100))
    made.stock.put(make_entry("client", "c1", [item("a")], 100))
    made.changed()
    assert [may(made, client(), "publish", each) for each in "abcd"] == [ALLOW, ALLOW, DENY, ALLOW]
    tally = made.sources[0].tally
    assert (tally.total, tally.allow, tally.deny, tally.nomatch) == (4, 2, 1, 1)
    assert made.sources[1].tally.total == 1
    made.stock.drop("client", "c1")
    made.changed()
    assert may(made, client(), "publish", "a") is DENY


def test_sources_that_are_switched_off_are_passed_over() -> None:
    made = gate(FileSource("{deny, all}.", enable=False), no_match="allow")
    assert may(made, client(), "publish", "a") is ALLOW
    assert made.count["authorization.nomatch"] == 1


def test_what_depends_on_the_quality_is_for_once() -> None:
    made = gate(FileSource('{deny, all, {publish, [{qos, 2}]}, ["a"]}.'))
    who = client()
    assert [may(made, who, "publish", "a", qos) for qos in (0, 1, 2)] == [ONCE, ONCE, DENY]
    assert [may(made, who, "publish", "a", qos) for qos in (0, 1, 2)] == [ONCE, ONCE, DENY], "remembered as such"
    assert may(made, who, "publish", "b") is ALLOW


def test_answers_are_remembered_for_a_while() -> None:
    cache = CacheSettings(max_size=2, ttl_seconds=60.0, excludes=("x/#",))
    made = gate(FileSource('{deny, all, publish, ["b"]}.'), cache=cache)
    who = client()
    for topic in ("a", "b", "a", "x/1", "x/1"):
        may(made, who, "publish", topic)
    assert (made.count["authorization.cache_hit"], made.count["authorization.cache_miss"]) == (1, 2)
    assert made.sources[0].tally.total == 4
    assert [(wish.topic, answer.verdict) for wish, answer in made.remembered(who)] == [("a", ALLOW), ("b", DENY)]
    may(made, who, "publish", "c")
    assert [wish.topic for wish, _ in made.remembered(who)] == ["b", "c"], "the oldest goes"
    made.clock.now += 60  # type: ignore[attr-defined]
    assert made.remembered(who) == []
    may(made, who, "publish", "c")
    assert made.count["authorization.cache_hit"] == 1
    made.changed()
    assert made.remembered(who) == []


def test_nothing_is_remembered_when_that_is_switched_off() -> None:
    for cache in (CacheSettings(enable=False), CacheSettings(max_size=0)):
        made = gate(cache=cache)
        who = client()
        may(made, who, "publish", "a")
        assert may(made, who, "publish", "a") is ALLOW
        assert made.remembered(who) == []


def decide(made: RuleGate, who: Client, topic: str, *outcomes: Outcome) -> Verdict:
    """A deliberation with these answers from outside."""
    deliberation = made.deliberate(who, Wish("publish", topic))
    answers = iter(outcomes)
    try:
        next(deliberation)
        while True:
            deliberation.send(next(answers))
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict


def test_somebody_outside_is_asked_and_the_others_go_on() -> None:
    made = gate(FileSource('{deny, all, publish, ["no"]}.'), HttpSource("http://x"), BuiltInSource(), no_match="deny")
    made.stock.put(make_entry("all", "", [item("late")], None))
    who = client()
    assert may(made, who, "publish", "no") is DENY, "nobody outside needs to be asked"
    assert may(made, who, "publish", "a") is ASK
    assert made.sources[0].tally.total == 1, "counted when it is over"
    assert decide(made, who, "a", Outcome(True)) is ONCE
    assert may(made, who, "publish", "a") is ONCE, "remembered, but not for ever"
    assert decide(made, who, "b", Outcome(False)) is DENY
    assert decide(made, who, "late", Outcome(None, ignored=True, error="no answer")) is ONCE
    assert decide(made, who, "c", Outcome(None)) is DENY
    tally = made.sources[1].tally
    assert (tally.total, tally.allow, tally.deny, tally.ignore, tally.nomatch) == (4, 1, 1, 1, 1)


def test_an_answer_that_came_too_late_is_not_remembered() -> None:
    made = gate(HttpSource("http://x"))
    who = client()
    deliberation = made.deliberate(who, Wish("publish", "a"))
    next(deliberation)
    made.changed()
    with pytest.raises(StopIteration):
        deliberation.send(Outcome(True))
    assert made.remembered(who) == []


def test_who_has_judged_is_told() -> None:
    made = gate(no_match="deny")
    broker = Broker(made)
    made.serve(broker)
    told: list[tuple[str, Verdict, str]] = []
    broker.happenings.judged.append(lambda who, wish, verdict, by, now: told.append((wish.topic, verdict, by)))
    who = client()
    may(made, who, "publish", "a")
    may(made, who, "publish", "a")
    may(made, client(is_superuser=True), "publish", "a")
    may(made, who, "publish", "spaces/x")
    made.configure(replace(made.configuration, sources=()))
    may(made, who, "publish", "a")
    assert told == [
        ("a", ALLOW, "file"),
        ("a", ALLOW, "cache"),
        ("a", ALLOW, "superuser"),
        ("spaces/x", DENY, "community"),
        ("a", DENY, "default"),
    ]


def test_a_change_reaches_the_broker() -> None:
    made = gate()
    broker = Broker(made)
    made.serve(broker)
    assert not broker.limits.deny_disconnects
    disconnecting = Configuration(Settings(deny_action="disconnect"))
    made.configure(disconnecting)
    limits = broker.options.mqtt
    assert limits.deny_disconnects
    with pytest.raises(Invalid):
        made.configure(Configuration(sources=(FileSource("{allow"),)))
    assert made.configuration == disconnecting
