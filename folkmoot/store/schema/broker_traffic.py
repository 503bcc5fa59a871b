"""Messages the broker publishes later."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from folkmoot.store.schema.columns import Counting, at, broker, flag, id_, text
from folkmoot.store.schema.topics import number, octets

# The topic is the one they are published to; `interval` is how many seconds they were to wait.
Table(
    "delayed_messages",
    broker,
    id_(Counting),
    text("topic"),
    octets("payload"),
    Column("qos", Integer, nullable=False),
    flag("retain"),
    octets("fields"),
    at("published_at"),
    at("expires_at", null=True),
    text("from_client"),
    text("from_name", null=True),
    number("account_id", null=True),
    at("due_at"),
    number("interval"),
)
