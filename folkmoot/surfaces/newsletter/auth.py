"""Who is asking the newsletter, and what its credential permits (listmonk §1).

Credentials belong to accounts; what they permit stands in the token's scopes, in the words of listmonk §1.4: `*` for
everything, `lists:get_all` and the like, and `list:get:5`, `list:manage:5` for single lists.
"""

from __future__ import annotations

import base64
import binascii

from folkmoot.domain import accounts
from folkmoot.domain.accounts import Actor
from folkmoot.errors import Forbidden, Unauthenticated
from folkmoot.house import House
from folkmoot.net.http import Call

PUBLIC = "public"
"""The permission word of operations that ask nobody who they are."""
EVERYTHING = "*"

_NO_SESSION = "invalid session"
_WRONG = "invalid API credentials"


async def authenticate(house: House, call: Call) -> Actor:
    """The actor behind `Authorization: Basic …` or `Authorization: token user:token`; raises Unauthenticated."""
    header = call.headers.get("authorization", "").strip()
    # listmonk §1.1: a session cookie wins over the header, and no session of this kind is given out here
    if not header or "session" in call.request.cookies:
        raise Unauthenticated("session.invalid", _NO_SESSION)
    name, secret = _credential(header)
    try:
        actor = await house.db.read(accounts.actor_of_token, "newsletter", secret, house.now(), call.address)
    except (Unauthenticated, Forbidden) as error:
        raise Unauthenticated("credential.wrong", _WRONG) from error
    # The token's own name serves as well, for accounts that hold several.
    if name not in (actor.name, actor.token_name):
        raise Unauthenticated("credential.wrong", _WRONG)
    return actor


def _credential(header: str) -> tuple[str, str]:
    scheme, _, rest = header.partition(" ")
    pair = rest.strip()
    match scheme.lower():
        case "basic":
            try:
                pair = base64.b64decode(pair, validate=True).decode()
            except (binascii.Error, ValueError) as error:
                raise _malformed() from error
        case "token":
            pass
        case _:
            raise _malformed()
    name, colon, secret = pair.partition(":")
    if not (name and colon and secret):
        raise _malformed()
    return name, secret


def _malformed() -> Unauthenticated:
    return Unauthenticated("credential.malformed", "invalid Authorization header")


def require(actor: Actor, permission: str) -> None:
    """Raises Forbidden unless one of the permissions (`a | b`) is held; an empty one asks only for a credential."""
    wanted = [word.strip() for word in permission.split("|") if word.strip()]
    if wanted and not (EVERYTHING in actor.scopes or actor.scopes.intersection(wanted)):
        raise Forbidden("permission.missing", f"permission denied: {wanted[-1]}")


def permitted_lists(actor: Actor, doing: str) -> frozenset[int] | None:
    """The ids of the lists an actor may `get` or `manage`; None for all (listmonk §1.4)."""
    if EVERYTHING in actor.scopes or f"lists:{doing}_all" in actor.scopes:
        return None
    prefix = f"list:{doing}:"
    granted = (scope.removeprefix(prefix) for scope in actor.scopes if scope.startswith(prefix))
    return frozenset(int(number) for number in granted if number.isascii() and number.isdigit() and len(number) < 16)


def require_list(actor: Actor, doing: str, list_id: int) -> None:
    """Raises Forbidden unless the actor may `get` or `manage` this list, whether it exists or not."""
    permitted = permitted_lists(actor, doing)
    if permitted is not None and list_id not in permitted:
        raise Forbidden("permission.list", "permission denied")
