"""What the broker exchanges messages with: connectors, what is sent through them (actions) and fetched (sources)."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Table, Text

from folkmoot.store.schema.columns import at, broker, flag, text


def _named() -> tuple[Column[str], Column[str]]:
    return Column("type", Text, primary_key=True), Column("name", Text, primary_key=True)


# Settings, resource options and tags are JSON: which there are depends on the type.
Table(
    "bridge_connectors",
    broker,
    *_named(),
    flag("is_enabled", True),
    text("description"),
    text("tags"),
    text("settings"),
    text("resource"),
    at("created_at"),
    at("changed_at"),
)

for _table in ("bridge_actions", "bridge_sources"):
    Table(
        _table,
        broker,
        *_named(),
        text("connector"),
        flag("is_enabled", True),
        text("description"),
        text("tags"),
        text("settings"),
        text("resource"),
        at("created_at"),
        at("changed_at"),
        ForeignKeyConstraint(["type", "connector"], ["bridge_connectors.type", "bridge_connectors.name"]),
    )
