"""Text: parts of it, and other text made of it. Places in text are counted in characters, from 0."""

from __future__ import annotations

import re
from typing import Any

from ..values import TEXT_MAX, binary, encode_json, integer, items, mapping, octets, shown, text, too_large, wrong
from .formats import sprintf
from .function import MANY, takes


def joined(given: list[Any], separator: str = "") -> str | bytes:
    """Values as one text; with bytes among them, bytes."""
    if any(isinstance(each, bytes) for each in given):
        parts = [octets(each) for each in given]
        _require_size(sum(map(len, parts)) + len(separator) * len(parts))
        return binary(separator.encode().join(parts))
    texts = [text(each) for each in given]
    _require_size(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _require_size(size: int) -> None:
    if size > TEXT_MAX:
        raise too_large("The text")


def substring(value: Any, start: Any, length: Any = None) -> str:
    """The text from a place on, or so many characters from there; a start with a minus counts from the end."""
    found, begin = text(value), integer(start)
    begin = max(0, begin + len(found)) if begin < 0 else begin
    return found[begin:] if length is None else found[begin : begin + max(0, integer(length))]


def split(value: Any, separator: Any, option: Any = "") -> list[str]:
    """The parts between separators: all, or only those around the first (leading) or last (trailing) of them.

    Empty parts are left out unless `notrim` is said.
    """
    found, by, how = text(value), text(separator), text(option)
    if not by:
        return [found] if found else []
    match how.partition("_")[0]:
        case "leading":
            parts = found.split(by, 1)
        case "trailing":
            parts = found.rsplit(by, 1)
        case "" | "notrim":
            parts = found.split(by)
        case _:
            raise wrong(f"{shown(how)} is no way to split.")
    return parts if how.endswith("notrim") else [each for each in parts if each]


def tokens(value: Any, separators: Any, option: Any = "") -> list[str]:
    """The parts between any of the separating characters; with `nocrlf` line ends separate too."""
    signs = text(separators) + ("\r\n" if text(option) == "nocrlf" else "")
    return [each for each in re.split(f"[{re.escape(signs)}]", text(value)) if each] if signs else [text(value)]


def pad(value: Any, length: Any, side: Any = "trailing", char: Any = " ") -> str:
    """The text made at least so long with a character behind, before or around it."""
    found, size, sign = text(value), integer(length), text(char)
    _require_size(size)
    missing = max(0, size - len(found))
    before = {"trailing": 0, "leading": missing, "both": missing // 2}.get(text(side))
    if before is None or len(sign) != 1:
        raise wrong("Padding is one character, leading, trailing or both.")
    return sign * before + found + sign * (missing - before)


def replace(value: Any, what: Any, by: Any, where: Any = "all") -> str:
    """The text with another text in place of all, the first (leading) or the last (trailing) occurrence."""
    found, old, new = text(value), text(what), text(by)
    if not old:
        return found
    match text(where):
        case "all":
            _require_size(len(found) + found.count(old) * (len(new) - len(old)))
            return found.replace(old, new)
        case "leading":
            return found.replace(old, new, 1)
        case "trailing":
            return new.join(found.rsplit(old, 1))
    raise wrong(f"{shown(where)} is no place to replace at.")


def find(value: Any, what: Any, where: Any = "leading") -> str:
    """The text from the first (or with `trailing` the last) occurrence on; empty if there is none."""
    found, wanted = text(value), text(what)
    at = found.rfind(wanted) if text(where) == "trailing" else found.find(wanted)
    return found[at:] if at >= 0 else ""


def join(*given: Any) -> str | bytes:
    """A list as one text; the separator, a comma and a space unless given, comes first."""
    separator, found = given if len(given) == 2 else (", ", given[0])
    return joined(items(found), text(separator))


def sql_values(found: Any) -> str:
    """A list as the values of an SQL statement."""
    return ", ".join(_sql_value(each) for each in items(found))


def _sql_value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return text(value)
    # A quote and a backslash must not end the text.
    quoted = (value if isinstance(value, str) else text(value)).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"


def redis_arguments(found: Any) -> list[Any]:
    """A map as the fields and values of HSET."""
    return [each for key, value in mapping(found).items() for each in (key, _plain(value))]


def _plain(value: Any) -> str:
    return encode_json(value) if isinstance(value, dict | list) else text(value)


_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2,8})|(.))", re.DOTALL)
_ESCAPED = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "a": "\a",
    "'": "'",
    '"': '"',
    "?": "?",
    "\\": "\\",
}


def unescape(value: Any) -> str:
    """The text with `\\n`, `\\x41` and the like as what they stand for."""

    def one(match: re.Match[str]) -> str:
        digits, char = match[1], match[2]
        if digits is None and char in _ESCAPED:
            return _ESCAPED[char]
        number = -1 if digits is None else int(digits, 16)
        if not 0 <= number <= 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            raise wrong(f"{match[0]} stands for nothing.")
        return chr(number)

    return _ESCAPE.sub(one, text(value))


def code(value: Any) -> int:
    """The number of a single character."""
    found = text(value)
    if len(found) != 1:
        raise wrong("This is not a single character.")
    return ord(found)


FUNCTIONS = {
    "lower": takes(lambda value: text(value).lower(), 1),
    "upper": takes(lambda value: text(value).upper(), 1),
    "trim": takes(lambda value: text(value).strip(), 1),
    "ltrim": takes(lambda value: text(value).lstrip(), 1),
    "rtrim": takes(lambda value, chars=None: text(value).rstrip(None if chars is None else text(chars)), 1, 2),
    "reverse": takes(lambda value: text(value)[::-1], 1),
    "strlen": takes(lambda value: len(value if isinstance(value, bytes) else text(value)), 1),
    "substr": takes(substring, 2, 3),
    "split": takes(split, 2, 3, shift=4),
    "tokens": takes(tokens, 2, 3, shift=4),
    "concat": takes(lambda *given: joined(items(given[0]) if len(given) == 1 else list(given)), 1, 2),
    "sprintf": takes(sprintf, 1, MANY, shift=2),
    "pad": takes(pad, 2, 4),
    "replace": takes(replace, 3, 4, shift=4),
    "ascii": takes(code, 1),
    "find": takes(find, 2, 3, shift=4),
    "rm_prefix": takes(lambda value, prefix: text(value).removeprefix(text(prefix)), 2),
    "join_to_string": takes(join, 1, 2),
    "join_to_sql_values_string": takes(sql_values, 1),
    "map_to_redis_hset_args": takes(redis_arguments, 1),
    "unescape": takes(unescape, 1, shift=2),
}
