"""The forum: a page of 20 posts among 100,000, for each sort, anonymous and signed in.

The real listener answers in a process of its own; the driver writes prepared requests on a few kept connections and only
counts the answers. What counts is requests per second of the server's processor time, for the budget is one core's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from folkmoot.config import Config, Limits
from folkmoot.domain import accounts, spaces, subscriptions
from folkmoot.house import House
from folkmoot.net.listeners import HttpServer, open_socket
from folkmoot.store import Announcements, Database, SqliteEngine, Transaction, migrate
from folkmoot.surfaces.forum import issue_token, make_app

POSTS = 100_000
BUDGET = 1_500
SORTS = ("Hot", "New", "TopDay", "TopWeek", "TopMonth", "TopYear", "TopAll")

_COMMUNITIES = 20
_AUTHORS = 1_000
_BATCH = 5_000
_CONNECTIONS = 4
_BODY = "Some words that somebody wrote about something, long enough to be a post. " * 3


class Row(NamedTuple):
    """One line of the table."""

    name: str
    requests_per_second: float
    requests_per_cpu_second: float


def seed(directory: Path, posts: int = POSTS) -> str:
    """Fill a database in bulk; the token of somebody who has voted on and follows some of it."""
    engine = SqliteEngine(directory / "community.db")
    migrate(engine, "community")
    database = Database(engine)
    database.open()
    try:
        now = datetime.now(UTC)
        token, space_ids, authors = database.write_now(_people, now)
        chance = random.Random(1)
        for start in range(0, posts, _BATCH):
            many = min(_BATCH, posts - start)
            database.write_now(_threads, chance, now, space_ids, authors, start, many, posts)
            print(f"\rseeding {start + many} of {posts} posts", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        for space_id in space_ids:
            database.write_now(spaces.relist_space, space_id)
        return token
    finally:
        database.close()


def _people(tx: Transaction, now: datetime) -> tuple[str, list[int], list[int]]:
    authors = [accounts.register(tx, f"author{number}", None, now) for number in range(_AUTHORS)]
    owner = accounts.actor_of_account(tx, authors[0], now)
    found = []
    for number in range(_COMMUNITIES):
        space = spaces.create_space(tx, owner, f"space_{number}", "A space", None, now)
        spaces.add_forum_face(tx, space.id, f"space_{number}", 1, False)
        found.append(space.id)
        if number < 5:
            subscriptions.start(tx, authors[0], space.id, "forum", now)
    return issue_token(tx, accounts.get_account(tx, authors[0]), now, "localhost"), found, authors


def _threads(
    tx: Transaction,
    chance: random.Random,
    now: datetime,
    space_ids: list[int],
    authors: list[int],
    start: int,
    many: int,
    of: int,
) -> None:
    rows: list[dict[str, Any]] = []
    for number in range(start + 1, start + many + 1):
        at = now - timedelta(days=400) * (1 - number / of)
        score = int(chance.paretovariate(1.0)) - 1
        rows.append(
            {
                "id": number,
                "space": chance.choice(space_ids),
                "author": chance.choice(authors),
                "title": f"Post number {number}",
                "body": _BODY,
                "at": at,
                "active": at + (now - at) * chance.random() ** 4 if chance.random() < 0.5 else at,
                "score": min(score, 20_000),
                "viewer": authors[0],
            }
        )
    tx.run_many(
        "INSERT INTO messages (id, space_id, thread_id, author_id, subject, body, origin, created_at)"
        " VALUES (:id, :space, :id, :author, :title, :body, 'forum', :at)",
        rows,
    )
    tx.run_many(
        "INSERT INTO threads (id, space_id, created_at, updated_at, active_at, score)"
        " VALUES (:id, :space, :at, :at, :active, :score)",
        rows,
    )
    tx.run_many("INSERT INTO scores (message_id, upvotes, downvotes) VALUES (:id, :score, 0)", rows)
    tx.run_many(
        "INSERT INTO votes (message_id, account_id, value, created_at) VALUES (:id, :viewer, 1, :at)", rows[::10]
    )


async def _serve(directory: Path) -> None:
    database = Database(SqliteEngine(directory / "community.db"))
    database.open()
    house = House(Config(limits=Limits(enabled=False)), database, database, Announcements(database))
    listener = open_socket("127.0.0.1:0")
    assert listener is not None
    server = HttpServer(make_app(house), listener)
    await server.start()
    print(server.address, flush=True)
    await asyncio.Event().wait()


@contextlib.contextmanager
def _served(directory: Path) -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "bench.forum", "--serve", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


class _Driver(asyncio.Protocol):
    """Sends the same request again as soon as it was answered."""

    def __init__(self, request: bytes, answer_bytes: int) -> None:
        self.answers = 0
        self._request = request
        self._answer_bytes = answer_bytes
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received >= self._answer_bytes:
            self._received -= self._answer_bytes
            self.answers += 1
            self.transport.write(self._request)


def _request(path: str) -> bytes:
    return f"GET /api/v1{path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


async def _answer_length(host: str, port: int, request: bytes) -> int:
    """How long an answer is; raises when it is not a page of 20 posts."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(length)
    writer.close()
    if not head.startswith(b"HTTP/1.1 200") or body.count(b'"community_id"') != 20:
        raise RuntimeError(f"not a page of 20 posts: {head!r} {body[:200]!r}")
    return len(head) + length


async def _measure(address: str, pid: int, name: str, path: str, seconds: float) -> Row:
    host, _, port = address.rpartition(":")
    request = _request(path)
    answer_bytes = await _answer_length(host, int(port), request)
    loop = asyncio.get_running_loop()
    drivers = [
        (await loop.create_connection(lambda: _Driver(request, answer_bytes), host, int(port)))[1]
        for _ in range(_CONNECTIONS)
    ]
    await asyncio.sleep(seconds / 5)
    before, cpu, since = sum(each.answers for each in drivers), _cpu_seconds(pid), time.perf_counter()
    await asyncio.sleep(seconds)
    answers = sum(each.answers for each in drivers) - before
    wall, cpu = time.perf_counter() - since, _cpu_seconds(pid) - cpu
    for each in drivers:
        each.transport.abort()
    return Row(name, answers / wall, answers / cpu)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _run(directory: Path, token: str, seconds: float) -> list[Row]:
    rows = []
    with _served(directory) as (address, pid):
        page = "&limit=20&page=1"
        for who, auth in (("anonymous", ""), ("signed in", f"&auth={token}")):
            for sort in SORTS:
                path = f"/post/list?type_=All&sort={sort}{page}{auth}"
                rows.append(await _measure(address, pid, f"{sort}, {who}", path, seconds))
        for sort in ("Hot", "TopMonth"):
            path = f"/post/list?type_=Subscribed&sort={sort}{page}&auth={token}"
            rows.append(await _measure(address, pid, f"{sort}, followed", path, seconds))
            path = f"/post/list?type_=Community&community_id=1&sort={sort}{page}"
            rows.append(await _measure(address, pid, f"{sort}, one community", path, seconds))
    return rows


def run(seconds: float, posts: int = POSTS) -> list[Row]:
    """Requests per second for each sort; `seconds` for each."""
    with tempfile.TemporaryDirectory() as name:
        token = seed(Path(name), posts)
        return uvloop.run(_run(Path(name), token, seconds))


def show(seconds: float) -> None:
    """Print the table."""
    print(f"{'page of 20 posts':28}{'requests/s':>12}{'per CPU second':>16}{'budget':>8}")
    for row in run(min(seconds, 1.0)):
        met = "ok" if row.requests_per_cpu_second >= BUDGET else "MISSED"
        print(f"{row.name:28}{row.requests_per_second:12.0f}{row.requests_per_cpu_second:16.0f}{BUDGET:8} {met}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        uvloop.run(_serve(Path(sys.argv[2])))
    else:
        show(1.0)
