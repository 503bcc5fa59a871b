"""A community that has talked for 400 days: 100,000 posts and 1,000,000 comments, written by SQL alone within a minute.

What looks like chance is arithmetic on the row's number, so every run measures the same rows. The authors' own votes are
there, as they are in a real community; mails are not, because nothing here reads them.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from folkmoot.config import Config
from folkmoot.domain import accounts, spaces, subscriptions
from folkmoot.store import Database, SqliteEngine, Transaction, microseconds, migrate
from folkmoot.surfaces.forum import issue_token

POSTS = 100_000
COMMENTS = 1_000_000
#: The post with a thousand comments.
LONG_THREAD = 1
#: In every text, and in one of ten thousand.
COMMON_WORD, RARE_WORD = "something", "zymurgy"

_COMMUNITIES = 20
_FOLLOWED = 5
_AUTHORS = 1_000
_WORDS = 2_000
_FILLED = ("messages", "threads", "answers", "votes", "scores", "replies", "saved_messages")
_BODY = "Some words that somebody wrote about something, long enough to be a post. " * 3

# A number of a row between 0 and 1, evenly spread, for each multiplier another one.
_CHANCE = "(({row} * {multiplier}) % 4294967296) / 4294967296.0"


def _chance(row: str, multiplier: int) -> str:
    return _CHANCE.format(row=row, multiplier=multiplier)


_ROWS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {many})"
_POSTS = f"""
    CREATE TEMP TABLE made_posts AS {_ROWS.format(many=":posts")}
    SELECT n AS number, (n - 1) * (:comments / :posts + 1) + 1 AS id,
        1 + CAST({_chance("n", 2654435761)} * {_COMMUNITIES} AS INT) AS space_id,
        1 + CAST({_chance("n", 2246822519)} * {_AUTHORS} AS INT) AS author_id,
        :now - CAST({400 * 86_400_000_000} * (1 - n * 1.0 / :posts) AS INT) AS created_at,
        min(20000, CAST(1 / (1.000001 - {_chance("n", 3266489917)}) AS INT)) AS upvotes
    FROM numbers;
    CREATE UNIQUE INDEX temp.ix_made_posts ON made_posts (number)"""
# Every thousandth comment answers the long thread, most others what is new at the time.
_COMMENTS = f"""
    CREATE TEMP TABLE made_comments AS {_ROWS.format(many=":comments")}, placed AS (
        SELECT n, CASE WHEN n % (:comments / 1000) = 0 THEN {LONG_THREAD} ELSE
            1 + CAST((:posts - 1.0) * n / :comments * (1 - {_chance("n", 2654435761)} * {_chance("n", 3266489917)}
            * {_chance("n", 668265263)}) AS INT) END AS post
        FROM numbers)
    SELECT n + (n - 1) / (:comments / :posts) + 1 AS id, p.id AS thread_id, p.space_id,
        1 + CAST({_chance("n", 2246822519)} * {_AUTHORS} AS INT) AS author_id,
        max(p.created_at, :now - CAST({400 * 86_400_000_000} * (1 - n * 1.0 / :comments) AS INT)) AS created_at,
        min(20000, CAST(1 / (1.000001 - {_chance("n", 374761393)}) AS INT)) AS upvotes
    FROM placed JOIN made_posts p ON p.number = post"""
_MESSAGES = f"""
    INSERT INTO messages (id, space_id, thread_id, author_id, subject, body, origin, created_at)
    SELECT id, space_id, id, author_id, 'Post number ' || id || CASE id % 10000 WHEN 7 THEN ' {RARE_WORD}' ELSE '' END,
        '{_BODY}', 'forum', created_at FROM made_posts;
    INSERT INTO messages (id, space_id, thread_id, parent_id, author_id, subject, body, origin, created_at)
    SELECT id, space_id, thread_id,
        CASE id % 3 WHEN 0 THEN thread_id ELSE coalesce(lag(id) OVER (PARTITION BY thread_id), thread_id) END, author_id,
        '', 'I say {COMMON_WORD} ' || (SELECT word FROM words WHERE words.n = 1 + c.id % {_WORDS}) || ' '
        || CASE id % 10000 WHEN 7 THEN '{RARE_WORD}' ELSE '' END, 'forum', created_at FROM made_comments c ORDER BY id"""
_REST = """
    INSERT INTO threads (id, space_id, created_at, updated_at, active_at, score, replies, participants, listed, stickied)
    SELECT p.id, space_id, created_at, coalesce(newest, created_at), coalesce(newest, created_at), upvotes,
        coalesce(many, 0), 1, 1, p.id % 20011 = 5
    FROM made_posts p LEFT JOIN (SELECT thread_id, max(created_at) AS newest, count(*) AS many FROM made_comments
        GROUP BY thread_id) c ON c.thread_id = p.id ORDER BY p.id;
    INSERT INTO answers (id, space_id, listed, created_at, score)
    SELECT id, space_id, 1, created_at, upvotes FROM made_comments ORDER BY id;
    INSERT INTO scores (message_id, upvotes, downvotes) SELECT id, upvotes, 0 FROM made_posts ORDER BY id;
    INSERT INTO scores (message_id, upvotes, downvotes) SELECT id, upvotes, 0 FROM made_comments ORDER BY id;
    INSERT INTO votes (message_id, account_id, value, created_at)
    SELECT id, author_id, 1, created_at FROM messages ORDER BY id;
    INSERT INTO votes (message_id, account_id, value, created_at)
    SELECT id, 1, 1, created_at FROM messages WHERE id % 10 = 0 AND author_id <> 1;
    INSERT INTO replies (message_id, recipient_id, read)
    SELECT m.id, q.author_id, m.id % 7 = 0 FROM messages m JOIN messages q ON q.id = m.parent_id
    WHERE m.author_id <> q.author_id ORDER BY m.id;
    INSERT INTO saved_messages (account_id, message_id, saved_at)
    SELECT 1, id, created_at FROM messages WHERE id % 2000 = 0;
    UPDATE space_counts SET posts = p.many FROM (SELECT space_id, count(*) AS many FROM made_posts GROUP BY space_id) p
        WHERE p.space_id = space_counts.space_id;
    UPDATE space_counts SET comments = c.many FROM (SELECT space_id, count(*) AS many FROM made_comments
        GROUP BY space_id) c WHERE c.space_id = space_counts.space_id;
    UPDATE account_counts SET posts = p.many, post_score = p.score FROM (SELECT author_id, count(*) AS many,
        sum(upvotes) AS score FROM made_posts GROUP BY author_id) p WHERE p.author_id = account_id;
    UPDATE account_counts SET comments = c.many, comment_score = c.score FROM (SELECT author_id, count(*) AS many,
        sum(upvotes) AS score FROM made_comments GROUP BY author_id) c WHERE c.author_id = account_id"""
_SEARCH = """
    INSERT INTO message_search (rowid, subject, body) SELECT id, subject, body FROM messages;
    INSERT INTO search_progress (id, upto_id) SELECT 1, max(id) FROM messages"""


class Seeded(NamedTuple):
    """Who reads: he has voted on some of it, follows some and has saved some."""

    token: str
    name: str


def seed(directory: Path, posts: int = POSTS, comments: int = COMMENTS) -> Seeded:
    """Fill the database in a directory, or find it filled there by an earlier run."""
    path = directory / "community.db"
    done = directory / "seeded"
    if not done.exists():
        path.unlink(missing_ok=True)
        _fill(path, posts, comments)
        done.touch()
    database = Database(SqliteEngine(path))
    database.open()
    try:
        return Seeded(database.write_now(_issue), "author0")
    finally:
        database.close()


def _issue(tx: Transaction) -> str:
    account = accounts.get_account_named(tx, "author0")
    return issue_token(tx, account, datetime.now(UTC), Config())


def _fill(path: Path, posts: int, comments: int) -> None:
    began, now = time.monotonic(), datetime.now(UTC)
    engine = SqliteEngine(path)
    migrate(engine, "community")
    database = Database(engine)
    database.open()
    try:
        database.write_now(_people, now)
    finally:
        database.close()
    # Nothing of it must last, so nothing waits for the disk; indexes are built when the rows are there.
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -400000; BEGIN"
    )
    names = ", ".join(f"'{name}'" for name in _FILLED)
    indexes = connection.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    values = {"now": microseconds(now), "posts": posts, "comments": comments}
    _make_words(connection)
    for part in (_POSTS, _COMMENTS, _MESSAGES, _REST, ";".join(sql for _, sql in indexes), _SEARCH, "COMMIT"):
        for statement in part.split(";"):
            connection.execute(statement, values)
            if sys.stderr.isatty():
                print(f"\rseeding, {time.monotonic() - began:.0f} s", end="", file=sys.stderr, flush=True)
    print(f"\rseeded in {time.monotonic() - began:.0f} s ", file=sys.stderr)
    connection.close()


def _people(tx: Transaction, now: datetime) -> None:
    people = [accounts.register(tx, f"author{number}", None, now) for number in range(_AUTHORS)]
    owner = accounts.actor_of_account(tx, people[0], now)
    for number in range(_COMMUNITIES):
        space = spaces.create_space(tx, owner, f"space_{number}", "A space", None, now)
        spaces.add_forum_face(tx, space.id, f"space_{number}", 1, False)
        if number < _FOLLOWED:
            subscriptions.start(tx, people[0], space.id, "forum", now)


def _make_words(connection: sqlite3.Connection) -> None:
    chance = random.Random(1)
    syllables = [first + second for first in "bdfgklmnprst" for second in "aeiou"]
    connection.execute("CREATE TEMP TABLE words (n INTEGER PRIMARY KEY, word TEXT)")
    words = [("".join(chance.choices(syllables, k=3)),) for _ in range(_WORDS)]
    connection.executemany("INSERT INTO words (word) VALUES (?)", words)
