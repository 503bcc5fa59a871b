"""Making the broker's memory durable: what its journal runs inside one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from folkmoot.store import Transaction

from . import queries
from .model import Message, RetainedChange


def keep_retained(tx: Transaction, changes: Sequence[RetainedChange]) -> None:
    """Keeps or removes retained messages; of several changes to a topic the last one counts."""
    last: dict[str, Message | None] = {change.topic: change.message for change in changes}
    queries.save_retained(tx, [message for message in last.values() if message is not None])
    queries.delete_retained(tx, [topic for topic, message in last.items() if message is None])
