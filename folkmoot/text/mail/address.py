"""Mail addresses in header fields: reading them out of whatever a sender wrote, and writing them safely.

Every step is linear in the input. Whose account an address belongs to is decided in the domain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from folkmoot.errors import Invalid
from folkmoot.text.mail.charset import clean
from folkmoot.text.mail.header import decode_words, encode_words, require_plain, single_line

ADDRESS_LIMIT = 10_000

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|<[^<>]*>|\[[^\[\]]*\]|[^\s"(<>\[,;:]+|\s+|.', re.DOTALL)
_ROUTE = re.compile(r"^@[^:]*:")
_ADDRESS = re.compile(r'(?:[^\s<>(),;:\\"@\[\]]+|"[^"\r\n]*")@(?:[^\s<>(),;:\\"@\[\]]+|\[[^\[\]\s]*\])')
_PLAIN = re.compile(
    r'\s*(?:(?P<name>[^<>"(),;:@\\\[\]]{0,500})<)?(?P<address>[^\s<>(),;:\\"@\[\]]+@[^\s<>(),;:\\"@\[\]]+)(?(name)>)\s*'
)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_MAILBOX = re.compile(r"[^\s<>(),;:\\\"@\[\]]{1,256}@[^\s<>(),;:\\\"@\[\]]{1,255}")


@dataclass(frozen=True, slots=True)
class Address:
    """A display name, decoded and possibly empty, and the address as it was written."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


def parse_addresses(value: str, limit: int = ADDRESS_LIMIT) -> tuple[Address, ...]:
    """Read the addresses of a field value in order; what holds none is skipped, groups are opened up, names decoded."""
    plain = _plain(value, limit)
    if plain is not None:
        return plain
    found: list[Address] = []
    mailbox = _Mailbox()
    for token in _tokens(value):
        if token in (",", ";"):
            found += mailbox.finish()
            mailbox = _Mailbox()
            if len(found) >= limit:
                return tuple(found[:limit])
        elif token == ":":
            # RFC 5322 §3.4: the name of a group says nothing about its members.
            mailbox = _Mailbox()
        else:
            mailbox.add(token)
    found += mailbox.finish()
    return tuple(found[:limit])


def _plain(value: str, limit: int) -> tuple[Address, ...] | None:
    """Read a value of nothing but `Name <address>` and bare addresses, as most are; None when there is more to it."""
    found = []
    for piece in value.split(",", limit)[:limit]:
        match = _PLAIN.fullmatch(piece)
        if match is None or not match["address"].isprintable():
            return None
        name = match["name"] or ""
        found.append(Address(single_line(decode_words(name.strip()[:4000]))[:1000], match["address"]))
    return tuple(found)


def _tokens(value: str) -> list[str]:
    """Cut a value into quoted strings, comments, angle addresses, words, spaces and separators."""
    tokens: list[str] = []
    position = 0
    open_comment = False
    while position < len(value):
        end = -1
        if value[position] == "(" and not open_comment:
            end = _comment_end(value, position)
            open_comment = end < 0
        if end < 0:
            match = _TOKEN.match(value, position)
            end = match.end() if match else position + 1
            if match and match[0] == '"':
                # A quote without its partner: nothing after it is quoted either, so it is not looked for again.
                value = value[:position] + value[position:].replace('"', " ")
        tokens.append(value[position:end])
        position = end
    return tokens


def _comment_end(value: str, start: int) -> int:
    """Give the offset after a comment, which may hold comments, or -1 when it is never closed."""
    depth = 0
    for found in re.compile(r"[()]|\\.", re.DOTALL).finditer(value, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return -1


class _Mailbox:
    """One address being put together from tokens."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.angle = ""
        self.comment = ""

    def add(self, token: str) -> None:
        if token[0] == "(" and len(token) > 1:
            self.comment = self.comment or token[1:-1]
        elif token[0] == "<" and len(token) > 1:
            self.angle = self.angle or token[1:-1].strip()
        else:
            self.words.append(token)

    def finish(self) -> list[Address]:
        phrase = "".join(self.words).strip()
        if self.angle:
            match = _ADDRESS.fullmatch(_ROUTE.sub("", "".join(self.angle.split())))
            name = _unquote(phrase)
        else:
            match = _ADDRESS.search(re.sub(r"\s*([@.])\s*", r"\1", phrase) if len(phrase) < 1000 else phrase[:1000])
            name = _unquote(phrase[: phrase.find(match[0])]) if match and match[0] in phrase else ""
        # Invisible characters in an address only serve to pass it off as another.
        if not match or not match[0].isprintable():
            return []
        shown = single_line(decode_words((name or self.comment)[:4000]))
        return [Address(shown[:1000], match[0])]


def _unquote(phrase: str) -> str:
    if '"' not in phrase:
        return phrase
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda quoted: re.sub(r"\\(.)", r"\1", quoted[1]), phrase).strip()


def render_address(mailbox: Address, used: int = 0) -> str:
    """Write an address for a header field; `used` characters are already on the line. Raises Invalid."""
    require_plain("address", mailbox.name + mailbox.address)
    if not _MAILBOX.fullmatch(mailbox.address) or single_line(mailbox.address) != mailbox.address:
        raise Invalid("mail.bad_address", f"{mailbox.address!r} is not a mail address.", "address")
    name = clean(mailbox.name).strip()
    if not name:
        return mailbox.address
    if not name.isascii() or "=?" in name or not name.isprintable() or len(name) > 300:
        return f"{encode_words(name, used)} <{mailbox.address}>"
    if not _ATOMS.fullmatch(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{escaped}"'
    return f"{name} <{mailbox.address}>"
