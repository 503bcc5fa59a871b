"""What the message broker must remember."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, Table

from folkmoot.store.schema.columns import at, broker, text

Table(
    "retained",
    broker,
    # SHA-256 of the topic, which itself may be longer than an index takes.
    Column("topic_key", LargeBinary, primary_key=True),
    text("topic"),
    Column("payload", LargeBinary, nullable=False),
    Column("qos", Integer, nullable=False),
    # MQTT 5 properties in wire form.
    Column("fields", LargeBinary, nullable=False),
    at("published_at"),
    at("expires_at", null=True),
    text("from_client"),
    text("from_name", null=True),
)
