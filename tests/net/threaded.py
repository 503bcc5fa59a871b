"""Run an ASGI application in a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp

from tests.net.serving import serving


@contextmanager
def served_in_thread(app: ASGIApp, **settings: Any) -> Iterator[str]:
    """The address of a server that answers with `app` until the end of the block."""
    ready, addresses = threading.Event(), list[str]()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def run() -> None:
        async with serving(app, **settings) as address:
            addresses.append(address)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        if not ready.wait(10):
            raise TimeoutError("the server did not start")
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()
