"""Who may not connect (contract §2.8)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from folkmoot.domain import authorization
from folkmoot.errors import Conflict, Invalid
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.surfaces.mqtt.handlers.reading import moment, page
from folkmoot.surfaces.mqtt.permissions import BanExists

_FILTERS = tuple(name for name in schema.BanQuery.__struct_fields__ if name not in schema.Paged.__struct_fields__)


async def list_bans(call: Call) -> schema.BanPage:
    app: Management = call.app
    query: schema.BanQuery = call.data
    now = app.house.now()
    tests: list[Callable[[authorization.Ban], bool]] = [lambda ban: ban.until is None or ban.until > now]
    asked = [name for name in _FILTERS if getattr(query, name) is not None]
    if len(asked) > 1:
        raise Invalid("filter.several", "Only one filter at a time.", asked[1])
    for name in asked:
        tests.append(_test(name, getattr(query, name)))
    rows, count = await page(app.permissions.bans.all.values(), tests, query)
    return schema.BanPage([render.ban(each) for each in rows], render.page_meta(query, count))


def _test(name: str, wanted: str) -> Callable[[authorization.Ban], bool]:
    if not name.startswith("like_"):
        return lambda ban: ban.kind == name and ban.who == wanted
    pattern = authorization.read_pattern(wanted, name)
    return lambda ban: ban.kind == name[5:] and pattern.found_in(ban.who)


async def create_ban(call: Call) -> schema.Ban:
    app: Management = call.app
    wanted: schema.NewBan = call.data
    at = app.house.now().replace(microsecond=0) if wanted.at is None else moment(wanted.at, "at")
    until = None if wanted.until == "infinity" else moment(wanted.until, "until")
    ban = authorization.make_ban(wanted.kind, wanted.who, wanted.by, wanted.reason, at, until)
    try:
        await app.permissions.ban(ban)
    except BanExists as error:
        # EMQX: the message is the old ban
        raise Conflict(error.code, msgspec.json.encode(render.ban(error.old)).decode()) from error
    return render.ban(ban)


async def delete_ban(call: Call) -> None:
    kind = call.path["as"]
    if kind not in authorization.KINDS:
        raise Invalid("ban.kind", f"It is one of {', '.join(authorization.KINDS)}.", "as")
    await call.app.permissions.lift(kind, authorization.name_of(kind, call.path["who"]))


async def delete_bans(call: Call) -> None:
    await call.app.permissions.lift_all()
