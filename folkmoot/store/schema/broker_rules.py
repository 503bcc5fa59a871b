"""The rules that are run on messages and on what happens in the broker."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from folkmoot.store.schema.columns import at, broker, flag, text
from folkmoot.store.schema.topics import number

Table(
    "rules",
    broker,
    Column("id", Text, primary_key=True),
    text("name"),
    text("statement"),
    # JSON: what there is in one depends on its kind.
    text("actions"),
    flag("is_enabled", True),
    text("description"),
    # An account of the community's; what it may not do, its rules may not.
    number("owner_id", null=True),
    text("owner_name", null=True),
    text("metadata"),
    at("created_at"),
    at("changed_at"),
)
