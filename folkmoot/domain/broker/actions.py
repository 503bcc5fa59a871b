"""Making the broker's memory durable: what its journal runs inside one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from folkmoot.store import Transaction

from . import queries
from .model import Changes, Row

#: Rows by their keys; None for one that is to go.
_Rows = dict[tuple[Any, ...], Row | None]


def keep(tx: Transaction, changes: Changes) -> None:
    """Brings the database to the state the changes describe."""
    retained = {
        topic: None if message is None else queries.message_row(message) for topic, message in changes.retained.items()
    }
    messages = {
        number: None if message is None else queries.message_row(message)
        for number, message in changes.messages.items()
    }
    delayed = {number: None if one is None else queries.delayed_row(one) for number, one in changes.delayed.items()}
    received: _Rows = {
        (session, packet_id): {} if present else None for (session, packet_id), present in changes.received.items()
    }
    filters: _Rows = {
        (session, queries.key(name)): None if row is None else {"topic_filter": name, **row}
        for (session, name), row in changes.filters.items()
    }
    _keep(tx, "retained", {(queries.key(topic),): row for topic, row in retained.items()})
    _keep_numbered(tx, "queued_messages", messages)
    _keep_numbered(tx, "sessions", changes.sessions)
    _keep_numbered(tx, "session_wills", changes.wills)
    _keep_numbered(tx, "session_clients", changes.clients)
    _keep(tx, "session_filters", filters)
    _keep_numbered(tx, "deliveries", changes.deliveries)
    _keep(tx, "received_ids", received)
    _keep_numbered(tx, "delayed_messages", delayed)


def _keep_numbered(tx: Transaction, table: str, rows: Mapping[int, Row | None]) -> None:
    (name,) = queries.COLUMNS[table][0]
    queries.save(tx, table, [{name: number, **row} for number, row in rows.items() if row is not None])
    queries.delete(tx, table, [{name: number} for number, row in rows.items() if row is None])


def _keep(tx: Transaction, table: str, rows: _Rows) -> None:
    names = queries.COLUMNS[table][0]
    saved = [{**dict(zip(names, key, strict=True)), **row} for key, row in rows.items() if row is not None]
    queries.save(tx, table, saved)
    queries.delete(tx, table, [dict(zip(names, key, strict=True)) for key, row in rows.items() if row is None])
