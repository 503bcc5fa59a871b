"""What the groups of a pattern take, found in time proportional to the text times the pattern.

All possibilities are followed at once, one character at a time, each with what its groups have taken so far; of two that come
to the same step the one that Python's `re` would have tried first goes on. `patterns` says which patterns there are.
"""

from __future__ import annotations

from typing import Any

from .patterns import Pattern, _parser

#: Characters times steps; more is not searched.
_WORK_MAX = 200_000

_Taken = tuple[int, ...]


class Capturing(Pattern):
    """A pattern that tells what its groups took. Raises Invalid as `Pattern` does."""

    def __init__(self, source: str) -> None:
        self._marks: dict[int, int] = {}
        """Steps at which a group begins (an even number) or ends (the odd one behind it)."""
        self.groups = 0
        super().__init__(source)

    def search(self, text: str) -> list[str] | None:
        """What the groups take in the first match, empty for those that take no part; None when nothing matches.

        A text too long for the pattern matches nothing.
        """
        steps = self._steps
        if len(text) * len(steps) > _WORK_MAX:
            return None
        found: _Taken | None = None
        threads: list[tuple[int, _Taken]] = []
        for at in range(len(text) + 1):
            if found is None:
                # The match may begin here too, if none that began earlier comes to its end.
                seen = {step for step, _ in threads}
                self._enter_at(self._first, (-1,) * (2 * self.groups), at, text, threads, seen)
            following: list[tuple[int, _Taken]] = []
            seen = set()
            for number, taken in threads:
                step = steps[number]
                if step.kind == "done":
                    found = taken
                    break
                if at < len(text) and step.test is not None and step.test(text[at]):
                    self._enter_at(step.following[0], taken, at + 1, text, following, seen)
            threads = following
            if not threads and found is not None:
                break
        if found is None:
            return None
        return [text[found[2 * at] : found[2 * at + 1]] if found[2 * at + 1] >= 0 else "" for at in range(self.groups)]

    def _enter_at(
        self, first: int, taken: _Taken, at: int, text: str, threads: list[tuple[int, _Taken]], seen: set[int]
    ) -> None:
        """Adds the steps that take a character, or end the match, and can be reached without one; in order of preference."""
        waiting = [(first, taken)]
        while waiting:
            number, taken = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            step = self._steps[number]
            if step.kind in ("take", "done"):
                threads.append((number, taken))
                continue
            if (step.kind == "begin" and at) or (step.kind == "end" and at < len(text)):
                continue
            mark = self._marks.get(number)
            if mark is not None:
                taken = (*taken[:mark], at, *taken[mark + 1 :])
            waiting += [(each, taken) for each in reversed(step.following)]

    def _part(self, op: str, argument: Any, following: int) -> int:
        if op == "SUBPATTERN" and argument[0] is not None and not argument[1] and not argument[2]:
            slot = 2 * (argument[0] - 1)
            self.groups = max(self.groups, argument[0])
            end = self._add("split", None, [following])
            begin = self._add("split", None, [self._sequence(argument[3], end)])
            self._marks[begin], self._marks[end] = slot, slot + 1
            return begin
        if op in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = argument
            return self._ordered_repeat(op == "MAX_REPEAT", least, most, inner, following)
        return super()._part(op, argument, following)

    def _ordered_repeat(self, greedy: bool, least: int, most: int, inner: Any, following: int) -> int:
        """As `_repeat`, with the way that is to be tried first in front."""
        end = following

        def fork(number: int, more: int) -> None:
            self._steps[number].following.extend([more, end] if greedy else [end, more])

        if most == _parser.MAXREPEAT:
            following = self._add("split", None, [])
            fork(following, self._sequence(inner, following))
        else:
            for _ in range(most - least):
                more = self._sequence(inner, following)
                following = self._add("split", None, [])
                fork(following, more)
        for _ in range(least):
            following = self._sequence(inner, following)
        return following
