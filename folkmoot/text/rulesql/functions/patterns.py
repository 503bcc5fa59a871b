"""Regular expressions, and `jq`, whose programs are kept to what ends soon."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import Any

import jq

from folkmoot.errors import Invalid

from ..backtracking import compile_pattern
from ..scope import Scope
from ..values import ITEMS_MAX, TEXT_MAX, encode_json, read_json, text, too_large, wrong
from .function import takes

_REPLACEMENT = re.compile(r"\\(\d)|\\g\{?(\d)\}?|\\(.)|(&)", re.DOTALL)


def regex_match(scope: Scope, value: Any, pattern: Any) -> bool:
    """Whether the pattern is found anywhere in the text."""
    found, subject = compile_pattern(text(pattern)), text(value)
    scope.spend(found.work(subject))
    return found.compiled.search(subject) is not None


def regex_replace(scope: Scope, value: Any, pattern: Any, by: Any) -> str:
    """The text with every match replaced; `\\1` is the first group, `&` the whole match."""
    found, subject, template = compile_pattern(text(pattern)), text(value), text(by)
    scope.spend(found.work(subject))
    size = 0

    def one(match: re.Match[str]) -> str:
        nonlocal size
        scope.spend(4)
        made = _REPLACEMENT.sub(lambda sign: _replaced(sign, match), template)
        size += len(made)
        if size > TEXT_MAX:
            raise too_large("The text")
        return made

    return found.compiled.sub(one, subject)


def _replaced(sign: re.Match[str], match: re.Match[str]) -> str:
    group = sign[1] or sign[2]
    if group is not None:
        return (match[int(group)] or "") if int(group) <= (match.re.groups) else ""
    return match[0] if sign[4] else sign[3]


def regex_extract(scope: Scope, value: Any, pattern: Any) -> list[str]:
    """The groups of the first match; empty if there is none."""
    found, subject = compile_pattern(text(pattern)), text(value)
    scope.spend(found.work(subject))
    match = found.compiled.search(subject)
    return [] if match is None else [each or "" for each in match.groups()]


# --- jq ---------------------------------------------------------------------------------------------------------------

_JQ_LONGEST = 4096
#: Bytes of input, by how often the program goes through all there is.
_JQ_INPUT_MAX = (65_536, 65_536, 4_096, 512)
#: Bytes of input, times what the program may make of each.
_JQ_MADE_MAX = 4 * 65_536
#: What a program may call. Not here: what may go on for ever (`def`, `range`, `recurse`, `while`), what looks outside
#: (`env`, `input`, `import`), regular expressions, and what makes much of little (`combinations`, `transpose`).
_JQ_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        abs add all and any arrays as ascii ascii_downcase ascii_upcase base64 base64d booleans catch ceil csv del delpaths
        elif else empty end endswith error fabs false finites first flatten floor from_entries fromdate fromdateiso8601
        fromjson getpath gmtime group_by has html if implode explode index isnan isnormal isvalid iterables join json keys
        keys_unsorted last length log log10 log2 ltrim ltrimstr map map_values max max_by min min_by mktime none normals
        not now nth null nulls numbers objects or paths pow reverse round rtrim rtrimstr scalars select sh sort sort_by
        split sqrt startswith strflocaltime strftime strings strptime text then to_entries toarray todate todateiso8601
        tojson tonumber tostring trim true trunc try tsv type unique unique_by uri values with_entries
        """,
    )
)
_JQ_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*) | (?P<text>"(?:[^"\\]|\\[^(])*") | (?P<key>\.[A-Za-z_]\w*) | (?P<variable>\$[A-Za-z]\w*)
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) | (?P<name>[A-Za-z_]\w*) | (?P<label>[A-Za-z_]\w*(?=\s*:))
  | (?P<each>\[\s*\]|\.\.) | (?P<compare>==|!=|<=|>=|//(?!=)) | (?P<assign>[-+*/%|]?=|//=) | (?P<sign>[-+*/%|.,:;?@()\[\]{}<>])
    """,
    re.VERBOSE,
)


def run_jq(scope: Scope, program: Any, value: Any, timeout: Any = None) -> list[Any]:
    """All outputs of a program for a JSON text, or for a value; its time is bounded by its shape, not by a clock."""
    compiled, passes, growth = _compiled_jq(text(program))
    source = value if isinstance(value, str) else encode_json(value)
    if passes >= len(_JQ_INPUT_MAX) or len(source.encode()) > _JQ_INPUT_MAX[passes]:
        raise too_large("The input of jq")
    if growth * len(source.encode()) > _JQ_MADE_MAX:
        raise too_large("What jq would make of it")
    scope.spend(len(source))
    read_json(source)
    try:
        outputs = list(islice(iter(compiled.input_text(source)), ITEMS_MAX + 1))
    except ValueError as error:
        raise wrong(f"jq: {error}") from error
    if len(outputs) > ITEMS_MAX:
        raise too_large("What jq has found")
    return outputs


@lru_cache(maxsize=256)
def _compiled_jq(program: str) -> tuple[Any, int, int]:
    """The program, how often it goes through all there is, and how much longer its output may be. Raises Invalid."""
    passes, growth = _measure_jq(program)
    try:
        return jq.compile(program), passes, growth
    except ValueError as error:
        raise wrong(f"jq: {error}") from error


def _measure_jq(program: str) -> tuple[int, int]:
    if len(program) > _JQ_LONGEST:
        raise too_large("The program of jq")
    tokens = list[tuple[str, str]]()
    at = 0
    while at < len(program):
        match = _JQ_TOKEN.match(program, at)
        if match is None:
            raise _not_taken(program[at])
        at = match.end()
        if match.lastgroup != "space":
            tokens.append((str(match.lastgroup), match[0]))
    for place, (kind, word) in enumerate(tokens):
        is_key = kind == "name" and tokens[place + 1 : place + 2] == [("sign", ":")]
        if kind == "name" and not is_key and word not in _JQ_NAMES and not _is_short_key(tokens, place):
            raise _not_taken(word)
        if word == "$ENV" or (kind == "assign" and ("sign", "[") in tokens):
            raise _not_taken(word)
        if word == "*" and not any(
            _is_small(each) for each in (*tokens[place - 1 : place], *tokens[place + 1 : place + 2])
        ):
            raise Invalid("sql.limit", "In jq, one side of * has to be a number up to 1000.")
    if _products(tokens) > 64:
        raise too_large("The program of jq")
    iterating = {"map", "any", "all", "paths", "map_values", "with_entries", "group_by", "sort_by", "index"}
    passes = sum(kind == "each" or (kind == "name" and word in iterating) for kind, word in tokens)
    return passes, _growth(tokens)


def _growth(tokens: list[tuple[str, str]]) -> int:
    """How many times as long as its input a program's output may be, at most: one stage takes what the one before has made."""
    growth = stage = 1
    for place, (kind, word) in enumerate(tokens):
        if (kind, word) == ("sign", "|"):
            growth, stage = growth * stage, 1
        elif word in (",", "+", "+="):
            stage += 1
        elif word == "*":
            around = (*tokens[place - 1 : place], *tokens[place + 1 : place + 2])
            stage *= max(1, *(int(float(each[1])) for each in around if _is_small(each)))
        elif word in ("tojson", "tostring"):
            # Of each quotation mark, and each backslash before one, it makes two.
            stage *= 2
        elif word == "@":
            stage *= 6
        elif kind == "text":
            stage += len(word) // 64
    return growth * stage


def _is_short_key(tokens: list[tuple[str, str]], place: int) -> bool:
    """`{name}` and `{a, b}`: a word between braces or commas; elsewhere jq itself would not know it."""
    around = (*tokens[place - 1 : place], *tokens[place + 1 : place + 2])
    return len(around) == 2 and around[0][1] in ("{", ",") and around[1][1] in ("}", ",")


def _is_small(token: tuple[str, str]) -> bool:
    return token[0] == "number" and float(token[1]) <= 1000


def _products(tokens: list[tuple[str, str]]) -> int:
    """How many outputs the alternatives in parentheses may multiply to."""
    product, open_ones = 1, list[list[Any]]()
    for _, word in tokens:
        if word in ("(", "{", "["):
            open_ones.append([word, 1])
        elif word in (")", "}", "]") and open_ones:
            opened, count = open_ones.pop()
            product *= count if opened == "(" else 1
        elif word == "," and open_ones:
            open_ones[-1][1] += 1
    return product


def _not_taken(word: str) -> Invalid:
    return Invalid("sql.limit", f"A program of jq may not use {word!r} here.")


FUNCTIONS = {
    "regex_match": takes(regex_match, 2, with_scope=True),
    "regex_replace": takes(regex_replace, 3, with_scope=True),
    "regex_extract": takes(regex_extract, 2, with_scope=True),
    "jq": takes(run_jq, 2, 3, with_scope=True),
}
