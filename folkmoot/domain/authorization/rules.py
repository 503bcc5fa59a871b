"""Rules made ready to be asked often: what one says about a client and its wish (contract §2.12).

Everything that does not depend on the client is worked out beforehand; asking costs a microsecond or two per rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from folkmoot.domain.broker import Client, Wish
from folkmoot.text.acl import Rule, Topic, Who
from folkmoot.text.patterns import Pattern

_PLACEHOLDER = re.compile(r"\$\{([^{}$]+)\}")
_Levels = tuple[str, ...]
_Test = Callable[[Client], bool]


class Match(IntEnum):
    """What a rule says to a wish."""

    NO = 0
    YES = 1
    """Whatever the quality and the retain flag."""
    YES_ONCE = 2
    """Because of the quality or the retain flag."""
    NOT_NOW = 3
    """It would, with another quality or retain flag."""


class Prepared:
    """One rule, ready."""

    __slots__ = ("_covers", "_is_for", "_qos", "_retain", "allows")

    def __init__(self, rule: Rule) -> None:
        self.allows = rule.allows
        self._is_for = None if rule.who.kind == "all" else _who(rule.who)
        self._covers = None if rule.topics is None else [covers(each) for each in rule.topics]
        self._qos = rule.qos if rule.qos is not None and len(rule.qos) < 3 else None
        self._retain = rule.retain

    def match(self, client: Client, wish: Wish, levels: list[str]) -> Match:
        """Whether the rule, which is one for this action, speaks of this; `levels` are those of the wish's topic."""
        action, topic = wish.action, wish.topic
        if self._covers is None:
            # What the broker says of itself nobody else says by a rule that means no topic in particular.
            if self.allows and levels[0] == "$SYS" and action == "publish":
                return Match.NO
        else:
            for covered in self._covers:
                if covered(client, topic, levels):
                    break
            else:
                return Match.NO
        if self._is_for is not None and not self._is_for(client):
            return Match.NO
        if self._qos is None and (self._retain is None or action != "publish"):
            return Match.YES
        if self._qos is not None and wish.qos not in self._qos:
            return Match.NOT_NOW
        if self._retain is not None and action == "publish" and wish.retain is not self._retain:
            return Match.NOT_NOW
        return Match.YES_ONCE


class Ready(NamedTuple):
    """Rules in their order, ready, by what they are for."""

    publish: tuple[Prepared, ...] = ()
    subscribe: tuple[Prepared, ...] = ()


def prepare(rules: Iterable[Rule]) -> Ready:
    """Makes rules ready."""
    found = [(rule.action, Prepared(rule)) for rule in rules]
    return Ready(
        tuple(rule for action, rule in found if action != "subscribe"),
        tuple(rule for action, rule in found if action != "publish"),
    )


def ask(ready: Ready, client: Client, wish: Wish, levels: list[str]) -> tuple[bool | None, bool]:
    """What the first rule that matches says, None if none does; and whether the answer holds for this once only."""
    rules = ready.publish if wish.action == "publish" else ready.subscribe
    once = False
    for rule in rules:
        found = rule.match(client, wish, levels)
        if found is Match.YES:
            return rule.allows, once
        if found is Match.YES_ONCE:
            return rule.allows, True
        if found is Match.NOT_NOW:
            once = True
    return None, once


def value_of(client: Client, name: str) -> str | None:
    """What a placeholder stands for, None for nothing. Raises KeyError for what is no placeholder."""
    if name.startswith("client_attrs."):
        return client.attrs.get(name[13:]) or None
    return _VALUES[name](client) or None


_VALUES: dict[str, Callable[[Client], str | None]] = {
    "clientid": lambda client: client.client_id,
    "username": lambda client: client.username,
    "zone": lambda client: client.zone,
    "listener": lambda client: client.listener,
    "peerhost": lambda client: client.address,
    "peerport": lambda client: str(client.port or ""),
    "cert_common_name": lambda client: client.common_name,
    "cert_subject": lambda client: client.subject,
}


def _is_placeholder(name: str) -> bool:
    return name in _VALUES or name.startswith("client_attrs.")


def _fill(template: str, client: Client) -> str | None:
    """The template with the client's values; None if one is missing, or would be read as something special."""
    parts, end = list[str](), 0
    for found in _PLACEHOLDER.finditer(template):
        if not _is_placeholder(found[1]):
            continue
        value = value_of(client, found[1])
        if value is None or "+" in value or "#" in value or (not found.start() and value.startswith("$")):
            return None
        parts += [template[end : found.start()], value]
        end = found.end()
    return "".join([*parts, template[end:]])


def covers(topic: Topic) -> Callable[[Client, str, list[str]], bool]:
    """A test whether a client's topic or filter, as it is and in levels, lies in a rule's topic."""
    text = topic.text
    has_values = any(_is_placeholder(found[1]) for found in _PLACEHOLDER.finditer(text))
    if has_values and topic.is_literal:
        return lambda client, wanted, levels: _fill(text, client) == wanted
    if has_values:
        return lambda client, wanted, levels: (
            (filled := _fill(text, client)) is not None and _lies_in(tuple(filled.split("/")), levels)
        )
    if topic.is_literal or ("+" not in text and "#" not in text):
        return lambda client, wanted, levels: wanted == text
    own = tuple(text.split("/"))
    return lambda client, wanted, levels: _lies_in(own, levels)


def _lies_in(own: _Levels, levels: list[str]) -> bool:
    """Whether a topic, or a whole filter, lies inside a filter."""
    # [MQTT-4.7.2-1]
    if levels[0].startswith("$") and own[0] in ("+", "#"):
        return False
    size = len(levels)
    for at, level in enumerate(own):
        if level == "#":
            return True
        if at >= size:
            return False
        wanted = levels[at]
        if level != wanted and (level != "+" or wanted == "#"):
            return False
    return len(own) == size


def _who(who: Who) -> _Test:
    kind, value = who
    if kind == "and":
        tests = [_who(each) for each in value]
        return lambda client: all(test(client) for test in tests)
    if kind == "or":
        tests = [_who(each) for each in value]
        return lambda client: any(test(client) for test in tests)
    if kind == "address":
        return _within(value)
    if kind == "attribute":
        name, wanted = value
        return _name(lambda client: client.attrs.get(name), wanted)
    if kind == "user":
        return _name(lambda client: client.username, value)
    if kind == "client":
        return _name(lambda client: client.client_id, value)
    return lambda client: True


def _within(networks: list[IPv4Network | IPv6Network]) -> _Test:
    @lru_cache(maxsize=1024)
    def is_within(address: str) -> bool:
        found = parse_address(address)
        return found is not None and any(found in network for network in networks)

    return lambda client: is_within(client.address)


def _name(read: Callable[[Client], str | None], wanted: str | Pattern) -> _Test:
    if isinstance(wanted, Pattern):
        found_in = wanted.found_in
        return lambda client: (name := read(client)) is not None and found_in(name)
    return lambda client: read(client) == wanted


@lru_cache(maxsize=1024)
def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, an IPv4 one also when it is written as IPv6; None for what is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
