"""What a transaction does the same way on both databases."""

from __future__ import annotations

import pytest

from folkmoot.errors import Conflict
from folkmoot.store import Database, Transaction


def keep(tx: Transaction, *rows: dict[str, object]) -> list[tuple[str, str]]:
    tx.run_many("INSERT INTO secrets (name, value) VALUES (:name, 'a:b ' || :value || ' :name' || :value)", rows)
    return sorted((row[0], row[1]) for row in tx.rows("SELECT name, value FROM secrets"))


def test_one_change_for_many_sets_of_parameters(database: Database) -> None:
    assert database.write_now(keep) == []
    kept = database.write_now(keep, {"name": "one", "value": "x'"}, {"value": ":y", "name": "two", "more": 3})
    assert kept == [("one", "a:b x' :namex'"), ("two", "a:b :y :name:y")]

    def forget(tx: Transaction) -> list[object]:
        tx.run_many("DELETE FROM secrets WHERE name = :name", [{"name": "one"}, {"name": "three"}])
        return tx.column("SELECT name FROM secrets")

    assert database.write_now(forget) == ["two"]


def test_of_many_changes_none_is_made_when_one_cannot_be(database: Database) -> None:
    with pytest.raises(Conflict):
        database.write_now(keep, {"name": "one", "value": "x"}, {"name": "one", "value": "y"})
    assert database.write_now(keep) == []
