"""Accounts: the table (lemmy §4.1)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import NOBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import people
from folkmoot.surfaces.forum.routes.table import operation

OPERATIONS = (
    operation("Login", "POST", "/user/login", NOBODY, people.login, schema.Login, schema.LoginResponse),
    operation(
        "Register", "POST", "/user/register", NOBODY, people.register, schema.Register, schema.LoginResponse, "register"
    ),
    operation("BanUser", "POST", "/user/ban", SIGNED_IN, people.ban_user, schema.BanUser, schema.BanUserResponse),
    operation("AddAdmin", "POST", "/admin/add", SIGNED_IN, people.add_admin, schema.AddAdmin, schema.AdminsResponse),
)

# Without an HTTP path (lemmy §4.7).
SOCKET_OPERATIONS = (
    Operation(
        name="UserJoin",
        method="",
        path="",
        handler=people.user_join,
        request=schema.Signed,
        response=schema.UserJoinResponse,
        permission=SIGNED_IN,
        summary="Bring the caller's connection into his own room.",
        tag="forum",
    ),
)
