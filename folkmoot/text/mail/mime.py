"""The parts of a message, found in its bytes without copying them.

The walk is our own because it must stay cheap on hostile mail: parts, depth and delimiter lines are counted, and what
is beyond a bound is simply not seen. Content types and file names are read by the standard library, which may raise;
then the header counts as absent.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from functools import lru_cache

from folkmoot.text.mail import header
from folkmoot.text.mail.charset import clean

PART_LIMIT = 1000
DEPTH_LIMIT = 50
DELIMITER_LIMIT = 20_000
PART_HEADER_LIMIT_BYTES = 16 * 1024
VALUE_LIMIT = 4000

_TYPE = re.compile(r"[!-.0-~]{1,100}/[!-.0-~]{1,100}")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part that is not opened further; `start` and `end` are offsets of its encoded content."""

    type: str
    charset: str
    encoding: str
    filename: str
    is_attachment: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the content fields of a part say."""

    type: str
    boundary: bytes
    charset: str
    encoding: str
    filename: str
    is_attachment: bool


class _Budget:
    """What is left of the bounds during one walk."""

    def __init__(self) -> None:
        self.parts = PART_LIMIT
        self.delimiters = DELIMITER_LIMIT


def leaves(data: bytes, fields: list[tuple[str, str]], body: int) -> Iterator[Leaf]:
    """Walk the parts in order; `fields` is the message's own header, `body` the offset where its content starts."""
    return _walk(data, fields, body, len(data), DEPTH_LIMIT, _Budget())


def _walk(
    data: bytes, fields: list[tuple[str, str]], start: int, end: int, depth: int, budget: _Budget
) -> Iterator[Leaf]:
    kind = _kind(*_content_values(fields))
    if kind.boundary and depth > 0:
        for part_start, part_end in _spans(data, kind.boundary, start, end, budget):
            header_end, body = header.split(data, part_start, part_end)
            inner = header.fields(data, part_start, header_end, PART_HEADER_LIMIT_BYTES)
            yield from _walk(data, inner, body, part_end, depth - 1, budget)
            if budget.parts <= 0:
                return
        return
    if budget.parts <= 0:
        return
    budget.parts -= 1
    yield Leaf(kind.type, kind.charset, kind.encoding, kind.filename, kind.is_attachment, start, end)


def _spans(data: bytes, boundary: bytes, start: int, end: int, budget: _Budget) -> Iterator[tuple[int, int]]:
    """Give the offsets of the parts between delimiter lines; the last part may lack its delimiter."""
    mark = b"\n--" + boundary
    # The delimiter may be the first line of the content, whose line end came before it.
    at = data.find(mark, max(start - 1, 0), end)
    part_start = -1
    while at >= 0 and budget.delimiters > 0:
        budget.delimiters -= 1
        line_end = data.find(b"\n", at + len(mark), end)
        line_end = end if line_end < 0 else line_end
        rest = data[at + len(mark) : min(line_end, at + len(mark) + 80)].strip(b" \t\r")
        if rest in (b"", b"--"):
            if part_start >= 0:
                yield part_start, max(part_start, at - (data[at - 1 : at] == b"\r"))
            if rest:
                return
            part_start = min(line_end + 1, end)
        at = data.find(mark, line_end, end)
    if part_start >= 0:
        yield part_start, end


def _content_values(fields: list[tuple[str, str]]) -> tuple[str, str, str]:
    """Give the values of Content-Type, Content-Disposition and Content-Transfer-Encoding."""
    found: dict[str, str] = {}
    for name, value in fields:
        if name[:8] in ("Content-", "content-", "CONTENT-") or name[:8].lower() == "content-":
            found.setdefault(name.lower(), value[:VALUE_LIMIT])
    return (
        found.get("content-type", ""),
        found.get("content-disposition", ""),
        found.get("content-transfer-encoding", ""),
    )


@lru_cache(maxsize=256)
def _kind(content_type: str, disposition: str, encoding: str) -> _Kind:
    """Have the standard library read the content fields."""
    view = Message()
    for name, value in (("content-type", content_type), ("content-disposition", disposition)):
        if value:
            view[name] = value
    kind = view.get_content_type()
    if not _TYPE.fullmatch(kind):
        kind = "text/plain"
    # RFC 2046 §5.1.1: at most 70 characters, of ASCII; longer ones are seen in the wild.
    boundary = _parameter(view, "boundary").rstrip() if kind.startswith("multipart/") else ""
    boundary = boundary if boundary.isascii() and len(boundary) <= 200 else ""
    if kind.startswith("multipart/") and not boundary:
        # A container that cannot be opened is what an unparsable Content-Type is: text (lists.sr.ht contract §5.5).
        kind = "text/plain"
    # A boundary is new in every mail, so this is not always remembered: what is not there is not looked for.
    written = f"{content_type};{disposition}".lower()
    filename = header.single_line(header.decode_words(_parameter(view, "filename"))) if "name" in written else ""
    return _Kind(
        type=kind,
        boundary=boundary.encode("ascii"),
        charset=_parameter(view, "charset") if "charset" in written else "",
        encoding=encoding.split(";")[0].strip().lower(),
        filename=filename.replace("\\", "/").rpartition("/")[2][:255],
        is_attachment=disposition.split(";")[0].strip().lower() == "attachment",
    )


def _parameter(view: Message, name: str) -> str:
    try:
        value = view.get_filename("") if name == "filename" else view.get_param(name, "")
        value = collapse_rfc2231_value(value)
    except Exception:
        # The reader raises all kinds of errors on malformed parameters; the part is still a part.
        return ""
    return clean(value)


def content(data: bytes, leaf: Leaf) -> bytes:
    """Give a part's content with its transfer encoding undone; what is malformed is decoded as far as it goes."""
    raw = data[leaf.start : leaf.end]
    if leaf.encoding == "base64":
        return header.unbase64(raw)
    if leaf.encoding == "quoted-printable":
        return binascii.a2b_qp(raw)
    return raw


def size_bytes(data: bytes, leaf: Leaf) -> int:
    """Reckon the size of a part's decoded content without decoding it."""
    if leaf.encoding != "base64":
        return leaf.end - leaf.start
    raw = data[leaf.start : leaf.end].translate(None, b"\r\n \t")
    return len(raw) * 3 // 4 - raw[-2:].count(b"=")
