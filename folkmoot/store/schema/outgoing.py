"""Mail on its way out."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table

from folkmoot.store.schema.columns import at, community, count, id_, text

Table(
    "outgoing_bodies",
    community,
    id_(),
    Column("data", LargeBinary, nullable=False),
    at("created_at"),
    sqlite_autoincrement=True,
)
Table(
    "outgoing",
    community,
    id_(),
    Column("body_id", Integer, ForeignKey("outgoing_bodies.id", ondelete="CASCADE"), nullable=False),
    text("sender"),
    text("recipient"),
    text("state", default="queued"),
    count("attempts"),
    at("created_at"),
    at("due_at"),
    text("last_reply", default=""),
    Index("ix_outgoing_due", "state", "due_at"),
    Index("ix_outgoing_body_id", "body_id"),
    CheckConstraint("state IN ('queued', 'claimed', 'sent', 'failed', 'caught')", name="state"),
    sqlite_autoincrement=True,
)
