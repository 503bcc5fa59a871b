"""Tells monitoring the numbers of the other parts of the broker, and rules what is traced of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from folkmoot.domain import rules
from folkmoot.domain.monitoring import Figures, Monitoring
from folkmoot.house import House
from folkmoot.surfaces.mqtt.auth import Authentication
from folkmoot.surfaces.mqtt.auth.authenticator import Authenticator
from folkmoot.surfaces.mqtt.listening import Listening
from folkmoot.surfaces.mqtt.permissions import Permissions


def connect(
    watch: Monitoring,
    house: House,
    authentication: Authentication,
    permissions: Permissions,
    engine: rules.Engine,
    listeners: Listening,
) -> None:
    """Join them; bridges tell of themselves."""
    sources = watch.sources

    async def authenticators() -> Figures:
        return {each.config.id: await _authenticator(house, each) for each in authentication.authenticators}

    async def certificates() -> Figures:
        files = {each.id: each.options.ssl_options.certfile for each in listeners if each.options.ssl_options}
        return await asyncio.to_thread(_expiries, files)

    sources.authentication, sources.certificates = authenticators, certificates
    sources.authorization = lambda: {each.type: _source(permissions, each) for each in permissions.gate.sources}
    sources.banned = lambda: len(permissions.bans.all)
    sources.rules = lambda: {name: _rule(running, engine.clock()) for name, running in engine.rules.items()}

    def note(rule_id: str, words: str, details: Any) -> None:
        if watch.traces.rules and rule_id in watch.traces.rules:
            watch.traces.note_rule(rule_id, words, {"details": details}, engine.clock())

    engine.note = note


async def _authenticator(house: House, authenticator: Authenticator) -> dict[str, float]:
    from folkmoot.domain.authentication import list_users
    from folkmoot.surfaces.mqtt.auth.users import kind_of

    kind, tally = kind_of(authenticator.config), authenticator.tally
    users = 0 if kind is None else (await house.broker_db.read(list_users, kind, 0, 0))[1]
    return {
        "enable": authenticator.config.enable,
        "status": not authenticator.fault,
        "nomatch": tally.nomatch,
        "total": tally.total,
        "success": tally.success,
        "failed": tally.failed,
        "users_count": users,
    }


def _source(permissions: Permissions, asked: Any) -> dict[str, float]:
    from folkmoot.domain.authorization import BuiltInSource, FileSource

    tally, count = asked.tally, 0
    if isinstance(asked.source, FileSource):
        count = len(asked.source.parse())
    elif isinstance(asked.source, BuiltInSource):
        count = sum(len(entry.rules) for entry in permissions.gate.stock.entries.values())
    return {
        "enable": asked.source.enable,
        "status": not tally.error,
        "nomatch": tally.nomatch,
        "total": tally.total,
        "allow": tally.allow,
        "deny": tally.deny,
        "rules_count": count,
    }


def _rule(running: Any, now: float) -> dict[str, float]:
    figures = running.metrics.figures(now).items()
    return {"enable": running.rule.enable, **{name.replace(".", "_"): value for name, value in figures}}


def _expiries(files: dict[str, str]) -> dict[str, dict[str, float]]:
    """When the certificates in these files expire; of what cannot be read nothing is told."""
    from cryptography import x509

    found = dict[str, dict[str, float]]()
    for listener, name in files.items():
        try:
            certificate = x509.load_pem_x509_certificate(Path(name).read_bytes())
        except (OSError, ValueError):
            continue
        found[listener] = {"expiry_at": int(certificate.not_valid_after_utc.timestamp())}
    return found
