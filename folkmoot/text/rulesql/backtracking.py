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
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from folkmoot.errors import Invalid

LONGEST = 1024
#: About as many steps as are done in half a second.
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

    def require_patience(self, text: str) -> None:
        """Raises Invalid if this pattern may take too long on this text."""
        if self.factor * max(1, len(text)) ** self.degree > STEPS_MAX:
            raise Invalid("sql.limit", "This regular expression may take too long on so long a text.")


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
    parts = walk.parts
    is_anchored = bool(len(tree)) and tree[0][0] is op.AT and tree[0][1] in (op.AT_BEGINNING, op.AT_BEGINNING_STRING)
    hard = easy = 0
    for at, (is_long, chars) in enumerate(parts):
        if is_long:
            is_repeated, next_chars = next((each for each in parts[at + 1 :] if each[1] is not None), (False, _NONE))
            if not is_repeated and next_chars is not None and chars is not None and not next_chars & chars:
                easy = 1
            else:
                hard += 1
    return Pattern(compiled, walk.factor, hard + easy + (not is_anchored))


class _Walk:
    """Collects long repetitions and the single characters between them; None is what varies or cannot be said."""

    def __init__(self, ignores_case: bool) -> None:
        self.ignores_case = ignores_case
        self.parts: list[tuple[bool, _Chars | None]] = []
        self.factor = 1

    def sequence(self, tree: Any, in_repeat: bool) -> None:
        for code, argument in tree:
            self.one(code, argument, in_repeat)

    def one(self, code: Any, argument: Any, in_repeat: bool) -> None:
        if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            least, most, inner = argument
            self.repeat(least, most, inner, in_repeat)
        elif code is op.SUBPATTERN:
            self.sequence(argument[3], in_repeat)
        elif code is op.ATOMIC_GROUP:
            self.sequence(argument, in_repeat)
        elif code in (op.ASSERT, op.ASSERT_NOT):
            self.sequence(argument[1], in_repeat)
            self.parts.append((True, _ANY))
        elif code is op.BRANCH:
            self.branch(argument[1], in_repeat)
        elif code in (op.GROUPREF, op.GROUPREF_EXISTS):
            if in_repeat:
                raise _refused()
            self.parts.append((True, _ANY))
        elif code is not op.AT:
            self.parts.append((False, self.chars(code, argument)))

    def repeat(self, least: Any, most: Any, inner: Any, in_repeat: bool) -> None:
        varies = least != most
        if varies and in_repeat:
            raise _refused()
        begun = len(self.parts)
        self.sequence(inner, in_repeat or (varies and most > 1))
        if not varies:
            self.factor *= int(least) if least > 1 and len(self.parts) - begun > 1 else 1
            return
        found = self.parts[begun:]
        if any(is_long for is_long, _ in found) and most > 1:
            raise _refused()
        chars = _NONE.union(*[_ANY if each is None else each for _, each in found])
        if most > _LONG:
            self.parts[begun:] = [(True, chars)]
        else:
            self.factor *= int(most) - int(least) + 1
            self.parts[begun:] = [*[each for each in found if each[0]], (False, None)]

    def branch(self, branches: Any, in_repeat: bool) -> None:
        if in_repeat:
            firsts = [each[0] if len(each) else None for each in branches]
            literals = {each[1] for each in firsts if each is not None and each[0] is op.LITERAL}
            if len(literals) != len(branches) or self.ignores_case:
                raise _refused()
        begun = len(self.parts)
        for each in branches:
            self.sequence(each, in_repeat)
        found = self.parts[begun:]
        self.factor *= len(branches)
        chars = _NONE.union(*[_ANY if each is None else each for _, each in found])
        rest: tuple[bool, _Chars | None] = (False, chars if in_repeat else None)
        self.parts[begun:] = [*[each for each in found if each[0]], rest]

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


def _refused() -> Invalid:
    return Invalid("sql.limit", "This regular expression repeats what itself varies, which may take for ever.")
