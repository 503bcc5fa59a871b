"""Makes, changes and removes connectors, actions and sources. What runs them reads the tables again afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from folkmoot.errors import Conflict, Invalid
from folkmoot.store import Transaction

from .checks import MOST, check
from .model import Action, Connector, Source
from .queries import dependants, get_action, get_connector, get_source
from .secrets import reveal

V = TypeVar("V", Connector, Action, Source)

_TABLES = {Connector: "bridge_connectors", Action: "bridge_actions", Source: "bridge_sources"}
_KEY = "type = :type AND name = :name"


def create(tx: Transaction, value: V) -> V:
    """Keep a new connector, action or source. Raises Invalid, Conflict with `bridge.duplicate`."""
    check(value)
    table = _TABLES[type(value)]
    if tx.value(f"SELECT 1 FROM {table} WHERE {_KEY}", type=value.type, name=value.name):
        raise Conflict("bridge.duplicate", f"There is one named {value.id} already.")
    if tx.value(f"SELECT count(*) FROM {table}") >= MOST:
        raise Invalid("bridge.too_many", f"There are at most {MOST} of them.")
    _require_connector(tx, value)
    row = _row(value)
    columns = ", ".join(row)
    tx.run(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(':' + each for each in row)})", **row)
    return value


def replace(tx: Transaction, value: V) -> V:
    """Keep it as it is given, in the place of what has the same id; hidden secrets and the birth stay as they were.

    Returns what is kept. Raises NotFound, Invalid.
    """
    before = _get(tx, value)
    value = msgspec.structs.replace(
        value, settings=reveal(value.settings, before.settings), created_at=before.created_at
    )
    check(value)
    _require_connector(tx, value)
    row = _row(value)
    changes = ", ".join(f"{each} = :{each}" for each in row if each not in ("type", "name"))
    tx.run(f"UPDATE {_TABLES[type(value)]} SET {changes} WHERE {_KEY}", **row)
    return value


def enable(tx: Transaction, value: V, is_enabled: bool, now: datetime) -> V:
    """Switch it on or off. Raises NotFound."""
    before: V = _get(tx, value)
    return replace(tx, msgspec.structs.replace(before, is_enabled=is_enabled, changed_at=now))


def remove(tx: Transaction, value: Connector | Action | Source) -> None:
    """Forget it. Raises NotFound, and Conflict with `connector.used` for a connector with actions or sources."""
    _get(tx, value)
    if isinstance(value, Connector) and (users := dependants(tx, value)):
        names = ", ".join(each.id for each in users)
        raise Conflict(
            "connector.used", f"Cannot delete connector while there are active channels defined for it: {names}"
        )
    tx.run(f"DELETE FROM {_TABLES[type(value)]} WHERE {_KEY}", type=value.type, name=value.name)


def _get(tx: Transaction, value: Any) -> Any:
    if isinstance(value, Connector):
        return get_connector(tx, value.type, value.name)
    return (get_action if isinstance(value, Action) else get_source)(tx, value.type, value.name)


def _require_connector(tx: Transaction, value: Connector | Action | Source) -> None:
    if isinstance(value, Connector):
        return
    sql = f"SELECT 1 FROM bridge_connectors WHERE {_KEY}"
    if not tx.value(sql, type=value.type, name=value.connector):
        raise Invalid("connector.missing", f"There is no connector {value.type}:{value.connector}.", "connector")


def _row(value: Connector | Action | Source) -> dict[str, Any]:
    row = {
        "type": value.type,
        "name": value.name,
        "is_enabled": value.is_enabled,
        "description": value.description,
        "tags": _json(value.tags),
        "settings": _json(value.settings),
        "resource": _json(value.resource),
        "created_at": value.created_at,
        "changed_at": value.changed_at,
    }
    return row if isinstance(value, Connector) else {**row, "connector": value.connector}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
