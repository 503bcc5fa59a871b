"""Who may not connect (contract §2.8)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import bans

OPERATIONS = (
    Operation(
        "ListBans",
        "GET",
        "/banned",
        bans.list_bans,
        schema.BanQuery,
        schema.BanPage,
        "any",
        "The bans, page by page",
        tag="Banned",
    ),
    Operation(
        "CreateBan",
        "POST",
        "/banned",
        bans.create_ban,
        schema.NewBan,
        schema.Ban,
        "any",
        "Keep somebody out",
        tag="Banned",
    ),
    Operation(
        "DeleteBans",
        "DELETE",
        "/banned",
        bans.delete_bans,
        permission="any",
        summary="End all bans",
        status=204,
        tag="Banned",
    ),
    Operation(
        "DeleteBan",
        "DELETE",
        "/banned/{as}/{who}",
        bans.delete_ban,
        permission="any",
        summary="End a ban",
        status=204,
        tag="Banned",
    ),
)
