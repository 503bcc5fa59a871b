"""Little expressions over what a client gave at its connection, for its identifier and its attributes (contract §3.2).

Two forms. With `${…}` in it a text is a template of names: `${username}/${client_attrs.site}`. Otherwise it is calls, names and
literals: `concat(username, '-', nth(1, tokens(clientid, '.')))`. Names are those of `names_of`; what is not there is empty.
The functions are those in `FUNCTIONS`; positions count from 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from .model import Client

Value = str | int | list[str]
Names = Mapping[str, str]
_Run = Callable[[Names], Value]

_TOKEN = re.compile(r"""\s*(?:([A-Za-z_][\w.]*)|'([^']*)'|"([^"]*)"|(-?\d+)|([(),\[\]]))""")
_PLACE = re.compile(r"\$\{([^}]*)\}")
_LENGTH_MAX, _DEPTH_MAX = 4096, 20


def names_of(client: Client, properties: Mapping[str, str] | None = None) -> dict[str, str]:
    """What an expression may name; `properties` are the user properties of CONNECT."""
    names = {
        "clientid": client.client_id,
        "username": client.username or "",
        "peerhost": client.address,
        "peerport": str(client.port),
        "peername": f"{client.address}:{client.port}",
        "proto_ver": str(client.version),
        "listener": client.listener,
        "zone": client.zone,
        "cn": client.common_name or "",
        "dn": client.subject or "",
    }
    names |= {f"client_attrs.{name}": value for name, value in client.attrs.items()}
    return names | {f"user_property.{name}": value for name, value in (properties or {}).items()}


def fill(template: str, names: Names) -> str:
    """A template with its `${…}` filled in."""
    return _PLACE.sub(lambda found: names.get(found[1].strip(), ""), template)


def evaluate(text: str, names: Names) -> str:
    """The value as text, empty when there is none. Raises ValueError for what is no expression."""
    if "${" in text:
        return fill(text, names)
    return _text(parse(text)(names))


def check_expression(text: str) -> None:
    """Raises ValueError with what is wrong with an expression; a template is never wrong."""
    if "${" not in text:
        parse(text)


@lru_cache(maxsize=256)
def parse(text: str) -> _Run:
    """An expression, to be run with names. Raises ValueError with what is wrong with it."""
    if len(text) > _LENGTH_MAX:
        raise ValueError("the expression is too long")
    tokens: list[tuple[str, str]] = []
    pos, end = 0, len(text.rstrip())
    while pos < end:
        found = _TOKEN.match(text, pos)
        if found is None:
            raise ValueError(f"nothing can be made of {text[pos : pos + 20]!r}")
        kind = ("", "name", "text", "text", "number", "mark")[found.lastindex or 0]
        tokens.append((kind, found[found.lastindex or 0]))
        pos = found.end()
    run, at = _term(tokens, 0, 0)
    if at != len(tokens):
        raise ValueError(f"nothing may follow before {tokens[at][1]!r}")
    return run


def _term(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[_Run, int]:
    if at >= len(tokens) or depth > _DEPTH_MAX:
        raise ValueError("the expression ends too early" if at >= len(tokens) else "the expression is too deep")
    kind, word = tokens[at]
    if kind == "text":
        return lambda names: word, at + 1
    if kind == "number":
        return lambda names: int(word), at + 1
    if kind == "mark":
        if word != "[":
            raise ValueError(f"{word!r} is out of place")
        parts, at = _several(tokens, at + 1, "]", depth)
        return lambda names: [_text(part(names)) for part in parts], at
    if at + 1 < len(tokens) and tokens[at + 1] == ("mark", "("):
        function = FUNCTIONS.get(word)
        if function is None:
            raise ValueError(f"there is no function {word}")
        parts, at = _several(tokens, at + 2, ")", depth)
        return _call(function, parts), at
    return lambda names: names.get(word, ""), at + 1


def _several(tokens: list[tuple[str, str]], at: int, last: str, depth: int) -> tuple[list[_Run], int]:
    parts: list[_Run] = []
    while at < len(tokens) and tokens[at] != ("mark", last):
        if parts:
            if tokens[at] != ("mark", ","):
                raise ValueError(f"a comma is missing before {tokens[at][1]!r}")
            at += 1
        part, at = _term(tokens, at, depth + 1)
        parts.append(part)
    if at >= len(tokens):
        raise ValueError(f"{last!r} is missing")
    return parts, at + 1


def _call(function: Callable[..., Value], parts: list[_Run]) -> _Run:
    def run(names: Names) -> Value:
        try:
            return function(*[part(names) for part in parts])
        except (TypeError, ValueError, AttributeError, IndexError):
            # Wrong arguments have no value.
            return ""

    return run


def _text(value: Any) -> str:
    return "".join(map(_text, value)) if isinstance(value, list) else str(value)


def _coalesce(*values: Value) -> Value:
    found = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return next((value for value in found if value != ""), "")


def _nth(number: int, values: list[str]) -> str:
    return values[number - 1] if number > 0 else values[number]


def _tokens(text: str, marks: str) -> list[str]:
    return [part for part in re.split(f"[{re.escape(marks)}]", text) if part] if marks else [text]


def _substr(text: str, start: int, length: int | None = None) -> str:
    return text[start:] if length is None else text[start : start + length]


def _hash(name: str, text: str) -> str:
    return hashlib.new(name, _text(text).encode()).hexdigest()


#: All functions; positions in `substr` count from 0.
FUNCTIONS: dict[str, Callable[..., Value]] = {
    "concat": lambda *values: "".join(map(_text, values)),
    "join_to_string": lambda mark, values: mark.join(values),
    "coalesce": _coalesce,
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "ltrim": lambda text: text.lstrip(),
    "rtrim": lambda text: text.rstrip(),
    "strlen": len,
    "substr": _substr,
    "replace": lambda text, old, new: text.replace(old, new),
    "rm_prefix": lambda text, prefix: text.removeprefix(prefix),
    "split": lambda text, mark: [part for part in text.split(mark) if part],
    "tokens": _tokens,
    "nth": _nth,
    "hash": _hash,
    "is_empty": lambda value: "true" if value in ("", []) else "false",
    "str_eq": lambda one, other: "true" if one == other else "false",
    "iif": lambda condition, yes, no: yes if condition not in ("", "false") else no,
}
