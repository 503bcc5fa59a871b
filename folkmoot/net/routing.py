"""Which target answers a method and a path. Pure; knows neither requests nor answers.

A path is matched segment by segment on its raw form: split at `/` first, then each segment percent-decoded once, so an
encoded slash stays inside its segment. A template segment is a literal, a `{name}` with an optional literal before and
after it (`~{owner}`, `{name}.xml`), or, last in the path, `{name:path}`, which takes the rest including slashes.
Literals win over names; a path that fits several templates goes to the first that has the method.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

from folkmoot.errors import Invalid
from folkmoot.net.errors import UnknownPath, WrongMethod

T = TypeVar("T")

_SEGMENT = re.compile(r"^(?P<prefix>[^{}]*)\{(?P<name>[a-z_][a-z0-9_]*)(?P<rest>:path)?\}(?P<suffix>[^{}]*)$")


@dataclass(slots=True)
class _Pattern(Generic[T]):
    prefix: str
    suffix: str
    node: _Node[T]


@dataclass(slots=True)
class _Node(Generic[T]):
    literals: dict[str, _Node[T]] = field(default_factory=dict)
    patterns: list[_Pattern[T]] = field(default_factory=list)
    rest: _Node[T] | None = None
    targets: dict[str, tuple[T, tuple[str, ...]]] = field(default_factory=dict)


class Router(Generic[T]):
    """A table from (method, path template) to targets of any kind."""

    def __init__(self, *, trailing_slash: bool = False) -> None:
        """With `trailing_slash`, every path also answers with a slash at its end."""
        self._root: _Node[T] = _Node()
        self._static: dict[tuple[str, str], T] = {}
        self._trailing_slash = trailing_slash

    def add(self, method: str, path: str, target: T) -> None:
        """Enter one target. Raises ValueError for a template that cannot be read or a pair that is already taken."""
        if not path.startswith("/"):
            raise ValueError(f"a path starts with a slash: {path!r}")
        node, names = self._root, list[str]()
        segments = path[1:].split("/")
        for place, segment in enumerate(segments):
            node = self._descend(node, segment, names, last=place == len(segments) - 1)
        if method in node.targets:
            raise ValueError(f"{method} {path} is there twice")
        node.targets[method] = (target, tuple(names))
        if not names:
            self._static[method, path] = target

    def _descend(self, node: _Node[T], segment: str, names: list[str], *, last: bool) -> _Node[T]:
        if "{" not in segment:
            return node.literals.setdefault(segment, _Node())
        match = _SEGMENT.match(segment)
        if match is None or match["name"] in names:
            raise ValueError(f"cannot read the segment {segment!r}")
        names.append(match["name"])
        if match["rest"]:
            if not last or match["prefix"] or match["suffix"]:
                raise ValueError(f"{segment!r} must stand alone at the end")
            node.rest = node.rest or _Node()
            return node.rest
        for pattern in node.patterns:
            if (pattern.prefix, pattern.suffix) == (match["prefix"], match["suffix"]):
                return pattern.node
        pattern = _Pattern[T](match["prefix"], match["suffix"], _Node())
        node.patterns.append(pattern)
        node.patterns.sort(key=lambda each: -len(each.prefix + each.suffix))
        return pattern.node

    def find(self, method: str, raw_path: str) -> tuple[T, dict[str, str]]:
        """The target and the values of the names in its template, each percent-decoded once.

        HEAD goes where GET goes unless it has a target of its own. Raises UnknownPath, WrongMethod with the methods
        that the path does have, or Invalid when the path does not decode to text.
        """
        static = self._static.get((method, raw_path))
        if static is not None:
            return static, {}
        if self._trailing_slash and len(raw_path) > 1 and raw_path.endswith("/"):
            raw_path = raw_path[:-1]
        segments = [decode_segment(segment) for segment in raw_path[1:].split("/")]
        allow: set[str] = set()
        for node, values in _walk(self._root, segments, 0, ()):
            found = node.targets.get(method)
            if found is None and method == "HEAD":
                found = node.targets.get("GET")
            if found is not None:
                return found[0], dict(zip(found[1], values, strict=True))
            allow.update(node.targets)
        if not allow:
            raise UnknownPath
        raise WrongMethod(sorted(allow | {"HEAD"} if "GET" in allow else allow))


def _walk(
    node: _Node[T], segments: list[str], place: int, values: tuple[str, ...]
) -> Iterator[tuple[_Node[T], tuple[str, ...]]]:
    """Every node that fits the segments from `place` on, the most literal first."""
    if place == len(segments):
        if node.targets:
            yield node, values
        return
    segment = segments[place]
    literal = node.literals.get(segment)
    if literal is not None:
        yield from _walk(literal, segments, place + 1, values)
    for pattern in node.patterns:
        end = len(segment) - len(pattern.suffix)
        if end > len(pattern.prefix) and segment.startswith(pattern.prefix) and segment.endswith(pattern.suffix):
            value = segment[len(pattern.prefix) : end]
            yield from _walk(pattern.node, segments, place + 1, (*values, value))
    if node.rest is not None:
        yield node.rest, (*values, "/".join(segments[place:]))


def decode_segment(segment: str) -> str:
    """One raw path segment as text, percent-decoded once. Raises Invalid for bytes that are not UTF-8, and for NUL."""
    if "%" in segment:
        try:
            segment = unquote_to_bytes(segment).decode()
        except UnicodeDecodeError as error:
            raise Invalid("path.encoding", "The address is not UTF-8.") from error
    if "\0" in segment:
        raise Invalid("path.nul", "The address contains a NUL character.")
    return segment
