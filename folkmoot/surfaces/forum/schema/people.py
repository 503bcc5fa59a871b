"""Accounts: requests and answers (lemmy §4.1)."""

from __future__ import annotations

import msgspec

from folkmoot.surfaces.forum.schema.views import UserView
from folkmoot.surfaces.forum.schema.words import Request, Signed


class Login(Request):
    username_or_email: str
    password: str


class Register(Request):
    username: str
    password: str
    password_verify: str
    admin: bool
    email: str | None = None
    show_nsfw: bool | None = None


class BanUser(Signed):
    user_id: int
    ban: bool
    reason: str | None = None
    expires: int | None = None


class AddAdmin(Signed):
    user_id: int
    added: bool


class AdminsResponse(msgspec.Struct):
    admins: list[UserView]


class LoginResponse(msgspec.Struct):
    jwt: str


class BanUserResponse(msgspec.Struct):
    user: UserView
    banned: bool


class UserJoinResponse(msgspec.Struct):
    user_id: int
