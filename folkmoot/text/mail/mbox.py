"""Mailboxes in one file, mboxrd style: read and written as streams, message bytes untouched but for the `>` quoting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO

MESSAGE_LIMIT_BYTES = 64 * 1024 * 1024

_CHUNK_BYTES = 64 * 1024
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_UNQUOTED = re.compile(rb"^(>*From )", re.MULTILINE)


def read_mbox(stream: BinaryIO, limit_bytes: int = MESSAGE_LIMIT_BYTES) -> Iterator[tuple[int, bytes]]:
    """Give each message with the offset of its separator line; what stands before the first separator is skipped.

    Offsets count from where the stream stands. A message longer than the limit is cut one byte after it, so that the
    caller sees that it is too long and can say so.
    """
    message: list[bytes] | None = None
    size = offset = at = 0
    # Lines may come in several chunks, so that a file without line ends cannot fill the memory.
    line_start = blank = True
    in_separator = False
    while chunk := stream.readline(_CHUNK_BYTES):
        if line_start and blank and chunk.startswith(b"From "):
            if message is not None:
                yield offset, _finish(message, limit_bytes)
            message, size, offset, in_separator = [], 0, at, True
        elif line_start:
            in_separator = False
        if message is not None and not in_separator and size <= limit_bytes:
            message.append(chunk)
            size += len(chunk)
        blank = line_start and chunk in (b"\n", b"\r\n")
        line_start = chunk.endswith(b"\n")
        at += len(chunk)
    if message is not None:
        yield offset, _finish(message, limit_bytes)


def _finish(lines: list[bytes], limit_bytes: int) -> bytes:
    """Join a message, take off the blank line that ends it in the file, and undo the quoting."""
    if len(lines) > 1 and lines[-1] in (b"\n", b"\r\n"):
        lines.pop()
    data = b"".join(lines)
    if b"From " in data:
        data = _QUOTED.sub(rb"\1", data)
    return data[: limit_bytes + 1]


def write_mbox(messages: Iterable[tuple[str, datetime, bytes]]) -> Iterator[bytes]:
    """Write (sender address, time of receipt, message) as pieces of a mailbox.

    A message with CRLF line ends gets LF ones, as everything in the file; one that came with LF is kept to the byte.
    """
    for address, at, data in messages:
        if data[: data.find(b"\n") + 1].endswith(b"\r\n"):
            data = data.replace(b"\r\n", b"\n")
        if b"From " in data:
            data = _UNQUOTED.sub(rb">\1", data)
        yield b"".join((separator(address, at), data, b"\n" if data.endswith(b"\n") else b"\n\n"))


def separator(address: str, at: datetime) -> bytes:
    """Make the line in front of a message: `From ADDRESS asctime`, in UTC."""
    sender = re.sub(r"[^!-~]", "", address) or "MAILER-DAEMON"
    utc = at.astimezone(UTC)
    stamp = f"{_DAYS[utc.weekday()]} {_MONTHS[utc.month - 1]} {utc.day:2d} {utc:%H:%M:%S} {utc.year:04d}"
    return f"From {sender} {stamp}\n".encode("ascii")
