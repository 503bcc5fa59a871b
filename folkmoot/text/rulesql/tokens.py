"""Words of a statement, with where they stand."""

from __future__ import annotations

import re
from typing import NamedTuple

from folkmoot.errors import Invalid

#: Words that are never names, in any case.
KEYWORDS = frozenset(
    re.findall(
        r"\w+", "select foreach do incase from where as case when then else end and or not in div mod true false"
    )
)

_TOKEN = re.compile(
    r"""
    (?P<space>(?:\s|--[^\n]*)+)
  | (?P<number>\d+(?:\.(?=\d)\d+)?(?:[eE][+-]?\d+)?)
  | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
  | (?P<text>'(?:[^']|'')*')
  | (?P<quoted>"[^"]*")
  | (?P<sign>=~|<>|!=|<=|>=|\.\.|[-+*/=<>()\[\],.;])
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """`kind` is number, name, text, quoted, sign, or end; keywords are signs, in small letters."""

    kind: str
    text: str
    at: int


def syntax_error(source: str, at: int, message: str) -> Invalid:
    """The error, with line and column counted from 1."""
    line = source.count("\n", 0, at) + 1
    column = at - (source.rfind("\n", 0, at) + 1) + 1
    return Invalid("sql.syntax", f"Line {line}, column {column}: {message}.", "sql")


def tokenize(source: str) -> list[Token]:
    """All words, with one of the kind `end` last. Raises Invalid."""
    found = list[Token]()
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            what = "this text does not end" if source[at] in "'\"" else f"{source[at]!r} means nothing here"
            raise syntax_error(source, at, what)
        kind, text = str(match.lastgroup), match[0]
        if kind == "name" and text.lower() in KEYWORDS:
            kind, text = "sign", text.lower()
        elif kind == "text":
            text = text[1:-1].replace("''", "'")
        elif kind == "quoted":
            text = text[1:-1]
        if kind != "space":
            found.append(Token(kind, text, at))
        at = match.end()
    return [*found, Token("end", "", len(source))]
