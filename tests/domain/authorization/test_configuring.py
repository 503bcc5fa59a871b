"""Changes of the sources, and how all of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from folkmoot.domain import authorization
from folkmoot.domain.authorization import (
    BuiltInSource,
    CacheSettings,
    Configuration,
    FileSource,
    HttpSource,
    Settings,
    add_source,
    change_source,
    make_entry,
    move_source,
    order_sources,
    remove_source,
    require_built_in,
    require_new,
    type_of,
)
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL = Configuration(sources=(FileSource(), BuiltInSource(), HttpSource("http://x/")))
ITEM: dict[str, Any] = {"topic": "a", "permission": "allow", "action": "all"}


def cases(*found: Callable[[], object]) -> tuple[Callable[[], object], ...]:
    return found


def names(configuration: Configuration) -> str:
    return " ".join(type_of(each)[0] for each in configuration.sources)


@pytest.mark.parametrize(
    ("kind", "position", "after"),
    [
        ("http", "front", "h f b"),
        ("file", "rear", "b h f"),
        ("file", "before:http", "b f h"),
        ("http", "after:file", "f h b"),
        ("built_in_database", "before:file", "b f h"),
    ],
)
def test_sources_move(kind: str, position: str, after: str) -> None:
    assert names(move_source(ALL, kind, position)) == after


@pytest.mark.parametrize("position", ["", "middle", "before:", "before:http", "after:ldap"])
def test_where_a_source_cannot_go(position: str) -> None:
    with pytest.raises(Invalid):
        move_source(ALL, "http", position)


def test_sources_come_change_and_go() -> None:
    made = add_source(Configuration(), BuiltInSource())
    assert names(made) == "b f"
    assert names(order_sources(made, ["file", "built_in_database"])) == "f b"
    made = change_source(made, "file", FileSource("{deny, all}."))
    assert names(made) == "b f" and made.sources[1] == FileSource("{deny, all}.")
    assert require_built_in(made) == BuiltInSource()
    assert names(remove_source(made, "built_in_database")) == "f"
    for wrong in cases(
        lambda: add_source(made, FileSource()),
        lambda: change_source(made, "file", BuiltInSource()),
        lambda: change_source(made, "file", FileSource("{")),
        lambda: order_sources(made, ["file"]),
        lambda: order_sources(made, ["file", "file"]),
        lambda: order_sources(made, ["file", "http"]),
    ):
        with pytest.raises(Invalid):
            wrong()
    for missing in cases(
        lambda: change_source(made, "http", HttpSource("http://x")),
        lambda: remove_source(made, "http"),
        lambda: move_source(made, "http", "front"),
        lambda: require_built_in(Configuration()),
    ):
        with pytest.raises(NotFound):
            missing()


def test_rules_for_names() -> None:
    entry = make_entry("client", "c1", [ITEM], 1)
    assert entry.rules == (ITEM,)
    for wrong in cases(
        lambda: make_entry("client", "c1", [ITEM, ITEM], 1),
        lambda: make_entry("client", "", [ITEM], 1),
        lambda: make_entry("all", "x", [ITEM], None),
        lambda: make_entry("client", "c1", [{"topic": "a"}], 1),
    ):
        with pytest.raises(Invalid):
            wrong()
    with pytest.raises(Conflict):
        require_new([entry, entry], {})
    with pytest.raises(Conflict):
        require_new([entry], {("client", "c1"): entry})
    require_new([entry], {("user", "c1"): entry})


def test_all_of_it_is_kept(broker_database: Database) -> None:
    def act(tx: Transaction) -> None:
        assert authorization.find_configuration(tx) == Configuration()
        kept = Configuration(
            Settings("deny", "disconnect", CacheSettings(False, 7, 1.5, ("a/#",))),
            (
                HttpSource("http://x/", headers={"a": "b"}, body={"c": ["d"]}),
                BuiltInSource(max_rules=3),
                FileSource(""),
            ),
        )
        authorization.save_configuration(tx, kept, NOW)
        assert authorization.find_configuration(tx) == kept
        first, second = make_entry("user", "ä", [ITEM], 1), make_entry("all", "", [ITEM], None)
        authorization.save_entries(tx, [second, first], NOW)
        authorization.save_entries(tx, [make_entry("user", "ä", [], 1)], NOW)
        assert [(each.kind, each.name, len(each.rules)) for each in authorization.list_entries(tx)] == [
            ("all", "", 1),
            ("user", "ä", 0),
        ]
        authorization.delete_entry(tx, "all", "")
        assert len(authorization.list_entries(tx)) == 1
        authorization.delete_entries(tx)
        assert authorization.list_entries(tx) == []

    broker_database.write_now(act)
