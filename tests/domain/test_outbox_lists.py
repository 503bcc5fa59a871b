"""Mails as the page of outgoing mail lists them: one row for each body. On both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from folkmoot.domain import outbox
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_mail_is_listed_once_whoever_gets_it(database: Database) -> None:
    def act(tx: Transaction) -> None:
        for number in range(3):
            data = f"Subject: {number}\r\n\r\n".encode() + b"x" * 20_000
            outbox.enqueue(tx, data, "s@x.org", [f"{name}{number}@x.org" for name in "ab"], NOW)
        found = outbox.list_mails(tx, 2)
        assert [(each.recipient, each.copies, each.state) for each in found] == [
            ("a2@x.org", 2, "queued"),
            ("a1@x.org", 2, "queued"),
        ]
        assert found[0].head.startswith(b"Subject: 2") and len(found[0].head) == 16384
        older = outbox.list_mails(tx, 2, before=found[-1].id)
        assert [each.recipient for each in older] == ["a0@x.org"]
        copies = outbox.list_copies(tx, found[0].id, 10)
        assert [each.recipient for each in copies] == ["a2@x.org", "b2@x.org"]
        assert outbox.list_copies(tx, 999, 10) == []

    database.write_now(act)
