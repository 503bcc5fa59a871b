"""Maps. Text in place of a map is read as JSON."""

from __future__ import annotations

from typing import Any

from .. import values
from ..values import DEPTH_MAX, mapping, text, too_large
from .function import structural, takes


def get_value(key: Any, found: Any, otherwise: Any = None) -> Any:
    """What the map has under a key, or at a path with dots, else the default."""
    name = text(key)
    for each in (name,) if name in mapping(found) else name.split("."):
        found = values.get(found, each)
    return otherwise if found is None else found


def put_value(key: Any, value: Any, into: Any) -> dict[str, Any]:
    """The map with a value under a key, or at a path with dots."""
    path = tuple(text(key).split("."))
    if len(path) > DEPTH_MAX:
        raise too_large("The depth of the value")
    found: dict[str, Any] = values.put(mapping(into), path, value)
    return found


def get_exactly(key: Any, found: Any, otherwise: Any = None) -> Any:
    """What the map has under exactly this key, else the default."""
    return mapping(found).get(text(key), otherwise)


def put_exactly(key: Any, value: Any, into: Any) -> dict[str, Any]:
    """The map with a value under exactly this key."""
    return {**mapping(into), text(key): value}


def entries(found: Any) -> list[dict[str, Any]]:
    """The map as a list of maps with `key` and `value`."""
    return [{"key": key, "value": value} for key, value in mapping(found).items()]


FUNCTIONS = structural(
    {
        "map_new": takes(dict, 0),
        "map_get": takes(get_value, 2, 3),
        "map_put": takes(put_value, 3),
        "map_keys": takes(lambda found: list(mapping(found)), 1),
        "map_values": takes(lambda found: list(mapping(found).values()), 1),
        "map_to_entries": takes(entries, 1),
        "map_size": takes(lambda found: len(mapping(found)), 1),
        "mget": takes(get_exactly, 2, 3),
        "mput": takes(put_exactly, 3),
    }
)
