"""Pages of what is found against a full sort of all matches, of words that few say and that all say, on both databases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from folkmoot.domain import conversations
from folkmoot.domain.conversations import Order, Slice, searching
from folkmoot.store import Database, Transaction, microseconds
from folkmoot.text.search import has_in_order

from .test_answers import Talk, expected
from .test_listing import NOW, WINDOWS

_COLUMNS = "SELECT m.id, c.upvotes - c.downvotes, m.created_at, {active_at}, m.subject, m.body FROM messages m"
_PUBLIC = "JOIN forum_faces f ON f.space_id = m.space_id AND f.name <> 'secret'"
_THREADS = (
    f"{_COLUMNS.format(active_at='t.active_at')} {_PUBLIC} JOIN threads t ON t.id = m.id"
    " JOIN scores c ON c.message_id = m.id WHERE t.shown"
)
_ANSWERS = (
    f"{_COLUMNS.format(active_at='m.created_at')} {_PUBLIC} JOIN scores c ON c.message_id = m.id"
    " WHERE m.id <> m.thread_id AND NOT m.removed AND NOT m.deleted"
)
_QUERIES = (
    "every",
    "EVERY w",
    "second",
    "seventh",
    "every w hundredth",
    "hundredth",
    "answering",
    "nobody",
    "w",
    "x y",
)


@pytest.fixture(scope="module")
def said(lasting_database: Database) -> Database:
    """With messages of which all, many and few say a word; the index lacks the last of them."""

    def fill(tx: Transaction) -> None:
        Talk(tx)
        tx.run("UPDATE scores SET upvotes = t.score, downvotes = 0 FROM threads t WHERE t.id = message_id")
        tx.run(
            "UPDATE messages SET subject = '', body = 'Every' || CASE WHEN id = thread_id THEN ' w' ELSE ' w answering' END"
        )
        for word, step in (("second", 2), ("seventh", 7), ("hundredth", 50)):
            tx.run("UPDATE messages SET body = body || :word WHERE id % :step = 1", word=f" {word}", step=step)
        conversations.index_some(tx, 340)

    lasting_database.write_now(fill)
    return lasting_database


def _find(tx: Transaction, kind: str, query: str, wanted: Slice) -> list[int]:
    if kind == "answers":
        return conversations.search_answers(tx, query, wanted, NOW)
    space_id = tx.value("SELECT space_id FROM forum_faces WHERE name = 'town'") if kind == "threads of one" else None
    return conversations.search_threads(tx, query, wanted, NOW, space_id)


def _matching(tx: Transaction, kind: str, query: str) -> list[Any]:
    sql = _ANSWERS if kind == "answers" else _THREADS + (" AND f.name = 'town'" if kind == "threads of one" else "")
    return [row for row in tx.rows(sql) if has_in_order(row[5], query.split())]


def _full_sort(rows: list[Any], order: Order, since: datetime | None) -> list[int]:
    after = microseconds(since) if since else -1
    return expected([row for row in rows if row[2] > after], order, since)


@pytest.mark.parametrize("kind", ["threads", "threads of one", "answers"])
def test_pages_are_those_of_a_full_sort(said: Database, kind: str) -> None:
    def look(tx: Transaction) -> None:
        assert len(_matching(tx, kind, "every")) > 5
        for query in _QUERIES:
            rows = _matching(tx, kind, query)
            for name, (order, since) in WINDOWS.items():
                everything = _full_sort(rows, order, since)
                for skip, most in ((0, 1), (0, 10), (3, 7), (20, 20), (0, 1000)):
                    page = _find(tx, kind, query, Slice(order, since, skip, most))
                    assert page == everything[skip : skip + most], (query, name, skip, most)

    said.read_now(look)


@pytest.mark.parametrize("kind", ["threads", "answers"])
def test_what_all_say_is_found_from_the_first_in_order_onwards(
    said: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(tx: Transaction) -> None:
        if tx.dialect != "sqlite":
            return
        # Whoever puts in order what is newest misses what is not.
        monkeypatch.setattr(searching, "_MOST_LOOKED_AT", 3)
        for query, most in (("every", 10), ("second", 3), ("w", 10)):
            rows = _matching(tx, kind, query)
            for order in (Order.NEW, Order.TOP):
                page = _find(tx, kind, query, Slice(order, None, 0, most))
                assert page == _full_sort(rows, order, None)[:most], (query, order)

    said.read_now(look)
