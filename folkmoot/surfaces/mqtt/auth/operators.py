"""Who is asking the management API, and what they may do.

Dashboard accounts are the community's administrators, and accounts that may only look; a key belongs to the administrator who
made it and ends with that account's rights. The words of the permission column: `none` (nobody is asked), `user` (dashboard
accounts, no keys), `any` (both), `publish` (both, and keys that may do nothing else).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import datetime, timedelta

from msgspec import Struct

from folkmoot.domain import accounts
from folkmoot.domain.accounts import Actor, Token
from folkmoot.errors import FolkmootError, Forbidden, Unauthenticated
from folkmoot.house import House
from folkmoot.ids import new_secret
from folkmoot.net import http
from folkmoot.store import Transaction

KEYS = "mqtt_api"
LOGINS = "mqtt_login"

# A login slides; moving its end at every request would cost a commit each.
_RENEWED_AFTER = 1 / 60
_LOGINS_MAX = 100
# What those who may only look do about themselves.
_OF_ONES_OWN = ("Logout", "ChangeOperatorPassword")


class Caller(Struct, frozen=True):
    """The actor of a request, with the role it acts in and what it came with."""

    actor: Actor
    role: str
    is_key: bool = False
    login: str = ""
    """The login token it came with, if it did."""


async def authenticate(
    house: House, operation: http.Operation, header: str | None, address: str, login_lasts: timedelta
) -> Caller | None:
    """The caller behind an Authorization header; None where nobody is asked. A login lasts as long from now on.

    Raises Unauthenticated, or Forbidden when the role may not do this.
    """
    if operation.permission == "none":
        return None
    scheme, _, credential = (header or "").strip().partition(" ")
    if scheme.lower() == "basic":
        caller = await _basic(house, credential.strip(), address)
    elif scheme.lower() == "bearer":
        caller = await _bearer(house, credential.strip(), address, login_lasts)
    else:
        raise Unauthenticated("credential.missing", "Support authorization: basic/bearer")
    _require(caller, operation)
    return caller


def _require(caller: Caller, operation: http.Operation) -> None:
    if caller.is_key and operation.permission == "user":
        raise Unauthenticated("key.not_allowed", "This API key is not allowed to access this resource")
    own = operation.name in _OF_ONES_OWN and not caller.is_key
    if caller.role == "viewer" and operation.method != "GET" and not own:
        raise Forbidden("role.insufficient", "The viewer role may only look.")
    if caller.role == "publisher" and operation.permission != "publish":
        raise Forbidden("role.insufficient", "The publisher role may only publish.")


async def _basic(house: House, credential: str, address: str) -> Caller:
    try:
        name, colon, secret = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise Unauthenticated("credential.missing", "The Basic credential cannot be read.")
    # Keys first: looking one up is cheap, checking a password is not. A key is never an account's password.
    token = await house.db.read(accounts.find_token, KEYS, secret)
    if token is not None and hmac.compare_digest(token.key.encode(), name.encode()):
        return await _key(house, token, address)
    if not house.config.mqtt.basic_auth_users:
        raise Unauthenticated("key.refused", "Check api_key/api_secret")
    account = await house.sign_in(name, secret)
    return Caller(*await _operator(house, account.id, address))


async def _key(house: House, token: Token, address: str) -> Caller:
    refused = Unauthenticated("key.refused", "Check api_key/api_secret")
    if not token.is_live(house.now()):
        raise refused
    try:
        actor = await house.db.read(accounts.actor_of_account, token.account_id, house.now(), address)
    except FolkmootError as error:
        raise refused from error
    if not actor.is_admin:
        raise refused
    return Caller(actor, role_of(token), is_key=True)


async def _bearer(house: House, secret: str, address: str, lasts: timedelta) -> Caller:
    now = house.now()
    token = await house.db.read(accounts.find_token, LOGINS, secret)
    if token is None:
        raise Unauthenticated("session.unknown", "This token is unknown.")
    if not token.is_live(now):
        raise Unauthenticated("session.expired", "This token has expired.")
    try:
        actor, role = await _operator(house, token.account_id, address)
    except FolkmootError as error:
        raise Unauthenticated("session.unknown", "This token is unknown.") from error
    left = timedelta() if token.expires_at is None else token.expires_at - now
    # More is left than it may last when that was set to less.
    if not lasts * (1 - _RENEWED_AFTER) <= left <= lasts:
        await house.db.write(accounts.renew_token, token.id, now + lasts)
    return Caller(actor, role, login=secret)


async def _operator(house: House, account_id: int, address: str) -> tuple[Actor, str]:
    """An account's actor and role. Raises Forbidden for one without a role."""
    actor = await house.db.read(accounts.actor_of_account, account_id, house.now(), address)
    role = "administrator" if actor.is_admin else await house.db.read(accounts.find_role, account_id)
    if role is None:
        accounts.require_admin(actor)
    return actor, role or ""


def role_of(token: Token) -> str:
    """What a key may do; a key made without a word for it may do everything."""
    return token.scopes if token.scopes in ("viewer", "publisher") else "administrator"


async def log_in(house: House, name: str, password: str, lasts: timedelta) -> tuple[str, str]:
    """A new login token, and the role it is for. Raises Unauthenticated, or Forbidden for an account without one."""
    try:
        account = await house.sign_in(name, password)
    except (Unauthenticated, Forbidden) as error:
        raise Unauthenticated("login.refused", "Check username/password") from error
    _, role = await _operator(house, account.id, "")
    secret = new_secret(64)
    await house.db.write(_open_login, account.id, secret, house.now(), lasts)
    return secret, role


def _open_login(tx: Transaction, account_id: int, secret: str, now: datetime, lasts: timedelta) -> None:
    logins = accounts.list_tokens(tx, LOGINS, account_id)
    live = [each for each in logins if each.is_live(now)]
    superfluous = live[: max(0, len(live) - _LOGINS_MAX + 1)]
    for each in [each for each in logins if each not in live] + superfluous:
        accounts.revoke_token(tx, each.id)
    accounts.create_token(tx, account_id, LOGINS, secret, now, expires_at=now + lasts)


async def log_out(house: House, caller: Caller, name: str) -> None:
    """End the login the caller came with. Raises Unauthenticated when it is not the named account's."""
    token = await house.db.read(accounts.find_token, LOGINS, caller.login) if caller.login else None
    if token is None or caller.actor.name != name:
        raise Unauthenticated("session.mismatch", "The token is not this user's.")
    await house.db.write(accounts.revoke_token, token.id)
