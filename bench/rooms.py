"""A thousand WebSocket clients of the forum in one post's room, while somebody comments: how long until all have heard.

Beside them others ask for the categories, over HTTP and over WebSocket, from a process of their own: how long that takes
without and with the broadcasts. The hearers only look for the end of each frame, so that what is measured is the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bench.forum import serve
from bench.seeding import seed
from tests.surfaces.forum.crowd import Crowd

CLIENTS = 1_000

_POST = 12
# Few people and little talk: what is measured is telling, not finding.
_POSTS_SEEDED, _COMMENTS_SEEDED = 100, 1_000
_PAUSE_SECONDS = 0.005


async def _ask(socket: ClientConnection, op: str, **data: object) -> None:
    await socket.send(json.dumps({"op": op, "data": data}))
    await socket.recv()


# --- the others: a process of their own ---------------------------------------------------------------------------------


async def _others(address: str) -> None:
    """Ask over both transports until the end of the input, and write down at each line of it what was waited since."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = f"GET /api/v1/categories HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    waits: dict[str, list[float]] = {"http": [], "websocket": []}

    async def over_http() -> None:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))

    async def keep_asking(name: str, ask: object) -> None:
        while True:
            began = time.perf_counter()
            await ask()  # type: ignore[operator]
            waits[name].append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(_PAUSE_SECONDS)

    async with connect(f"ws://{address}/api/v1/ws", compression=None) as socket:
        asking = [
            asyncio.create_task(keep_asking("http", over_http)),
            asyncio.create_task(keep_asking("websocket", lambda: _ask(socket, "ListCategories"))),
        ]
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(waits), flush=True)
            for each in waits.values():
                each.clear()
        for task in asking:
            task.cancel()


class _Others:
    """The process that asks."""

    def __init__(self, address: str) -> None:
        command = [sys.executable, "-m", "bench.rooms", "--others", address]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    async def waits(self) -> dict[str, list[float]]:
        """What each of them has waited since the last time, in milliseconds, sorted."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = await asyncio.to_thread(self._process.stdout.readline)
        return {name: sorted(each) for name, each in json.loads(line).items()}

    def end(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.wait()


def _at(waits: list[float], share: float) -> float:
    return waits[min(len(waits) - 1, int(share * len(waits)))] if waits else float("nan")


async def _measure(address: str, token: str, clients: int, seconds: float) -> list[tuple[str, float]]:
    crowd = Crowd(_POST)
    await crowd.fill(address, clients)
    others = _Others(address)
    try:
        await asyncio.sleep(0.5)
        await others.waits()
        await asyncio.sleep(seconds)
        alone, told = await others.waits(), list[float]()
        async with connect(f"ws://{address}/api/v1/ws", compression=None) as speaker:
            ends = time.perf_counter() + seconds
            while time.perf_counter() < ends:
                crowd.expect(2 + len(told))
                began = time.perf_counter()
                await _ask(speaker, "CreateComment", content=f"Comment {len(told)}", post_id=_POST, auth=token)
                await crowd.wait()
                told.append(1000 * (time.perf_counter() - began))
        during = await others.waits()
    finally:
        others.end()
        crowd.leave()
    told.sort()
    rows = [
        (f"until all {clients:,} have heard of a comment, median of {len(told)}", statistics.median(told)),
        ("the same, p99", _at(told, 0.99)),
    ]
    for name in ("http", "websocket"):
        for share, word in ((0.5, "median"), (0.99, "p99")):
            rows.append((f"another's ListCategories over {name} alone, {word}", _at(alone[name], share)))
            rows.append(("the same while one comment follows the other", _at(during[name], share)))
    return rows


def run(clients: int = CLIENTS, seconds: float = 3.0) -> list[tuple[str, float]]:
    """What was measured and its milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        reader = seed(Path(name), _POSTS_SEEDED, _COMMENTS_SEEDED)
        with serve(Path(name)) as (address, _):
            return uvloop.run(_measure(address, reader.token, clients, seconds))


def show(seconds: float) -> None:
    """Print the table."""
    for name, milliseconds in run(seconds=max(seconds, 1.0)):
        print(f"{name:64}{milliseconds:10.1f} ms", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--others"]:
        uvloop.run(_others(sys.argv[2]))
        os._exit(0)
    show(3)
