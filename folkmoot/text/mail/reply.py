"""Where a reply ends and what it quotes begins. Nothing is lost: the two halves make up the whole text."""

from __future__ import annotations

import re
from functools import cache

from mailparser_reply.parser import EmailMessage

# Polish is left out: its pattern takes any line that begins with `Data:` for the start of a quote.
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "da", "sv", "cs", "ja", "ko", "zh")

# The patterns are not linear, so they only ever see a short window of short lines.
_WINDOW_LINES = 6
_WINDOW_COLUMNS = 160
_WINDOW_LIMIT = 200
_LABEL = re.compile(r"[* ]*[^\s:*][^:]{1,20}:")
_SIGNATURE = re.compile(r"-- ?")


@cache
def _headings() -> re.Pattern[str]:
    pattern: re.Pattern[str] = EmailMessage(text="", languages=list(_LANGUAGES)).HEADER_REGEX
    return pattern


def split_reply(text: str) -> tuple[str, str]:
    """Split a body into what its writer says and the quoted tail; the tail is "" when there is none to fold.

    Answers between quoted lines keep the lines they answer. A text that would be all tail is left whole.
    """
    lines = text.splitlines(keepends=True)
    cut = _tail_start(lines)
    visible = "".join(lines[:cut])
    return (visible, "".join(lines[cut:])) if visible.strip() else (text, "")


def _tail_start(lines: list[str]) -> int:
    end = len(lines)
    signature = _signature_start(lines)
    heading = _first_heading(lines, signature)
    if heading < signature:
        after = [line for line in lines[heading + 1 : signature] if line.strip()]
        quoted = [line.lstrip().startswith(">") for line in after]
        # Without a single quote mark the mailer copied the original as it was: it is all below the heading.
        if not any(quoted) or all(quoted[_heading_lines(after) :]):
            return heading
    start = signature
    while start > 0 and (lines[start - 1].lstrip().startswith(">") or not lines[start - 1].strip()):
        start -= 1
    has_quote = any(line.lstrip().startswith(">") for line in lines[start:signature])
    if not has_quote:
        return end
    return _heading_above(lines, start)


def _signature_start(lines: list[str]) -> int:
    """Give the index of the last signature mark, or the end."""
    for index in range(len(lines) - 1, max(-1, len(lines) - 30), -1):
        if _SIGNATURE.fullmatch(lines[index].rstrip("\r\n")):
            return index
    return len(lines)


def _first_heading(lines: list[str], end: int) -> int:
    """Give the index of the first line that introduces a quoted message, or `end`."""
    windows = 0
    for index in range(end):
        if windows < _WINDOW_LIMIT and _may_head(lines, index):
            windows += 1
            if _heads(lines, index):
                return index
    return end


def _may_head(lines: list[str], index: int) -> bool:
    """Tell cheaply whether the patterns are worth trying on this line."""
    line = lines[index].strip()
    if not line or line[0] == ">":
        return False
    if line.endswith((":", "：")) or line.startswith("-----"):
        return True
    following = lines[index + 1].strip() if index + 1 < len(lines) else ""
    return following.endswith((":", "：")) or bool(_LABEL.match(line[:40]) and _LABEL.match(following[:40]))


def _heads(lines: list[str], index: int) -> bool:
    window = "\n".join(line.strip()[:_WINDOW_COLUMNS] for line in lines[index : index + _WINDOW_LINES])
    return bool(_headings().match(window))


def _heading_lines(after: list[str]) -> int:
    """Count the further lines of the heading itself: `On … wrote:` is often broken once or twice."""
    for index, line in enumerate(after[:3]):
        if line.lstrip().startswith(">"):
            return index
    return 0


def _heading_above(lines: list[str], start: int) -> int:
    """Take the one or two lines `… wrote:` above a trailing quote into the tail when they introduce it."""
    for index in (start - 1, start - 2, start - 3):
        if index >= 0 and _may_head(lines, index) and _heads(lines, index):
            return index
    return start
