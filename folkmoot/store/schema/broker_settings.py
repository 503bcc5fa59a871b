"""What an operator sets on the broker while it runs and a restart must not forget."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from folkmoot.store.schema.columns import at, broker, text

# One JSON document per name.
Table("settings", broker, Column("name", Text, primary_key=True), text("content"), at("changed_at"))
