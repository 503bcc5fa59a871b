"""Permissions: sources, rules, settings and what is remembered (contract §2.12, §2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec.structs import replace

from folkmoot.domain import authorization
from folkmoot.domain.authentication import restore
from folkmoot.domain.authorization import (
    BuiltInSource,
    CacheSettings,
    Configuration,
    Entry,
    FileSource,
    HttpSource,
    Settings,
    Source,
)
from folkmoot.domain.broker import Client, is_filter
from folkmoot.errors import Invalid, NotFound
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.surfaces.mqtt.handlers.reading import page
from folkmoot.text.amounts import parse_duration

# --- sources ----------------------------------------------------------------------------------------------------------


async def list_sources(call: Call) -> schema.AuthorizationSources:
    configuration = _configuration(call)
    return schema.AuthorizationSources([render.authorization_source(each) for each in configuration.sources])


async def create_source(call: Call) -> None:
    source = _source(call.data)
    await call.app.permissions.configure(lambda old: authorization.add_source(old, source))


async def get_source(call: Call) -> schema.AuthorizationSource:
    return render.authorization_source(authorization.get_source(_configuration(call), call.path["type"]))


async def update_source(call: Call) -> None:
    kind = call.path["type"]
    before, source = authorization.get_source(_configuration(call), kind), _source(call.data)
    if isinstance(source, HttpSource) and isinstance(before, HttpSource):
        hidden = {name: restore(getattr(source, name), getattr(before, name)) for name in ("headers", "body", "ssl")}
        source = replace(source, **hidden)
    await call.app.permissions.configure(lambda old: authorization.change_source(old, kind, source))


async def delete_source(call: Call) -> None:
    kind = call.path["type"]
    await call.app.permissions.configure(lambda old: authorization.remove_source(old, kind))


async def get_source_status(call: Call) -> schema.AuthorizationSourceStatus:
    app: Management = call.app
    kind = call.path["type"]
    authorization.get_source(_configuration(call), kind)
    asked = next(each for each in app.permissions.gate.sources if each.type == kind)
    return render.authorization_status(asked, app.node_name, app.stream.now())


async def move_source(call: Call) -> None:
    kind, position = call.path["type"], call.data.position
    await call.app.permissions.configure(lambda old: authorization.move_source(old, kind, position))


async def order_sources(call: Call) -> None:
    kinds = [each.type for each in call.data]
    await call.app.permissions.configure(lambda old: authorization.order_sources(old, kinds))


def _configuration(call: Call) -> Configuration:
    configuration: Configuration = call.app.permissions.gate.configuration
    return configuration


def _source(wanted: schema.AuthorizationSource) -> Source:
    if isinstance(wanted, schema.AuthorizationFile):
        return FileSource(wanted.rules, wanted.enable)
    if isinstance(wanted, schema.AuthorizationDatabase):
        return BuiltInSource(wanted.enable, wanted.max_rules)
    return HttpSource(
        url=wanted.url,
        method=wanted.method,
        headers=wanted.headers,
        body=wanted.body,
        enable=wanted.enable,
        request_timeout_seconds=_duration(wanted.request_timeout, "request_timeout"),
        connect_timeout_seconds=_duration(wanted.connect_timeout, "connect_timeout"),
        pool_size=wanted.pool_size,
        enable_pipelining=wanted.enable_pipelining,
        ssl=wanted.ssl,
    )


def _duration(value: str | int, name: str) -> float:
    seconds = parse_duration(value, name)
    if not seconds:
        raise Invalid("duration.invalid", "It takes some time.", name)
    return seconds


# --- rules of the built-in source -------------------------------------------------------------------------------------


async def list_user_rules(call: Call) -> schema.UserRulesPage:
    query: schema.UserRulesQuery = call.data
    rows, count = await _entries(call, "user", query.like_username)
    return schema.UserRulesPage([render.user_rules(each) for each in rows], render.page_meta(query, count))


async def list_client_rules(call: Call) -> schema.ClientRulesPage:
    query: schema.ClientRulesQuery = call.data
    rows, count = await _entries(call, "client", query.like_clientid)
    return schema.ClientRulesPage([render.client_rules(each) for each in rows], render.page_meta(query, count))


async def _entries(call: Call, kind: str, part: str | None) -> tuple[list[Entry], int]:
    _built_in(call)
    tests = [] if part is None else [partial(_has_in_name, part)]
    return await page(call.app.permissions.gate.stock.of_kind(kind), tests, call.data)


def _has_in_name(part: str, entry: Entry) -> bool:
    return part in entry.name


async def create_user_rules(call: Call) -> None:
    most = _built_in(call).max_rules
    await call.app.permissions.add_entries([_entry("user", each.username, each.rules, most) for each in call.data])


async def create_client_rules(call: Call) -> None:
    most = _built_in(call).max_rules
    await call.app.permissions.add_entries([_entry("client", each.clientid, each.rules, most) for each in call.data])


async def get_user_rules(call: Call) -> schema.UserRules:
    _built_in(call)
    return render.user_rules(call.app.permissions.get_entry("user", call.path["username"]))


async def get_client_rules(call: Call) -> schema.ClientRules:
    _built_in(call)
    return render.client_rules(call.app.permissions.get_entry("client", call.path["clientid"]))


async def update_user_rules(call: Call) -> None:
    most = _built_in(call).max_rules
    _require_same(call.data.username, call.path, "username")
    await call.app.permissions.put_entry(_entry("user", call.path["username"], call.data.rules, most))


async def update_client_rules(call: Call) -> None:
    most = _built_in(call).max_rules
    _require_same(call.data.clientid, call.path, "clientid")
    await call.app.permissions.put_entry(_entry("client", call.path["clientid"], call.data.rules, most))


def _require_same(repeated: str | None, path: Mapping[str, str], name: str) -> None:
    if repeated not in (None, path[name]):
        raise Invalid("rules.mismatch", "This is not the one of the path.", name)


async def delete_user_rules(call: Call) -> None:
    _built_in(call)
    await call.app.permissions.drop_entry("user", call.path["username"])


async def delete_client_rules(call: Call) -> None:
    _built_in(call)
    await call.app.permissions.drop_entry("client", call.path["clientid"])


async def get_all_rules(call: Call) -> schema.AllRules:
    _built_in(call)
    return render.all_rules(call.app.permissions.gate.stock.entries.get(("all", "")))


async def set_all_rules(call: Call) -> None:
    most = _built_in(call).max_rules
    await call.app.permissions.put_entry(_entry("all", "", call.data.rules, most))


async def delete_all_rules(call: Call) -> None:
    _built_in(call)
    await call.app.permissions.drop_entry("all", "")


async def purge_rules(call: Call) -> None:
    if _built_in(call).enable:
        raise Invalid("source.enabled", "The source has to be disabled before its rules are purged.")
    await call.app.permissions.drop_entries()


def _built_in(call: Call) -> BuiltInSource:
    return authorization.require_built_in(_configuration(call))


def _entry(kind: str, name: str, rules: list[schema.PermissionRule], most: int) -> Entry:
    return authorization.make_entry(kind, name, msgspec.to_builtins(rules), most)


# --- settings and what is remembered ----------------------------------------------------------------------------------


async def get_settings(call: Call) -> schema.AuthorizationSettings:
    return render.authorization_settings(_configuration(call).settings)


async def update_settings(call: Call) -> schema.AuthorizationSettings:
    wanted: schema.AuthorizationSettings = call.data
    for each in wanted.cache.excludes:
        if not is_filter(each):
            raise Invalid("filter.bad", f"{each} is no topic filter.", "cache.excludes")
    cache = CacheSettings(
        wanted.cache.enable,
        wanted.cache.max_size,
        _duration(wanted.cache.ttl, "cache.ttl"),
        tuple(wanted.cache.excludes),
    )
    settings = Settings(wanted.no_match, wanted.deny_action, cache)
    await call.app.permissions.configure(lambda old: replace(old, settings=settings))
    return render.authorization_settings(settings)


async def clear_caches(call: Call) -> None:
    call.app.permissions.gate.changed()


async def list_cached(call: Call) -> list[schema.CachedPermission]:
    remembered = call.app.permissions.gate.remembered(_client(call))
    return [render.cached_permission(wish, answer) for wish, answer in remembered]


async def clear_cache(call: Call) -> None:
    call.app.permissions.gate.forget(_client(call))


def _client(call: Call) -> Client:
    app: Management = call.app
    session = app.stream.broker.sessions.get(call.path["clientid"])
    if session is None:
        raise NotFound("client.unknown", "Client ID not found")
    return session.client
