"""Rules as they are kept, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.domain import rules
from folkmoot.domain.rules import Console, Post, Reference, Republish, Wanted
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.store import Database

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
OWNER = (7, "admin")
ACTIONS = (
    Console(),
    Republish("t/${x}", 1, True, "p", {"Content-Type": "c", "Message-Expiry-Interval": 5}),
    Post("s", "title"),
    Reference("http:x"),
)


def test_rules_come_change_and_go(broker_database: Database) -> None:
    db = broker_database
    wanted = Wanted('SELECT * FROM "t"', "n", ACTIONS, False, "about", {"k": [1, None]})
    made = db.write_now(rules.create, "b", wanted, OWNER, NOW)
    assert db.read_now(rules.get_rule, "b") == made
    assert (made.actions, made.metadata, made.enable, made.owner_id) == (ACTIONS, {"k": [1, None]}, False, 7)
    with pytest.raises(Conflict):
        db.write_now(rules.create, "b", wanted, OWNER, NOW)
    with pytest.raises(Invalid):
        db.write_now(rules.create, "a b", wanted, OWNER, NOW)
    other = db.write_now(rules.create, None, Wanted('SELECT 1 FROM "x"'), (None, None), LATER)
    assert [each.id for each in db.read_now(rules.list_rules)] == ["b", other.id]
    changed = db.write_now(rules.change, "b", Wanted('SELECT 2 FROM "x"', actions=ACTIONS), (8, "eve"), LATER)
    assert (changed.created_at, changed.changed_at, changed.owner_name) == (NOW, LATER, "eve")
    assert db.write_now(rules.drop_action, "http:x", LATER) == [db.read_now(rules.get_rule, "b")]
    assert db.read_now(rules.get_rule, "b").actions == ACTIONS[:3]
    assert db.write_now(rules.drop_action, "http:x", LATER) == []
    db.write_now(rules.delete, "b")
    assert db.read_now(rules.find_rule, "b") is None
    for verb, more in ((rules.delete, ()), (rules.change, (wanted, OWNER, NOW))):
        with pytest.raises(NotFound):
            db.write_now(verb, "b", *more)
