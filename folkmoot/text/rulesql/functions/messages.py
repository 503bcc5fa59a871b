"""What a message or event says of itself, and what to take when it says nothing."""

from __future__ import annotations

from typing import Any

from .. import values
from ..scope import Scope
from ..values import integer, items, text, topic_matches
from .function import Function, takes


def column(name: str) -> Function:
    """The function that has the value of a column."""
    return takes(lambda scope: scope.columns.get(name), 0, with_scope=True)


def flag(scope: Scope, name: Any) -> Any:
    """One of the flags `retain`, `dup` and `sys`."""
    return values.get(scope.columns.get("flags"), text(name))


def topic(scope: Scope, level: Any = None) -> Any:
    """The topic, or one of its levels, from 1."""
    found = scope.columns.get("topic")
    return found if level is None or not isinstance(found, str) else values.item(found.split("/"), integer(level))


def payload(scope: Scope, path: Any = None) -> Any:
    """The payload, or what stands in it at a path with dots."""
    found = scope.columns.get("payload")
    for key in () if path is None else text(path).split("."):
        found = values.get(found, key, scope.decode)
    return found


def _filters(found: Any) -> list[tuple[str, Any]]:
    return [(text(values.get(each, "topic")), values.get(each, "qos")) for each in items(found)]


def contains_topic(filters: Any, name: Any, qos: Any = None) -> bool:
    """Whether one of the subscriptions is for exactly this, with this quality if one is given."""
    return any(each == text(name) and qos in (None, quality) for each, quality in _filters(filters))


def contains_topic_match(filters: Any, name: Any, qos: Any = None) -> bool:
    """Whether one of the subscriptions matches the topic, with this quality if one is given."""
    return any(topic_matches(text(name), each) and qos in (None, quality) for each, quality in _filters(filters))


def coalesce(*given: Any) -> Any:
    """The first of two values, or of a list, that is there."""
    found = items(given[0]) if len(given) == 1 else given
    return next((each for each in found if each is not None), None)


def coalesce_ne(*given: Any) -> Any:
    """The first of two values, or of a list, that is there and no empty text."""
    found = items(given[0]) if len(given) == 1 else given
    return next((each for each in found if each is not None and each != ""), None)


FUNCTIONS = {
    "msgid": column("id"),
    "qos": column("qos"),
    "flags": column("flags"),
    "clientid": column("clientid"),
    "username": column("username"),
    "peerhost": column("peerhost"),
    "clientip": column("peerhost"),
    "flag": takes(flag, 1, with_scope=True),
    "topic": takes(topic, 0, 1, with_scope=True),
    "payload": takes(payload, 0, 1, with_scope=True),
    "contains_topic": takes(contains_topic, 2, 3),
    "contains_topic_match": takes(contains_topic_match, 2, 3),
    "null": takes(lambda: None, 0),
    "coalesce": takes(coalesce, 1, 2, is_shallow=True),
    "coalesce_ne": takes(coalesce_ne, 1, 2, is_shallow=True),
}
