"""What a list asks of a mail: fields, a text part, and types it permits. Permissions are elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from folkmoot.text.mail.message import Mail

_REQUIRED = ("From", "Subject", "Message-ID")
_FORBIDDEN = ("Return-Receipt-To", "Disposition-Notification-To")

_HTML_ONLY = (
    "This list takes plain text, and your mail came as HTML only. Please set your mail program to send plain text "
    "and send it again."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a mail is not taken: a stable code, and a sentence for the sender."""

    code: str
    message: str


def split_globs(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of shell globs for content types."""
    return tuple(glob for glob in (piece.strip().lower() for piece in text.split(",")) if glob)


def check(mail: Mail, permit_globs: Iterable[str], reject_globs: Iterable[str]) -> Problem | None:
    """Find the first reason not to take a mail on a list, or None (lists.sr.ht contract §5.5)."""
    return _check_fields(mail) or _check_text(mail) or _check_types(mail, tuple(permit_globs), tuple(reject_globs))


def _check_fields(mail: Mail) -> Problem | None:
    present = {name.lower() for name, _ in mail.headers}
    for name in _REQUIRED:
        if name.lower() not in present:
            return _missing(name)
    if mail.from_ is None:
        return _missing("From")
    if not mail.message_id:
        return _missing("Message-ID")
    if not present & {"to", "cc"}:
        return _missing("To or Cc")
    for name in _FORBIDDEN:
        if name.lower() in present:
            return Problem(
                "mail.forbidden_header",
                f"Mail to this list must not ask its readers for receipts. Please send it again without {name}.",
            )
    return None


def _missing(name: str) -> Problem:
    return Problem("mail.missing_header", f"Your mail has no usable {name} field, which this list needs.")


def _check_text(mail: Mail) -> Problem | None:
    if any(part.type == "text/plain" and not part.is_attachment for part in mail.parts):
        return None
    if any(part.type == "text/html" for part in mail.parts):
        return Problem("mail.html_only", _HTML_ONLY)
    return Problem("mail.no_text", "Your mail has no plain-text part that could be shown. Please add one.")


def _check_types(mail: Mail, permit: tuple[str, ...], reject: tuple[str, ...]) -> Problem | None:
    for kind in dict.fromkeys(part.type for part in mail.parts):
        if not _permitted(kind, permit, reject):
            return Problem(
                "mail.forbidden_type",
                f"Your mail has a part of type {kind}, which this list does not take. "
                "Please send plain text, and put anything else behind a link.",
            )
    return None


@lru_cache(maxsize=1024)
def _permitted(kind: str, permit: tuple[str, ...], reject: tuple[str, ...]) -> bool:
    """Match shell globs in which `*` crosses the slash; a reject wins over a permit."""
    return any(fnmatchcase(kind, glob.strip().lower()) for glob in permit) and not any(
        fnmatchcase(kind, glob.strip().lower()) for glob in reject
    )
