"""Login and API keys (contract §2.1)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import access

OPERATIONS = (
    Operation(
        "Login",
        "POST",
        "/login",
        access.log_in,
        schema.Login,
        schema.LoggedIn,
        "none",
        "Sign in",
        tag="Dashboard",
        failures=(401, 403, 429),
    ),
    Operation(
        "Logout", "POST", "/logout", access.log_out, schema.Logout, None, "user", "Sign out", 204, tag="Dashboard"
    ),
    Operation(
        "ListApiKeys",
        "GET",
        "/api_key",
        access.list_keys,
        response=list[schema.Key],
        permission="user",
        summary="All API keys, without their secrets",
        tag="API Keys",
    ),
    Operation(
        "CreateApiKey",
        "POST",
        "/api_key",
        access.create_key,
        schema.NewKey,
        schema.Key,
        "user",
        "Make an API key; the secret is shown this once",
        tag="API Keys",
    ),
    Operation(
        "GetApiKey",
        "GET",
        "/api_key/{name}",
        access.get_key,
        response=schema.Key,
        permission="user",
        summary="One API key",
        tag="API Keys",
    ),
    Operation(
        "UpdateApiKey",
        "PUT",
        "/api_key/{name}",
        access.update_key,
        schema.KeyChange,
        schema.Key,
        "user",
        "Change an API key",
        tag="API Keys",
    ),
    Operation(
        "DeleteApiKey",
        "DELETE",
        "/api_key/{name}",
        access.delete_key,
        permission="user",
        summary="Delete an API key",
        status=204,
        tag="API Keys",
    ),
)
