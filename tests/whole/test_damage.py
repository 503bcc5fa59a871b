"""Files of the databases that can no longer be read: the broker begins anew beside them, the community waits for a backup."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.whole.people import subscriber
from tests.whole.program import Program, until


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 10_000)


def _truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _overwrite_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


def _garble_log(path: Path) -> None:
    path.with_name(path.name + "-wal").write_bytes(b"garbage" * 10_000)


def _replace_log(path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    log.unlink()
    log.mkdir()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server that was killed with something retained."""
    directory = tmp_path_factory.mktemp("killed")
    program = Program(directory)
    program.start()
    with subscriber(program) as client:
        client.client.publish("kept", b"before", qos=1, retain=True).wait_for_publish(10)
    program.kill()
    assert (directory / "broker.db-wal").stat().st_size
    return directory


@pytest.mark.parametrize("harm", [_garbage, _truncate, _empty, _overwrite_pages, _garble_log, _replace_log])
def test_a_damaged_database_of_the_broker_is_set_aside(
    harm: Callable[[Path], None], killed: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(killed, data)
    path = data / "broker.db"
    if harm not in (_garble_log, _replace_log, _empty):
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    harm(path)
    program = Program(data)
    assert "WRONG   database broker" in program.run("doctor", check=False).stdout
    program.start()
    try:
        assert "the broker's database is damaged and was set aside" in program.log()
        (aside,) = data.glob("broker.damaged-20*Z.db")
        assert aside.with_name(aside.name + "-wal").exists() or harm in (_garbage, _truncate, _overwrite_pages)
        with subscriber(program, "kept") as client:
            assert not client.heard
            client.client.publish("kept", b"after", qos=1, retain=True).wait_for_publish(10)
        seen = program.run("doctor", check=False)
        assert f"WRONG   database broker: {aside} was damaged and set aside" in seen.stdout
        assert "ok      database broker" in seen.stdout
        program.kill()
        program.start()
        assert program.log().count("was set aside") == 1
        with subscriber(program, "kept") as client:
            until(lambda: ("kept", b"after") in client.heard, what="what was kept since")
    finally:
        program.stop()


#: Not `authentication`: what cannot be read there lets nobody in (`tests/surfaces/mqtt`).
SETTINGS = (
    *("options", "retainer", "delayed", "topic_rewrite", "auto_subscribe", "topic_metrics"),
    *("authorization", "listeners", "prometheus", "slow_subscriptions", "rule_engine"),
)


def _fill_with_nonsense(path: Path) -> None:
    """A row of nonsense in every table, and one of the settings for each part that has some."""
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table in ("alembic_version", "settings"):
                continue
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            values = [
                -77 if "INT" in kind else b"\xff" if kind == "BLOB" else "{nonsense" for _, _, kind, *_ in columns
            ]
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
        # Permissions that cannot be read deny everything, which has a test of its own.
        for name in set(SETTINGS) - {"authorization"}:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, '{nonsense', -77)", (name,))


def test_rows_of_nonsense_in_every_table_keep_nobody_from_starting(killed: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(killed, data)
    _fill_with_nonsense(data / "broker.db")
    program = Program(data)
    program.start()
    try:
        assert "was set aside" in program.log()
        assert not list(data.glob("broker.damaged*")), "the file itself is sound"
        with subscriber(program, "kept") as client:
            until(lambda: ("kept", b"before") in client.heard, what="what was kept before")
        with program.http("mqtt_api", auth=("admin", "public")) as rest:
            for path in (
                "rules",
                "connectors",
                "actions",
                "sources",
                "banned",
                "trace",
                "alarms",
                "monitor",
                "listeners",
            ):
                assert rest.get(f"/api/v5/{path}").status_code == 200, path
    finally:
        program.stop()


@pytest.mark.parametrize("harm", [_garbage, _truncate, _garble_log])
def test_a_damaged_database_of_the_community_is_left_alone(
    harm: Callable[[Path], None], killed: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(killed, data)
    path = data / "community.db"
    harm(path)
    program = Program(data)
    with pytest.raises(AssertionError, match="it ended"):
        program.start()
    assert f"The database {path} is damaged" in program.log()
    assert "put a backup in its place" in program.log()
    assert "Traceback" not in program.log()
    assert path.exists() and not list(data.glob("*damaged*"))
    assert "WRONG   database community" in program.run("doctor", check=False).stdout
