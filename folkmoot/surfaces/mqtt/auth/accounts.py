"""The community's own accounts as MQTT clients: an account's name and password, or a token's name and secret."""

from __future__ import annotations

import hmac

from folkmoot.domain import accounts
from folkmoot.domain.broker import Identity
from folkmoot.errors import Unauthenticated
from folkmoot.house import House

CLIENTS = "mqtt"


async def identify_account(house: House, name: str, password: bytes | None) -> Identity:
    """The account a client is. Raises Unauthenticated (`account.unknown` when there is none of that name), Forbidden for a
    suspended account, RateLimited."""
    try:
        secret = (password or b"").decode()
    except UnicodeDecodeError as error:
        raise Unauthenticated("password.wrong", "That is not the password.") from error
    token = await house.db.read(accounts.find_token, CLIENTS, secret)
    if token is not None and token.is_live(house.now()) and hmac.compare_digest(token.key.encode(), name.encode()):
        account_id, token_id = token.account_id, token.id
    else:
        account_id, token_id = (await house.sign_in(name, secret)).id, None
    actor = await house.db.read(accounts.actor_of_account, account_id, house.now())
    return Identity(actor.account_id, actor.name, token_id)
