"""Where a command line and where a message ends; and the dots that hide a message's own (RFC 5321 §4.5.2).

Only CRLF ends a line. A lone CR or LF is a defect wherever it stands, because servers that disagree about it can be
made to see two messages where others saw one. What to answer to a defect is the receiver's affair.
"""

from __future__ import annotations

import re
from enum import Enum

_LINE_EVENT = re.compile(rb"\r\n|\r(?=[^\n])|\n")
_LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_END_OF_DATA = b"\r\n.\r\n"


class LineDefect(Enum):
    """Why a command line is not one."""

    LONE_LINE_END = "lone"
    TOO_LONG = "long"
    ENDLESS = "endless"


class DataDefect(Enum):
    """Why a message cannot be taken, although its end was or may still be found."""

    LONE_LINE_END = "lone"
    NUL = "nul"
    TOO_LARGE = "large"
    ENDLESS = "endless"


class LineReader:
    """Takes command lines off the front of a buffer; a defective one is reported at once, then skipped to its CRLF."""

    def __init__(self, line_octets: int, skipped_octets: int = 65536) -> None:
        self._line_octets = line_octets
        self._skipped_octets = skipped_octets
        self._scanned = 0
        self._skipping = False
        self._skipped = 0

    def read(self, buffer: bytearray) -> bytes | LineDefect | None:
        """Give the next line without its CRLF, or its defect; None when more bytes are needed."""
        if self._skipping:
            defect = self._skip(buffer)
            if self._skipping:
                return defect
        found = _LINE_EVENT.search(buffer, self._scanned)
        end = found.start() if found is not None else len(buffer) - buffer.endswith(b"\r")
        if end > self._line_octets - 2:
            self._start_skipping()
            return LineDefect.TOO_LONG
        if found is None:
            self._scanned = end
            return None
        if found[0] != b"\r\n":
            self._start_skipping()
            return LineDefect.LONE_LINE_END
        self._scanned = 0
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return line

    def _start_skipping(self) -> None:
        self._scanned = self._skipped = 0
        self._skipping = True

    def _skip(self, buffer: bytearray) -> LineDefect | None:
        end = buffer.find(b"\r\n")
        if end >= 0:
            del buffer[: end + 2]
            self._skipping = False
            return None
        dropped = len(buffer) - buffer.endswith(b"\r")
        del buffer[:dropped]
        self._skipped += dropped
        return LineDefect.ENDLESS if self._skipped > self._skipped_octets else None


class DataReader:
    """Takes one message off the front of a buffer, up to its CRLF.CRLF, and removes the added dots.

    A message with a defect is dropped while it is being read, and its end still looked for, so that the connection can
    be used afterwards; after `discarded_octets` of that the defect becomes ENDLESS.
    """

    def __init__(self, message_octets: int, discarded_octets: int) -> None:
        self._limit = message_octets
        self._discarded_limit = discarded_octets
        self._discarded = 0
        # The CRLF behind the DATA command counts as the one before the first line: a message may be empty.
        self._carry = b"\r\n"
        self._first = True
        self._body = bytearray()
        self.defect: DataDefect | None = None

    def read(self, buffer: bytearray) -> bool:
        """Consume the buffer as far as the message goes; True when its end was in it."""
        work = self._carry + bytes(buffer)
        buffer.clear()
        end = work.find(_END_OF_DATA)
        if end >= 0:
            buffer += work[end + 5 :]
            self._add(work[: end + 2])
            return True
        # Keep back whatever could be the beginning of the end.
        kept = next(size for size in (4, 3, 2, 1, 0) if work.endswith(_END_OF_DATA[:size]))
        self._carry = work[len(work) - kept :]
        self._add(work[: len(work) - kept])
        return False

    def message(self) -> bytes:
        """The message read, without the dots; empty when it has a defect."""
        return bytes(self._body)

    def _add(self, piece: bytes) -> None:
        # No piece ends between CR and LF, or between CRLF and a dot, so each can be judged alone.
        if not piece:
            return
        if self.defect is None:
            lone = find_lone_line_end(piece)
            nul = piece.find(b"\0")
            # What comes first in the stream decides, so that it does not matter how the bytes were cut.
            if lone >= 0 or nul >= 0:
                first_is_lone = nul < 0 or 0 <= lone < nul
                room = self._limit - len(self._body)
                cut = lone if first_is_lone else nul
                defect = DataDefect.LONE_LINE_END if first_is_lone else DataDefect.NUL
                self._fail(DataDefect.TOO_LARGE if len(self._unstuff(piece[:cut])) > room else defect)
            else:
                self._body += self._unstuff(piece)
                self._first = False
                if len(self._body) > self._limit:
                    self._fail(DataDefect.TOO_LARGE)
        if self.defect is not None:
            self._discarded += len(piece)
            if self._discarded > self._discarded_limit:
                self.defect = DataDefect.ENDLESS

    def _unstuff(self, piece: bytes) -> bytes:
        # RFC 5321 §4.5.2: a leading dot with anything behind it goes.
        plain = piece.replace(b"\r\n.", b"\r\n")
        return plain[2:] if self._first else plain

    def _fail(self, defect: DataDefect) -> None:
        self.defect = defect
        self._body = bytearray()


def find_lone_line_end(data: bytes) -> int:
    """Where the first CR without LF or LF without CR is; -1 when every line end is CRLF."""
    pairs = data.count(b"\r\n")
    if data.count(b"\r") == pairs and data.count(b"\n") == pairs:
        return -1
    found = _LONE.search(data)
    return found.start() if found is not None else -1


def stuff_dots(message: bytes) -> bytes:
    """Write a message as DATA wants it: leading dots doubled, the last line ended, the lone dot behind it.

    The message must have only CRLF line ends and no NUL; see `find_lone_line_end`.
    """
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    # RFC 5321 §4.1.1.4: a message that does not end a line gets its line end here.
    if stuffed and not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"
