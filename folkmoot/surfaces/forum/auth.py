"""Who is asking the forum: from the token in a request's `auth` to an actor; and how often he may.

A token is a JWT whose last claim is a random secret of which the account keeps the hash, so that a token ends when its
session does. Checking the signature is remembered, the session is looked up every time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime
from hashlib import sha256
from typing import Any
from weakref import WeakValueDictionary

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from folkmoot.config import Config
from folkmoot.domain import accounts
from folkmoot.domain.accounts import ANONYMOUS, Account, Actor
from folkmoot.errors import Forbidden, RateLimited, Unauthenticated
from folkmoot.house import House
from folkmoot.ids import new_secret
from folkmoot.net.buckets import TokenBucket
from folkmoot.net.http import Call, Handler
from folkmoot.store import Transaction
from folkmoot.surfaces.forum.settings import of_database

SURFACE = "forum"
_KEY = "forum.jwt"
_REMEMBERED = 4096
_LONGEST_TOKEN = 4096
_SESSIONS_PER_ACCOUNT = 100

# lemmy §3.1; `avatar` alone may be null.
_CLAIMS = (
    *("id", "username", "iss", "show_nsfw", "theme", "default_sort_type", "default_listing_type", "lang"),
    *("show_avatars", "jti"),
)

# lemmy §3.4: these look for forbidden words before they look at the token.
_WORDS_FIRST = {"EditPost": ("name", "body"), "EditCommunity": ("name", "title", "description")}

# What an operation asks of its caller, in the table's words.
NOBODY, ANYBODY, SIGNED_IN = "none", "optional", "required"


def issue(tx: Transaction, account_id: int, config: Config, now: datetime) -> str:
    """Begin a session of an account and give its token."""
    secret = new_secret(32)
    accounts.create_token(tx, account_id, SURFACE, secret, now)
    accounts.keep_newest_tokens(tx, account_id, SURFACE, _SESSIONS_PER_ACCOUNT)
    account, preferences = accounts.get_account(tx, account_id), accounts.get_preferences(tx, account_id)
    claims = {
        "id": account_id,
        "username": account.label,
        "iss": config.site.hostname,
        "show_nsfw": preferences.show_nsfw,
        "theme": preferences.theme,
        "default_sort_type": preferences.default_sort_type,
        "default_listing_type": preferences.default_listing_type,
        "lang": preferences.lang,
        "avatar": preferences.avatar,
        "show_avatars": preferences.show_avatars,
        "jti": secret,
    }
    key = OctKey.import_key(config.forum.jwt_secret or accounts.keep_secret(tx, _KEY))
    return jwt.encode({"typ": "JWT", "alg": "HS256"}, claims, key)


def issue_token(tx: Transaction, account: Account, now: datetime, given: Config) -> str:
    """Begin a session for somebody who needs no password here: the command line, which has the configuration file only."""
    return issue(tx, account.id, of_database(tx, given), now)


class Tokens:
    """Reads tokens; remembers the newest ones whose signature was right."""

    def __init__(self, house: House) -> None:
        self._house = house
        # What the tokens are signed with at present, and what that was made from.
        self._key: OctKey | None = None
        self._configured = ""
        self._secrets: OrderedDict[bytes, str] = OrderedDict()

    async def actor(self, token: str, address: str) -> Actor:
        """The actor behind a token; raises Unauthenticated when it is not, or no longer, valid."""
        if self._configured != self._house.config.forum.jwt_secret:
            self._configured = self._house.config.forum.jwt_secret
            self._key = None
            self._secrets.clear()
        secret = self._secrets.get(sha256(token.encode("utf-8", "replace")).digest())
        if secret is None:
            secret = await self._open(token)
        try:
            now = self._house.now()
            return await self._house.db.read(accounts.actor_of_token, SURFACE, secret, now, address)
        except (Unauthenticated, Forbidden) as error:
            raise _not_signed_in() from error

    async def _open(self, token: str) -> str:
        if len(token) > _LONGEST_TOKEN:
            raise _not_signed_in()
        key, configured = self._key, self._configured
        if key is None:
            own = None if configured else await self._house.db.read(accounts.find_secret, _KEY)
            text = configured or own
            if text is None:
                raise _not_signed_in()
            key = OctKey.import_key(text)
        try:
            claims = jwt.decode(token, key, algorithms=["HS256"]).claims
        except (JoseError, ValueError) as error:
            raise _not_signed_in() from error
        if any(claims.get(name) is None for name in _CLAIMS) or not isinstance(claims["jti"], str):
            raise _not_signed_in()
        secret: str = claims["jti"]
        if configured != self._configured:
            # Another secret counts since it was asked for.
            raise _not_signed_in()
        self._key = key
        self._secrets[sha256(token.encode()).digest()] = secret
        if len(self._secrets) > _REMEMBERED:
            self._secrets.popitem(last=False)
        return secret


async def authenticate(tokens: Tokens, call: Call) -> Actor:
    """The actor of a decoded call, over either transport; raises Unauthenticated where one is needed."""
    permission = call.operation.permission
    if texts := _WORDS_FIRST.get(call.operation.name):
        call.app.words.require_none(*(getattr(call.data, each) for each in texts))
    if permission == NOBODY:
        return ANONYMOUS
    token = call.data.auth
    if not token:
        if permission == SIGNED_IN:
            raise _not_signed_in()
        return ANONYMOUS
    try:
        return await tokens.actor(token, call.address)
    except Unauthenticated:
        if permission == SIGNED_IN:
            raise
        # lemmy §1.1: clients of the era send all sorts of things for an absent token.
        return ANONYMOUS


def _not_signed_in() -> Unauthenticated:
    return Unauthenticated("account.required", "Sign in first.")


class Throttle:
    """The documented rate limits (lemmy §7), by the peer's address, shared by both transports."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._buckets: dict[str, TokenBucket] = {}
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def spend(self, kind: str, call: Call, handler: Handler, now: datetime) -> Any:
        """Carry out a call if its address has not done so too often; raises RateLimited."""
        if not self._house.config.limits.enabled:
            return await handler(call)
        bucket, seconds = self._bucket(kind), now.timestamp()
        if kind == "message":
            bucket.take(call.address, seconds)
            return await handler(call)
        # Only success counts, so those of one address wait for each other's.
        lock = self._locks.setdefault((kind, call.address), asyncio.Lock())
        async with lock:
            bucket.require(call.address, seconds)
            result = await handler(call)
            try:
                bucket.take(call.address, seconds)
            except RateLimited:
                pass
            return result

    def _bucket(self, kind: str) -> TokenBucket:
        """Where a kind is counted; begun anew when its rate has changed."""
        limits = self._house.config.limits
        rate, per_seconds = getattr(limits, kind), getattr(limits, f"{kind}_per_second")
        bucket = self._buckets.get(kind)
        if bucket is None or (bucket.rate, bucket.per_seconds) != (rate, per_seconds):
            bucket = self._buckets[kind] = TokenBucket(rate, per_seconds)
        return bucket
