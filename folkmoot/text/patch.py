"""Patch mail: is there a diff in it, what its subject says, is it a request to pull. Series are the domain's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

SUBJECT_LIMIT = 2000
NUMBER_LIMIT = 10**9

# Some patterns of the diff parser are not linear; no line it must understand is longer than this.
_LINE_LIMIT = 600
_DIFF_LIMIT = 1_000_000
_START = re.compile(r"^(?:diff --git |--- [^\n]*\n\+\+\+ |Binary files? )", re.MULTILINE)
_BINARY = re.compile(r"Binary files? .+ (?:differ|has changed)\s*")
_BRACKET = re.compile(r"\[(?:RFC )?PATCH(?: ([^\[\]]*))?\] +(\S.*)")
_MIDDLE = re.compile(r"(?P<prefix>.*?)(?:v(?P<version>[0-9]+))?(?: ?(?P<index>[0-9]+)/(?P<count>[0-9]+))?")
_REPLY = re.compile(r"\s*re\s*:", re.IGNORECASE)
_PULL_START = "The following changes since commit "
_PULL_MARKS = (
    re.compile(rf"^{_PULL_START}", re.MULTILINE),
    re.compile(r"^are available in the Git repository at:", re.MULTILINE),
    re.compile(r"^for you to fetch changes up to ", re.MULTILINE),
)


@dataclass(frozen=True, slots=True)
class PatchSubject:
    """What the bracket of a patch subject says; `prefix` is None when it held one word, `subject` is the rest."""

    prefix: str | None
    version: int
    index: int
    count: int
    subject: str


def is_patch(text: str) -> bool:
    """Tell whether a body holds a diff that parses to at least one file (lists.sr.ht contract §6.5)."""
    if "diff --git " not in text and "\n+++ " not in text and "Binary file" not in text:
        return False
    text = text.replace("\r\n", "\n")
    start = _START.search(text)
    return start is not None and _parses(_bounded(text[start.start() :]))


def _bounded(diff: str) -> str:
    """Cut a very long diff after the last file that begins within the bound: one file is all that is asked for."""
    if len(diff) <= _DIFF_LIMIT:
        return diff
    end = max(diff.rfind("\ndiff --git ", 0, _DIFF_LIMIT), diff.rfind("\n--- ", 0, _DIFF_LIMIT))
    return diff[: end + 1] if end > 0 else diff


def _parses(diff: str) -> bool:
    lines = (_shortened(line) for line in diff.split("\n"))
    try:
        files = PatchSet(StringIO("\n".join(lines) + "\n"), metadata_only=True)
        # A line `diff --git a b` alone is prose: a file needs a hunk, or says what else has changed.
        return any(
            len(file) or file.is_binary_file or file.target_mode or file.source_mode or file.is_rename for file in files
        )
    except (UnidiffParseError, ValueError, IndexError, AttributeError):
        return False


def _shortened(line: str) -> str:
    if line.startswith("Binary file") and not (len(line) <= _LINE_LIMIT and _BINARY.fullmatch(line)):
        return ""
    return line[:_LINE_LIMIT]


def parse_subject(subject: str) -> PatchSubject | None:
    """Read a patch subject (lists.sr.ht contract §6.6); None when it is not one. The last bracket of the kind wins."""
    found = None
    subject = subject[:SUBJECT_LIMIT]
    position = 0
    while match := _BRACKET.search(subject, position):
        found, position = match, match.start() + 1
    if found is None:
        return None
    middle, bare = found[1], found[2].strip()
    if middle is None:
        return PatchSubject(None, 1, 1, 1, bare)
    parsed = _MIDDLE.fullmatch(middle)
    if parsed is None or not middle.strip():
        return None
    return PatchSubject(
        prefix=parsed["prefix"].strip(),
        version=_number(parsed["version"]),
        index=_number(parsed["index"]),
        count=_number(parsed["count"]),
        subject=bare,
    )


def _number(digits: str | None) -> int:
    """Read a number; absent counts as 1, and beyond all reason as `NUMBER_LIMIT`."""
    if digits is None:
        return 1
    return int(digits) if len(digits) < 10 else NUMBER_LIMIT


def is_reply(subject: str) -> bool:
    """Tell whether a subject starts with `Re:`: such a mail in a thread never joins a series (contract §6.6)."""
    return _REPLY.match(subject) is not None


def is_request_pull(text: str) -> bool:
    """Tell whether a body is what `git request-pull` writes: its three marker lines, in order (contract §6.8)."""
    if _PULL_START not in text:
        return False
    position = 0
    for mark in _PULL_MARKS:
        found = mark.search(text, position)
        if not found:
            return False
        position = found.end()
    return True
