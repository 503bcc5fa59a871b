"""Mailboxes in one file, mboxrd style: read and written as streams, message bytes untouched but for the `>` quoting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO

MESSAGE_LIMIT_BYTES = 64 * 1024 * 1024

_CHUNK_BYTES = 64 * 1024
_SEPARATOR = re.compile(rb"\n\r?\nFrom ")
_SEPARATOR_BYTES = len(b"\n\r\nFrom ")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_UNQUOTED = re.compile(rb"^(>*From )", re.MULTILINE)


def read_mbox(stream: BinaryIO, limit_bytes: int = MESSAGE_LIMIT_BYTES) -> Iterator[tuple[int, bytes]]:
    """Give each message with the offset of its separator line; what stands before the first separator is skipped.

    Offsets count from where the stream stands. A message longer than the limit is cut one byte after it, so that the
    caller sees that it is too long and can say so.
    """
    # A blank line is thought in front of the file; `at` is where in the file what is held starts.
    held, at = bytearray(b"\n\n"), -2
    offset, searched = -1, 0
    most_held = limit_bytes + _CHUNK_BYTES
    while chunk := stream.read(_CHUNK_BYTES):
        held += chunk
        while found := _SEPARATOR.search(held, searched):
            start = found.end() - len(b"From ")
            if offset >= 0:
                yield offset, _finish(held[:start], limit_bytes)
            del held[:start]
            at += start
            # The line end of a separator may begin the blank line before the next.
            offset, searched = at, 0
        # The end may be the start of a separator; of what is in front of it, no more is held than will be given.
        searched = max(searched, len(held) - _SEPARATOR_BYTES)
        kept = most_held if offset >= 0 else 0
        if searched > kept:
            at += searched - kept
            del held[kept:searched]
            searched = kept
    if offset >= 0:
        yield offset, _finish(held, limit_bytes)


def _finish(piece: bytearray, limit_bytes: int) -> bytes:
    """Take a message out of its piece of the file: no separator, no blank line at the end, the quoting undone."""
    data = bytes(memoryview(piece)[piece.find(b"\n") + 1 or len(piece) :])
    for blank in (b"\n\r\n", b"\n\n"):
        if data.endswith(blank):
            data = data[: 1 - len(blank)]
            break
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
