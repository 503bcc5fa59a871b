"""Pages of answers, and of what one person wrote or saved, against a full sort of all of them, on both databases."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from folkmoot.domain import accounts, conversations, inbox, moderation, spaces, votes
from folkmoot.domain.conversations import Order, Scope, hot_rank, list_ids
from folkmoot.store import Database, Transaction, microseconds

from .test_listing import NOW, WINDOWS, Square


class Talk(Square):
    """A square where threads have answers of all ages and scores, some removed, some saved by ann."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx, threads=60)
        chance = random.Random(3)
        threads = tx.column("SELECT t.id FROM threads t WHERE shown ORDER BY t.id")
        for number in range(300):
            author = chance.choice([self.owner, self.owner, self.ann])
            parent = conversations.get_message(tx, chance.choice(threads))
            if author is self.ann and parent.space_id in (self.spaces["secret"], self.spaces["archive"]):
                continue
            at = NOW - timedelta(days=500) * chance.random() ** 3
            said = conversations.reply(tx, author, parent.id, "a", at, origin="forum", mail_domain="d")
            score = chance.choice([1, 1, 2, 5, -3, 80])
            tx.run("UPDATE scores SET upvotes = :score WHERE message_id = :id", score=score, id=said.id)
            tx.run("UPDATE answers SET score = :score WHERE id = :id", score=score, id=said.id)
            if number % 9 == 0:
                moderation.remove_message(tx, self.owner, said.id, True, NOW)
            if number % 5 == 0 and author is self.ann:
                inbox.save(tx, self.ann, said.id, NOW)
        for thread_id in threads[::4]:
            space = spaces.get_space(tx, conversations.get_thread(tx, thread_id).space_id)
            if spaces.rights(tx, self.ann, space, NOW):
                inbox.save(tx, self.ann, thread_id, NOW)


_ANSWER = (
    "SELECT m.id, c.upvotes - c.downvotes, m.created_at, m.created_at FROM messages m JOIN scores c ON c.message_id = m.id"
    " JOIN forum_faces f ON f.space_id = m.space_id WHERE m.id <> m.thread_id AND "
)
_THREAD = (
    "SELECT m.id, t.score, m.created_at, t.active_at FROM messages m JOIN threads t ON t.id = m.id"
    " JOIN forum_faces f ON f.space_id = m.space_id WHERE t.shown AND "
)
_PUBLIC = "f.name <> 'secret'"
Make = Callable[[Transaction, Any], Scope]
SCOPES: dict[str, tuple[Make, str]] = {
    "everywhere": (lambda tx, talk: conversations.answers_everywhere(), _ANSWER + _PUBLIC),
    "one": (
        lambda tx, talk: conversations.answers_within(tx, talk.ann, talk.spaces["town"], NOW),
        f"{_ANSWER} f.name = 'town'",
    ),
    "one for some": (
        lambda tx, talk: conversations.answers_within(tx, talk.owner, talk.spaces["secret"], NOW),
        f"{_ANSWER} f.name = 'secret'",
    ),
    "followed": (lambda tx, talk: conversations.answers_followed(tx, talk.ann, NOW), f"{_ANSWER} f.name = 'town'"),
    "answers of one": (
        lambda tx, talk: conversations.answers_by(tx, talk.ann, talk.owner.account_id, NOW),
        f"{_ANSWER} {_PUBLIC} AND m.author_id = :owner",
    ),
    "answers of one for himself": (
        lambda tx, talk: conversations.answers_by(tx, talk.owner, talk.owner.account_id, NOW),
        f"{_ANSWER} m.author_id = :owner",
    ),
    "threads of one": (
        lambda tx, talk: conversations.threads_by(tx, talk.ann, talk.owner.account_id, False, NOW),
        f"{_THREAD} {_PUBLIC} AND NOT t.nsfw AND NOT f.nsfw",
    ),
    "threads of one in one": (
        lambda tx, talk: conversations.threads_by(
            tx, talk.owner, talk.owner.account_id, True, NOW, talk.spaces["secret"]
        ),
        f"{_THREAD} f.name = 'secret'",
    ),
    "saved threads": (
        lambda tx, talk: conversations.threads_saved(tx, talk.ann, True, NOW),
        f"{_THREAD} m.id IN (SELECT message_id FROM saved_messages)",
    ),
    "saved answers": (
        lambda tx, talk: conversations.answers_saved(tx, talk.ann, NOW),
        f"{_ANSWER} m.id IN (SELECT message_id FROM saved_messages)",
    ),
    "nothing saved": (
        lambda tx, talk: conversations.answers_saved(tx, accounts.ANONYMOUS, NOW),
        f"{_ANSWER} m.id < 0",
    ),
}


def expected(rows: list[Any], order: Order, since: datetime | None) -> list[int]:
    bumped_since = microseconds(conversations.months_before(NOW, 1))

    def key(row: Any) -> Any:
        if order is Order.NEW:
            return row[2], row[0]
        if order is Order.TOP:
            return row[1], row[2], row[0]
        return hot_rank(row[1], row[3] if row[2] > bumped_since else row[2], microseconds(NOW)), row[2], row[0]

    after = microseconds(since) if since else 0
    return [row[0] for row in sorted((row for row in rows if row[2] > after), key=key, reverse=True)]


@pytest.fixture(scope="module")
def filled(lasting_database: Database) -> Database:
    """With a talk in it."""
    lasting_database.write_now(Talk)
    return lasting_database


@pytest.mark.parametrize("scope", SCOPES)
def test_pages_are_those_of_a_full_sort(filled: Database, scope: str) -> None:
    def look(tx: Transaction) -> None:
        talk = Talk.__new__(Talk)
        talk.spaces = dict(tx.rows("SELECT name, id FROM spaces"))
        for name in ("owner", "ann"):
            account = accounts.get_account_named(tx, name)
            setattr(talk, name, accounts.actor_of_account(tx, account.id, NOW))
        make, sql = SCOPES[scope]
        rows = tx.rows(sql, owner=talk.owner.account_id)
        assert rows or scope == "nothing saved"
        found = make(tx, talk)
        for name, (order, since) in WINDOWS.items():
            everything = expected(rows, order, since)
            for skip, most in ((0, 10), (0, 20), (20, 7), (0, 1000)):
                page = list_ids(tx, found, order, since, skip, most, NOW)
                assert page == everything[skip : skip + most], (name, skip, most)

    filled.read_now(look)


def test_votes_and_faces_change_what_is_listed(database: Database) -> None:
    def play(tx: Transaction) -> None:
        talk = Talk(tx)
        town = talk.spaces["town"]
        thread = conversations.post(tx, talk.owner, town, "t", "b", NOW, origin="forum", mail_domain="d")
        said = conversations.reply(tx, talk.ann, thread.id, "x", NOW, origin="forum", mail_domain="d")
        votes.cast(tx, talk.owner, said.id, 1, NOW)
        assert tx.value("SELECT score FROM answers WHERE id = :id", id=said.id) == 2
        votes.cast(tx, talk.owner, said.id, -1, NOW)
        assert tx.value("SELECT score FROM answers WHERE id = :id", id=said.id) == 0
        newest = list_ids(tx, conversations.answers_everywhere(), Order.NEW, None, 0, 1, NOW)
        assert newest == [said.id]
        moderation.remove_space(tx, talk.owner, town, True, NOW)
        assert list_ids(tx, conversations.answers_everywhere(), Order.NEW, None, 0, 1, NOW) != [said.id]

    database.write_now(play)
