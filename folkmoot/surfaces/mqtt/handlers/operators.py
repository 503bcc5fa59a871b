"""Dashboard users, which are the community's administrators and accounts that may only look (contract §1.4, §2.1)."""

from __future__ import annotations

import asyncio
import string

from folkmoot.domain import accounts
from folkmoot.errors import Forbidden, Invalid, Unauthenticated
from folkmoot.house import House
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema

_SHORTEST, _LONGEST = 8, 64


async def list_operators(call: Call) -> list[schema.OperatorUser]:
    found = await call.app.house.db.read(accounts.list_operators)
    return [render.operator(each) for each in found]


async def create_operator(call: Call) -> schema.OperatorUser:
    house: House = call.app.house
    wanted: schema.NewOperatorUser = call.data
    hashed = await _hash(house, wanted.password, "password")
    made = await house.db.write(
        accounts.create_operator,
        call.actor.actor,
        wanted.username,
        hashed,
        wanted.role,
        wanted.description,
        house.now(),
    )
    return render.operator(made)


async def update_operator(call: Call) -> schema.OperatorUser:
    wanted: schema.OperatorUserChange = call.data
    changed = await call.app.house.db.write(
        accounts.change_operator, call.actor.actor, call.path["username"], wanted.role, wanted.description
    )
    return render.operator(changed)


async def delete_operator(call: Call) -> None:
    house: House = call.app.house
    await house.db.write(accounts.delete_operator, call.actor.actor, call.path["username"], house.now())


async def change_password(call: Call) -> None:
    house: House = call.app.house
    name, wanted = call.path["username"], call.data
    if call.actor.role == "viewer" and call.actor.actor.name != name:
        raise Forbidden("role.insufficient", "The viewer role changes its own password only.")
    operator = await house.db.read(accounts.get_operator, name)
    hashed = await _hash(house, wanted.new_pwd, "new_pwd")
    try:
        await house.sign_in(name, wanted.old_pwd)
    except Unauthenticated as error:
        raise Invalid("operator.password", "The old password is wrong.", "old_pwd") from error
    await house.db.write(accounts.change_password, operator.account_id, hashed, house.now())


async def _hash(house: House, password: str, field: str) -> str:
    kinds = (string.digits, string.ascii_letters, string.punctuation + " ")
    if not password.isascii() or not password.isprintable():
        raise Invalid("password.unfit", "this has ASCII characters only", field)
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise Invalid("password.unfit", f"this has {_SHORTEST} to {_LONGEST} characters", field)
    if sum(any(character in kind for character in password) for kind in kinds) < 2:
        raise Invalid("password.unfit", "this has at least two of letters, digits and other characters", field)
    return await asyncio.to_thread(house.passwords.hash, password)
