"""Files of rules and patterns for names: whatever is written, an answer or Invalid, and soon."""

from __future__ import annotations

import time
from contextlib import suppress

from folkmoot.domain.authorization import Configuration, FileSource, RuleGate
from folkmoot.domain.broker import Client, Wish
from folkmoot.errors import Invalid
from folkmoot.text.patterns import Pattern

SEEDS = [
    FileSource().rules.encode(),
    b'{allow, {\'and\', [{clientid, {re, "^c(1|2)+$"}}, {ipaddr, "10.0.0.0/8"}]}, {publish, [{qos, 1}]}, ["t/+"]}.',
    b'{deny, {client_attr, "a", "b"}, all, ["${clientid}/#", {eq, "#"}, "eq +/#"]}. {allow, all}.',
    b"(?i)^([a-c]|x{2,5}?.*)+[^\\d]$",
]
WISHES = [
    Wish("publish", "t/c1", 1),
    Wish("subscribe", "#"),
    Wish("publish", "$delayed/1/$SYS/x"),
    Wish("subscribe", "t/+"),
]
SECONDS_MAX = 5.0


def run(data: bytes) -> None:
    """As a file of rules, and as a pattern."""
    text = data.decode(errors="replace")
    began = time.monotonic()
    with suppress(Invalid):
        gate = RuleGate()
        gate.configure(Configuration(sources=(FileSource(text),)))
        for wish in WISHES:
            gate.judge(Client(client_id="c1", username=text[:50], address="10.1.2.3"), wish)
    with suppress(Invalid):
        Pattern(text).found_in("c1" * 500 + text)
    assert time.monotonic() - began < SECONDS_MAX
