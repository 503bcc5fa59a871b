"""What a web page says of itself for whoever links to it: its title, description and picture; pure.

Nothing of the page but plain text and one address is taken. Only its head is read, and of that so many bytes that even a page
made to be slow to read is read quickly.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

#: More of a page need not be fetched.
LONGEST_PAGE = 256 * 1024

_LONGEST_TITLE = 300
_LONGEST_DESCRIPTION = 1000
_LONGEST_ADDRESS = 2000
# A head longer than this has no description that is worth the time; the parser is slow with some things that are no HTML.
_LONGEST_HEAD = 32 * 1024
_END_OF_HEAD = re.compile(rb"</head\b|<body\b", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_NO_TAG = re.compile(rb"<(?![A-Za-z/])")
_SCRIPT = re.compile(rb"<(script|style|noscript|svg)\b|<!--")


class Preview(NamedTuple):
    """What is shown beside a link; None where the page says nothing."""

    title: str | None = None
    description: str | None = None
    image_url: str | None = None


def read_preview(data: bytes, content_type: str, url: str) -> Preview | None:
    """The preview of a page, or of a picture; None for what is neither. `url` is where it was found."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("image/"):
        return Preview(image_url=_address(url, url))
    if kind not in ("text/html", "application/xhtml+xml"):
        return None
    head = _head(data)
    reader = _HeadReader()
    reader.feed(_decode(head, content_type))
    found = reader.found
    return Preview(
        _line(found.get("og:title") or reader.title or found.get("twitter:title"), _LONGEST_TITLE),
        _line(found.get("og:description") or found.get("description"), _LONGEST_DESCRIPTION),
        _address(url, found.get("og:image") or found.get("og:image:url") or found.get("twitter:image")),
    )


def _head(data: bytes) -> bytes:
    """The head without scripts, which may be longer than all the rest and hold what looks like its end."""
    lower = data[:LONGEST_PAGE].lower()
    pieces: list[bytes] = []
    at = 0
    while opening := _SCRIPT.search(lower, at):
        pieces.append(data[at : opening.start()])
        closing = b"</" + opening[1] if opening[1] else b"-->"
        end = lower.find(closing, opening.end())
        at = lower.find(b">", end) + 1 if end >= 0 else 0
        if not at:
            break
    else:
        pieces.append(data[at : len(lower)])
    # Neither declarations nor stray signs: the parser fails at some, and is slow with others.
    without = _NO_TAG.sub(b"", b"".join(pieces))
    end_of_head = _END_OF_HEAD.search(without)
    return without[: min(end_of_head.start() if end_of_head else len(without), _LONGEST_HEAD)]


def _decode(head: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type) or _CHARSET.search(head[:2048].decode("latin-1"))
    try:
        return head.decode(named[1] if named else "utf-8", "replace")
    except (LookupError, ValueError):
        return head.decode("utf-8", "replace")


class _HeadReader(HTMLParser):
    """Collects the title and the first of each description of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title" and not self.title:
            self._in_title = True
        elif tag == "meta":
            given = dict(attrs)
            name = (given.get("property") or given.get("name") or "").strip().lower()
            content = given.get("content")
            if name and content:
                self.found.setdefault(name, content)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title and len(self.title) < _LONGEST_TITLE:
            self.title += data


def _line(text: str | None, longest: int) -> str | None:
    """A text on one line, cut where it is too long; None for an empty one."""
    words = " ".join((text or "")[: longest * 4].split())
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in words)
    return shown[:longest] or None


def _address(base: str, found: str | None) -> str | None:
    """A whole address of the web, or None."""
    try:
        url = urljoin(base, (found or "").strip())
        parts = urlsplit(url)
    except ValueError:
        return None
    whole = bool(found) and parts.scheme in ("http", "https") and bool(parts.hostname)
    return url if whole and len(url) <= _LONGEST_ADDRESS and url.isprintable() and " " not in url else None
