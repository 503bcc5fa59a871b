"""Mailbox addresses and the arguments of MAIL and RCPT (RFC 5321 §4.1.2, RFC 6531 §3.3), read strictly.

Whether a mailbox exists or may be written to is decided elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

# RFC 5321 §4.5.3.1.1 says 64, but a list's address with a command in it, `u.owner.name+confirm`, may be longer.
LOCAL_OCTETS = 256
# RFC 5321 §4.5.3.1.2
DOMAIN_OCTETS = 255
_LABEL_OCTETS = 63

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x80-\U0010ffff]+"
_DOTTED = rf"{_ATOM}(?:\.{_ATOM})*"
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"'
_LABEL = r"[A-Za-z0-9\x80-\U0010ffff](?:[A-Za-z0-9\-\x80-\U0010ffff]*[A-Za-z0-9\x80-\U0010ffff])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_LITERAL = r"\[[0-9A-Za-z:.\-]{1,80}\]"
_MAILBOX = rf"(?P<local>{_DOTTED}|{_QUOTED})@(?P<domain>{_DOMAIN}|{_LITERAL})"

_ADDRESS = re.compile(_MAILBOX)
# RFC 5321 §4.1.1.3 and appendix C: a source route is read and thrown away.
_PATH = re.compile(rf"<(?:@{_DOMAIN}(?:,@{_DOMAIN})*:)?{_MAILBOX}>")
_POSTMASTER = re.compile(r"<(postmaster)>", re.IGNORECASE)
_PLAIN_LOCAL = re.compile(_DOTTED)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9\-]*)(?:=([^\x00-\x20=\x7f]+))?")


class AddressError(ValueError):
    """The text is no address we take; `needs_utf8` when it would be one with SMTPUTF8."""

    def __init__(self, message: str, *, needs_utf8: bool = False) -> None:
        super().__init__(message)
        self.needs_utf8 = needs_utf8


@dataclass(frozen=True, slots=True)
class PathArgument:
    """What follows `MAIL FROM:` or `RCPT TO:`: the address ("" for the null path) and the parameters in upper case."""

    address: str
    parameters: dict[str, str | None]


def parse_address(text: str, *, utf8: bool = True) -> str:
    """Check an address and give it in its shortest form: quotes go where they are not needed, the domain in lower case.

    Raises AddressError when it is none, is too long, or is outside ASCII without `utf8`.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise AddressError("not an address")
    return _settle(found["local"], found["domain"], utf8)


def parse_path(text: str, *, null_allowed: bool, utf8_allowed: bool) -> PathArgument:
    """Read a path in angle brackets and the parameters behind it.

    `null_allowed` takes `<>` (MAIL) and else `<Postmaster>` (RCPT). UTF-8 is taken when `utf8_allowed` or when the
    parameter SMTPUTF8 is among those that follow. Raises AddressError for a bad path, ValueError for bad parameters.
    """
    if null_allowed and text.startswith("<>"):
        return PathArgument("", parse_parameters(text[2:]))
    found = _PATH.match(text)
    if found is None:
        postmaster = None if null_allowed else _POSTMASTER.match(text)
        if postmaster is None:
            raise AddressError("not an address in angle brackets")
        return PathArgument(postmaster[1], parse_parameters(text[postmaster.end() :]))
    parameters = parse_parameters(text[found.end() :])
    address = _settle(found["local"], found["domain"], utf8_allowed or (null_allowed and "SMTPUTF8" in parameters))
    return PathArgument(address, parameters)


def parse_parameters(text: str) -> dict[str, str | None]:
    """Read ` KEY=value KEY` as they follow a path; a key without a value has None.

    Raises ValueError for a malformed or repeated one.
    """
    parameters: dict[str, str | None] = {}
    if text and not text.startswith(" "):
        raise ValueError("something follows the closing bracket")
    for word in text.split():
        found = _PARAMETER.fullmatch(word)
        if found is None or found[1].upper() in parameters:
            raise ValueError("malformed or repeated parameter")
        parameters[found[1].upper()] = found[2]
    return parameters


def _settle(local: str, domain: str, utf8: bool) -> str:
    if not (local.isascii() and domain.isascii()):
        if not utf8:
            raise AddressError("an address outside ASCII needs SMTPUTF8", needs_utf8=True)
        if not (local + domain).isprintable():
            raise AddressError("an invisible character in an address")
    if local[0] == '"':
        local = _shorten_quoted(local)
    octets = domain.encode()
    if len(local.encode()) > LOCAL_OCTETS or len(octets) > DOMAIN_OCTETS:
        raise AddressError("the address is too long")
    if domain[0] == "[":
        _require_literal(domain[1:-1])
    elif max(map(len, octets.split(b"."))) > _LABEL_OCTETS:
        raise AddressError("a part of the domain is too long")
    return f"{local}@{domain.lower()}"


def _shorten_quoted(local: str) -> str:
    # RFC 5321 §4.1.2: the quotes are no part of the name, and a name that can do without them should.
    name = re.sub(r"\\(.)", r"\1", local[1:-1])
    if _PLAIN_LOCAL.fullmatch(name):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _require_literal(text: str) -> None:
    # RFC 5321 §4.1.3
    try:
        if text[:5].upper() == "IPV6:":
            ipaddress.IPv6Address(text[5:])
        else:
            ipaddress.IPv4Address(text)
    except ValueError:
        raise AddressError("not an address literal") from None
