"""Runs SQL on columns somebody makes up, to see what it selects; nothing comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from folkmoot.domain.broker import matches
from folkmoot.errors import Conflict, Invalid
from folkmoot.text.rulesql import Select, Surroundings

from . import events, samples

_BRIDGED = re.compile(r"\$(?:bridges|sources)/[0-9a-z_]+:[^/]+")


def example_columns(context: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind of event that is made up, and its columns with samples where none are given. Raises Invalid."""
    given = dict(context)
    type_ = given.pop("event_type", events.PUBLISHED_TYPE)
    if not isinstance(type_, str):
        raise Invalid("rule.event", "The kind of event is a text.", "context.event_type")
    kind = events.BRIDGED_TYPE if _BRIDGED.fullmatch(type_) else type_
    if kind not in samples.BY_TYPE:
        raise Invalid("rule.event", f"There is no kind of event {type_}.", "context.event_type")
    return type_, samples.filled(kind, given)


def require_heard(topics: tuple[str, ...], type_: str, columns: Mapping[str, Any]) -> None:
    """Raises Conflict if a rule on these topics would not hear of such an event."""
    if not any(_hears(topic, type_, columns) for topic in topics):
        raise Conflict("rule.no_match", "SQL Not Match")


def _hears(topic: str, type_: str, columns: Mapping[str, Any]) -> bool:
    event = events.BY_TOPIC.get(topic)
    if event is not None:
        return event.type == type_
    name = events.channel(topic)
    if name is not None or events.is_special(topic):
        wanted = re.sub(r"^\$(bridges|sources)/", "", type_)
        return _BRIDGED.fullmatch(type_) is not None and wanted in (name, f"{(name or '').partition(':')[0]}:*")
    found = columns.get("topic")
    return type_ == events.PUBLISHED_TYPE and isinstance(found, str) and matches(topic, found)


def try_out(sql: str, context: Mapping[str, Any]) -> dict[str, Any] | list[dict[str, Any]]:
    """What the SQL selects, a list for FOREACH. Raises Invalid; Conflict with `rule.no_match` when it selects nothing."""
    select = Select(sql)
    type_, columns = example_columns(context)
    require_heard(select.topics, type_, columns)
    outputs = select.run(columns, Surroundings())
    if outputs is None:
        raise Conflict("rule.no_match", "SQL Not Match")
    return outputs if select.is_foreach else outputs[0]
