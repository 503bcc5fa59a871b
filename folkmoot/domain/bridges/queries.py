"""Reads connectors, actions and sources."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from folkmoot.errors import NotFound
from folkmoot.store import Transaction, constructor, readable

from .model import REQUESTS, SERVERS, SUBSCRIPTIONS, Action, Channel, Connector, Resource, Source

_COLUMNS = "type, name, is_enabled, description, tags, settings, resource, created_at, changed_at"


class _Row(NamedTuple):
    type: str
    name: str
    is_enabled: bool
    description: str
    tags: str
    settings: str
    resource: str
    created_at: datetime
    changed_at: datetime


class _ChannelRow(NamedTuple):
    type: str
    name: str
    is_enabled: bool
    description: str
    tags: str
    settings: str
    resource: str
    created_at: datetime
    changed_at: datetime
    connector: str


def list_connectors(tx: Transaction) -> list[Connector]:
    """All connectors, by id."""
    rows = tx.rows(f"SELECT {_COLUMNS} FROM bridge_connectors")
    found = readable(rows, lambda row: _connector(constructor(_Row)(row)), "bridge_connectors")
    return sorted(found, key=lambda each: each.id)


def list_actions(tx: Transaction) -> list[Action]:
    """All actions, by id."""
    rows = tx.rows(f"SELECT {_COLUMNS}, connector FROM bridge_actions")
    found = readable(rows, lambda row: _action(constructor(_ChannelRow)(row)), "bridge_actions")
    return sorted(found, key=lambda each: each.id)


def list_sources(tx: Transaction) -> list[Source]:
    """All sources, by id."""
    rows = tx.rows(f"SELECT {_COLUMNS}, connector FROM bridge_sources")
    found = readable(rows, lambda row: _source(constructor(_ChannelRow)(row)), "bridge_sources")
    return sorted(found, key=lambda each: each.id)


def get_connector(tx: Transaction, kind: str, name: str) -> Connector:
    """One connector. Raises NotFound."""
    sql = f"SELECT {_COLUMNS} FROM bridge_connectors WHERE type = :type AND name = :name"
    row = tx.one(_Row, sql, type=kind, name=name)
    if row is None:
        raise NotFound("connector.unknown", f"There is no connector {kind}:{name}.")
    return _connector(row)


def get_action(tx: Transaction, kind: str, name: str) -> Action:
    """One action. Raises NotFound."""
    sql = f"SELECT {_COLUMNS}, connector FROM bridge_actions WHERE type = :type AND name = :name"
    row = tx.one(_ChannelRow, sql, type=kind, name=name)
    if row is None:
        raise NotFound("action.unknown", f"There is no action {kind}:{name}.")
    return _action(row)


def get_source(tx: Transaction, kind: str, name: str) -> Source:
    """One source. Raises NotFound."""
    sql = f"SELECT {_COLUMNS}, connector FROM bridge_sources WHERE type = :type AND name = :name"
    row = tx.one(_ChannelRow, sql, type=kind, name=name)
    if row is None:
        raise NotFound("source.unknown", f"There is no source {kind}:{name}.")
    return _source(row)


def dependants(tx: Transaction, connector: Connector) -> list[Channel]:
    """The actions and sources of a connector, by id; actions first."""
    channels: list[Channel] = [*list_actions(tx), *list_sources(tx)]
    return [each for each in channels if (each.type, each.connector) == (connector.type, connector.name)]


def _connector(row: _Row) -> Connector:
    return Connector(settings=msgspec.json.decode(row.settings, type=SERVERS[row.type]), **_shared(row))


def _action(row: _ChannelRow) -> Action:
    settings = msgspec.json.decode(row.settings, type=REQUESTS[row.type])
    return Action(connector=row.connector, settings=settings, **_shared(row))


def _source(row: _ChannelRow) -> Source:
    settings = msgspec.json.decode(row.settings, type=SUBSCRIPTIONS[row.type])
    return Source(connector=row.connector, settings=settings, **_shared(row))


def _shared(row: _Row | _ChannelRow) -> dict[str, Any]:
    return {
        "type": row.type,
        "name": row.name,
        "is_enabled": row.is_enabled,
        "description": row.description,
        "tags": msgspec.json.decode(row.tags, type=tuple[str, ...]),
        "resource": msgspec.json.decode(row.resource, type=Resource),
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }
