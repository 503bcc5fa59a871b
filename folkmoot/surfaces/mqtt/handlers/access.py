"""Login and API keys (contract §2.1)."""

from __future__ import annotations

import hashlib
from datetime import datetime

from msgspec import UNSET

from folkmoot.domain import accounts
from folkmoot.domain.accounts import Token
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.house import House
from folkmoot.ids import new_secret
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.mqtt import auth, render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.surfaces.mqtt.handlers.reading import moment

_KEYS_MAX = 100


async def log_in(call: Call) -> schema.LoggedIn:
    app: Management = call.app
    token, role = await auth.log_in(app.house, call.data.username, call.data.password, app.login_lasts)
    return schema.LoggedIn(token, schema.VERSION, schema.License(), role)


async def log_out(call: Call) -> None:
    await auth.log_out(call.app.house, call.actor, call.data.username)


async def list_keys(call: Call) -> list[schema.Key]:
    house: House = call.app.house
    tokens = await house.db.read(accounts.list_tokens, auth.KEYS)
    return [render.key(token, house.now()) for token in tokens]


async def create_key(call: Call) -> schema.Key:
    house: House = call.app.house
    wanted: schema.NewKey = call.data
    secret, now = new_secret(43), house.now()
    token = await house.db.write(
        _create_key, call.actor.actor.account_id, wanted, _expiry(wanted.expired_at), secret, now
    )
    return render.key(token, now, secret)


def _create_key(
    tx: Transaction, account_id: int, wanted: schema.NewKey, expires_at: datetime | None, secret: str, now: datetime
) -> Token:
    tokens = accounts.list_tokens(tx, auth.KEYS)
    if any(token.name == wanted.name for token in tokens):
        raise Conflict("key.duplicate", "name_already_existed")
    if len(tokens) >= _KEYS_MAX:
        raise Invalid("key.too_many", f"Maximum ApiKey reached: {_KEYS_MAX}")
    accounts.create_token(
        tx,
        account_id,
        auth.KEYS,
        secret,
        now,
        name=wanted.name,
        # EMQX: the key follows from the name
        key=hashlib.sha512(wanted.name.encode()).hexdigest()[:16],
        scopes=wanted.role,
        description=wanted.desc,
        is_enabled=wanted.enable,
        expires_at=expires_at,
    )
    return _key_named(tx, wanted.name)


async def get_key(call: Call) -> schema.Key:
    house: House = call.app.house
    return render.key(await house.db.read(_key_named, call.path["name"]), house.now())


async def update_key(call: Call) -> schema.Key:
    house: House = call.app.house
    token = await house.db.write(_update_key, call.path["name"], call.data, _expiry(call.data.expired_at))
    return render.key(token, house.now())


def _update_key(tx: Transaction, name: str, wanted: schema.KeyChange, expires_at: datetime | None) -> Token:
    token = _key_named(tx, name)
    accounts.edit_token(
        tx,
        token.id,
        description=token.description if wanted.desc is UNSET else wanted.desc,
        is_enabled=token.is_enabled if wanted.enable is UNSET else wanted.enable,
        scopes=wanted.role,
        expires_at=expires_at,
    )
    return _key_named(tx, name)


async def delete_key(call: Call) -> None:
    await call.app.house.db.write(_delete_key, call.path["name"])


def _delete_key(tx: Transaction, name: str) -> None:
    accounts.revoke_token(tx, _key_named(tx, name).id)


def _key_named(tx: Transaction, name: str) -> Token:
    for token in accounts.list_tokens(tx, auth.KEYS):
        if token.name == name:
            return token
    raise NotFound("key.unknown", f"There is no API key named {name}.")


def _expiry(value: int | str) -> datetime | None:
    return None if value == "infinity" else moment(value, "expired_at")
