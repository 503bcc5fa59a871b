"""The forum at 100,000 posts and 1,000,000 comments: pages of posts and comments in every sort, threads, people, searches.

The real listener answers in a process of its own; the driver writes prepared requests on a few kept connections and only
counts the answers. What counts is requests per second of the server's processor time, for the budget is one core's. `among
many` asks for another page each time, `while people vote` casts votes beside, so that no page is there from a moment ago;
with `--keep posts` none ever is, with `--keep nothing` every post is read and written anew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from bench.seeding import COMMENTS, COMMON_WORD, LONG_THREAD, POSTS, RARE_WORD, Seeded, seed
from folkmoot.config import Config, Limits
from folkmoot.house import House
from folkmoot.net.listeners import HttpServer, open_socket
from folkmoot.store import Announcements, Database, SqliteEngine
from folkmoot.surfaces.forum import kept, make_app

BUDGET = 1_500
THREAD_MILLISECONDS = 50
SORTS = ("Hot", "New", "TopDay", "TopWeek", "TopMonth", "TopYear", "TopAll")
#: A directory that keeps the database from one run to the next.
KEPT = "FOLKMOOT_BENCH_DATA"

_CONNECTIONS = 4
_VOTES_PER_SECOND = 20
_MANY_COMMUNITIES = range(1, 21)


class Case(NamedTuple):
    """What is asked, one path after the other, and how often per second or within how many milliseconds it must be answered."""

    name: str
    paths: Sequence[str]
    items: int | None = None
    budget: int | None = None
    milliseconds: int | None = None
    votes: bool = False


class Row(NamedTuple):
    """One line of the table."""

    case: Case
    requests_per_second: float
    requests_per_cpu_second: float

    @property
    def verdict(self) -> str:
        """Whether the budget is kept."""
        budget = self.case.budget or (1000 / self.case.milliseconds if self.case.milliseconds else 0)
        return "" if not budget else "ok" if self.requests_per_cpu_second >= budget else "MISSED"


def cases(reader: Seeded) -> list[Case]:
    """Everything that is measured."""
    auth = f"&auth={reader.token}"
    found = []
    for who, signed in (("anonymous", ""), ("signed in", auth)):
        for sort in SORTS:
            path = f"/post/list?type_=All&sort={sort}&limit=20{signed}"
            found.append(Case(f"{sort}, {who}", [path], 20, BUDGET))
    for sort in SORTS:
        path = f"/post/list?type_=Subscribed&sort={sort}&limit=20{auth}"
        found.append(Case(f"{sort}, followed", [path], 20, BUDGET))
    for sort in SORTS:
        path = f"/post/list?type_=Community&community_id=3&sort={sort}&limit=20"
        # A day of one community has fewer.
        found.append(Case(f"{sort}, one community", [path], 10, BUDGET))
    for who, signed in (("anonymous", ""), ("signed in", auth)):
        many = [
            f"/post/list?type_=Community&community_id={space}&sort={sort}&limit=20&page={page}{signed}"
            for page in (1, 2, 3)
            for space in _MANY_COMMUNITIES
            for sort in SORTS
        ]
        found.append(Case(f"among many, {who}", many, 20, BUDGET))
        path = f"/post/list?type_=All&sort=Hot&limit=20{signed}"
        found.append(Case(f"Hot, {who}, while people vote", [path], 20, BUDGET, votes=True))
    for sort in SORTS:
        path = f"/comment/list?type_=All&sort={sort}&limit=20"
        found.append(Case(f"comments {sort}", [path], 20))
    for who, signed in (("anonymous", ""), ("signed in", auth)):
        path = f"/post?id={LONG_THREAD}{signed}"
        found.append(Case(f"a post with 1,000 comments, {who}", [path], None, None, THREAD_MILLISECONDS))
    found.append(Case("GetUserDetails", [f"/user?username={reader.name}&sort=New&limit=20&saved_only=false{auth}"]))
    found.append(Case("GetUserDetails, saved", [f"/user?username={reader.name}&sort=Hot&saved_only=true{auth}"]))
    found += [
        Case(f"Search, {name}", [f"/search?q={word}&type_={kind}&sort={sort}&limit=20"])
        for name, word, kind, sort in (
            ("a rare word", RARE_WORD, "All", "Hot"),
            ("a common word, New", COMMON_WORD, "Posts", "New"),
            ("a common word, TopAll", COMMON_WORD, "Comments", "TopAll"),
        )
    ]
    found.append(Case("ListCommunities", [f"/community/list?sort=TopAll&limit=20{auth}"], 0))
    return found


def _keep_less(keep: str) -> None:
    """Forget the pages of a moment ago, or the posts that were written once too, each time they are asked for."""
    nothing: Any = lambda *_: None  # noqa: E731
    if keep != "pages":
        setattr(kept.Pages, "get", nothing)  # noqa: B010
    if keep == "nothing":
        setattr(kept.PostsOfVersion, "get", nothing)  # noqa: B010


async def _serve(directory: Path) -> None:
    database = Database(SqliteEngine(directory / "community.db"))
    database.open()
    announcements = Announcements(database)
    await announcements.start()
    house = House(Config(limits=Limits(enabled=False)), database, database, announcements)
    listener = open_socket("127.0.0.1:0")
    assert listener is not None
    server = HttpServer(make_app(house), listener)
    await server.start()
    print(server.address, flush=True)
    await announcements.follow()


@contextlib.contextmanager
def serve(directory: Path, keep: str = "pages") -> Iterator[tuple[str, int]]:
    """A server in a process of its own; its address and its process."""
    command = [sys.executable, "-m", "bench.forum", "--serve", str(directory), "--keep", keep]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


class _Driver(asyncio.Protocol):
    """Sends the next request as soon as the one before was answered."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.answers = 0
        self._requests = requests
        self._received = bytearray()
        self._expected = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._expected = end + 4 + _length(bytes(self._received[:end]))
        if len(self._received) >= self._expected:
            self._received.clear()
            self._expected = 0
            self.answers += 1
            self.transport.write(next(self._requests))


def _length(head: bytes) -> int:
    return next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))


def _request(path: str) -> bytes:
    return f"GET /api/v1{path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


async def _ask(address: str, request: bytes) -> bytes:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**26)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(_length(head))
    writer.close()
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"refused: {head!r} {body[:200]!r}")
    return body


async def _check(address: str, case: Case) -> None:
    """Raises when the first answer is not a page of as many as there should be."""
    body = await _ask(address, _request(case.paths[0]))
    found = next((each for each in json.loads(body).values() if isinstance(each, list)), [])
    if case.items is not None and len(found) < case.items:
        raise RuntimeError(f"{case.name}: {len(found)} instead of {case.items}")
    if case.milliseconds and len(found) < 1_000:
        raise RuntimeError(f"{case.name}: {len(found)} comments")


async def _vote(address: str, token: str) -> None:
    for number in cycle(range(2, 1_000)):
        body = json.dumps({"post_id": number, "score": 1, "auth": token}).encode()
        head = f"POST /api/v1/post/like HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n"
        await _ask(address, f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        await asyncio.sleep(1 / _VOTES_PER_SECOND)


async def _measure(address: str, pid: int, case: Case, token: str, seconds: float) -> Row:
    await _check(address, case)
    host, _, port = address.rpartition(":")
    requests = cycle([_request(path) for path in case.paths])
    loop = asyncio.get_running_loop()
    voting = asyncio.create_task(_vote(address, token)) if case.votes else None
    drivers = [
        (await loop.create_connection(lambda: _Driver(requests), host, int(port)))[1] for _ in range(_CONNECTIONS)
    ]
    await asyncio.sleep(seconds / 5)
    before, cpu, since = sum(each.answers for each in drivers), _cpu_seconds(pid), time.perf_counter()
    await asyncio.sleep(seconds)
    answers = sum(each.answers for each in drivers) - before
    wall, cpu = time.perf_counter() - since, _cpu_seconds(pid) - cpu
    for each in drivers:
        each.transport.abort()
    if voting is not None:
        voting.cancel()
    return Row(case, answers / wall, answers / max(cpu, 0.001))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _run(directory: Path, reader: Seeded, seconds: float, only: str, keep: str) -> list[Row]:
    with serve(directory, keep) as (address, pid):
        wanted = [case for case in cases(reader) if only in case.name]
        return [await _measure(address, pid, case, reader.token, seconds) for case in wanted]


def run(seconds: float, posts: int = POSTS, comments: int = COMMENTS, only: str = "", keep: str = "pages") -> list[Row]:
    """Requests per second for each case whose name has `only` in it; `seconds` for each."""
    with contextlib.ExitStack() as stack:
        kept = os.environ.get(KEPT)
        directory = Path(kept or stack.enter_context(tempfile.TemporaryDirectory()))
        directory.mkdir(parents=True, exist_ok=True)
        return uvloop.run(_run(directory, seed(directory, posts, comments), seconds, only, keep))


def show(seconds: float, only: str = "", keep: str = "pages") -> None:
    """Print the table."""
    print(f"{'':44}{'requests/s':>12}{'per CPU second':>16}{'ms':>8}  budget")
    for row in run(min(seconds, 1.0), only=only, keep=keep):
        case = row.case
        budget = f"{case.milliseconds} ms" if case.milliseconds else str(case.budget or "")
        took = 1000 / max(row.requests_per_cpu_second, 0.001)
        figures = f"{row.requests_per_second:12.0f}{row.requests_per_cpu_second:16.0f}{took:8.2f}"
        print(f"{case.name:44}{figures}  {budget:>6} {row.verdict}", flush=True)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="part of the names of what is measured")
    parser.add_argument("--serve", type=Path, help="answer from this directory")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument(
        "--keep", choices=("pages", "posts", "nothing"), default="pages", help="what the server has from a moment ago"
    )
    given = parser.parse_args()
    if given.serve:
        _keep_less(given.keep)
        uvloop.run(_serve(given.serve))
    else:
        show(given.seconds, given.only, given.keep)


if __name__ == "__main__":
    _main()
