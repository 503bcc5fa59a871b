"""The chain of authenticators and their users (contract §2.11)."""

from __future__ import annotations

from typing import Any

from folkmoot.domain.authentication import Form
from folkmoot.errors import Invalid
from folkmoot.net import decoding
from folkmoot.net.http import Call, json_response
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.auth import Authentication, Authenticator
from folkmoot.surfaces.mqtt.handlers.management import Management


def _chain(call: Call) -> Authentication:
    app: Management = call.app
    return app.authentication


def _asked(call: Call) -> Authenticator:
    return _chain(call).get(call.path["id"])


async def list_authenticators(call: Call) -> list[schema.AuthenticatorDocument]:
    return [render.authenticator(each.config) for each in _chain(call).authenticators]


async def create_authenticator(call: Call) -> schema.AuthenticatorDocument:
    return render.authenticator((await _chain(call).create(call.data)).config)


async def get_authenticator(call: Call) -> schema.AuthenticatorDocument:
    return render.authenticator(_asked(call).config)


async def update_authenticator(call: Call) -> None:
    await _chain(call).change(call.path["id"], call.data)


async def delete_authenticator(call: Call) -> None:
    await _chain(call).delete(call.path["id"])


async def get_authenticator_status(call: Call) -> schema.AuthenticatorStatus:
    app: Management = call.app
    return render.authenticator_status(_asked(call), app.node_name, app.house.now().timestamp())


async def move_authenticator(call: Call) -> None:
    await _chain(call).move(call.path["id"], call.path["position"])


async def order_authenticators(call: Call) -> None:
    await _chain(call).order([each.id for each in call.data])


async def list_auth_users(call: Call) -> schema.AuthUserPage:
    query: schema.AuthUserQuery = call.data
    rows, count = await _chain(call).users.list_page(
        _asked(call).config, (query.page - 1) * query.limit, query.limit, query.like_user_id, query.is_superuser
    )
    return schema.AuthUserPage([schema.AuthUser(*row) for row in rows], render.page_meta(query, count))


async def create_auth_user(call: Call) -> schema.AuthUser:
    wanted: schema.NewAuthUser = call.data
    await _chain(call).users.add(_asked(call).config, wanted.user_id, wanted.password, wanted.is_superuser)
    return schema.AuthUser(wanted.user_id, wanted.is_superuser)


async def get_auth_user(call: Call) -> schema.AuthUser:
    user = await _chain(call).users.get(_asked(call).config, call.path["user_id"])
    return schema.AuthUser(user.user_id, user.is_superuser)


async def update_auth_user(call: Call) -> schema.AuthUser:
    wanted: schema.AuthUserChange = call.data
    user = await _chain(call).users.change(
        _asked(call).config, call.path["user_id"], wanted.password, wanted.is_superuser
    )
    return schema.AuthUser(user.user_id, user.is_superuser)


async def delete_auth_user(call: Call) -> None:
    await _chain(call).users.delete(_asked(call).config, call.path["user_id"])


async def import_auth_users(call: Call) -> Any:
    data, is_csv = _file(call)
    kept, failed = await _chain(call).users.load(_asked(call).config, data, is_csv, _form(call), existing="override")
    total = kept.success + kept.override + kept.skipped + failed
    return json_response(schema.ImportedAuthUsers(total, kept.success, kept.override, kept.skipped, failed))


def _form(call: Call) -> Form:
    given = call.query.get("type", "hash")
    if given == "plain":
        return "plain"
    if given == "hash":
        return "hash"
    raise Invalid("authentication.import", "this is plain or hash", "type")


def _file(call: Call) -> tuple[bytes, bool]:
    """The users as they came, and whether as CSV: the body itself (JSON), or a file in a form."""
    if decoding.media_type(call.content_type) != "multipart/form-data":
        return call.body, False
    for file in decoding.parse_form(call.body, call.content_type).files:
        if file.field == "filename":
            kind = file.filename.lower().rpartition(".")[2]
            if kind not in ("csv", "json"):
                raise Invalid("authentication.import", "the file's name ends in .csv or .json", "filename")
            return file.data, kind == "csv"
    raise Invalid("authentication.import", "there is no such file in the form", "filename")
