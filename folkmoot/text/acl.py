"""Rules about who may do what on which topic: the file of permissions, and rules as JSON (EMQX contract §2.12).

A file holds terms `{allow|deny, WHO, ACTION, [TOPIC, …]}.`; comments begin with `%`. Reading only: what a rule means for a
client is the broker's gate's to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NamedTuple

from msgspec import Struct

from folkmoot.errors import Invalid
from folkmoot.text.patterns import Pattern

LONGEST_FILE = 1_000_000
_DEEPEST = 32

_TOKEN = re.compile(
    r"""(?P<space>\s+|%[^\n]*)
      | (?P<number>-?\d+)
      | (?P<atom>[a-z][A-Za-z0-9_@]*|'(?:[^'\\]|\\.)*')
      | (?P<text><<"(?:[^"\\]|\\.)*"(?:/utf8)?>>|"(?:[^"\\]|\\.)*")
      | (?P<mark>[{}\[\],.])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_ACTIONS = {"publish": "publish", "subscribe": "subscribe", "all": "all", "pubsub": "all"}


class Who(NamedTuple):
    """One condition on a client.

    `all`: everybody; `user` and `client`: a name, or a Pattern to be found in it; `address`: a list of networks;
    `attribute`: a pair of name and value; `and` and `or`: a list of further conditions.
    """

    kind: str
    value: Any = None


class Topic(NamedTuple):
    """A topic filter with placeholders; a literal one is compared as it is, wildcards and all."""

    text: str
    is_literal: bool = False


class Rule(Struct, frozen=True):
    """What one rule says, to whom, about what."""

    allows: bool
    action: str = "all"
    """`publish`, `subscribe` or `all`."""
    topics: tuple[Topic, ...] | None = None
    """None: every topic, those beginning with `$` as well."""
    who: Who = Who("all")
    qos: frozenset[int] | None = None
    retain: bool | None = None
    """For publishing only: whether the message is to be retained. None is both."""


class Carried(Struct, frozen=True):
    """The rules that came with a client's credential. Once they have expired, the client may do nothing."""

    rules: tuple[Rule, ...]
    expires_at: float = 0.0
    """Seconds since 1970; 0 for never."""


def read_claim(value: Any, expires_at: float = 0.0) -> Carried:
    """The rules in a credential: an array of rules, or the older object of lists `pub`, `sub` and `all`.

    After an array the sources are asked for what no rule matches; the lists are all a client may do. Raises Invalid.
    """
    if isinstance(value, list):
        return Carried(tuple(read_item(item) for item in value), expires_at)
    if not isinstance(value, Mapping):
        raise _invalid("the rules of a client are an array or an object")
    rules = list[Rule]()
    for name, action in (("pub", "publish"), ("sub", "subscribe"), ("all", "all")):
        topics = value.get(name, [])
        if not isinstance(topics, list):
            raise _invalid(f"{name} is no list")
        rules.append(Rule(True, action, tuple(read_topic(each) for each in topics)))
    return Carried((*rules, Rule(False)), expires_at)


def read_item(item: Any) -> Rule:
    """One rule as JSON: `{topic | topics, permission, action, qos?, retain?}`. Raises Invalid."""
    if not isinstance(item, Mapping):
        raise _invalid("a rule is an object")
    permission, action = item.get("permission"), item.get("action")
    if permission not in ("allow", "deny"):
        raise _invalid("permission is allow or deny")
    if action not in ("publish", "subscribe", "all"):
        raise _invalid("action is publish, subscribe or all")
    topics = [item["topic"]] if "topic" in item else item.get("topics")
    if not isinstance(topics, list):
        raise _invalid("a rule has a topic")
    return Rule(
        permission == "allow",
        action,
        tuple(read_topic(each) for each in topics),
        qos=_read_qos(item["qos"]) if "qos" in item else None,
        retain=_read_retain(item["retain"]) if "retain" in item else None,
    )


def read_topic(value: Any) -> Topic:
    """A topic of a rule; `eq T` is T as it is. Raises Invalid."""
    if not isinstance(value, str) or "\0" in value:
        raise _invalid("a topic is a text")
    return Topic(value[3:], True) if value.startswith("eq ") else Topic(value)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a file, in order. Raises Invalid with the line where the file goes wrong."""
    if len(text) > LONGEST_FILE:
        raise Invalid("acl.long", f"A file of rules has at most {LONGEST_FILE} characters.", "rules")
    return tuple(_Reader(text).rules())


class _Atom(str):
    """A bare word of the file, as opposed to a text in quotes."""


class _Token(NamedTuple):
    kind: str
    value: Any
    line: int


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _split(text)
        self._at = 0

    def rules(self) -> list[Rule]:
        found = list[Rule]()
        while self._tokens[self._at].kind != "end":
            line = self._tokens[self._at].line
            term = self._term(0)
            self._expect(".")
            try:
                found.append(_rule(term))
            except Invalid as error:
                raise _invalid(f"line {line}: {error.message.removesuffix('.')}") from error
        return found

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _expect(self, mark: str) -> None:
        token = self._next()
        if (token.kind, token.value) != ("mark", mark):
            raise _invalid(f"line {token.line}: {mark} is missing here")

    def _term(self, depth: int) -> Any:
        token = self._next()
        if token.kind in ("atom", "text", "number"):
            return token.value
        if (token.kind, token.value) in (("mark", "{"), ("mark", "[")) and depth < _DEEPEST:
            closing = "}" if token.value == "{" else "]"
            items = self._items(closing, depth)
            return tuple(items) if closing == "}" else items
        raise _invalid(f"line {token.line}: this cannot stand here")

    def _items(self, closing: str, depth: int) -> list[Any]:
        items = list[Any]()
        while True:
            token = self._tokens[self._at]
            if not items and (token.kind, token.value) == ("mark", closing):
                self._next()
                return items
            items.append(self._term(depth + 1))
            token = self._next()
            if (token.kind, token.value) == ("mark", closing):
                return items
            if (token.kind, token.value) != ("mark", ","):
                raise _invalid(f"line {token.line}: , or {closing} is missing here")


def _split(text: str) -> list[_Token]:
    tokens, at, line = list[_Token](), 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _invalid(f"line {line}: this is no word, text, number or bracket")
        kind, raw = str(found.lastgroup), found[0]
        if kind == "number":
            # Longer ones stand for nothing here, and reading them takes long.
            tokens.append(_Token(kind, int(raw[:10]), line))
        elif kind == "atom":
            tokens.append(_Token(kind, _Atom(_unescape(raw[1:-1]) if raw.startswith("'") else raw), line))
        elif kind == "text":
            tokens.append(_Token(kind, _unescape(raw[raw.index('"') + 1 : raw.rindex('"')]), line))
        elif kind == "mark":
            tokens.append(_Token(kind, raw, line))
        line += raw.count("\n")
        at = found.end()
    return [*tokens, _Token("end", None, line)]


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)


def _rule(term: Any) -> Rule:
    if not isinstance(term, tuple) or len(term) not in (2, 4) or term[0] not in ("allow", "deny"):
        raise _invalid("a rule is {allow | deny, all} or {allow | deny, WHO, ACTION, [TOPIC, ...]}")
    allows = term[0] == "allow"
    if len(term) == 2:
        if term[1] != "all":
            raise _invalid("a rule of two parts is for all")
        return Rule(allows)
    _, who, action, topics = term
    word, qos, retain = _action(action)
    return Rule(allows, word, _topics(topics), _who(who), qos, retain)


def _who(term: Any) -> Who:
    if isinstance(term, _Atom) and term == "all":
        return Who("all")
    if isinstance(term, tuple) and len(term) == 2 and isinstance(term[0], _Atom):
        word, value = term
        if word in ("username", "user"):
            return Who("user", _name(value))
        if word in ("clientid", "client"):
            return Who("client", _name(value))
        if word == "ipaddr":
            return Who("address", [_network(value)])
        if word == "ipaddrs" and isinstance(value, list):
            return Who("address", [_network(each) for each in value])
        if word in ("and", "or") and isinstance(value, list):
            return Who(str(word), [_who(each) for each in value])
    if isinstance(term, tuple) and len(term) == 3 and term[0] == "client_attr":
        return Who("attribute", (str(term[1]), _name(term[2])))
    raise _invalid("it is not clear who is meant")


def _name(term: Any) -> str | Pattern:
    if isinstance(term, str):
        return str(term)
    if isinstance(term, tuple) and len(term) == 2 and term[0] == "re" and isinstance(term[1], str):
        return Pattern(term[1])
    raise _invalid('a name is a text or {re, "PATTERN"}')


def _network(term: Any) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(term), strict=False)
    except ValueError as error:
        raise _invalid(f"{term} is no address and no network") from error


def _action(term: Any) -> tuple[str, frozenset[int] | None, bool | None]:
    word, conditions = term if isinstance(term, tuple) and len(term) == 2 else (term, [])
    if not isinstance(word, str) or word not in _ACTIONS or not isinstance(conditions, list):
        raise _invalid("an action is publish, subscribe or all, with conditions or without")
    qos: frozenset[int] | None = None
    retain: bool | None = None
    for each in conditions:
        if not isinstance(each, tuple) or len(each) != 2 or each[0] not in ("qos", "retain"):
            raise _invalid("the conditions of an action are {qos, N} and {retain, true | false}")
        if each[0] == "qos":
            qos = (qos or frozenset()) | _read_qos(each[1])
        else:
            retain = _read_retain(each[1])
    return _ACTIONS[word], qos, retain


def _topics(term: Any) -> tuple[Topic, ...] | None:
    if isinstance(term, _Atom) and term == "all":
        return None
    if not isinstance(term, list):
        raise _invalid("the topics of a rule are a list")
    if any(isinstance(each, _Atom) and each == "all" for each in term):
        return None
    return tuple(
        Topic(each[1], True)
        if isinstance(each, tuple) and len(each) == 2 and each[0] == "eq" and isinstance(each[1], str)
        else read_topic(each)
        for each in term
    )


def _read_qos(value: Any) -> frozenset[int]:
    wanted = value if isinstance(value, list) else [value]
    try:
        found = frozenset(int(each) for each in wanted if not isinstance(each, bool))
    except (TypeError, ValueError) as error:
        raise _invalid("qos is 0, 1, 2 or several of them") from error
    if not found or not found <= {0, 1, 2}:
        raise _invalid("qos is 0, 1, 2 or several of them")
    return found


def _read_retain(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    words: dict[Any, bool | None] = {"true": True, "false": False, "all": None, 1: True, 0: False}
    if not isinstance(value, str | int) or value not in words:
        raise _invalid("retain is true, false or all")
    return words[value]


def _invalid(message: str) -> Invalid:
    return Invalid("acl.invalid", message[:1].upper() + message[1:] + ".", "rules")
