"""Settings of the broker, on both databases: kept by name, over a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from folkmoot.domain.broker import delete_setting, find_setting, list_settings, save_setting
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def changed_at(tx: Transaction, name: str) -> int:
    found: int = tx.value("SELECT changed_at FROM settings WHERE name = :name", name=name)
    return found


def test_a_setting_is_found_after_a_restart(broker_database: Database) -> None:
    content = '{"name": "Zoë\'s zone", "limit": 100, "none": null, "percent": "%s :name"}'
    broker_database.write_now(save_setting, "zones/default", content, NOW)
    broker_database.close()
    after = Database(broker_database.engine, logs_events=False)
    after.open()
    try:
        assert after.read_now(find_setting, "zones/default") == content
        assert after.read_now(find_setting, "zones") is None
    finally:
        after.close()


def test_saving_again_replaces_it_alone(broker_database: Database) -> None:
    broker_database.write_now(save_setting, "rewrite", "[1]", NOW)
    broker_database.write_now(save_setting, "retainer", "{}", NOW)
    broker_database.write_now(save_setting, "rewrite", "[2]", NOW + timedelta(seconds=2))
    assert broker_database.read_now(list_settings) == {"retainer": "{}", "rewrite": "[2]"}
    times = [broker_database.read_now(changed_at, name) for name in ("retainer", "rewrite")]
    assert times[1] - times[0] == 2_000_000


def test_settings_are_listed_in_the_order_of_their_names(broker_database: Database) -> None:
    assert broker_database.read_now(list_settings) == {}
    for name in ("b", "a_b", "B", "é", "a"):
        broker_database.write_now(save_setting, name, f'"{name}"', NOW)
    assert list(broker_database.read_now(list_settings).items()) == [(n, f'"{n}"') for n in ("B", "a", "a_b", "b", "é")]


def test_a_deleted_setting_is_gone_and_the_others_are_not(broker_database: Database) -> None:
    for name in ("listeners", "authentication"):
        broker_database.write_now(save_setting, name, "[]", NOW)
    broker_database.write_now(delete_setting, "listeners")
    broker_database.write_now(delete_setting, "listeners")
    assert broker_database.read_now(find_setting, "listeners") is None
    assert broker_database.read_now(list_settings) == {"authentication": "[]"}
