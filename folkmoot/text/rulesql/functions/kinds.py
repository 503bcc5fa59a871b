"""What kind of value something is."""

from __future__ import annotations

from typing import Any

from ..values import is_number
from .function import structural, takes


def is_empty(value: Any) -> bool:
    """Whether a list or a map, or the JSON of one, has nothing in it."""
    return value in ("{}", "[]", [], {})


def is_text(value: Any) -> bool:
    """Whether it is text, or bytes."""
    return isinstance(value, str | bytes)


FUNCTIONS = structural(
    {
        "is_null": takes(lambda value: value is None, 1),
        "is_not_null": takes(lambda value: value is not None, 1),
        "is_null_var": takes(lambda value: value is None, 1),
        "is_not_null_var": takes(lambda value: value is not None, 1),
        "is_str": takes(is_text, 1),
        "is_bool": takes(lambda value: isinstance(value, bool), 1),
        "is_int": takes(lambda value: isinstance(value, int) and not isinstance(value, bool), 1),
        "is_float": takes(lambda value: isinstance(value, float), 1),
        "is_num": takes(is_number, 1),
        "is_map": takes(lambda value: isinstance(value, dict), 1),
        "is_array": takes(lambda value: isinstance(value, list), 1),
        "is_empty": takes(is_empty, 1),
    }
)
