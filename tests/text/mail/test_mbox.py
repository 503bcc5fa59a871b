"""Mailboxes as streams, there and back to the byte."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.text.mail import read_mbox, write_mbox

AT = datetime(2026, 11, 1, 3, 4, 5, tzinfo=UTC)


def read(data: bytes, **options: int) -> list[bytes]:
    return [message for _, message in read_mbox(io.BytesIO(data), **options)]


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (b"", []),
        (b"no separator\n\n", []),
        (b"From a b\nX: y\n\ntext\n\n", [b"X: y\n\ntext\n"]),
        (b"From a b\nX: y\n\ntext\n", [b"X: y\n\ntext\n"]),
        (b"From a b\nX: y\n\ntext", [b"X: y\n\ntext"]),
        (b"From a b\nX: 1\n\na\n\nFrom a b\nX: 2\n\nb\n\n", [b"X: 1\n\na\n", b"X: 2\n\nb\n"]),
        (b"From a b\nX: 1\n\na\nFrom here on\n\n", [b"X: 1\n\na\nFrom here on\n"]),
        (
            b"From a b\nX: 1\n\n>From here\n>>From there\n> From no\n\n",
            [b"X: 1\n\nFrom here\n>From there\n> From no\n"],
        ),
        (b"From a b\r\nX: 1\r\n\r\na\r\n\r\nFrom a b\r\nX: 2\r\n\r\n", [b"X: 1\r\n\r\na\r\n", b"X: 2\r\n"]),
        (b"junk\n\nFrom a b\nX: 1\n\na\n\n", [b"X: 1\n\na\n"]),
        (b"From a b\nX: 1\n\na\n\n\n\n", [b"X: 1\n\na\n\n\n"]),
        (b"From a b\n\nFrom a b\nX: 1\n\n", [b"\n", b"X: 1\n"]),
    ],
)
def test_read(data: bytes, messages: list[bytes]) -> None:
    assert read(data) == messages


def test_offsets_are_those_of_the_separators() -> None:
    data = b"junk\n\nFrom a b\nX: 1\n\na\n\nFrom a b\nX: 2\n\n"
    assert [data[offset : offset + 5] for offset, _ in read_mbox(io.BytesIO(data))] == [b"From ", b"From "]


def test_a_message_beyond_the_limit_is_cut_where_that_shows() -> None:
    data = b"From a b\n" + b"x" * 300_000 + b"\n\nFrom a b\nX: 2\n\n"
    assert [len(message) for message in read(data, limit_bytes=100_000)] == [100_001, 5]


def test_a_separator_without_end_is_no_message() -> None:
    assert read(b"From " + b"x" * 200_000 + b"\nX: 1\n\n") == [b"X: 1\n"]


def test_write() -> None:
    at = AT.astimezone(timezone(timedelta(hours=9)))
    made = b"".join(
        write_mbox([("ada@example.org", at, b"X: 1\r\n\r\nFrom here\r\n>From\r\n"), ("", AT, b"X: 2\n\nno end")])
    )
    assert made == (
        b"From ada@example.org Sun Nov  1 03:04:05 2026\nX: 1\n\n>From here\n>From\n\n"
        b"From MAILER-DAEMON Sun Nov  1 03:04:05 2026\nX: 2\n\nno end\n\n"
    )


def test_a_sender_cannot_break_the_separator() -> None:
    made = b"".join(write_mbox([("a b\nFrom x@y.z", AT, b"X: 1\n\n")]))
    assert len(read(made)) == 1


LINES = st.lists(
    st.sampled_from(
        [b"", b"From ", b">From x", b">>From y", b"text", b"From a@b Thu Jan  1 00:00:00 1970", b"\xff\0", b"a\rb"]
    )
)


@given(st.lists(LINES.map(lambda lines: b"X: y\n\n" + b"".join(line + b"\n" for line in lines)), max_size=5))
def test_written_messages_are_read_back(messages: list[bytes]) -> None:
    made = b"".join(write_mbox(("a@b.c", AT, message) for message in messages))
    assert read(made) == messages
