"""What the broker's database holds: retained messages. One row per topic, found by the hash of the topic."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from folkmoot.store import Transaction

from .model import Message
from .topics import is_topic

_MICROSECONDS = 1_000_000


def list_retained(tx: Transaction) -> list[Message]:
    """All retained messages. Rows that cannot be a message are left out, so that none keeps the broker from starting."""
    rows = tx.rows(
        "SELECT topic, payload, qos, fields, published_at, expires_at, from_client, from_name FROM retained ORDER BY topic"
    )
    return [_message(row) for row in rows if is_topic(row[0], len(row[0]) + 1) and row[1] and 0 <= row[2] <= 2]


def _message(row: Sequence[object]) -> Message:
    topic, payload, qos, fields, published_at, expires_at, from_client, from_name = row
    return Message(
        str(topic),
        bytes(payload),  # type: ignore[call-overload]
        int(qos),  # type: ignore[call-overload]
        True,
        bytes(fields),  # type: ignore[call-overload]
        float(expires_at or 0) / _MICROSECONDS,  # type: ignore[arg-type]
        float(published_at) / _MICROSECONDS,  # type: ignore[arg-type]
        str(from_client),
        None if from_name is None else str(from_name),
    )


def save_retained(tx: Transaction, messages: Sequence[Message]) -> None:
    """Writes each message over its topic's last one."""
    tx.run_many(
        """
        INSERT INTO retained (topic_key, topic, payload, qos, fields, published_at, expires_at, from_client, from_name)
        VALUES (:key, :topic, :payload, :qos, :fields, :published_at, :expires_at, :from_client, :from_name)
        ON CONFLICT (topic_key) DO UPDATE SET
            topic = excluded.topic, payload = excluded.payload, qos = excluded.qos, fields = excluded.fields,
            published_at = excluded.published_at, expires_at = excluded.expires_at,
            from_client = excluded.from_client, from_name = excluded.from_name
        """,
        [
            {
                "key": _key(message.topic),
                "topic": message.topic,
                "payload": message.payload,
                "qos": message.qos,
                "fields": message.fields,
                "published_at": round(message.published_at * _MICROSECONDS),
                "expires_at": round(message.expires_at * _MICROSECONDS) or None,
                "from_client": message.from_client,
                "from_name": message.from_name,
            }
            for message in messages
        ],
    )


def delete_retained(tx: Transaction, topics: Sequence[str]) -> None:
    """Removes the messages of these topics."""
    tx.run_many("DELETE FROM retained WHERE topic_key = :key", [{"key": _key(topic)} for topic in topics])


def _key(topic: str) -> bytes:
    return hashlib.sha256(topic.encode()).digest()
