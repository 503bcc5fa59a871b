"""How long a regular expression may take, so that none holds the server: an estimate from its shape, before it is used.

Theory. Matching goes back and tries again, which is exponential only when one part may match the same text in many ways. So
a repetition of what itself varies in length is refused (`(a+)*`), as is one of alternatives that begin alike. What is left is
polynomial: each long repetition multiplies the work by the length of the text, unless what must come next cannot be part
of the repetition (`[^,]*,`), and so does trying every place to begin. Short repetitions and alternatives multiply by their
number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from folkmoot.errors import Invalid

# They have no types, for they are Python's own affair.
op: Any = import_module("re._constants")
_parser: Any = import_module("re._parser")

LONGEST = 1024
#: About as many steps as are done in a tenth of a second.
STEPS_MAX = 30_000_000
#: A repetition of more than so many counts as endless.
_LONG = 32

_ANY = frozenset(range(257))
_NONE = frozenset[int]()
_Chars = frozenset[int]
"""Characters by their numbers; 256 stands for all beyond Latin-1."""


class Pattern(NamedTuple):
    """A compiled pattern, and what its work grows with: `factor` times the length of the text to the power `degree`."""

    compiled: re.Pattern[str]
    factor: int
    degree: int

    def work(self, text: str) -> int:
        """How much work this pattern may have with this text. Raises Invalid if that is too much."""
        steps: int = self.factor * max(1, len(text)) ** self.degree
        if steps > STEPS_MAX:
            raise Invalid("sql.limit", "This regular expression may take too long on so long a text.")
        return steps >> 9


@lru_cache(maxsize=1024)
def compile_pattern(source: str) -> Pattern:
    """The pattern. Raises Invalid for what is none, or may take for ever."""
    if len(source) > LONGEST:
        raise Invalid("sql.limit", f"A regular expression has at most {LONGEST} characters.")
    try:
        tree = _parser.parse(source)
        compiled = re.compile(source)
    except (re.error, RecursionError, OverflowError) as error:
        raise Invalid("sql.value", f"This is no regular expression: {error}.") from error
    walk = _Walk(bool(tree.state.flags & re.IGNORECASE))
    walk.sequence(tree, False)
    is_anchored = bool(len(tree)) and tree[0][0] is op.AT and tree[0][1] in (op.AT_BEGINNING, op.AT_BEGINNING_STRING)
    longs = [_is_hard(walk.parts, at) for at, part in enumerate(walk.parts) if part.is_long]
    # Those that cannot go back work one after the other.
    return Pattern(compiled, walk.factor, longs.count(True) + (False in longs) + (not is_anchored))


class _Part(NamedTuple):
    """A long repetition, or something short; `skip` parts behind it are inside it and come only if it does."""

    is_long: bool
    is_needed: bool
    chars: _Chars
    skip: int = 0


def _is_hard(parts: list[_Part], at: int) -> bool:
    """Whether what follows a long repetition might as well be part of it."""
    chars, place = parts[at].chars, at + 1
    while place < len(parts):
        part = parts[place]
        if part.chars & chars:
            return True
        if part.is_needed:
            return False
        place += 1 + part.skip
    return False


class _Walk:
    """Collects the parts of a pattern."""

    def __init__(self, ignores_case: bool) -> None:
        self.ignores_case = ignores_case
        self.parts: list[_Part] = []
        self.factor = 1

    def sequence(self, tree: Any, in_repeat: bool) -> None:
        for code, argument in tree:
            self.one(code, argument, in_repeat)

    def one(self, code: Any, argument: Any, in_repeat: bool) -> None:
        if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            least, most, inner = argument
            self.repeat(int(least), int(most), inner, in_repeat)
        elif code is op.SUBPATTERN:
            self.sequence(argument[3], in_repeat)
        elif code is op.ATOMIC_GROUP:
            self.sequence(argument, in_repeat)
        elif code in (op.ASSERT, op.ASSERT_NOT):
            self.sequence(argument[1], in_repeat)
            self.parts.append(_Part(False, False, _ANY))
        elif code is op.BRANCH:
            self.branch(argument[1], in_repeat)
        elif code in (op.GROUPREF, op.GROUPREF_EXISTS):
            if in_repeat:
                raise _refused()
            self.parts.append(_Part(True, False, _ANY))
        elif code is not op.AT:
            self.parts.append(_Part(False, True, self.chars(code, argument)))

    def repeat(self, least: int, most: int, inner: Any, in_repeat: bool) -> None:
        varies = least != most
        if varies and in_repeat:
            raise _refused()
        begun = len(self.parts)
        self.sequence(inner, in_repeat or (varies and most > 1))
        found = self.parts[begun:]
        if not varies:
            self.factor *= max(1, least) if len(found) > 1 else 1
            return
        if any(part.is_long for part in found) and most > 1:
            raise _refused()
        if most > _LONG:
            self.parts[begun:] = [_Part(True, least > 0 and _needs(found), _all(found))]
        else:
            self.factor *= most - least + 1
            self.parts[begun:] = _optional(found, least > 0 and _needs(found))

    def branch(self, branches: Any, in_repeat: bool) -> None:
        if in_repeat:
            firsts = [each[0] if len(each) else None for each in branches]
            literals = {each[1] for each in firsts if each is not None and each[0] is op.LITERAL}
            if len(literals) != len(branches) or self.ignores_case:
                raise _refused()
        begun = len(self.parts)
        is_needed = True
        for each in branches:
            at = len(self.parts)
            self.sequence(each, in_repeat)
            is_needed &= _needs(self.parts[at:])
        self.factor *= len(branches)
        found = self.parts[begun:]
        longs = [part for part in found if part.is_long]
        self.parts[begun:] = [_Part(False, is_needed, _all(found), len(longs)), *longs]

    def chars(self, code: Any, argument: Any) -> _Chars:
        """What one character of the pattern matches; rather too much than too little."""
        if code is op.LITERAL:
            found = {min(argument, 256)}
        elif code is op.IN:
            found = set[int]()
            for inner, value in argument:
                if inner is op.NEGATE:
                    return _ANY if len(argument) > 2 else _ANY - self.chars(*argument[1])
                found |= self.chars(inner, value)
        elif code is op.RANGE:
            low, high = argument
            found = set(range(low, min(high, 255) + 1)) | ({256} if high > 255 else set())
        elif code is op.CATEGORY and argument in _CATEGORIES:
            found = {each for each in range(256) if _CATEGORIES[argument](chr(each))} | {256}
        else:
            return _ANY
        if self.ignores_case:
            found |= {min(ord(each), 256) for known in found if known < 256 for each in chr(known).swapcase()} | {256}
        return frozenset(found)


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
}


def _all(parts: list[_Part]) -> _Chars:
    return _NONE.union(*[part.chars for part in parts])


def _needs(parts: list[_Part]) -> bool:
    return any(part.is_needed for part in parts)


def _optional(parts: list[_Part], is_needed: bool) -> list[_Part]:
    """What comes or does not: seen from before by how it may begin, with what is long in it behind."""
    longs = [part for part in parts if part.is_long]
    begins = _NONE
    for part in parts:
        begins |= part.chars
        if part.is_needed and not is_needed:
            break
    return [_Part(False, is_needed, begins, len(longs)), *longs]


def _refused() -> Invalid:
    return Invalid("sql.limit", "This regular expression repeats what itself varies, which may take for ever.")
