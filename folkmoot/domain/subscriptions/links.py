"""Links that carry their own permission: who holds one may change an account's subscriptions without signing in. Pure.

A link's token names what it permits and proves with an HMAC, under a secret of this server, that it was made here. It
does not expire, so that the link in an old mail still unsubscribes; a new secret ends all of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import msgspec

from folkmoot.domain.subscriptions.model import CHANNELS
from folkmoot.errors import NotFound

LINK_SECRET = "subscription_links"
"""The name under which the server keeps the secret (`accounts.keep_secret`)."""

ONE_CLICK = ("List-Unsubscribe", "One-Click")
"""RFC 8058 §3.2: the form field a mail program posts, and its value."""

_MANAGE = re.compile(r"(?P<what>m\.(?P<account>[1-9][0-9]{0,17}))\.(?P<proof>[A-Za-z0-9_-]{43})")
_UNSUBSCRIBE = re.compile(
    rf"(?P<what>u\.(?P<account>[1-9][0-9]{{0,17}})\.(?P<space>[1-9][0-9]{{0,17}})\.(?P<channel>{'|'.join(CHANNELS)}))"
    r"\.(?P<proof>[A-Za-z0-9_-]{43})"
)


class Unsubscription(msgspec.Struct, frozen=True):
    """What an unsubscribe link ends: one channel of one space for one account."""

    account_id: int
    space_id: int
    channel: str


def manage_token(secret: str, account_id: int) -> str:
    """The token that opens an account's page of subscriptions."""
    return _signed(secret, f"m.{account_id}")


def unsubscribe_token(secret: str, account_id: int, space_id: int, channel: str) -> str:
    """The token that ends one subscription."""
    return _signed(secret, f"u.{account_id}.{space_id}.{channel}")


def read_manage_token(secret: str, token: str) -> int:
    """The id of the account whose subscriptions a token opens; raises NotFound for one not made here."""
    return int(_checked(_MANAGE, secret, token)["account"])


def read_unsubscribe_token(secret: str, token: str) -> Unsubscription:
    """What a token ends; raises NotFound for one not made here."""
    found = _checked(_UNSUBSCRIBE, secret, token)
    return Unsubscription(int(found["account"]), int(found["space"]), found["channel"])


def manage_url(origin: str, secret: str, account_id: int) -> str:
    """The link to an account's page of subscriptions; `origin` is the web surface's, without a slash at its end."""
    return f"{origin}/subscriptions/{manage_token(secret, account_id)}"


def unsubscribe_url(origin: str, secret: str, account_id: int, space_id: int, channel: str) -> str:
    """The link that ends one subscription: shown a button on GET, at once on a one-click POST."""
    return f"{origin}/unsubscribe/{unsubscribe_token(secret, account_id, space_id, channel)}"


def one_click_fields(url: str) -> list[tuple[str, str]]:
    """The header fields that let a mail program unsubscribe with one click (RFC 8058 §3.1)."""
    return [("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "=".join(ONE_CLICK))]


def _signed(secret: str, what: str) -> str:
    return f"{what}.{_proof(secret, what)}"


def _proof(secret: str, what: str) -> str:
    made = hmac.digest(secret.encode(), what.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _checked(pattern: re.Pattern[str], secret: str, token: str) -> re.Match[str]:
    found = pattern.fullmatch(token)
    if found is None or not hmac.compare_digest(_proof(secret, found["what"]), found["proof"]):
        raise NotFound("link.unknown", "This link is not, or no longer, valid.")
    return found
