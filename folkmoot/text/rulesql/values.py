"""What values are and how they mix: text, bytes that are no text, numbers, booleans, lists, maps, and None for what is not there.

Text is always `str` where it is UTF-8, so that the same text is equal wherever it came from; `bytes` are what is no text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from folkmoot.errors import Invalid

from .tree import Alias

#: What one value may be: bytes or characters of a text, items of a list, bits of a whole number.
TEXT_MAX = 4 * 1024 * 1024
ITEMS_MAX = 10_000
BITS_MAX = 1024
DEPTH_MAX = 64
TOPIC_MAX = 65_535

Number = int | float


def wrong(message: str) -> Invalid:
    """The error of a value that does not fit."""
    return Invalid("sql.value", message)


def too_large(what: str) -> Invalid:
    """The error of a value that would be too large."""
    return Invalid("sql.limit", f"{what} is too large.")


def binary(value: bytes) -> str | bytes:
    """Bytes as they are written here: text where they are."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def octets(value: Any) -> bytes:
    """The bytes of a text or of what can be written as one."""
    return value if isinstance(value, bytes) else text(value).encode(errors="surrogatepass")


def text(value: Any) -> str:
    """A value as text: numbers and booleans as they are written, lists and maps as JSON."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode(errors="replace")
        case None:
            return "undefined"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return float_text(value)
    return encode_json(value)


def float_text(value: float) -> str:
    """The shortest decimals that mean this number."""
    return repr(value)


def is_number(value: Any) -> bool:
    """Whether it is a whole or a broken number; booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> Number:
    """A number. Raises Invalid for anything else."""
    if is_number(value):
        found: Number = value
        return found
    raise wrong(f"{shown(value)} is no number.")


def integer(value: Any) -> int:
    """A whole number. Raises Invalid for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise wrong(f"{shown(value)} is no whole number.")


def bounded(value: Number) -> Number:
    """The number, if it is one and not too large."""
    if isinstance(value, int):
        if value.bit_length() > BITS_MAX:
            raise too_large("A number")
    elif not math.isfinite(value):
        raise wrong("This has no result.")
    return value


def items(value: Any) -> list[Any]:
    """A list; text is read as JSON. Raises Invalid for anything else."""
    found = read_json(value) if isinstance(value, str | bytes) else value
    if isinstance(found, list):
        return found
    raise wrong(f"{shown(value)} is no list.")


def mapping(value: Any) -> dict[str, Any]:
    """A map; text is read as JSON. Raises Invalid for anything else."""
    found = read_json(value) if isinstance(value, str | bytes) else value
    if isinstance(found, dict):
        return dict(found)
    raise wrong(f"{shown(value)} is no map.")


def truth(value: Any) -> bool:
    """A condition; only true is true."""
    return value is True


def shown(value: Any) -> str:
    """A value in an error's message."""
    found = repr(value)
    return found if len(found) <= 50 else f"{found[:50]}…"


def parse_number(value: str) -> Number | None:
    """The number a text stands for, or None."""
    stripped = value.strip()
    if len(stripped) > 300 or not stripped or "_" in stripped:
        return None
    for kind in (int, float):
        try:
            found: Number = kind(stripped)
        except ValueError:
            continue
        return found if math.isfinite(found) else None
    return None


def read_json(value: str | bytes) -> Any:
    """What a JSON text says. Raises Invalid."""
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise wrong(f"This is no JSON: {error}.") from error


def encode_json(value: Any) -> str:
    """A value as JSON; bytes become text. Raises Invalid for what is too large."""
    weigh(value)
    return msgspec.json.encode(_presentable(value)).decode()


def _presentable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_presentable(str(key)): _presentable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_presentable(each) for each in value]
    # JSON has no larger whole numbers here.
    return float(value) if isinstance(value, int) and value.bit_length() > 63 else value


def weigh(value: Any) -> int:
    """How large a value is, all in all. Raises Invalid beyond the limits: the same map may stand in it many times."""
    weight = 0
    level = [value]
    for _ in range(DEPTH_MAX):
        inner = list[Any]()
        for each in level:
            if isinstance(each, str | bytes):
                weight += len(each)
            elif isinstance(each, dict):
                inner += each.values()
                weight += sum(map(len, each))
            elif isinstance(each, list | tuple):
                inner += each
            weight += 8
            if weight > TEXT_MAX:
                raise too_large("The value")
        if not inner:
            return weight
        level = inner
    raise too_large("The depth of the value")


def get(value: Any, key: str, decode: Callable[[str | bytes], Any] = read_json) -> Any:
    """What a map has under a key, None if nothing; text is read as JSON, and what is none has nothing."""
    if isinstance(value, str | bytes):
        try:
            value = decode(value)
        except Invalid:
            return None
    return value.get(key) if isinstance(value, dict) else None


def item(value: Any, index: Any) -> Any:
    """An item of a list, from 1 or with a minus from the end; None outside it."""
    if not isinstance(value, list) or not isinstance(index, int) or isinstance(index, bool):
        return None
    place = index - 1 if index > 0 else len(value) + index
    return value[place] if index and 0 <= place < len(value) else None


def part(value: Any, first: Any, last: Any) -> Any:
    """The items from `first` to `last`, both included."""
    if not isinstance(value, list):
        return None
    begin, end = (place - 1 if place > 0 else len(value) + place for place in (integer(first), integer(last)))
    return value[max(0, begin) : max(0, end + 1)]


def put(into: Any, path: Alias, value: Any) -> Any:
    """The map or list with a value at a path; text on the way is read as JSON, what is in the way is replaced.

    In a list, [0] puts in front and an index just behind the end appends.
    """
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(into, str | bytes):
        try:
            into = read_json(into)
        except Invalid:
            into = None
    if isinstance(step, str):
        made = dict(into) if isinstance(into, dict) else {}
        made[step] = put(made.get(step), rest, value)
        return made
    found = list(into) if isinstance(into, list) else []
    if step == 0:
        return [put(None, rest, value), *found]
    place = step - 1 if step > 0 else len(found) + step
    if 0 <= place < len(found):
        found[place] = put(found[place], rest, value)
    else:
        found.append(put(None, rest, value))
    return found


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; a number and a text that says the same number are."""
    if isinstance(left, bool) or isinstance(right, bool):
        if isinstance(left, str) or isinstance(right, str):
            return text(left) == text(right)
        return left is right
    if isinstance(left, str) and is_number(right):
        return bool(parse_number(left) == right)
    if isinstance(right, str) and is_number(left):
        return bool(parse_number(right) == left)
    return bool(left == right)


def before(left: Any, right: Any) -> bool:
    """Whether the left value is less; values that cannot be compared are not."""
    if isinstance(left, str) and is_number(right):
        left = parse_number(left)
    elif isinstance(right, str) and is_number(left):
        right = parse_number(right)
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return bool(left < right)
    return False


def topic_matches(topic: str, topic_filter: str) -> bool:
    """Whether a filter matches a topic (MQTT 5 §4.7)."""
    if len(topic) > TOPIC_MAX or len(topic_filter) > TOPIC_MAX or (topic[:1] == "$" and topic_filter[:1] in "+#"):
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for at, each in enumerate(wanted):
        if each == "#":
            return at == len(wanted) - 1
        if at >= len(levels) or each not in ("+", levels[at]):
            return False
    return len(wanted) == len(levels)
