"""Reads and writes the table of rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from folkmoot.errors import NotFound
from folkmoot.store import Transaction, constructor, readable

from .model import Action, Rule

_COLUMNS = (
    "id, name, statement, actions, is_enabled, description, owner_id, owner_name, metadata, created_at, changed_at"
)
_NAMES = _COLUMNS.split(", ")


class _Row(NamedTuple):
    id: str
    name: str
    sql: str
    actions: str
    is_enabled: bool
    description: str
    owner_id: int | None
    owner_name: str | None
    metadata: str
    created_at: datetime
    changed_at: datetime


def list_rules(tx: Transaction) -> list[Rule]:
    """All rules, the oldest first."""
    rules = readable(tx.rows(f"SELECT {_COLUMNS} FROM rules"), lambda row: _rule(constructor(_Row)(row)), "rules")
    return sorted(rules, key=lambda each: (each.created_at, each.id))


def find_rule(tx: Transaction, rule_id: str) -> Rule | None:
    """The rule with this id, or None."""
    row = tx.one(_Row, f"SELECT {_COLUMNS} FROM rules WHERE id = :id", id=rule_id)
    return None if row is None else _rule(row)


def get_rule(tx: Transaction, rule_id: str) -> Rule:
    """The rule with this id. Raises NotFound."""
    found = find_rule(tx, rule_id)
    if found is None:
        raise NotFound("rule.unknown", f"Rule {rule_id} not found")
    return found


def _rule(row: _Row) -> Rule:
    return Rule(
        row.id,
        row.name,
        row.sql,
        msgspec.json.decode(row.actions, type=tuple[Action, ...]),
        row.is_enabled,
        row.description,
        row.owner_id,
        row.owner_name,
        msgspec.json.decode(row.metadata, type=dict[str, Any]),
        row.created_at,
        row.changed_at,
    )


def save(tx: Transaction, rule: Rule) -> None:
    """Writes a rule, new or not."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
    values = ", ".join(f":{name}" for name in _NAMES)
    tx.run(
        f"INSERT INTO rules ({_COLUMNS}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET {changed}",
        id=rule.id,
        name=rule.name,
        statement=rule.sql,
        actions=msgspec.json.encode(rule.actions).decode(),
        is_enabled=rule.enable,
        description=rule.description,
        owner_id=rule.owner_id,
        owner_name=rule.owner_name,
        metadata=msgspec.json.encode(rule.metadata).decode(),
        created_at=rule.created_at,
        changed_at=rule.changed_at,
    )


def count_rules(tx: Transaction) -> int:
    """How many rules there are."""
    count: int = tx.value("SELECT COUNT(*) FROM rules")
    return count
