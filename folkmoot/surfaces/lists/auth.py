"""Who is asking the lists API, and what the token's scopes let it do (contract §1.2, §4.1)."""

from __future__ import annotations

import re

from folkmoot.domain import accounts
from folkmoot.domain.accounts import ANONYMOUS, Actor
from folkmoot.errors import Forbidden, Unauthenticated
from folkmoot.house import House
from folkmoot.net.http import Call

PUBLIC = "public"
"""The permission word of operations that ask nobody who they are."""
PAGE = "page"
"""The permission word of pages: anybody may come; a token that is sent must be right."""
ANY = ""
"""The permission word of operations for any valid token."""

# Scopes may carry the name of the service they are for.
_OURS = ("", "lists", "lists.sr.ht")
_ALIASES = {"list": "lists", "email": "emails"}


async def authenticate(house: House, call: Call) -> Actor:
    """The actor behind `Authorization: token …` or `Authorization: Bearer …`, if its scopes suffice for the operation.

    Raises Unauthenticated, or Forbidden for a suspended account or a missing scope.
    """
    permission = call.operation.permission
    header = call.headers.get("authorization")
    if permission == PUBLIC or (permission == PAGE and header is None):
        return ANONYMOUS
    scheme, _, token = (header or "").partition(" ")
    # Exactly one space and two parts; whatever the case of the scheme. Service-to-service boxes need a network key,
    # and there is none.
    if scheme.lower() not in ("token", "bearer") or not token or " " in token:
        raise Unauthenticated("credential.missing", "Send a token: `Authorization: token …` or `Bearer …`.")
    actor = await house.db.read(accounts.actor_of_token, "lists", token, house.now(), call.address)
    if permission not in (PAGE, ANY):
        require_scope(actor, permission)
    return actor


def require_scope(actor: Actor, needed: str) -> None:
    """Raises Forbidden, naming the scope, unless the actor's token has it."""
    name, _, access = needed.partition(":")
    granted = _granted(actor.scopes)
    if granted.get("*") or access in granted.get(name, ()):
        return
    raise Forbidden("token.scope", f"This token lacks the scope {needed}.")


def _granted(scopes: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """The accesses by name: `write` brings `read` with it, and no word means `read`."""
    granted: dict[str, tuple[str, ...]] = {}
    for item in re.split(r"[\s,]+", " ".join(scopes)):
        if item == "*":
            granted["*"] = ("read", "write")
            continue
        client, slash, rest = item.rpartition("/")
        name, _, access = rest.partition(":")
        if (slash and client not in _OURS) or name in ("", "*"):
            continue
        accesses = ("read", "write") if access == "write" else ("read",) if access in ("", "read") else ()
        name = _ALIASES.get(name, name)
        granted[name] = tuple({*granted.get(name, ()), *accesses})
    return granted
