"""Pages of threads against a full sort of all of them, on both databases."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from folkmoot.domain import accounts, conversations, spaces, subscriptions
from folkmoot.domain.accounts import ANONYMOUS, Actor
from folkmoot.domain.conversations import Order, Scope, hot_rank, list_ids, months_before
from folkmoot.domain.conversations.ranking import Candidate
from folkmoot.errors import NotFound
from folkmoot.store import Database, Transaction, microseconds

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
WINDOWS: dict[str, tuple[Order, datetime | None]] = {
    "hot": (Order.HOT, None),
    "new": (Order.NEW, None),
    "day": (Order.TOP, NOW - timedelta(days=1)),
    "week": (Order.TOP, NOW - timedelta(days=7)),
    "month": (Order.TOP, months_before(NOW, 1)),
    "year": (Order.TOP, months_before(NOW, 12)),
    "all": (Order.TOP, None),
}


class Square:
    """Four communities, one not safe for work and one not for everybody, with threads of all ages and scores."""

    def __init__(self, tx: Transaction, threads: int = 400) -> None:
        self.owner = self._person(tx, "owner")
        self.ann = self._person(tx, "ann")
        self.spaces = {name: self._space(tx, name) for name in ("town", "garden", "adult", "secret", "archive")}
        spaces.add_list_face(tx, self.spaces["secret"], self.owner.account_id or 0, "secret", "PRIVATE")
        subscriptions.start(tx, self.ann.account_id or 0, self.spaces["town"], "forum", NOW)
        # One may follow what one may not read.
        subscriptions.start(tx, self.ann.account_id or 0, self.spaces["secret"], "forum", NOW)
        subscriptions.start(tx, self.owner.account_id or 0, self.spaces["secret"], "forum", NOW)
        self._fill(tx, threads)

    def _person(self, tx: Transaction, name: str) -> Actor:
        return accounts.actor_of_account(tx, accounts.register(tx, name, None, NOW), NOW)

    def _space(self, tx: Transaction, name: str) -> int:
        space = spaces.create_space(tx, self.owner, name, name, None, NOW)
        if name != "archive":
            spaces.add_forum_face(tx, space.id, name, 1, name == "adult")
        return space.id

    def _fill(self, tx: Transaction, threads: int) -> None:
        chance = random.Random(7)
        ids = list(self.spaces.values())
        for _ in range(threads):
            age = chance.choice([timedelta(hours=30), timedelta(days=10), timedelta(days=40), timedelta(days=500)])
            at = NOW - age * chance.random()
            message = conversations.post(
                tx,
                self.owner,
                chance.choice(ids),
                "t",
                "b",
                at,
                origin="forum",
                mail_domain="d",
                nsfw=chance.random() < 0.1,
            )
            changes: dict[str, Any] = {
                "score": chance.choice([1, 1, 1, 2, 5, -1, 30, 400]),
                "active": at + (NOW - at) * chance.choice([0, 0, 1]) * chance.random(),
                "stickied": chance.random() < 0.03,
            }
            tx.run(
                "UPDATE threads SET score = :score, active_at = :active, stickied = :stickied WHERE id = :id",
                id=message.id,
                **changes,
            )
            if chance.random() < 0.1:
                conversations.set_removed(tx, self.owner, message.id, True, NOW)


def expected(tx: Transaction, order: Order, since: datetime | None, where: str, pinned: bool) -> list[int]:
    rows = tx.rows(
        "SELECT t.id, t.score, t.created_at, t.active_at, t.stickied FROM threads t JOIN messages m ON m.id = t.id"
        " JOIN spaces s ON s.id = t.space_id JOIN forum_faces f ON f.space_id = s.id"
        f" WHERE NOT m.removed AND NOT m.deleted AND {where}"
    )

    def key(row: Any) -> Any:
        each = Candidate(*row[:4])
        first = row[4] if pinned else 0
        if order is Order.NEW:
            return first, each.created_at, each.id
        if order is Order.TOP:
            return first, each.score, each.created_at, each.id
        active = each.active_at if each.created_at > microseconds(months_before(NOW, 1)) else each.created_at
        return first, hot_rank(each.score, active, microseconds(NOW)), each.created_at, each.id

    after = microseconds(since) if since else 0
    return [row[0] for row in sorted((row for row in rows if row[2] > after), key=key, reverse=True)]


SCOPES: dict[str, tuple[Callable[[Transaction, Square], Scope], str]] = {
    "everywhere": (
        lambda tx, square: conversations.everywhere(False),
        "NOT t.nsfw AND NOT f.nsfw AND f.name <> 'secret'",
    ),
    "everywhere with nsfw": (lambda tx, square: conversations.everywhere(True), "f.name <> 'secret'"),
    "one": (
        lambda tx, square: conversations.within(tx, ANONYMOUS, square.spaces["town"], False, NOW),
        "f.name = 'town' AND NOT t.nsfw",
    ),
    "one with nsfw": (
        lambda tx, square: conversations.within(tx, square.ann, square.spaces["adult"], True, NOW),
        "f.name = 'adult'",
    ),
    "one for some": (
        lambda tx, square: conversations.within(tx, square.owner, square.spaces["secret"], True, NOW),
        "f.name = 'secret'",
    ),
    "followed": (
        lambda tx, square: conversations.followed(tx, square.ann, False, NOW),
        "f.name = 'town' AND NOT t.nsfw",
    ),
    "followed inside": (
        lambda tx, square: conversations.followed(tx, square.owner, True, NOW),
        "f.name = 'secret'",
    ),
}


@pytest.fixture(scope="module")
def filled(lasting_database: Database) -> Database:
    """With a square in it."""
    lasting_database.write_now(Square)
    return lasting_database


@pytest.mark.parametrize("scope", SCOPES)
def test_pages_are_those_of_a_full_sort(filled: Database, scope: str) -> None:
    def look(tx: Transaction) -> None:
        square = Square.__new__(Square)
        square.spaces = dict(tx.rows("SELECT name, id FROM spaces"))
        for name in ("owner", "ann"):
            account = accounts.get_account_named(tx, name)
            setattr(square, name, accounts.actor_of_account(tx, account.id, NOW))
        make, where = SCOPES[scope]
        found = make(tx, square)
        for name, (order, since) in WINDOWS.items():
            everything = expected(tx, order, since, where, found.space_id is not None)
            for skip, most in ((0, 10), (0, 20), (20, 7), (3, 50), (0, 1000), (1000, 5)):
                page = list_ids(tx, found, order, since, skip, most, NOW)
                assert page == everything[skip : skip + most], (name, skip, most)

    filled.read_now(look)


def test_many_followed_communities(database: Database) -> None:
    def act(tx: Transaction) -> None:
        owner = accounts.actor_of_account(tx, accounts.register(tx, "owner", None, NOW), NOW)
        posted = []
        for number in range(70):
            space = spaces.create_space(tx, owner, f"space_{number}", "t", None, NOW)
            spaces.add_forum_face(tx, space.id, f"space_{number}", 1, False)
            subscriptions.start(tx, owner.account_id or 0, space.id, "forum", NOW)
            at = NOW - timedelta(minutes=number)
            message = conversations.post(tx, owner, space.id, "t", "", at, origin="forum", mail_domain="d")
            posted.append(message.id)
            scope = conversations.followed(tx, owner, True, NOW)
            if number in (0, 5, 59, 60, 69):
                for order in (Order.HOT, Order.NEW, Order.TOP):
                    assert list_ids(tx, scope, order, None, 0, 10, NOW) == posted[:10], (number, order)

    database.write_now(act)


def test_top_of_a_window_day_by_day(database: Database) -> None:
    """What scored highest ever is too old, and the window holds too many to read: the third way of three."""

    def act(tx: Transaction) -> None:
        Square(tx, threads=0)
        owner = accounts.actor_of_account(tx, accounts.get_account_named(tx, "owner").id, NOW)
        space = spaces.get_forum_space(tx, "town").id
        for number in range(700):
            at = NOW - (timedelta(days=20) if number < 200 else timedelta(minutes=number * 14 - 2000))
            post = conversations.post(tx, owner, space, "t", "", at, origin="forum", mail_domain="d")
            score = 1000 + number if number < 200 else number * 7919 % 501
            tx.run("UPDATE threads SET score = :score WHERE id = :id", score=score, id=post.id)
        scope = conversations.everywhere(False)
        for since in (NOW - timedelta(days=7), NOW - timedelta(days=5, hours=3)):
            everything = expected(tx, Order.TOP, since, "NOT f.nsfw", False)
            assert list_ids(tx, scope, Order.TOP, since, 0, 20, NOW) == everything[:20]
            assert list_ids(tx, scope, Order.TOP, since, 20, 20, NOW) == everything[20:40]

    database.write_now(act)


def test_what_changes_who_finds_a_thread(database: Database) -> None:
    def act(tx: Transaction) -> None:
        square = Square(tx, threads=0)
        space = square.spaces["archive"]
        post = conversations.post(tx, square.owner, space, "t", "", NOW, origin="forum", mail_domain="d")

        def listed(nsfw: bool = False) -> bool:
            found = list_ids(tx, conversations.everywhere(nsfw), Order.NEW, None, 0, 10, NOW)
            return post.id in found

        assert not listed()
        with pytest.raises(NotFound):
            conversations.within(tx, square.owner, space, False, NOW)
        spaces.add_forum_face(tx, space, "archive", 1, False)
        assert listed()
        conversations.edit(tx, square.owner, post.id, NOW, nsfw=True)
        assert not listed() and listed(nsfw=True)
        conversations.edit(tx, square.owner, post.id, NOW, nsfw=False)
        conversations.set_deleted(tx, square.owner, post.id, True, NOW)
        assert not listed()
        conversations.set_deleted(tx, square.owner, post.id, False, NOW)
        assert listed()
        spaces.add_list_face(tx, space, square.owner.account_id or 0, "archive")
        assert listed()
        rights = spaces.Rights
        spaces.edit_list_audiences(tx, square.owner, space, rights.NONE, rights.NORMAL, rights.NORMAL, NOW)
        assert not listed(nsfw=True)
        with pytest.raises(NotFound):
            conversations.within(tx, ANONYMOUS, space, False, NOW)
        inside = conversations.within(tx, square.ann, space, False, NOW)
        assert list_ids(tx, inside, Order.NEW, None, 0, 10, NOW) == [post.id]

    database.write_now(act)
