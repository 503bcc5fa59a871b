"""The configuration language HOCON, as far as operators write it by hand: reading and writing. Pure.

Read are comments, dotted keys, `=`, `:` or nothing before an object, texts with and without quotes, lists, and objects that
are merged when a key comes twice. Not read: includes and substitutions (`${...}`).
Source: the specification at lightbend/config, HOCON.md.
"""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"(?:[ \t\r\ufeff]|(?:#|//)[^\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n\ufeff,]|(?:#|//)[^\n]*)*")
_LONG = re.compile(r'"""(.*?"*)"""(?!")', re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_BARE_KEY = re.compile(r"[^\s.:={}\[\],+#\"'`^?!@*&\\$]+")
_BARE_VALUE = re.compile(r"(?:(?!//)[^\n,\[\]{}#\"=:$`^?!@*&\\])+")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?[0-9]{1,17}\.[0-9]{1,17}")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_DEEPEST = 50


class HoconError(ValueError):
    """The text is no HOCON that is read here; the message names the line."""


def parse(text: str) -> dict[str, Any]:
    """The object a document is, with or without braces around it. Raises HoconError."""
    reader = _Reader(text)
    reader.skip(_SPACE_AND_LINES)
    if reader.take("{"):
        found = reader.object("}", 1)
        reader.skip(_SPACE_AND_LINES)
        if reader.at < len(text):
            raise reader.error("expected the end")
        return found
    return reader.object("", 1)


def write(document: dict[str, Any]) -> str:
    """The document, a line per value."""
    return "".join(f"{_key(key)} {_value(value, 0)}\n" for key, value in document.items())


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _value(value: Any, depth: int) -> str:
    if isinstance(value, dict):
        if not value:
            return "{}"
        pad = "  " * (depth + 1)
        lines = "".join(f"{pad}{_key(key)} {_value(each, depth + 1)}\n" for key, each in value.items())
        return f"{{\n{lines}{'  ' * depth}}}"
    return f"= {json.dumps(value, ensure_ascii=False)}"


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, what: str) -> HoconError:
        return HoconError(f"{what} in line {self.text.count(chr(10), 0, self.at) + 1}")

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def take(self, word: str) -> bool:
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def object(self, end: str, depth: int) -> dict[str, Any]:
        if depth > _DEEPEST:
            raise self.error("too deep")
        found: dict[str, Any] = {}
        while True:
            self.skip(_SPACE_AND_LINES)
            if self.at == len(self.text):
                if end:
                    raise self.error("an object does not end")
                return found
            if end and self.take(end):
                return found
            path = self.path()
            self.skip(_SPACE)
            if not (self.take("=") or self.take(":")) and not self.text.startswith("{", self.at):
                raise self.error(f"expected = after {'.'.join(path)}")
            self.skip(_SPACE_AND_LINES)
            _put(found, path, self.value(depth + 1))
            self.skip(_SPACE)
            following = self.text[self.at : self.at + 1]
            if following not in ("", "\n", ",") and following != end:
                raise self.error("expected a new line or a comma")

    def path(self) -> list[str]:
        keys = list[str]()
        while True:
            quoted = self.match(_QUOTED)
            bare = None if quoted else self.match(_BARE_KEY)
            if quoted is None and bare is None:
                raise self.error("expected a key")
            keys.append(self._text(quoted[0]) if quoted else bare[0] if bare else "")
            if not self.take("."):
                return keys

    def value(self, depth: int) -> Any:
        if self.take("{"):
            return self.object("}", depth)
        if self.take("["):
            return self.list(depth)
        long = self.match(_LONG)
        if long:
            return long[1]
        pieces = list[str]()
        bare_only = True
        # Pieces in one line are one text.
        while True:
            quoted = self.match(_QUOTED)
            bare = None if quoted else self.match(_BARE_VALUE)
            if quoted:
                pieces.append(self._text(quoted[0]))
                bare_only = False
            elif bare:
                pieces.append(bare[0])
            else:
                break
        if not pieces:
            raise self.error("expected a value")
        if not bare_only:
            return "".join(pieces) if len(pieces) == 1 else "".join(pieces).strip()
        return _bare("".join(pieces).strip())

    def list(self, depth: int) -> list[Any]:
        if depth > _DEEPEST:
            raise self.error("too deep")
        found = list[Any]()
        while True:
            self.skip(_SPACE_AND_LINES)
            if self.take("]"):
                return found
            if self.at == len(self.text):
                raise self.error("a list does not end")
            found.append(self.value(depth + 1))
            self.skip(_SPACE)
            if self.text[self.at : self.at + 1] not in ("\n", ",", "]"):
                raise self.error("expected a comma or the end of the list")

    def _text(self, quoted: str) -> str:
        try:
            text: str = json.loads(quoted)
            text.encode()
        except ValueError as error:
            raise self.error("a text cannot be read") from error
        return text


def _bare(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _put(found: dict[str, Any], path: list[str], value: Any) -> None:
    key, *below = path
    for following in below:
        inner = found.get(key)
        if not isinstance(inner, dict):
            inner = found[key] = {}
        found, key = inner, following
    old = found.get(key)
    if isinstance(old, dict) and isinstance(value, dict):
        for name, each in value.items():
            _put(old, [name], each)
    else:
        found[key] = value
