"""Lists. Places are counted from 1; text in place of a list is read as JSON."""

from __future__ import annotations

from typing import Any

from .. import values
from ..scope import Scope
from ..values import integer, items, same
from .function import structural, takes


def sublist(*given: Any) -> list[Any]:
    """So many items (length, list), or so many from a place on (start, length, list)."""
    start, length, found = given if len(given) == 3 else (1, *given)
    begin = max(0, integer(start) - 1)
    return items(found)[begin : begin + max(0, integer(length))]


def contains(scope: Scope, wanted: Any, found: Any) -> bool:
    """Whether the list has such an item."""
    scope.spend(len(items(found)))
    return any(same(wanted, each) for each in items(found))


FUNCTIONS = structural(
    {
        "nth": takes(lambda place, found: values.item(items(found), integer(place)), 2),
        "length": takes(lambda found: len(items(found)), 1),
        "sublist": takes(sublist, 2, 3),
        "first": takes(lambda found: values.item(items(found), 1), 1),
        "last": takes(lambda found: values.item(items(found), -1), 1),
        "contains": takes(contains, 2, with_scope=True),
    }
)
