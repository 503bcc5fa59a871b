"""Replies: the three-digit answers of RFC 5321 with the enhanced status of RFC 2034, written and read.

What to answer when is the receiver's affair, what an answer means for a message the sender's.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# RFC 5321 §4.5.3.1.5 says 512 octets for a reply line. We write within it and read four times as much.
_WRITTEN_TEXT_LENGTH = 480
_READ_LINE_OCTETS = 2048
_READ_LINES = 128

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?([^\r\n]*))?")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class PeerError(Exception):
    """The peer broke the protocol; nothing it says after this can be trusted."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: a code, its enhanced status ("" for none) and its text, lines separated by a line feed."""

    code: int
    status: str
    text: str

    @property
    def positive(self) -> bool:
        """Whether the answer is 2xx."""
        return 200 <= self.code < 300

    @property
    def temporary(self) -> bool:
        """Whether trying the same again later may work (4xx)."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """Whether trying the same again is pointless (5xx)."""
        return self.code >= 500

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.code, self.status, self.text.replace("\n", " ")) if part)


def encode_reply(reply: Reply, *, utf8: bool = False) -> bytes:
    """Write a reply as the lines of the protocol.

    Text from elsewhere cannot add a line: control characters become spaces, long lines are cut. Outside ASCII a
    question mark stands, unless `utf8` says the client asked for SMTPUTF8 (RFC 6531 §3.7.4.2).
    """
    status = f"{reply.status} " if reply.status else ""
    texts = [_UNPRINTABLE.sub(" ", line)[:_WRITTEN_TEXT_LENGTH] for line in reply.text.split("\n")]
    lines = [f"{reply.code}-{status}{text}\r\n" for text in texts[:-1]]
    lines.append(f"{reply.code} {status}{texts[-1]}\r\n")
    return "".join(lines).encode("utf-8" if utf8 else "ascii", "replace")


def derive_single_reply(replies: Sequence[Reply]) -> Reply:
    """Make the one reply SMTP allows after DATA out of one per recipient.

    All taken: the first. All refused: the first refusal. Some refused: 250, since whoever gave these replies has taken
    it upon himself to tell the sender about the rest.
    """
    taken = [reply for reply in replies if reply.positive]
    return taken[0] if taken else replies[0]


class ReplyReader:
    """Cuts a server's bytes into replies, strictly and within bounds (RFC 5321 §4.2.1)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines: deque[bytes] = deque()
        self._code = 0
        self._texts: list[str] = []
        self._status = ""

    @property
    def empty(self) -> bool:
        """Whether every byte fed so far is part of a reply that has been given."""
        return not (self._buffer or self._lines or self._texts)

    def read(self, data: bytes) -> Iterator[Reply]:
        """Take bytes and give the replies they complete, one by one: those before a defect count.

        Raises PeerError for a line that is too long, ends in anything but CRLF or is no reply.
        """
        self._buffer += data
        *lines, rest = bytes(self._buffer).split(b"\r\n")
        self._buffer[:] = rest
        self._lines.extend(lines)
        while self._lines:
            reply = self._read_line(self._lines.popleft())
            if reply is not None:
                yield reply
        if len(rest) > _READ_LINE_OCTETS or b"\n" in rest:
            raise PeerError("a reply line does not end")

    def _read_line(self, line: bytes) -> Reply | None:
        found = _LINE.fullmatch(line) if len(line) <= _READ_LINE_OCTETS else None
        if found is None:
            raise PeerError(f"not a reply: {line[:80]!r}")
        digits, separator, status, words = found.groups(b"")
        code = int(digits)
        # RFC 2034 §4: the class of the status is the first digit of the code; anything else is ordinary text.
        if status and status[0] != digits[0]:
            status, words = b"", line[4:]
        text = words.decode("utf-8", "replace")
        if not text.isprintable():
            text = _UNPRINTABLE.sub("?", text)
        if separator != b"-" and not self._texts:
            return Reply(code, status.decode(), text)
        if self._texts and code != self._code:
            raise PeerError(f"a reply changes its code from {self._code} to {code}")
        if len(self._texts) >= _READ_LINES:
            raise PeerError("a reply has too many lines")
        self._code, self._status = code, status.decode() or self._status
        self._texts.append(text)
        if separator == b"-":
            return None
        reply = Reply(code, self._status, "\n".join(self._texts))
        self._texts, self._status = [], ""
        return reply
