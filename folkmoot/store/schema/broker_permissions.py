"""Who may do what on the message broker, and who may not connect to it."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from folkmoot.store.schema.columns import at, broker, text

# The rules of one client, of one user, or (with an empty name) of all: a JSON array, asked in its order.
Table(
    "topic_permissions",
    broker,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    text("rules"),
    at("made_at"),
)

# A ban without an end has no `ends_at`.
Table(
    "bans",
    broker,
    Column("kind", Text, primary_key=True),
    Column("who", Text, primary_key=True),
    text("made_by"),
    text("reason"),
    at("begins_at"),
    at("ends_at", null=True),
)
