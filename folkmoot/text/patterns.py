"""Regular expressions that others wrote, searched for in time proportional to the text, whatever they say.

Python's own engine can take exponential time, so this one walks all possibilities at once: the pattern becomes a graph of
steps, the set of steps one can be at after a piece of text is a state, and states that were seen are remembered with what
follows each character. What cannot be done that way (references back, looking around, word boundaries) is refused.
Rules for changing it: the number of steps and of remembered states stays bounded, and nothing is tried twice.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from folkmoot.errors import Invalid

LONGEST = 1000
_STEPS_MAX = 500
_STATES_MAX = 1000

# The standard library's reader of patterns; it has no public name.
_parser: Any = importlib.import_module("re._parser")

_Test = Callable[[str], Any]
"""Whether a character is taken; anything true is yes."""


class _Step(NamedTuple):
    """One node: a character to take, or ways to go on without one. `kind`: take, split, begin, end, done."""

    kind: str
    test: _Test | None
    following: list[int]


class _State:
    __slots__ = ("after", "at_end", "found", "steps")

    def __init__(self, steps: list[int], found: bool, at_end: bool) -> None:
        self.steps = steps
        """Those that take a character."""
        self.found = found
        self.at_end = at_end
        """Found, if the text ends here."""
        self.after: dict[str, _State] = {}


class Pattern:
    """A pattern as `re` writes it. Raises Invalid for what is none, is too long, or cannot be searched in bounded time."""

    def __init__(self, source: str) -> None:
        self.source = source
        tree = _parse(source)
        self._ignores_case = bool(tree.state.flags & re.IGNORECASE)
        self._dot_all = bool(tree.state.flags & re.DOTALL)
        self._steps: list[_Step] = []
        done = self._add("done", None, [])
        try:
            self._first = self._sequence(tree, done)
        except RecursionError as error:
            raise Invalid("pattern.nested", "The pattern is nested too deeply.") from error
        self._states: dict[frozenset[int], _State] = {}
        self._start = self._enter([self._first], begins=True)

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches somewhere in the text."""
        # A `$` also stands before a line break that ends the text.
        return self._search(text) or (text.endswith("\n") and self._search(text[:-1]))

    def _search(self, text: str) -> bool:
        state = self._start
        for char in text:
            if state.found:
                return True
            following = state.after.get(char)
            if following is None:
                following = self._follow(state, char)
            state = following
        return state.found or state.at_end

    def _follow(self, state: _State, char: str) -> _State:
        steps = self._steps
        # It may also begin only here.
        reached = [self._first]
        for number in state.steps:
            test = steps[number].test
            if test is not None and test(char):
                reached += steps[number].following
        if len(self._states) > _STATES_MAX or len(state.after) > _STATES_MAX:
            for each in (self._start, *self._states.values()):
                each.after.clear()
            self._states.clear()
        found = self._enter(reached, begins=False)
        state.after[char] = found
        return found

    def _enter(self, reached: Iterable[int], *, begins: bool) -> _State:
        seen = self._closure(reached, begins=begins, ends=False)
        key = frozenset(seen)
        if not begins and key in self._states:
            return self._states[key]
        done = any(self._steps[each].kind == "done" for each in seen)
        at_end = done or any(
            self._steps[each].kind == "done" for each in self._closure(reached, begins=begins, ends=True)
        )
        state = _State([each for each in seen if self._steps[each].kind == "take"], done, at_end)
        if not begins:
            self._states[key] = state
        return state

    def _closure(self, reached: Iterable[int], *, begins: bool, ends: bool) -> set[int]:
        seen, waiting = set[int](), list(reached)
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            step = self._steps[number]
            if step.kind == "split" or (step.kind == "begin" and begins) or (step.kind == "end" and ends):
                waiting += step.following
        return seen

    # --- from the tree to the graph: each function returns where a part begins, given what follows it -----------------

    def _add(self, kind: str, test: _Test | None, following: list[int]) -> int:
        if len(self._steps) >= _STEPS_MAX:
            raise Invalid("pattern.large", "The pattern is too large once its repetitions are written out.")
        self._steps.append(_Step(kind, test, following))
        return len(self._steps) - 1

    def _sequence(self, tree: Any, following: int) -> int:
        for op, argument in reversed(list(tree)):
            following = self._part(str(op), argument, following)
        return following

    def _part(self, op: str, argument: Any, following: int) -> int:
        if op in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
            return self._add("take", self._test(op, argument), [following])
        if op == "BRANCH":
            return self._add("split", None, [self._sequence(each, following) for each in argument[1]])
        if op == "SUBPATTERN":
            _, added, removed, inner = argument
            if added or removed:
                raise Invalid("pattern.flags", "Flags stand at the beginning of a pattern or nowhere.")
            return self._sequence(inner, following)
        if op in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = argument
            return self._repeat(least, most, inner, following)
        if op == "AT" and str(argument) in _ANCHORS:
            return self._add(_ANCHORS[str(argument)], None, [following])
        raise Invalid("pattern.unbounded", f"A pattern cannot have {op.lower().replace('_', ' ')} here.")

    def _repeat(self, least: int, most: int, inner: Any, following: int) -> int:
        if most == _parser.MAXREPEAT:
            loop = self._add("split", None, [following])
            self._steps[loop].following.append(self._sequence(inner, loop))
            following = loop
        else:
            end = following
            for _ in range(most - least):
                following = self._add("split", None, [self._sequence(inner, following), end])
        for _ in range(least):
            following = self._add("split", None, [self._sequence(inner, following)])
        return following

    def _test(self, op: str, argument: Any) -> _Test:
        if op == "ANY":
            return (lambda char: True) if self._dot_all else (lambda char: char != "\n")
        if op == "IN":
            plain = _one_of(argument)
        else:
            wanted = chr(argument)
            plain = wanted.__eq__ if op == "LITERAL" else wanted.__ne__
        if not self._ignores_case:
            return plain
        if op == "NOT_LITERAL":
            return lambda char: plain(char.lower()) and plain(char.upper())
        return lambda char: plain(char) or plain(char.lower()) or plain(char.upper())


_ANCHORS = {"AT_BEGINNING": "begin", "AT_BEGINNING_STRING": "begin", "AT_END": "end", "AT_END_STRING": "end"}
_CATEGORIES = {
    f"CATEGORY_{name}": re.compile(code)
    for name, code in {
        "DIGIT": r"\d",
        "NOT_DIGIT": r"\D",
        "SPACE": r"\s",
        "NOT_SPACE": r"\S",
        "WORD": r"\w",
        "NOT_WORD": r"\W",
    }.items()
}


def _parse(source: str) -> Any:
    if len(source) > LONGEST:
        raise Invalid("pattern.long", f"A pattern has at most {LONGEST} characters.")
    try:
        with warnings.catch_warnings():
            # `[[:digit:]]` is not what it looks like in Python.
            warnings.simplefilter("error", FutureWarning)
            tree = _parser.parse(source)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise Invalid("pattern.invalid", f"This is no regular expression: {error}.") from error
    if tree.state.flags & re.MULTILINE:
        raise Invalid("pattern.flags", "A pattern cannot be for several lines.")
    return tree


def _one_of(items: list[tuple[Any, Any]]) -> _Test:
    negated = str(items[0][0]) == "NEGATE"
    tests = list[_Test]()
    literals = set[str]()
    for op, argument in items[negated:]:
        if str(op) == "LITERAL":
            literals.add(chr(argument))
        elif str(op) == "RANGE":
            low, high = map(chr, argument)
            tests.append(lambda char, low=low, high=high: low <= char <= high)  # type: ignore[misc]
        else:
            tests.append(_CATEGORIES[str(argument)].match)

    def test(char: str) -> bool:
        return (char in literals or any(each(char) for each in tests)) is not negated

    return test
