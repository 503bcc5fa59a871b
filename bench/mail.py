"""Mail in over LMTP, durable: each message is committed and synced before its 250.

Budget: 500 messages/s. One run with one connection, one with twenty; the same load for each, small plain messages.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from tests.whole.program import Program, running

LIST = "~admin/town_square@localhost"


async def _deliver(port: int, name: str, until: float) -> int:
    """Send messages, one transaction after the other, until the time; how many were acknowledged."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(b"LHLO bench\r\n")
    while (await reader.readline())[3:4] == b"-":
        pass
    count = 0
    while time.monotonic() < until:
        envelope = f"MAIL FROM:<{name}@example.org>\r\nRCPT TO:<{LIST}>\r\nDATA\r\n"
        message = (
            f"From: {name}@example.org\r\nTo: {LIST}\r\nSubject: {name} {count}\r\n"
            f"Message-ID: <{name}.{count}.{until}@example.org>\r\n\r\nA short message.\r\n.\r\n"
        )
        writer.write(envelope.encode())
        for expected in (b"250", b"250", b"354"):
            line = await reader.readline()
            assert line.startswith(expected), line
        writer.write(message.encode())
        line = await reader.readline()
        assert line.startswith(b"250"), line
        count += 1
    writer.close()
    return count


async def _run(program: Program, connections: int, seconds: float) -> float:
    until = time.monotonic() + seconds
    port = program.port("lmtp")
    counts = await asyncio.gather(*(_deliver(port, f"c{connections}n{n}", until) for n in range(connections)))
    return sum(counts) / seconds


def show(seconds: float) -> None:
    """Print messages per second for one and for twenty connections."""
    with tempfile.TemporaryDirectory() as directory, running(Path(directory)) as program:
        for connections in (1, 20):
            rate = asyncio.run(_run(program, connections, seconds))
            print(f"LMTP, {connections:2} connections   {rate:8.0f} messages/s")
