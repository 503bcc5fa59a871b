"""The address of the server that outgoing mail is handed to, as it stands in the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from folkmoot.errors import Invalid
from folkmoot.wire.smtp import Login

Security = Literal["none", "starttls", "tls"]

_SCHEMES: dict[str, tuple[Security, int, bool]] = {
    "smtp": ("none", 25, False),
    "smtp+starttls": ("starttls", 587, False),
    "smtps": ("tls", 465, False),
    "lmtp": ("none", 24, True),
}


@dataclass(frozen=True, slots=True)
class Relay:
    """Where outgoing mail goes, how it is protected on the way, and who we are there."""

    host: str
    port: int
    security: Security = "none"
    login: Login | None = None
    lmtp: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_relay(url: str) -> Relay:
    """Read `smtp://`, `smtp+starttls://`, `smtps://` or `lmtp://` `[user:password@]host[:port]`, percent-encoded.

    Raises Invalid, without repeating the password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Invalid("relay.url", "The relay's address cannot be read.", "relay") from None
    if parts.scheme not in _SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise Invalid("relay.scheme", f"The relay's address begins with one of {known}.", "relay")
    if not host or port == 0 or not host.isprintable() or " " in host:
        raise Invalid("relay.host", "The relay's address needs a host, as in smtp://mail.example.org:25.", "relay")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise Invalid("relay.url", "The relay's address ends with the port.", "relay")
    security, usual_port, lmtp = _SCHEMES[parts.scheme]
    return Relay(host, port or usual_port, security, _read_login(parts.username, parts.password), lmtp)


def _read_login(username: str | None, password: str | None) -> Login | None:
    if not username:
        return None
    login = Login(unquote(username), unquote(password or ""))
    if "\0" in login.username + login.password:
        raise Invalid("relay.login", "The relay's login holds no NUL.", "relay")
    return login
