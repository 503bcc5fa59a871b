"""A message as a value: what the rest of the program wants to know about a mail, read from its bytes.

The bytes are the truth and are kept elsewhere; this is a view, bounded on hostile input, and it never fails on anything
that has a header at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from folkmoot.errors import Invalid
from folkmoot.text.mail import header, mime
from folkmoot.text.mail.address import Address, parse_addresses
from folkmoot.text.mail.charset import clean, decode

ID_LIMIT = 998
REFERENCE_LIMIT = 1000

_PEOPLE = ("from", "to", "cc")
_ID = re.compile(r"<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Part:
    """One part that is not a multipart: its type in lower case, its file name or "", its size when decoded."""

    type: str
    filename: str
    is_attachment: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Mail:
    """A parsed message. Ids carry their angle brackets; absent text is "", absent addresses and dates are None."""

    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    subject: str
    from_: Address | None
    date: datetime | None
    text: str
    parts: tuple[Part, ...]
    auto_submitted: str
    list_ids: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]

    @property
    def to(self) -> tuple[Address, ...]:
        """The addresses of all To fields. Read when asked for: there may be thousands, and few callers want them."""
        return parse_addresses(",".join(self.get_all("to")))

    @property
    def cc(self) -> tuple[Address, ...]:
        """The addresses of all Cc fields, read when asked for."""
        return parse_addresses(",".join(self.get_all("cc")))

    def get(self, name: str) -> str:
        """Give the value of the first header field of this name (any case), unfolded; "" when there is none."""
        return next(iter(self.get_all(name)), "")

    def get_all(self, name: str) -> tuple[str, ...]:
        """Give the values of all header fields of this name, in order."""
        lower = name.lower()
        return tuple(value for field, value in self.headers if field.lower() == lower)


def parse(data: bytes) -> Mail:
    """Read a message; raises Invalid only when there is not a single header field in it."""
    header_end, body = header.split(data)
    fields = header.fields(data, 0, header_end)
    if not fields:
        raise Invalid("mail.unreadable", "This is not a mail: it has no header.")
    named: dict[str, list[str]] = {}
    for name, value in fields:
        named.setdefault(name.lower(), []).append(value)
    first = {name: values[0] for name, values in named.items()}
    leaves = list(mime.leaves(data, fields, body))
    return Mail(
        message_id=_own_id(first.get("message-id", "")),
        in_reply_to=_replied_id(first.get("in-reply-to", "")),
        references=_references(first.get("references", "")),
        subject=header.single_line(header.decode_words(first.get("subject", ""))),
        from_=next(iter(parse_addresses(first.get("from", ""), limit=1)), None),
        date=_date(first.get("date", "")),
        text=_text(data, leaves),
        parts=tuple(Part(leaf.type, leaf.filename, leaf.is_attachment, mime.size_bytes(data, leaf)) for leaf in leaves),
        # RFC 3834 §5: a keyword, then parameters.
        auto_submitted=first.get("auto-submitted", "").split(";")[0].split("(")[0].strip().lower(),
        list_ids=tuple(map(_list_id, named.get("list-id", ()))),
        headers=tuple(fields),
    )


def read_people(data: bytes) -> tuple[Address, ...]:
    """Give the addresses in From, To and Cc, in the order of the fields; only the header is read."""
    fields = header.fields(data, 0, header.split(data)[0])
    return tuple(each for name, value in fields if name.lower() in _PEOPLE for each in parse_addresses(value))


def _own_id(value: str) -> str:
    found = _ID.search(value)
    return _bracketed(found[1] if found else value)


def _replied_id(value: str) -> str:
    """Salvage the id a message replies to: the first one; without brackets, what stands before a parenthesis."""
    found = _ID.search(value)
    return _bracketed(found[1] if found else value.partition("(")[0])


def _bracketed(text: str) -> str:
    # A folded id has white space where the line was broken; nothing else puts it there.
    inner = re.sub(r"[\s\0-\x1f\x7f]", "", text)
    return f"<{inner}>" if inner and len(inner) <= ID_LIMIT - 2 else ""


def _references(value: str) -> tuple[str, ...]:
    ids = dict.fromkeys(_bracketed(found[1]) for found in _ID.finditer(value))
    ids.pop("", None)
    return tuple(ids)[-REFERENCE_LIMIT:]


def _list_id(value: str) -> str:
    """Give the identifier between the angle brackets, in lower case."""
    found = _ID.search(value)
    return (found[1] if found else value).strip().lower()


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value[:200])
        # RFC 5322 §3.3: -0000 says nothing about the local zone; the time itself is UTC.
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _text(data: bytes, leaves: list[mime.Leaf]) -> str:
    """Decode the body for the archive: the first text/plain part that is not an attachment."""
    for leaf in leaves:
        if leaf.type == "text/plain" and not leaf.is_attachment:
            text = decode(mime.content(data, leaf), leaf.charset)
            return clean(text).replace("\r\n", "\n")
    return ""
