"""Accounts: the table (lemmy §4.1)."""

from __future__ import annotations

from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import ANYBODY, NOBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import people, profiles
from folkmoot.surfaces.forum.routes.table import operation

OPERATIONS = (
    operation("Login", "POST", "/user/login", NOBODY, people.login, schema.Login, schema.LoginResponse),
    operation(
        "Register", "POST", "/user/register", NOBODY, people.register, schema.Register, schema.LoginResponse, "register"
    ),
    operation("BanUser", "POST", "/user/ban", SIGNED_IN, people.ban_user, schema.BanUser, schema.BanUserResponse),
    operation("AddAdmin", "POST", "/admin/add", SIGNED_IN, people.add_admin, schema.AddAdmin, schema.AdminsResponse),
    operation(
        "GetUserDetails",
        "GET",
        "/user",
        ANYBODY,
        profiles.get_user_details,
        schema.GetUserDetails,
        schema.GetUserDetailsResponse,
    ),
    operation(
        "SaveUserSettings",
        "PUT",
        "/save_user_settings",
        SIGNED_IN,
        profiles.save_user_settings,
        schema.SaveUserSettings,
        schema.LoginResponse,
        also=("PUT", "/user/save_user_settings"),
    ),
    operation(
        "DeleteAccount",
        "POST",
        "/user/delete_account",
        SIGNED_IN,
        profiles.delete_account,
        schema.DeleteAccount,
        schema.LoginResponse,
    ),
    operation(
        "PasswordReset",
        "POST",
        "/user/password_reset",
        NOBODY,
        profiles.password_reset,
        schema.PasswordReset,
        schema.PasswordResetResponse,
    ),
    operation(
        "PasswordChange",
        "POST",
        "/user/password_change",
        NOBODY,
        profiles.password_change,
        schema.PasswordChange,
        schema.LoginResponse,
    ),
    operation("UserJoin", "POST", "/user/join", SIGNED_IN, people.user_join, schema.Signed, schema.UserJoinResponse),
)
