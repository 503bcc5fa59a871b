"""Every order and window against a plain sorted list, over made-up threads; and what a page reads of a long history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folkmoot.domain import accounts, conversations, spaces, subscriptions
from folkmoot.domain.accounts import ANONYMOUS, Actor
from folkmoot.domain.conversations import Order, Scope, hot_rank, lanes, list_ids, months_before
from folkmoot.store import Database, SqliteEngine, Transaction, microseconds, migrate
from tests.domain.test_listing import NOW, WINDOWS

AT = microseconds(NOW)
MINUTE = 60_000_000
DAY = 1440 * MINUTE
THREADS = 40
SPACES = 3


def people(tx: Transaction, many: int, followed: int) -> tuple[Actor, list[int]]:
    """Somebody who follows the first of so many communities of his; and their ids."""
    owner = accounts.actor_of_account(tx, accounts.register(tx, "owner", None, NOW), NOW)
    found = []
    for number in range(many):
        space = spaces.create_space(tx, owner, f"space_{number}", "t", None, NOW)
        spaces.add_forum_face(tx, space.id, f"space_{number}", 1, False)
        if number < followed:
            subscriptions.start(tx, owner.account_id or 0, space.id, "forum", NOW)
        found.append(space.id)
    return owner, found


def scopes(tx: Transaction, owner: Actor, ids: list[int]) -> dict[str, Scope]:
    """Every kind of listing of threads and answers."""
    author = owner.account_id or 0
    return {
        "everywhere": conversations.everywhere(False),
        "everywhere with nsfw": conversations.everywhere(True),
        "one": conversations.within(tx, ANONYMOUS, ids[0], False, NOW),
        "followed": conversations.followed(tx, owner, True, NOW),
        "by one person": conversations.threads_by(tx, ANONYMOUS, author, False, NOW),
        "answers": conversations.answers_everywhere(),
        "answers of one": conversations.answers_within(tx, ANONYMOUS, ids[0], NOW),
        "answers of the followed": conversations.answers_followed(tx, owner, NOW),
    }


@st.composite
def threads(draw: st.DrawFn) -> list[dict[str, int]]:
    """Rows for all threads: births and bumps close together and far apart, scores with ties."""
    minutes = st.one_of(st.integers(0, 10), st.integers(0, 3_000), st.integers(0, 60_000), st.integers(0, 700_000))
    scores = st.one_of(st.integers(-4, 3), st.integers(-4, 20), st.integers(0, 20_000))
    found = []
    for _ in range(THREADS):
        age = draw(minutes)
        # A thread is bumped in its first month.
        bumped = max(0, age - draw(st.one_of(st.just(0), st.integers(0, 43_000))))
        values = {"age": age, "active": bumped, "score": draw(scores), "space": draw(st.integers(0, SPACES - 1))}
        found.append({**values, "listed": draw(st.sampled_from([1, 1, 1, 2, 0])), "stickied": draw(st.integers(0, 9))})
    return found


class Table:
    """Threads and answers in a database, to be made over for each example."""

    def __init__(self, tx: Transaction) -> None:
        self.owner, self.spaces = people(tx, SPACES, SPACES - 1)
        self.ids = []
        self.answers = []
        for _ in range(THREADS):
            post = conversations.post(tx, self.owner, self.spaces[0], "t", "", NOW, origin="forum", mail_domain="d")
            answer = conversations.reply(tx, self.owner, post.id, "a", NOW, origin="forum", mail_domain="d")
            self.ids.append(post.id)
            self.answers.append(answer.id)

    def fill(self, tx: Transaction, rows: list[dict[str, int]]) -> None:
        """Give the threads these values, and their answers the same."""
        given_rows = [
            {
                "id": number,
                "born": AT - row["age"] * MINUTE,
                "active": AT - row["active"] * MINUTE,
                "score": row["score"],
                "space": self.spaces[row["space"]],
                "listed": row["listed"],
                "stickied": row["stickied"] == 0,
            }
            for number, row in zip(self.ids, rows, strict=True)
        ]
        tx.run_many(
            "UPDATE threads SET created_at = :born, active_at = :active, score = :score, space_id = :space,"
            " listed = :listed, stickied = :stickied WHERE id = :id",
            given_rows,
        )
        tx.run_many(
            "UPDATE answers SET created_at = :born, score = :score, space_id = :space, listed = :listed WHERE id = :id",
            [{**row, "id": number} for number, row in zip(self.answers, given_rows, strict=True)],
        )

    def expected(self, rows: list[dict[str, int]], name: str, order: Order, since: Any) -> list[int]:
        """The same listing by sorting everything."""
        of_answers = name.startswith("answers")
        listed = {"everywhere": (1,), "one": (1,), "by one person": (1,), "answers of one": (0, 1, 2)}.get(name, (1, 2))
        if name == "answers of the followed":
            listed = (0, 1, 2)
        inside = range(1) if name in ("one", "answers of one") else range(SPACES - ("followed" in name))
        found = []
        for number, row in zip(self.answers if of_answers else self.ids, rows, strict=True):
            born = AT - row["age"] * MINUTE
            if row["listed"] not in listed or row["space"] not in inside:
                continue
            if since is not None and born <= microseconds(since):
                continue
            active = born if of_answers or born <= microseconds(months_before(NOW, 1)) else AT - row["active"] * MINUTE
            by = {Order.NEW: 0, Order.TOP: row["score"], Order.HOT: hot_rank(row["score"], active, AT)}[order]
            found.append((name == "one" and row["stickied"] == 0, by, born, number))
        return [each[-1] for each in sorted(found, reverse=True)]


# Bounds so small that every way of reading is taken.
BOUNDS = {
    "as they are": {},
    "small": {"_MOST_SELECTIONS": 5, "_FEW": 4, "_MOST_HIGHEST": 6, "_HIGHEST_EACH": 1, "_NEWEST": 2, "_LONGER": 2},
    "smallest": {
        "_MOST_SELECTIONS": 1,
        "_FEW": 1,
        "_MOST_HIGHEST": 1,
        "_HIGHEST_EACH": 0,
        "_SHORT_DAYS": 0,
        "_SHORTEST": 1,
    },
}


@pytest.mark.parametrize("bounds", BOUNDS)
def test_every_order_and_window_is_that_of_a_plain_sorted_list(
    database: Database, bounds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in BOUNDS[bounds].items():
        monkeypatch.setattr(lanes, name, value)
    table = database.write_now(Table)
    examples = 25 if database.engine.reads_in_place else 6

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(threads(), st.integers(1, 12), st.integers(0, 15))
    def check(rows: list[dict[str, int]], most: int, skip: int) -> None:
        def look(tx: Transaction) -> None:
            table.fill(tx, rows)
            for name, scope in scopes(tx, table.owner, table.spaces).items():
                for window, (order, since) in WINDOWS.items():
                    wanted = table.expected(rows, name, order, since)
                    found = list_ids(tx, scope, order, since, skip, most, NOW)
                    assert found == wanted[skip : skip + most], (name, window)

        database.write_now(look)

    check()


# --- what a page reads ----------------------------------------------------------------------------------------------

_HISTORY = """
    INSERT INTO messages (id, space_id, thread_id, author_id, subject, body, origin, created_at)
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :many)
    SELECT n, 1 + n * 7919 % :spaces, n, 1, 't', '', 'forum', :now - n * :apart FROM n;
    INSERT INTO threads (id, space_id, created_at, updated_at, active_at, score, listed)
    SELECT id, space_id, created_at, created_at, created_at + (id * 31 % 7) * 3600000000,
        1 + id * 104729 % 1000 * :even + id * (1 - :even), 1 + (id % 9 = 0) FROM messages ORDER BY id;
    INSERT INTO answers (id, space_id, listed, created_at, score)
    SELECT id, space_id, listed, created_at, score FROM threads ORDER BY id"""


def steps_of_pages(path: Path, days: int, even: bool) -> dict[str, int]:
    """How many steps of its machine SQLite takes for a page of each order in each scope, four threads a day."""
    engine = SqliteEngine(path)
    migrate(engine, "community")
    database = Database(engine)
    database.open()
    try:
        owner, ids = database.write_now(people, 70, 5)
        values = {"many": days * 4, "apart": DAY // 4, "spaces": 70, "even": int(even), "now": AT}

        def fill(tx: Transaction) -> Actor:
            for statement in _HISTORY.split(";"):
                tx.run(statement, **values)
            eager = accounts.actor_of_account(tx, accounts.register(tx, "eager", None, NOW), NOW)
            for each in ids:
                subscriptions.start(tx, eager.account_id or 0, each, "forum", NOW)
            return eager

        eager = database.write_now(fill)
    finally:
        database.close()
    connection = engine.connect(read_only=True)
    steps = [0]

    def count() -> None:
        steps[0] += 10

    connection.set_progress_handler(count, 10)
    found, tx = {}, engine.transaction(connection)
    looked_at = scopes(tx, owner, ids) | {"all followed": conversations.followed(tx, eager, True, NOW)}
    # What one person wrote is read whole.
    del looked_at["by one person"]
    for name, scope in looked_at.items():
        for window, (order, since) in WINDOWS.items():
            for skip in (0, 40):
                steps[0] = 0
                list_ids(tx, scope, order, since, skip, 20, NOW)
                found[f"{name}, {window}, {skip}"] = steps[0]
    connection.close()
    return found


@pytest.mark.parametrize("even", [True, False])
def test_a_page_does_not_read_more_of_a_longer_history(
    tmp_path: Path, even: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when the old ones score as the new ones do, nor when the older scores higher, so that no window has them."""
    # So many of the highest ever are looked through before another way is taken; few, for the history is not that long.
    monkeypatch.setattr(lanes, "_MOST_HIGHEST", 50)
    monkeypatch.setattr(lanes, "_HIGHEST_EACH", 1)
    short, long = (steps_of_pages(tmp_path / f"{days}.db", days, even) for days in (1200, 3600))
    assert not {name: (short[name], long[name]) for name in long if long[name] > 1.25 * short[name] + 6_000}
    assert max(steps for name, steps in long.items() if "followed" not in name) < 60_000
