"""A thousand WebSocket clients of the forum in one post's room, while somebody comments: how long until all have heard.

Beside them somebody else asks for the categories again and again: how long that takes, without and with the broadcasts
(the driver's own work of reading a thousand frames is in it, for all clients are in one process).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bench.forum import serve
from bench.seeding import seed

CLIENTS = 1_000

_COMMENTS = 10
_POST = 12
# Few people and little talk: what is measured is telling, not finding.
_POSTS_SEEDED, _COMMENTS_SEEDED = 100, 1_000


async def _ask(socket: ClientConnection, op: str, **data: Any) -> None:
    await socket.send(json.dumps({"op": op, "data": data}))
    await socket.recv()


async def _watch(canary: ClientConnection, waits: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await _ask(canary, "ListCategories")
        waits.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.005)


async def _measure(address: str, token: str, clients: int) -> list[tuple[str, float]]:
    url = f"ws://{address}/api/v1/ws"
    inside: list[ClientConnection] = []
    while len(inside) < clients:
        inside += await asyncio.gather(*(connect(url, compression=None) for _ in range(min(50, clients - len(inside)))))
    await asyncio.gather(*(_ask(socket, "GetPost", id=_POST) for socket in inside))
    canary, speaker = await connect(url), await connect(url)
    waits: list[float] = []
    watching = asyncio.create_task(_watch(canary, waits))
    await asyncio.sleep(1)
    alone, told = sorted(waits), list[float]()
    waits.clear()
    for number in range(_COMMENTS):
        began = time.perf_counter()
        await _ask(speaker, "CreateComment", content=f"Comment {number}", post_id=_POST, auth=token)
        frames = await asyncio.gather(*(socket.recv() for socket in inside))
        told.append(1000 * (time.perf_counter() - began))
        assert all("CreateComment" in str(frame)[:30] for frame in frames)
    watching.cancel()
    during = sorted(waits)
    for socket in (*inside, canary, speaker):
        socket.transport.abort()
    return [
        (f"until all {clients:,} have heard of a comment, median", statistics.median(told)),
        ("the same, the slowest", max(told)),
        ("another's ListCategories alone, median", statistics.median(alone)),
        ("another's ListCategories meanwhile, median", statistics.median(during)),
        ("the same, the slowest", during[-1]),
    ]


def run(clients: int = CLIENTS) -> list[tuple[str, float]]:
    """What was measured and its milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        reader = seed(Path(name), _POSTS_SEEDED, _COMMENTS_SEEDED)
        with serve(Path(name)) as (address, _):
            return uvloop.run(_measure(address, reader.token, clients))


def show(seconds: float) -> None:
    """Print the table."""
    for name, milliseconds in run():
        print(f"{name:56}{milliseconds:10.1f} ms", flush=True)


if __name__ == "__main__":
    show(1)
