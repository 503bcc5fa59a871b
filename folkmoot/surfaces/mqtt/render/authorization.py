"""Permissions in the words of the contract's §2.12."""

from __future__ import annotations

import msgspec

from folkmoot.domain.authentication import hide
from folkmoot.domain.authorization import (
    Answer,
    Asked,
    BuiltInSource,
    CacheSettings,
    Entry,
    FileSource,
    HttpSource,
    Settings,
    Source,
    Tally,
)
from folkmoot.domain.broker import Verdict, Wish
from folkmoot.surfaces.mqtt import schema
from folkmoot.text.amounts import format_duration


def authorization_source(source: Source) -> schema.AuthorizationSource:
    """A source as it is set, without secrets."""
    if isinstance(source, FileSource):
        return schema.AuthorizationFile(source.rules, source.enable)
    if isinstance(source, BuiltInSource):
        return schema.AuthorizationDatabase(source.enable, source.max_rules)
    return schema.AuthorizationHttp(
        url=source.url,
        method=source.method,
        headers=hide(source.headers),
        body=hide(source.body),
        enable=source.enable,
        request_timeout=format_duration(source.request_timeout_seconds),
        connect_timeout=format_duration(source.connect_timeout_seconds),
        pool_size=source.pool_size,
        enable_pipelining=source.enable_pipelining,
        ssl={"enable": False, **hide(source.ssl)},
    )


def authorization_settings(settings: Settings) -> schema.AuthorizationSettings:
    cache: CacheSettings = settings.cache
    return schema.AuthorizationSettings(
        settings.no_match,
        settings.deny_action,
        schema.AuthorizationCache(
            cache.enable, cache.max_size, format_duration(cache.ttl_seconds), list(cache.excludes)
        ),
    )


def authorization_status(asked: Asked, node: str, now: float) -> schema.AuthorizationSourceStatus:
    """How a source does, on the one node there is."""
    tally = asked.tally
    status = "disconnected" if tally.error else "connected"
    metrics, resource = _metrics(tally, now), _resource_metrics(asked, now)
    return schema.AuthorizationSourceStatus(
        status=status,
        node_status=[schema.AuthorizationNodeStatus(node, status)],
        metrics=metrics,
        node_metrics=[schema.AuthorizationNodeMetrics(node, metrics)],
        resource_metrics=resource,
        node_resource_metrics=[schema.AuthorizationNodeResourceMetrics(node, resource)],
        node_error=[schema.AuthorizationNodeError(node, tally.error)] if tally.error else [],
    )


def _metrics(tally: Tally, now: float) -> schema.AuthorizationMetrics:
    return schema.AuthorizationMetrics(
        tally.total, tally.allow, tally.deny, tally.nomatch, tally.ignore, *tally.pace.read(now)
    )


def _resource_metrics(asked: Asked, now: float) -> schema.AuthorizationResourceMetrics:
    tally = asked.tally
    if not isinstance(asked.source, HttpSource):
        return schema.AuthorizationResourceMetrics(0, 0, 0, 0.0, 0.0, 0.0)
    return schema.AuthorizationResourceMetrics(
        tally.total, tally.total - tally.failed, tally.failed, *tally.pace.read(now)
    )


def user_rules(entry: Entry) -> schema.UserRules:
    return schema.UserRules(entry.name, _rules(entry))


def client_rules(entry: Entry) -> schema.ClientRules:
    return schema.ClientRules(entry.name, _rules(entry))


def all_rules(entry: Entry | None) -> schema.AllRules:
    return schema.AllRules([] if entry is None else _rules(entry))


def _rules(entry: Entry) -> list[schema.PermissionRule]:
    return msgspec.convert(entry.rules, list[schema.PermissionRule])


def cached_permission(wish: Wish, answer: Answer) -> schema.CachedPermission:
    return schema.CachedPermission(
        access=wish.action,
        topic=wish.topic,
        result="deny" if answer.verdict is Verdict.DENY else "allow",
        updated_time=int(answer.at * 1000),
    )
