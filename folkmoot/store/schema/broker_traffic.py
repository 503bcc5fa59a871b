"""Messages the broker publishes later."""

from __future__ import annotations

from sqlalchemy import Table

from folkmoot.store.schema.columns import Counting, at, broker, flag, id_
from folkmoot.store.schema.topics import message, number

# The topic is the one they are published to; `interval` is how many seconds they were to wait.
Table(
    "delayed_messages",
    broker,
    id_(Counting),
    *message(flag("retain")),
    number("account_id", null=True),
    at("due_at"),
    number("interval"),
)
