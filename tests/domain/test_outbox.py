"""The outbox: claimed once, settled, given back after a kill, forgotten when nobody waits; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.domain import outbox
from folkmoot.domain.outbox import Outcome
from folkmoot.errors import Invalid, NotFound
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def test_one_body_serves_many_and_each_copy_goes_its_own_way(database: Database) -> None:
    def act(tx: Transaction) -> None:
        outbox.enqueue(tx, b"data", "from@x", ["a@x", "b@x", "c@x"], NOW)
        claimed = outbox.claim(tx, NOW, 2)
        assert [copy.recipient for copy in claimed] == ["a@x", "b@x"] and claimed[0].body_id == claimed[1].body_id
        assert [copy.recipient for copy in outbox.claim(tx, NOW, 10)] == ["c@x"]
        assert outbox.claim(tx, NOW, 10) == []
        outbox.settle(
            tx, [Outcome(claimed[0].id, "sent", "250 ok", NOW), Outcome(claimed[1].id, "queued", "450 later", LATER)]
        )
        assert outbox.next_due_at(tx) == LATER
        assert outbox.claim(tx, NOW, 10) == []
        [again] = outbox.claim(tx, LATER, 10)
        assert (again.recipient, again.attempts) == ("b@x", 1)
        # The server is killed here: what was claimed is queued again.
        assert outbox.reclaim(tx) == 2
        assert {copy.recipient for copy in outbox.claim(tx, LATER, 10)} == {"b@x", "c@x"}
        assert outbox.count_by_state(tx) == {"sent": 1, "claimed": 2}

    database.write_now(act)


def test_only_what_needs_no_more_work_is_forgotten(database: Database) -> None:
    def act(tx: Transaction) -> None:
        outbox.enqueue(tx, b"one", "", ["a@x"], NOW)
        outbox.enqueue(tx, b"two", "", ["b@x"], NOW)
        done, waiting = outbox.claim(tx, NOW, 10)
        outbox.settle(tx, [Outcome(done.id, "caught", "", NOW)])
        assert outbox.forget(tx, NOW) == 0
        assert outbox.forget(tx, LATER) == 1
        with pytest.raises(NotFound):
            outbox.get_body(tx, done.body_id)
        assert outbox.get_body(tx, waiting.body_id) == b"two"
        assert [view.recipient for view in outbox.list_newest(tx, 10)] == ["b@x"]

    database.write_now(act)


@pytest.mark.parametrize("address", ["a@x\r\nRCPT TO:<b@y>", "a\0@x", "a@x\n"])
def test_an_address_that_would_break_the_envelope_is_refused(database: Database, address: str) -> None:
    with pytest.raises(Invalid):
        database.write_now(outbox.enqueue, b"data", "from@x", [address], NOW)
    with pytest.raises(Invalid):
        database.write_now(outbox.enqueue, b"data", address, ["to@x"], NOW)
