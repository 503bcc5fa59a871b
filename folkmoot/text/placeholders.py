"""Templates with `${name}` and `${name.inner}`: rules, actions, sources of logins and permissions write them.

A placeholder is looked up in what a message or a client offers (its columns). Anything that does not look like a
placeholder is text; `${$}` is a dollar sign, `${.}` all columns as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

Path = tuple[str, ...]

MISSING: Any = object()
"""What `lookup` finds where there is nothing."""

# A part with other characters stands in quotes: ${pub_props.'User-Property'}.
_PLACEHOLDER = re.compile(r"\$\{((?:'[^'{}]*'|[^'{}$])+|\$)\}")
_PART = re.compile(r"'([^']*)'|([^.']+)")


class Template:
    """A text with placeholders, read once and filled in often; reading never fails."""

    __slots__ = ("_pieces", "names", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._pieces: list[str | Path] = []
        end = 0
        for found in _PLACEHOLDER.finditer(source):
            self._pieces += [source[end : found.start()], "$" if found[1] == "$" else _path(found[1])]
            end = found.end()
        self._pieces = [each for each in [*self._pieces, source[end:]] if each != ""]
        self.names = tuple(".".join(each) for each in self._pieces if not isinstance(each, str))
        """The placeholders in it, in order."""

    def render(
        self,
        columns: Mapping[str, Any],
        *,
        missing: str = "undefined",
        escape: Callable[[str], str] | None = None,
    ) -> bytes:
        """The text with the values in it; bytes stay what they are, lists and objects become JSON.

        `missing` stands where there is no value; `escape` is applied to each value (which must then be text).
        """
        out = bytearray()
        for piece in self._pieces:
            if isinstance(piece, str):
                out += piece.encode()
                continue
            value = lookup(columns, piece)
            raw = missing.encode() if value is MISSING else write(value)
            out += raw if escape is None else escape(raw.decode(errors="replace")).encode()
        return bytes(out)

    def text(
        self,
        columns: Mapping[str, Any],
        *,
        missing: str = "undefined",
        escape: Callable[[str], str] | None = None,
    ) -> str:
        """As `render`, for what has to be text; bytes that are not UTF-8 become replacement characters."""
        return self.render(columns, missing=missing, escape=escape).decode(errors="replace")

    def value(self, columns: Mapping[str, Any]) -> Any:
        """The value itself when the template is one placeholder and nothing else, or MISSING; else its text."""
        if len(self._pieces) == 1 and not isinstance(self._pieces[0], str):
            return lookup(columns, self._pieces[0])
        return self.text(columns)


def fill(source: str, columns: Mapping[str, Any], *, missing: str = "undefined") -> str:
    """A template that is used once."""
    return Template(source).text(columns, missing=missing)


def lookup(columns: Any, path: Sequence[str]) -> Any:
    """What stands at a path, or MISSING; text and bytes that are looked into are read as JSON."""
    value = columns
    for part in path:
        if isinstance(value, str | bytes):
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                return MISSING
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value


def write(value: Any) -> bytes:
    """How a value stands in a text."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if value is None:
        return b"null"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int | float):
        return repr(value).encode()
    return write_json(value)


def write_json(value: Any) -> bytes:
    """JSON of columns; bytes in them as text, where they are text."""
    return msgspec.json.encode(_presentable(value))


def _presentable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return {str(key): _presentable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_presentable(each) for each in value]
    return value


def _path(inner: str) -> Path:
    # `${.}` is everything; a dot in front (`${.a}`) means the same as none.
    return tuple(quoted or plain for quoted, plain in _PART.findall(inner.strip()))
